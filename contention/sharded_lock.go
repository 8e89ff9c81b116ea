package contention

import (
	"sync"

	"boundaries/internal/cacheline"
)

// stripes is how many locks sharded-lock has. If there are more records, several
// share a lock.
const stripes = 64

// runShardedLock guards the records with one mutex per stripe: record i belongs to
// stripe i % 64. With one record it is global-mutex.
//
// Cost: that of global-mutex if accesses meet in a stripe. Otherwise, two locked
// instructions on a cache line that does not move.
// Progress: blocking.
func runShardedLock(t *Trial) int {
	var shared [stripes]struct {
		_  cacheline.Pad
		mu sync.Mutex
		_  cacheline.Pad
	}
	records := make([]slot, t.Case.Records) // each guarded by its stripe's mu
	t.Fork(func(w *Worker) {
		for w.Next() {
			stripe := &shared[w.Record%stripes]
			if w.Update {
				stripe.mu.Lock()
				w.Change(&records[w.Record].Record)
				stripe.mu.Unlock()
			} else {
				stripe.mu.Lock()
				w.See(&records[w.Record].Record)
				stripe.mu.Unlock()
			}
			w.Done()
		}
	})
	return total(records...)
}
