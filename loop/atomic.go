package loop

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runAtomic adds to the total with one locked instruction of the processor per
// step, LOCK XADD on amd64.
//
// Cost: one locked add per step, even with a single worker; with several, the
// total's cache line moves from processor to processor.
// Progress: wait-free on amd64, where the add cannot fail; lock-free where the
// add is a loop of load-linked and store-conditional.
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
