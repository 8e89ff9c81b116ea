package procs

import (
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/items"
)

// runPing has one item in flight, to one child whatever the number of workers: a
// round trip, with nothing batched.
//
// Cost: two cache lines that move there and back. Without a processor for each
// side it is two wake-ups instead, which cost far more.
// Progress: blocking: the waiter spins, then sleeps.
func runPing(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		q := l.Queue
		for got := l.First; got < l.First+uint64(n); got++ {
			items.Fill(q.Slot(got), got)
			l.Sent = got + 1
			q.Sent.Store(l.Sent)
			q.Work.Ring()
			if _, err := l.Await(got, l.Sent); err != nil {
				return int(got - l.First), err
			}
			if !items.Right(q.Slot(got), got) {
				return int(got - l.First), l.Fault(l.Item(got), items.ErrWrong)
			}
		}
		return n, nil
	})
}

func servePing(w *children.Worker) {
	q := w.Queue
	for done := q.Done.Load(); ; {
		w.AwaitSent(done + 1)
		if !items.Change(q.Slot(done)) {
			w.ExitTorn(done)
		}
		done++
		q.Done.Store(done)
		q.Answers.Ring()
	}
}
