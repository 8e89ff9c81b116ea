package procs

// runPrivate gives each child its items a whole block at a time: the block is
// the parent's until it is full, then the child's until all of it is answered.
// It pays with idleness: a child has nothing to do while the parent reads its
// block and fills the next, unless there are other children to be idle for.
// Blocking.
func runPrivate(p *Pool, n int) (int, error) {
	return p.eachLane(n, func(l *lane, n int) (int, error) {
		q := l.queue
		got, end := l.first, l.first+uint64(n)
		for got < end {
			for ; l.sent < end && l.sent < got+q.window; l.sent++ {
				fill(q.slot(l.sent), l.sent)
			}
			q.sent.Store(l.sent)
			q.work.ring()
			done, err := l.await(got, l.sent)
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

func servePrivate(w *worker) {
	q := w.queue
	done := q.done.Load()
	for {
		sent := w.awaitSent(done + 1)
		for ; done < sent; done++ {
			if !change(q.slot(done)) {
				w.torn(done)
			}
		}
		q.done.Store(done)
		q.answers.ring()
	}
}
