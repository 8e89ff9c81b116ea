// The benchmarks of the suite, a line for each workload. Package suitebench measures them.
package boundaries_test

import (
	"strings"
	"testing"

	"boundaries/internal/suite/all"
	"boundaries/internal/suite/suitebench"
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
			b.Run(keys, func(b *testing.B) { suitebench.Workload(b, w) })
		} else {
			suitebench.Workload(b, w)
		}
	}
}
