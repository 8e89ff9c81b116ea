package counter

import (
	"sync"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// runGlobalMutex guards the count with a mutex.
//
// Cost: two locked instructions per access, and the transfer of the mutex's cache
// line between processors.
// Progress: blocking.
func runGlobalMutex(t *contention.Trial) int {
	var shared struct {
		_     cacheline.Pad
		mu    sync.Mutex
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
				shared.mu.Lock()
				count := shared.count
				shared.mu.Unlock()
				w.Saw(count)
			}
			w.Done()
		}
	})
	return int(shared.count)
}
