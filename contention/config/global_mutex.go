package config

import (
	"sync"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// runGlobalMutex guards the map and its records with one mutex.
//
// Cost: accesses take turns, the look-up included.
// Progress: blocking.
func runGlobalMutex(t *contention.Trial) int {
	var shared struct {
		_  cacheline.Pad
		mu sync.Mutex
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
				shared.mu.Lock()
				w.See(records[key])
				shared.mu.Unlock()
			}
			w.Done()
		}
	})
	return total(records)
}
