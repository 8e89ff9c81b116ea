package loop

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runCAS reads the total and writes it back if nobody wrote meanwhile, again
// and again until that is so. It pays for every attempt that fails, which is
// why lock-free is a promise of progress and not of speed. Lock-free: one
// worker's failure is another's success, but a worker may fail for ever.
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
