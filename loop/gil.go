package loop

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runGIL lets only the holder of the interpreter lock take steps. As in CPython,
// a waiter asks for the lock after 5 ms.
//
// Cost: one atomic load per step, and all parallelism: two workers together are
// as slow as one.
// Progress: blocking, because a waiter depends on the holder's ticks.
func runGIL(workers, n int) int64 {
	var shared struct {
		_     cacheline.Pad
		lock  gil.GIL
		total int64 // guarded by lock
		_     cacheline.Pad
	}
	shared.total = 1
	fork.Run("loop", workers, n, func(_, n int) {
		var t gil.Thread
		shared.lock.Acquire(&t)
		for range n {
			shared.lock.Tick(&t)
			shared.total += 2
		}
		shared.lock.Release(&t)
	})
	return shared.total
}
