package procs

import "boundaries/internal/gil"

// runGIL is lock-free, but each child does its work under a GIL of its own, as
// each process of multiprocessing has one, and releases it while it waits. It
// pays one atomic load an item: a GIL costs nothing where nobody else wants it,
// which is the point of multiprocessing. Blocking, as lock-free.
func runGIL(p *Pool, n int) (int, error) { return runLockFree(p, n) }

func serveGIL(w *worker) {
	var lock gil.GIL
	var t gil.Thread
	lock.Acquire(&t)
	q := w.queue
	done := q.done.Load()
	for {
		var sent uint64
		lock.Blocking(&t, func() { sent = w.awaitSent(done + 1) })
		for done < sent {
			for half := min(done+q.batch, sent); done < half; done++ {
				lock.Tick(&t)
				if !change(q.slot(done)) {
					w.torn(done)
				}
			}
			q.done.Store(done)
			q.answers.ring()
		}
	}
}
