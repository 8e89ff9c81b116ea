package procs

import (
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/items"
)

// runLockFree gives each child a ring of its own, each counter of which has one
// writer and one reader (Lamport, 1983). Both sides publish half a ring at a time:
// while the child changes one half, the parent checks and fills the other.
//
// Cost: one cache line for every eight items of a word, and a wake-up for every
// 512 of them if the other side sleeps.
// Progress: wait-free until the ring is empty or full, and then blocking: the
// waiter spins, then sleeps.
func runLockFree(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		q := l.Queue
		got, end := l.First, l.First+uint64(n)
		for got < end {
			for ; l.Sent < end && l.Sent < got+q.Window; l.Sent++ {
				items.Fill(q.Slot(l.Sent), l.Sent)
			}
			q.Sent.Store(l.Sent)
			q.Work.Ring()
			done, err := l.Await(got, min(got+q.Batch, l.Sent))
			if err != nil {
				return int(got - l.First), err
			}
			for ; got < done; got++ {
				if !items.Right(q.Slot(got), got) {
					return int(got - l.First), l.Fault(l.Item(got), items.ErrWrong)
				}
			}
		}
		return n, nil
	})
}

func serveLockFree(w *children.Worker) {
	q := w.Queue
	done := q.Done.Load()
	for {
		sent := w.AwaitSent(done + 1)
		for done < sent {
			for half := min(done+q.Batch, sent); done < half; done++ {
				if !items.Change(q.Slot(done)) {
					w.ExitTorn(done)
				}
			}
			q.Done.Store(done)
			q.Answers.Ring()
		}
	}
}
