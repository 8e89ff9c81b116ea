package loop

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runGIL lets one worker at a time take steps, until another has waited 5 ms,
// as CPython does. It pays one atomic load a step, and all parallelism: two
// workers are as slow as one. Blocking: who waits depends on the holder's ticks.
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
