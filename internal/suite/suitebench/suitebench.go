// Package suitebench measures workloads. The benchmarks of more than one package use
// it.
package suitebench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"boundaries/internal/cputime"
	"boundaries/internal/suite"
)

// ReportProcs names the environment variable with which a test asks its child how
// many workers each row really had: the metric procs.
const ReportProcs = "BOUNDARIES_TEST_PROCS"

// Workload measures every row with as many workers as there are procs. A row is
// opened before its clock starts, serves all its runs on one number of workers,
// and is closed after them.
//
// Run gets the whole of b.N, so the loop that is timed is the variant's own and no
// call through the table is inside it. This is why it uses b.N and not b.Loop: the
// call of b.Loop would have to be the condition of the timed loop. As with
// RunParallel, ns/op is wall time per step, whichever worker took it: it halves
// when twice the workers do twice the work in the same time. user+sys-ns/op is the
// processor time of all of them.
func Workload(b *testing.B, w suite.Workload) {
	for _, row := range w.Benches {
		var open *suite.Session
		workersOf := 0
		closeRow := func() {
			if open != nil && open.Close != nil {
				if err := open.Close(); err != nil {
					b.Errorf("%s: closing: %v", row.Name, err)
				}
			}
			open = nil
		}
		leaf(b, w.Key+"="+row.Name, func(b *testing.B) {
			workers := runtime.GOMAXPROCS(0)
			if open != nil && workers != workersOf {
				closeRow()
			}
			if open == nil {
				session, err := row.Open(workers)
				if errors.Is(err, errors.ErrUnsupported) {
					b.Skip(err)
				} else if err != nil {
					b.Fatal(err)
				}
				open, workersOf = &session, workers
			}
			b.SetBytes(open.Bytes)
			measure(b, workers, open)
			if err := open.Check(b.N); err != nil {
				b.Fatalf("%d workers, %d steps: %v", workers, b.N, err)
			}
			if open.Metrics != nil {
				for _, m := range open.Metrics(b.Elapsed(), b.N) {
					b.ReportMetric(m.Value, m.Unit)
				}
			}
		})
		closeRow()
	}
}

// measure times a run and the processor time of this process and the row's children.
func measure(b *testing.B, workers int, s *suite.Session) {
	var children []int
	if s.Children != nil {
		children = s.Children()
	}
	// Start the clock before reading the processor time and stop it after: starting
	// and stopping it uses processor time, too.
	b.ResetTimer()
	used, err := cputime.Used(children...)
	s.Run(b.N)
	end, endErr := cputime.Used(children...)
	b.StopTimer()
	if err == nil && endErr == nil {
		b.ReportMetric(float64(end-used)/float64(b.N), "user+sys-ns/op")
	}
	if os.Getenv(ReportProcs) != "" {
		b.ReportMetric(float64(workers), "procs")
	}
}

// leaf is b.Run for a benchmark without sub-benchmarks.
//
// testing runs the first iteration of a benchmark inside b.Run, and only then sets
// the first value of -cpu; for -benchtime 1x that iteration is all that is
// measured (go.dev/issue/49980). During that iteration GOMAXPROCS is what the row
// before has left, hence the call here.
func leaf(b *testing.B, name string, f func(b *testing.B)) {
	for list := range strings.SplitSeq(flag.Lookup("test.cpu").Value.String(), ",") {
		// testing has already rejected a list with a value that is not a number, and
		// skips empty values.
		if procs, err := strconv.Atoi(strings.TrimSpace(list)); err == nil {
			runtime.GOMAXPROCS(procs)
			break
		}
	}
	b.Run(name, f)
}

// Flags sets the defaults of a command with -bench: the given benchtime, and no
// tests. Without the latter, go test would also run every test, once per value of
// -cpu. Flags that the command sets keep their values. Flags reports whether
// -bench is set. The flags must have been parsed.
func Flags(benchtime string) bool {
	if flag.Lookup("test.bench").Value.String() == "" {
		return false
	}
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"test.run": "^$", "test.benchtime": benchtime} {
		if !given[name] {
			if err := flag.Set(name, value); err != nil {
				panic(fmt.Sprintf("setting -%s to %q: %v", name, value, err))
			}
		}
	}
	return true
}

// Facts prints the facts that the figures depend on, in the benchmark format
// (go.dev/design/14313-benchmark-format), and whether lower or higher is better
// for each unit. If the value of a "key: value" line differs between rows,
// benchstat prints separate tables. That is right for the number of processors,
// but wrong for facts that may differ between two runs that a reader wants to
// compare. Lines with such facts begin with "#", and benchstat skips them. The
// caller passes facts of its own in more.
func Facts(out io.Writer, units map[string][]string, more ...string) {
	fmt.Fprintf(out, "numcpu: %d\n", runtime.NumCPU())
	for _, better := range []string{"lower", "higher"} {
		for _, unit := range units[better] {
			fmt.Fprintf(out, "Unit %s better=%s\n", unit, better)
		}
	}
	facts := append([]string{
		"go: " + runtime.Version(),
		"date: " + time.Now().UTC().Format(time.RFC3339),
		"benchtime: " + flag.Lookup("test.benchtime").Value.String(),
		fmt.Sprintf("gomaxprocs: %d where -cpu does not say otherwise", runtime.GOMAXPROCS(0)),
		fmt.Sprintf("oversubscribed: rows of more than %d procs", runtime.NumCPU()),
	}, more...)
	for _, fact := range []struct{ name, file string }{
		{"kernel", "/proc/sys/kernel/osrelease"},
		{"load", "/proc/loadavg"},
	} {
		if text, err := os.ReadFile(fact.file); err == nil {
			facts = append(facts, fact.name+": "+strings.TrimSpace(string(text)))
		}
	}
	if commit, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		facts = append(facts, "commit: "+strings.TrimSpace(string(commit)))
	}
	for _, fact := range facts {
		fmt.Fprintln(out, "#", fact)
	}
}
