package contention

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runGlobalMutex guards all records with one mutex.
//
// Cost: two locked instructions per access, the transfer of the mutex's cache line
// between processors, and a sleep and a wake-up if a waiter gives up spinning.
// Progress: blocking.
func runGlobalMutex(t *Trial) int {
	var shared struct {
		_  cacheline.Pad
		mu sync.Mutex
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
				shared.mu.Lock()
				w.See(&records[w.Record].Record)
				shared.mu.Unlock()
			}
			w.Done()
		}
	})
	return total(records...)
}
