package peers_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"boundaries/internal/suite/suitebench"
	"boundaries/peers"
	"boundaries/procs"
)

func TestMain(m *testing.M) {
	peers.Main() // neither returns in a child of a benchmark
	procs.Main()
	flag.Parse()
	status := suitebench.Main(m, suitebench.Head{Benchtime: "100ms", Lower: []string{"user+sys-ns/op", "ns/fork"},
		Facts: []string{"children: " + procs.Children()}})
	procs.Cleanup()
	os.Exit(status)
}

func BenchmarkLoop(b *testing.B)       { bench(b) }
func BenchmarkRefcount(b *testing.B)   { bench(b) }
func BenchmarkWorkerPool(b *testing.B) { bench(b) }
func BenchmarkForkJoin(b *testing.B)   { bench(b) }
func BenchmarkQueue(b *testing.B)      { bench(b) }
func BenchmarkAsyncIO(b *testing.B)    { bench(b) }
func BenchmarkProcs(b *testing.B)      { bench(b) }
func BenchmarkContention(b *testing.B) { bench(b) }
func BenchmarkAwait(b *testing.B)      { bench(b) }

// bench measures the jobs that have the benchmark's name.
func bench(b *testing.B) {
	name := strings.TrimPrefix(b.Name(), "Benchmark")
	for _, job := range peers.Jobs() {
		both := func(b *testing.B) {
			for _, w := range job.Workloads() {
				suitebench.Workload(b, w)
			}
		}
		if benchmark, keys, ok := strings.Cut(job.Ours.Name, "/"); benchmark != name {
			continue
		} else if ok {
			b.Run(keys, both)
		} else {
			both(b)
		}
	}
}
