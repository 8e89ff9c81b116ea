package fib

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runGIL lets only the holder of the interpreter lock compute, and looks at the
// eval breaker at every call, as CPython does.
//
// Cost: one atomic load per call, and all parallelism: this is the article's
// figure 4.5.3, seven threads on one core.
// Progress: blocking.
func runGIL(workers, n int) Answer {
	var shared struct {
		_     cacheline.Pad
		lock  gil.GIL
		sum   int64 // guarded by lock
		calls int64 // guarded by lock
		_     cacheline.Pad
	}
	fork.Run("fib", workers, n, func(_, n int) {
		var t gil.Thread
		shared.lock.Acquire(&t)
		for range n {
			v := fibGIL(size, &shared.lock, &t, &shared.calls)
			shared.sum += int64(v)
		}
		shared.lock.Release(&t)
	})
	return Answer{shared.sum, shared.calls}
}

func fibGIL(n int, lock *gil.GIL, t *gil.Thread, calls *int64) int {
	lock.Tick(t)
	*calls++
	if n < 2 {
		return 1
	}
	return fibGIL(n-1, lock, t, calls) + fibGIL(n-2, lock, t, calls)
}
