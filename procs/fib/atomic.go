package fib

import (
	"sync/atomic"

	"boundaries/procs/internal/children"
)

// runAtomic has all children count in one word of shared memory, with one locked add
// per call. Locked instructions work between processes as between threads, because
// the memory is the same.
//
// Cost: one locked add per call, even with a single child; with several, the count's
// cache line moves from processor to processor.
// Progress: wait-free on amd64; lock-free where the add is a loop.
func runAtomic(p *children.Pool, n int) (int, error) { return computeAndCount(p, n) }

func serveAtomic(w *children.Worker) {
	q := w.Queue
	w.Answer(func(item []uint64) {
		sum := 0
		for range item[0] {
			sum += fibAtomic(size, &q.Count)
		}
		item[0] = uint64(sum)
	})
}

func fibAtomic(n int, count *uint64) int {
	atomic.AddUint64(count, 1)
	if n < 2 {
		return 1
	}
	return fibAtomic(n-1, count) + fibAtomic(n-2, count)
}
