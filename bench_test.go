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

	"boundaries/fib"
	"boundaries/internal/cputime"
	"boundaries/loop"
	"boundaries/procs"
	"boundaries/refcount"
)

func BenchmarkLoop(b *testing.B) { bench(b, loop.Variants, loop.Total) }

func BenchmarkFib(b *testing.B) { bench(b, fib.Variants, fib.Want) }

func BenchmarkRefcount(b *testing.B) {
	b.Run("share=hot", func(b *testing.B) { bench(b, refcount.Hot.Rows(), refcount.Hot.Objects) })
	b.Run("share=own", func(b *testing.B) { bench(b, refcount.Own.Rows(), refcount.Own.Objects) })
}

func BenchmarkProcs(b *testing.B) {
	b.Run("payload=8B", func(b *testing.B) { benchChildren(b, "sync=", procs.Variants, procs.Word) })
	b.Run("payload=64KiB", func(b *testing.B) { benchChildren(b, "sync=", procs.Blocks(), procs.Block) })
}

func BenchmarkProcsFib(b *testing.B) { benchChildren(b, "sync=", procs.FibVariants, procs.None) }

func BenchmarkSpawn(b *testing.B) { benchChildren(b, "start=", procs.SpawnVariants, procs.None) }

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
}, want func(workers, n int) A) {
	for _, v := range variants {
		runLeaf(b, "sync="+v.Name, func(b *testing.B) {
			workers := runtime.GOMAXPROCS(0)
			var got A
			measure(b, workers, nil, func() { got = v.Run(workers, b.N) })
			if want := want(workers, b.N); got != want {
				b.Fatalf("%d workers, %d steps: got %v, want %v", workers, b.N, got, want)
			}
		})
	}
}

// benchChildren is bench for variants whose workers are child processes. They
// are started before the clock is, serve all runs of a row at one number of
// workers, and end with the row. What is not there on this platform is skipped.
func benchChildren(b *testing.B, key string, variants []procs.Variant, payload procs.Payload) {
	for _, v := range variants {
		var pool *procs.Pool
		workersOf := 0
		runLeaf(b, key+v.Name, func(b *testing.B) {
			workers := runtime.GOMAXPROCS(0)
			if pool != nil && workers != workersOf {
				if err := pool.Close(); err != nil {
					b.Fatal(err)
				}
				pool = nil
			}
			if pool == nil {
				var err error
				if pool, err = v.Start(workers, payload); errors.Is(err, errors.ErrUnsupported) {
					b.Skip(err)
				} else if err != nil {
					b.Fatal(err)
				}
				workersOf = workers
			}
			b.SetBytes(int64(payload))
			var got int
			var err error
			measure(b, workers, pool.Pids(), func() { got, err = pool.Run(b.N) })
			if err != nil || got != b.N {
				b.Fatalf("%d workers: %d steps of %d: %v", workers, got, b.N, err)
			}
		})
		if pool != nil {
			if err := pool.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// measure times run and reports the processor time that it took, with that of
// the children that live.
func measure(b *testing.B, workers int, children []int, run func()) {
	used, err := cputime.Used(children...)
	b.ResetTimer()
	run()
	b.StopTimer()
	if err == nil {
		if end, err := cputime.Used(children...); err == nil {
			b.ReportMetric(float64(end-used)/float64(b.N), "user+sys-ns/op")
		}
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
