package contention

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/gil"
)

// runGIL guards everything with CPython's lock. The holder keeps it from step to
// step, also while it thinks, until another goroutine has waited 5 ms.
//
// Cost: one atomic load per step, and no parallelism.
// Progress: blocking. The holder gives the lock away only between two steps.
func runGIL(t *Trial) int {
	var shared struct {
		_    cacheline.Pad
		lock gil.GIL
		_    cacheline.Pad
	}
	records := make([]slot, t.Case.Records) // guarded by lock
	t.Fork(func(w *Worker) {
		var thread gil.Thread
		shared.lock.Acquire(&thread)
		for w.Next() {
			shared.lock.Tick(&thread)
			if w.Update {
				w.Change(&records[w.Record].Record)
			} else {
				w.See(&records[w.Record].Record)
			}
			w.Done()
		}
		shared.lock.Release(&thread)
	})
	return total(records...)
}
