package counter

import (
	"sync"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// runRWMutex guards the count with a sync.RWMutex.
//
// Cost: every read writes the lock's cache line twice. An update also waits for
// every reader inside.
// Progress: blocking.
func runRWMutex(t *contention.Trial) int {
	var shared struct {
		_     cacheline.Pad
		mu    sync.RWMutex
		count int64 // guarded by mu
		_     cacheline.Pad
	}
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				shared.mu.Lock()
				shared.count++
				shared.mu.Unlock()
			} else {
				shared.mu.RLock()
				count := shared.count
				shared.mu.RUnlock()
				w.Saw(count)
			}
			w.Done()
		}
	})
	return int(shared.count)
}
