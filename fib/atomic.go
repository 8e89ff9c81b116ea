package fib

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runAtomic counts with one locked add per call, as the Gilectomy counted
// references.
//
// Cost: one locked add per call, even with a single worker; with several, the
// count's cache line moves from processor to processor.
// Progress: wait-free on amd64; lock-free where the add is a loop.
func runAtomic(workers, n int) Answer {
	var sum atomic.Int64
	var shared struct {
		_     cacheline.Pad
		calls atomic.Int64
		_     cacheline.Pad
	}
	fork.Run("fib", workers, n, func(_, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibAtomic(size, &shared.calls))
		}
		sum.Add(mine)
	})
	return Answer{sum.Load(), shared.calls.Load()}
}

func fibAtomic(n int, calls *atomic.Int64) int {
	calls.Add(1)
	if n < 2 {
		return 1
	}
	return fibAtomic(n-1, calls) + fibAtomic(n-2, calls)
}
