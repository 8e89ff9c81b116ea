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
	"time"

	"boundaries/asyncio"
	"boundaries/asyncio/await"
	"boundaries/asyncio/respond"
	"boundaries/fib"
	"boundaries/forkjoin"
	"boundaries/internal/boxed"
	"boundaries/internal/cputime"
	"boundaries/loop"
	"boundaries/procs"
	"boundaries/refcount"
	"boundaries/workerpool"
)

func BenchmarkLoop(b *testing.B) { bench(b, loop.Variants, loop.Total) }

func BenchmarkFib(b *testing.B) { bench(b, fib.Variants, fib.Want) }

func BenchmarkLoopBoxed(b *testing.B) { benchKey(b, "system=", boxed.Loop.Rows(), boxed.Loop.Want) }

func BenchmarkFibBoxed(b *testing.B) { benchKey(b, "system=", boxed.Fib.Rows(), boxed.Fib.Want) }

func BenchmarkStoneBoxed(b *testing.B) { benchKey(b, "system=", boxed.Stone.Rows(), boxed.Stone.Want) }

func BenchmarkRefcount(b *testing.B) {
	b.Run("share=hot", func(b *testing.B) { bench(b, refcount.Hot.Rows(), refcount.Hot.Want) })
	b.Run("share=own", func(b *testing.B) { bench(b, refcount.Own.Rows(), refcount.Own.Want) })
}

func BenchmarkWorkerPool(b *testing.B) {
	b.Run("task=empty", func(b *testing.B) { bench(b, workerpool.Empty.Rows(), workerpool.Want) })
	b.Run("task=1us", func(b *testing.B) { bench(b, workerpool.Microsecond.Rows(), workerpool.Want) })
	b.Run("task=io", func(b *testing.B) { bench(b, workerpool.IO.Rows(), workerpool.Want) })
}

func BenchmarkForkJoin(b *testing.B) {
	bench(b, forkjoin.Variants, forkjoin.Want, func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed())/float64(b.N)/forkjoin.Forks, "ns/fork")
	})
}

// Respond reports what the user waited for, beside the mean, which is ns/op.
func BenchmarkRespond(b *testing.B) {
	b.Run("load=idle", func(b *testing.B) { benchRespond(b, respond.Idle) })
	b.Run("load=busy", func(b *testing.B) { benchRespond(b, respond.Busy) })
}

func benchRespond(b *testing.B, load respond.Load) {
	var latencies respond.Latencies
	bench(b, load.Rows(&latencies), respond.Want, func(b *testing.B) {
		b.ReportMetric(float64(latencies.Percentile(50)), "p50-ns")
		b.ReportMetric(float64(latencies.Percentile(99)), "p99-ns")
	})
}

func BenchmarkProcs(b *testing.B) {
	b.Run("payload=8B", func(b *testing.B) { benchChildren(b, "sync=", procs.Variants, procs.Word) })
	b.Run("payload=64KiB", func(b *testing.B) { benchChildren(b, "sync=", procs.Blocks(), procs.Block) })
}

func BenchmarkProcsFib(b *testing.B) { benchChildren(b, "sync=", procs.FibVariants, procs.None) }

func BenchmarkSpawn(b *testing.B) { benchChildren(b, "start=", procs.SpawnVariants, procs.None) }

// AsyncIO has 64 questions in flight at every -cpu.
func BenchmarkAsyncIO(b *testing.B) {
	b.Run("latency=0", func(b *testing.B) { benchAsyncIO(b, 0) })
	b.Run("latency=1ms", func(b *testing.B) { benchAsyncIO(b, time.Millisecond) })
}

func benchAsyncIO(b *testing.B, latency time.Duration) {
	db, err := asyncio.Open(b.Context(), latency)
	if err != nil {
		b.Fatal(err)
	}
	bench(b, db.Rows(), asyncio.Want)
	if err := db.Close(); err != nil {
		b.Error(err)
	}
}

func BenchmarkAwait(b *testing.B) { bench(b, await.Variants, await.Want) }

// bench measures every variant with as many workers as there are procs.
//
// Run gets the whole of b.N, so the loop that is timed is the variant's own and
// no call through the table is inside it. This is why b.N stands here and not
// b.Loop, whose condition must be the timed loop's. As with RunParallel, ns/op
// is wall time per step, whichever worker took it: it halves when twice the
// workers do twice the work in the same time. user+sys-ns/op is the processor
// time of all of them. What more functions there are report figures of their own
// after each run.
func bench[A comparable](b *testing.B, variants []struct {
	Name string
	Run  func(workers, n int) A
}, want func(workers, n int) A, more ...func(b *testing.B)) {
	benchKey(b, "sync=", variants, want, more...)
}

// benchKey is bench for variants that are the values of another key.
func benchKey[A comparable](b *testing.B, key string, variants []struct {
	Name string
	Run  func(workers, n int) A
}, want func(workers, n int) A, more ...func(b *testing.B)) {
	for _, v := range variants {
		runLeaf(b, key+v.Name, func(b *testing.B) {
			workers := runtime.GOMAXPROCS(0)
			var got A
			measure(b, workers, nil, func() { got = v.Run(workers, b.N) })
			if want := want(workers, b.N); got != want {
				b.Fatalf("%d workers, %d steps: got %v, want %v", workers, b.N, got, want)
			}
			for _, report := range more {
				report(b)
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
	// The clock is read outside the processor time, and not the other way
	// round: to start and stop it takes some.
	b.ResetTimer()
	used, err := cputime.Used(children...)
	run()
	end, endErr := cputime.Used(children...)
	b.StopTimer()
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
