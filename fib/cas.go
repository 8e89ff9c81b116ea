package fib

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runCAS reads the count and writes back one more if no other worker has written
// in the meantime. Otherwise it tries again.
//
// Cost: one locked instruction per attempt, and attempts fail when workers
// collide.
// Progress: lock-free, because an attempt fails only when another worker's
// succeeds.
func runCAS(workers, n int) Answer {
	var sum atomic.Int64
	var shared struct {
		_     cacheline.Pad
		calls atomic.Int64
		_     cacheline.Pad
	}
	fork.Run("fib", workers, n, func(_, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibCAS(size, &shared.calls))
		}
		sum.Add(mine)
	})
	return Answer{sum.Load(), shared.calls.Load()}
}

func fibCAS(n int, calls *atomic.Int64) int {
	for {
		count := calls.Load()
		if calls.CompareAndSwap(count, count+1) {
			break
		}
	}
	if n < 2 {
		return 1
	}
	return fibCAS(n-1, calls) + fibCAS(n-2, calls)
}
