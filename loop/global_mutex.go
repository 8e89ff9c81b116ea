package loop

import (
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runGlobalMutex holds one lock around every step.
//
// Cost: the lock at every step, and moving the lock and the total between
// processors whenever another worker held them last.
// Progress: blocking.
func runGlobalMutex(workers, n int) int64 {
	var shared struct {
		_     cacheline.Pad
		mu    sync.Mutex
		total int64 // guarded by mu
		_     cacheline.Pad
	}
	shared.total = 1
	fork.Run("loop", workers, n, func(_, n int) {
		for range n {
			shared.mu.Lock()
			shared.total += 2
			shared.mu.Unlock()
		}
	})
	return shared.total
}
