package loop

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runAtomic lets the processor do the locking: one locked add a step (LOCK XADD
// on amd64). It pays for that even alone, and for a cache line that changes
// hands when it is not. Wait-free on amd64, where the add cannot fail; lock-free
// where it is a loop of load-linked and store-conditional.
func runAtomic(workers, n int) int64 {
	var shared struct {
		_     cacheline.Pad
		total atomic.Int64
		_     cacheline.Pad
	}
	shared.total.Store(1)
	fork.Run("loop", workers, n, func(_, n int) {
		for range n {
			shared.total.Add(2)
		}
	})
	return shared.total.Load()
}
