package fib

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runGlobalMutex counts under one lock, as the free-threading patch of 1996
// counted references.
//
// Cost: the lock at every call, and moving it from processor to processor.
// Progress: blocking.
func runGlobalMutex(workers, n int) Answer {
	var sum atomic.Int64
	var shared callsUnderMutex
	fork.Run("fib", workers, n, func(_, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibGlobalMutex(size, &shared))
		}
		sum.Add(mine)
	})
	return Answer{sum.Load(), shared.calls}
}

// callsUnderMutex is padded on both sides so that its line holds nothing else.
type callsUnderMutex struct {
	_     cacheline.Pad
	mu    sync.Mutex
	calls int64 // guarded by mu
	_     cacheline.Pad
}

func fibGlobalMutex(n int, shared *callsUnderMutex) int {
	shared.mu.Lock()
	shared.calls++
	shared.mu.Unlock()
	if n < 2 {
		return 1
	}
	return fibGlobalMutex(n-1, shared) + fibGlobalMutex(n-2, shared)
}
