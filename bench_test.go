// The benchmarks of the suite, a line for each workload, and what they share.
package boundaries_test

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"boundaries/fib"
	"boundaries/forkjoin"
	"boundaries/internal/cputime"
	"boundaries/loop"
	"boundaries/refcount"
	"boundaries/workerpool"
)

func BenchmarkLoop(b *testing.B) { bench(b, loop.Variants, loop.Total) }

func BenchmarkFib(b *testing.B) { bench(b, fib.Variants, fib.Want) }

func BenchmarkRefcount(b *testing.B) {
	b.Run("share=hot", func(b *testing.B) { bench(b, refcount.Hot.Rows(), refcount.Hot.Objects) })
	b.Run("share=own", func(b *testing.B) { bench(b, refcount.Own.Rows(), refcount.Own.Objects) })
}

func BenchmarkWorkerPool(b *testing.B) {
	b.Run("task=empty", func(b *testing.B) { bench(b, workerpool.Empty.Rows(), workerpool.Want) })
	b.Run("task=1us", func(b *testing.B) { bench(b, workerpool.Microsecond.Rows(), workerpool.Want) })
	b.Run("task=io", func(b *testing.B) { bench(b, workerpool.IO.Rows(), workerpool.Want) })
}

func BenchmarkForkJoin(b *testing.B) {
	bench(b, forkjoin.Variants, forkjoin.Want, part{"ns/fork", forkjoin.Forks})
}

// A part is a unit for the wall time of what there are count of in a step.
type part struct {
	unit  string
	count int
}

// bench measures every variant with as many workers as there are procs.
//
// Run gets the whole of b.N, so the loop that is timed is the variant's own and
// no call through the table is inside it. This is why b.N stands here and not
// b.Loop, whose condition must be the timed loop's. As with RunParallel, ns/op
// is wall time per step, whichever worker took it: it halves when twice the
// workers do twice the work in the same time. user+sys-ns/op is the processor
// time of all of them.
func bench[A comparable](b *testing.B, variants []struct {
	Name string
	Run  func(workers, n int) A
}, want func(workers, n int) A, parts ...part) {
	for _, v := range variants {
		runLeaf(b, "sync="+v.Name, func(b *testing.B) {
			workers := runtime.GOMAXPROCS(0)
			used, err := cputime.Used()
			b.ResetTimer()
			got := v.Run(workers, b.N)
			b.StopTimer()
			if err == nil {
				end, _ := cputime.Used()
				b.ReportMetric(float64(end-used)/float64(b.N), "user+sys-ns/op")
			}
			for _, p := range parts {
				b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(p.count), p.unit)
			}
			if want := want(workers, b.N); got != want {
				b.Fatalf("%d workers, %d steps: got %v, want %v", workers, b.N, got, want)
			}
			if os.Getenv(reportProcs) != "" {
				b.ReportMetric(float64(workers), "procs")
			}
		})
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
