package contention

import (
	"sync"

	"boundaries/internal/cacheline"
)

// stripes is how many locks sharded-lock has. More records than that share.
const stripes = 64

// runShardedLock guards the records with a mutex a stripe: record i belongs to
// stripe i % 64. With one record it is global-mutex.
//
// Cost: as global-mutex where accesses meet in a stripe, and two locked
// instructions on a line that stays where they do not.
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
