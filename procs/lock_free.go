package procs

// runLockFree gives each child a ring of its own with one writer and one reader
// of each counter (Lamport, 1983), published half a ring at a time: while the
// child changes one half, the parent checks and fills the other. It pays for
// one cache line in eight items of a word, and for a wake-up in 512 if the other
// side has gone to sleep. Wait-free until the ring is empty or full, and then
// blocking: spin, then sleep.
func runLockFree(p *Pool, n int) (int, error) {
	return p.eachLane(n, func(l *lane, n int) (int, error) {
		q := l.queue
		got, end := l.first, l.first+uint64(n)
		for got < end {
			for ; l.sent < end && l.sent < got+q.window; l.sent++ {
				fill(q.slot(l.sent), l.sent)
			}
			q.sent.Store(l.sent)
			q.work.ring()
			done, err := l.await(got, min(got+q.batch, l.sent))
			if err != nil {
				return int(got - l.first), err
			}
			for ; got < done; got++ {
				if !right(q.slot(got), got) {
					return int(got - l.first), l.fault(l.item(got), errWrong)
				}
			}
		}
		return n, nil
	})
}

func serveLockFree(w *worker) {
	q := w.queue
	done := q.done.Load()
	for {
		sent := w.awaitSent(done + 1)
		for done < sent {
			for half := min(done+q.batch, sent); done < half; done++ {
				if !change(q.slot(done)) {
					w.torn(done)
				}
			}
			q.done.Store(done)
			q.answers.ring()
		}
	}
}
