package loop

import (
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runGlobalMutex holds one lock around every step. It pays for the lock at
// every step, and for the way the lock and the total take from one processor to
// the next whenever another worker had them last. Blocking.
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
