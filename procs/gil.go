package procs

import (
	"boundaries/internal/gil"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/items"
)

// runGIL is lock-free with a GIL in each child, as each process of multiprocessing
// has one: the child works under its GIL and releases it while it waits. A GIL
// costs almost nothing if no other thread wants it, which is the point of
// multiprocessing.
//
// Cost: what lock-free costs, and one atomic load an item.
// Progress: that of the row lock-free: wait-free until a ring is empty or full, and then
// blocking.
func runGIL(p *children.Pool, n int) (int, error) { return runLockFree(p, n) }

func serveGIL(w *children.Worker) {
	var lock gil.GIL
	var t gil.Thread
	lock.Acquire(&t)
	q := w.Queue
	done := q.Done.Load()
	for {
		var sent uint64
		lock.Blocking(&t, func() { sent = w.AwaitSent(done + 1) })
		for done < sent {
			for half := min(done+q.Batch, sent); done < half; done++ {
				lock.Tick(&t)
				if !items.Change(q.Slot(done)) {
					w.ExitTorn(done)
				}
			}
			q.Done.Store(done)
			q.Answers.Ring()
		}
	}
}
