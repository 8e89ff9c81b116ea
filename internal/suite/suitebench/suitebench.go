// Package suitebench is the harness of all benchmarks. It measures workloads. Before the
// rows it prints what the figures depend on, and after them how steady the machine was.
package suitebench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"boundaries/internal/cputime"
	"boundaries/internal/noise"
	"boundaries/internal/suite"
)

// ReportProcs names an environment variable. If it is set, each row also reports the
// metric procs: with how many workers it ran. Tests set it for a child.
const ReportProcs = "BOUNDARIES_TEST_PROCS"

// Workload measures every row with as many workers as there are procs. A row is
// opened before its clock starts, serves all its runs on one number of workers,
// and is closed after them.
//
// Run gets the whole of b.N, so the loop that is timed is the variant's own and no
// call through the table is inside it. This is why Workload uses b.N and not b.Loop,
// which must be the condition of the timed loop. As with RunParallel, ns/op is wall
// time per step, whichever worker took it: it halves when twice the workers do
// twice the work in the same time. user+sys-ns/op is the processor time of all
// workers per step.
func Workload(b *testing.B, w suite.Workload) {
	suite.Processors = usable.N()
	for _, row := range w.Benches {
		var open *suite.Session
		workersOf, failed := 0, false
		closeRow := func() {
			if open != nil && open.Close != nil {
				if err := open.Close(); err != nil {
					b.Errorf("%s: closing: %v", row.Name, err)
				}
			}
			open = nil
		}
		Leaf(b, w.Key+"="+row.Name, func(b *testing.B) {
			workers := runtime.GOMAXPROCS(0)
			if open != nil && (workers != workersOf || failed) {
				closeRow()
			}
			failed = true // until the end
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
			failed = false
		})
		closeRow()
	}
}

var (
	usable = noise.Usable()
	runs   noise.Log // of the whole command
)

// measure times a run, with the processor time that it and its children take, and
// notes how quiet the machine was.
func measure(b *testing.B, workers int, s *suite.Session) {
	var children []int
	if s.Children != nil {
		children = s.Children()
	}
	meter := noise.Start(workers, usable.N(), children...)
	// The processor time is read inside the clock's interval, because starting and
	// stopping the clock takes some processor time.
	b.ResetTimer()
	used, err := cputime.Used(children...)
	s.Run(b.N)
	end, endErr := cputime.Used(children...)
	b.StopTimer()
	runs.Add(b.Name(), b.N, meter.Stop())
	if err == nil && endErr == nil {
		b.ReportMetric(float64(end-used)/float64(b.N), "user+sys-ns/op")
	}
	if os.Getenv(ReportProcs) != "" {
		b.ReportMetric(float64(workers), "procs")
	}
}

// Leaf is b.Run for a benchmark without sub-benchmarks.
//
// testing runs the first iteration of a benchmark inside b.Run, and only then sets
// the first value of -cpu; for -benchtime 1x that iteration is all that is
// measured (go.dev/issue/49980). During that iteration GOMAXPROCS would still have the
// value of the row before, so Leaf sets the first value itself.
func Leaf(b *testing.B, name string, f func(b *testing.B)) {
	for list := range strings.SplitSeq(flag.Lookup("test.cpu").Value.String(), ",") {
		// Package testing has already refused a list with a value that is not a
		// number, and it skips empty values.
		if procs, err := strconv.Atoi(strings.TrimSpace(list)); err == nil {
			runtime.GOMAXPROCS(procs)
			break
		}
	}
	b.Run(name, f)
}

// A Head has what one package's benchmarks print before their rows, in addition to what
// all benchmarks print.
type Head struct {
	// Package is the argument with which go test runs this package from the root of
	// the module, or empty for the root's own.
	Package string

	Benchtime     string   // if -benchtime is not given; empty leaves it to package testing
	Lower, Higher []string // the units of which less, or more, is better
	Keys          []string // "key: value" lines: benchstat puts rows that differ in them into separate tables
	Facts         []string // "key: value" texts that become "#" lines
}

// Main runs the tests and benchmarks of m, a *testing.M, and returns the exit status. The flags
// must have been parsed.
//
// With -bench, Main measures each row for Head.Benchtime and runs no test unless -run is
// given. Otherwise go test would also run every test, once per value of -cpu. Before the
// rows Main prints what the figures depend on, and after them how steady the machine was.
func Main(m interface{ Run() int }, head Head) (status int) {
	if flag.Lookup("test.bench").Value.String() == "" {
		return m.Run()
	}
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"test.run": "^$", "test.benchtime": head.Benchtime} {
		if given[name] || value == "" {
			continue
		}
		if err := flag.Set(name, value); err != nil {
			panic(fmt.Sprintf("setting -%s to %q: %v", name, value, err))
		}
	}
	if given["test.benchtime"] {
		runs.Arguments = append(runs.Arguments, "-benchtime", flag.Lookup("test.benchtime").Value.String())
	}
	if head.Package != "" {
		runs.Arguments = append(runs.Arguments, head.Package)
	}
	if own := ownArguments(os.Args[1:]); len(own) > 0 {
		runs.Arguments = append(append(runs.Arguments, "-args"), own...)
	}
	head.print(os.Stdout)
	status = m.Run()
	if err := runs.Write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "writing how steady the machine was:", err)
		status = max(status, 1)
	}
	return status
}

// ownArguments returns the arguments that are not package testing's. go test passes
// -test.bench=RE; a user who runs the test binary may write -test.bench RE.
func ownArguments(arguments []string) (own []string) {
	for i := 0; i < len(arguments); i++ {
		name, isFlag := strings.CutPrefix(strings.Replace(arguments[i], "--", "-", 1), "-test.")
		if !isFlag {
			own = append(own, arguments[i])
			continue
		}
		if f := flag.Lookup("test." + name); f != nil {
			if b, ok := f.Value.(interface{ IsBoolFlag() bool }); !ok || !b.IsBoolFlag() {
				i++ // the value
			}
		}
	}
	return own
}

// source is the folder of this package's source, which tells the commit, whatever the
// current directory is. It is "" if -trimpath hides it.
var source = func() string {
	_, file, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(file) {
		return ""
	}
	return filepath.Dir(file)
}()

// print prints what the figures depend on, in the benchmark format
// (go.dev/design/14313-benchmark-format). Benchstat puts rows that differ in a
// "key: value" line into separate tables. That is right for the number of processors.
// It is wrong for facts that differ between two runs that a user wants to compare: the
// lines of such facts begin with "#", and benchstat skips them.
func (h Head) print(out io.Writer) {
	for _, line := range append([]string{fmt.Sprintf("numcpu: %d", usable.N())}, h.Keys...) {
		fmt.Fprintln(out, line)
	}
	for _, unit := range h.Lower {
		fmt.Fprintf(out, "Unit %s better=lower\n", unit)
	}
	for _, unit := range h.Higher {
		fmt.Fprintf(out, "Unit %s better=higher\n", unit)
	}
	facts := append([]string{
		"go: " + runtime.Version(),
		"date: " + time.Now().UTC().Format(time.RFC3339),
		"benchtime: " + flag.Lookup("test.benchtime").Value.String(),
		fmt.Sprintf("gomaxprocs: %d where -cpu does not say otherwise", runtime.GOMAXPROCS(0)),
	}, h.Facts...)
	if info, ok := debug.ReadBuildInfo(); ok {
		facts = append(facts, settings(info.Settings)...)
	}
	facts = append(facts, "processors: "+usable.String(), fmt.Sprintf("oversubscribed: rows of more than %d procs", usable.N()))
	for _, f := range noise.Facts() {
		facts = append(facts, f.Key+": "+f.Value)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		facts = append(facts, "load: "+strings.TrimSpace(string(load)))
	}
	if source != "" {
		if commit, err := exec.Command("git", "-C", source, "describe", "--always", "--dirty").Output(); err == nil {
			facts = append(facts, "commit: "+strings.TrimSpace(string(commit)))
		}
	}
	for _, fact := range facts {
		fmt.Fprintln(out, "#", fact)
	}
}

// settings returns what the build has that changes the time of a row.
func settings(all []debug.BuildSetting) (facts []string) {
	var build []string
	for _, s := range all {
		switch {
		case s.Key == "CGO_ENABLED": // on if there is a C compiler; then the C library starts threads
			facts = append(facts, "cgo: "+map[string]string{"0": "off", "1": "on"}[s.Value])
		case strings.HasPrefix(s.Key, "-") && s.Key != "-buildmode" && s.Key != "-compiler", s.Key == "GOAMD64" && s.Value != "v1", s.Key == "GOEXPERIMENT":
			build = append(build, s.Key+"="+s.Value)
		}
	}
	if build != nil { // such as -race=true, with which nothing has its usual time
		facts = append(facts, "build: "+strings.Join(build, " "))
	}
	return facts
}
