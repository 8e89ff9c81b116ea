package loop

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runCAS reads the total and writes back the sum if no other worker has written
// in the meantime. Otherwise it tries again.
//
// Cost: one locked instruction per attempt, and attempts fail when workers
// collide. This is why lock-free promises progress and not speed.
// Progress: lock-free, because an attempt fails only when another worker's
// succeeds; one worker may fail without limit.
func runCAS(workers, n int) int64 {
	var shared struct {
		_     cacheline.Pad
		total atomic.Int64
		_     cacheline.Pad
	}
	shared.total.Store(1)
	fork.Run("loop", workers, n, func(_, n int) {
		for range n {
			for {
				total := shared.total.Load()
				if shared.total.CompareAndSwap(total, total+2) {
					break
				}
			}
		}
	})
	return shared.total.Load()
}
