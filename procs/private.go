package procs

import (
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/items"
)

// runPrivate gives each child its items a whole block at a time. The block belongs
// to the parent until it is full, and then to the child until all of it is
// answered.
//
// Cost: idleness. A child has nothing to do while the parent reads its block and
// fills the next. Only the other children work then.
// Progress: blocking.
func runPrivate(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		q := l.Queue
		got, end := l.First, l.First+uint64(n)
		for got < end {
			for ; l.Sent < end && l.Sent < got+q.Window; l.Sent++ {
				items.Fill(q.Slot(l.Sent), l.Sent)
			}
			q.Sent.Store(l.Sent)
			q.Work.Ring()
			done, err := l.Await(got, l.Sent)
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

func servePrivate(w *children.Worker) {
	q := w.Queue
	done := q.Done.Load()
	for {
		sent := w.AwaitSent(done + 1)
		for ; done < sent; done++ {
			if !items.Change(q.Slot(done)) {
				w.ExitTorn(done)
			}
		}
		q.Done.Store(done)
		q.Answers.Ring()
	}
}
