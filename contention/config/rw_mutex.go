package config

import (
	"sync"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// runRWMutex guards the map and its records with one sync.RWMutex.
//
// Cost: every read writes the lock's cache line twice. An update also waits for
// every reader inside.
// Progress: blocking. A waiting writer blocks new readers.
func runRWMutex(t *contention.Trial) int {
	var shared struct {
		_  cacheline.Pad
		mu sync.RWMutex
		_  cacheline.Pad
	}
	keys := keys(t.Case.Records)
	records := newMap(keys) // guarded by mu, together with its records
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			key := keys[w.Record]
			if w.Update {
				shared.mu.Lock()
				w.Change(records[key])
				shared.mu.Unlock()
			} else {
				shared.mu.RLock()
				w.See(records[key])
				shared.mu.RUnlock()
			}
			w.Done()
		}
	})
	return total(records)
}
