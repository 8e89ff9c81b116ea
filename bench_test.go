// The benchmarks of the suite, a line for each workload, and what they share.
package boundaries_test

import (
	"errors"
	"flag"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"boundaries/internal/cputime"
	"boundaries/internal/noise"
	"boundaries/internal/suite"
	"boundaries/internal/suite/all"
)

func BenchmarkLoop(b *testing.B)            { bench(b) }
func BenchmarkFib(b *testing.B)             { bench(b) }
func BenchmarkLoopBoxed(b *testing.B)       { bench(b) }
func BenchmarkSharedLoopBoxed(b *testing.B) { bench(b) }
func BenchmarkCountdownBoxed(b *testing.B)  { bench(b) }
func BenchmarkFibBoxed(b *testing.B)        { bench(b) }
func BenchmarkStoneBoxed(b *testing.B)      { bench(b) }
func BenchmarkRefcount(b *testing.B)        { bench(b) }
func BenchmarkWorkerPool(b *testing.B)      { bench(b) }
func BenchmarkForkJoin(b *testing.B)        { bench(b) }
func BenchmarkRespond(b *testing.B)         { bench(b) }
func BenchmarkProcs(b *testing.B)           { bench(b) }
func BenchmarkProcsFib(b *testing.B)        { bench(b) }
func BenchmarkSpawn(b *testing.B)           { bench(b) }
func BenchmarkAsyncIO(b *testing.B)         { bench(b) }
func BenchmarkAwait(b *testing.B)           { bench(b) }

// bench measures the workloads of the list that have the benchmark's name.
func bench(b *testing.B) {
	name := strings.TrimPrefix(b.Name(), "Benchmark")
	for _, w := range all.Workloads() {
		if benchmark, keys, ok := strings.Cut(w.Name, "/"); benchmark != name {
			continue
		} else if ok {
			b.Run(keys, func(b *testing.B) { benchWorkload(b, w) })
		} else {
			benchWorkload(b, w)
		}
	}
}

// benchWorkload measures every row with as many workers as there are procs. A
// row is opened before its clock starts, serves all its runs on one number of
// workers, and is closed after them.
//
// Run gets the whole of b.N, so the loop that is timed is the variant's own and
// no call through the table is inside it. This is why b.N stands here and not
// b.Loop, whose condition must be the timed loop's. As with RunParallel, ns/op
// is wall time per step, whichever worker took it: it halves when twice the
// workers do twice the work in the same time. user+sys-ns/op is the processor
// time of all of them.
func benchWorkload(b *testing.B, w suite.Workload) {
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
		runLeaf(b, w.Key+"="+row.Name, func(b *testing.B) {
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
	// The clock is read outside the processor time, and not the other way
	// round: to start and stop it takes some.
	b.ResetTimer()
	used, err := cputime.Used(children...)
	s.Run(b.N)
	end, endErr := cputime.Used(children...)
	b.StopTimer()
	runs.Add(b.Name(), b.N, meter.Stop())
	if err == nil && endErr == nil {
		b.ReportMetric(float64(end-used)/float64(b.N), "user+sys-ns/op")
	}
	if os.Getenv(reportProcs) != "" {
		b.ReportMetric(float64(workers), "procs")
	}
}

// reportProcs names the environment variable with which a test asks its child
// how many workers each row really had.
const reportProcs = "BOUNDARIES_TEST_PROCS"

// runLeaf is b.Run for a benchmark without sub-benchmarks.
//
// testing runs the first iteration of a benchmark inside b.Run, and only then
// sets the first value of -cpu; for -benchtime 1x that iteration is all that is
// measured (go.dev/issue/49980). What GOMAXPROCS is during that iteration is
// left over from the row before, hence the call here.
func runLeaf(b *testing.B, name string, f func(b *testing.B)) {
	for list := range strings.SplitSeq(flag.Lookup("test.cpu").Value.String(), ",") {
		// testing has refused the list already if a value is not a number,
		// and skips the empty ones.
		if procs, err := strconv.Atoi(strings.TrimSpace(list)); err == nil {
			runtime.GOMAXPROCS(procs)
			break
		}
	}
	b.Run(name, f)
}
