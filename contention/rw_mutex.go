package contention

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runRWMutex guards all records with one sync.RWMutex. Readers do not wait for
// readers, but each reader writes the lock's count of readers twice.
//
// Cost: a read moves one cache line between processors twice, as much as two
// atomic adds to one word; an update also waits for every reader inside.
// Progress: blocking. A waiting writer blocks new readers.
func runRWMutex(t *Trial) int {
	var shared struct {
		_  cacheline.Pad
		mu sync.RWMutex
		_  cacheline.Pad
	}
	records := make([]slot, t.Case.Records) // guarded by mu
	t.Fork(func(w *Worker) {
		for w.Next() {
			if w.Update {
				shared.mu.Lock()
				w.Change(&records[w.Record].Record)
				shared.mu.Unlock()
			} else {
				shared.mu.RLock()
				w.See(&records[w.Record].Record)
				shared.mu.RUnlock()
			}
			w.Done()
		}
	})
	return total(records...)
}
