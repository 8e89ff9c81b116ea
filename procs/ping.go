package procs

// runPing has one item in flight, to one child whatever the number of workers:
// a round trip, nothing batched. It pays for the way of two cache lines there
// and back; if there is no processor for each side it pays for two wake-ups
// instead, a hundred times as much. Blocking: spin, then sleep.
func runPing(p *Pool, n int) (int, error) {
	return p.eachLane(n, func(l *lane, n int) (int, error) {
		q := l.queue
		for got := l.first; got < l.first+uint64(n); got++ {
			fill(q.slot(got), got)
			l.sent = got + 1
			q.sent.Store(l.sent)
			q.work.ring()
			if _, err := l.await(got, l.sent); err != nil {
				return int(got - l.first), err
			}
			if !right(q.slot(got), got) {
				return int(got - l.first), l.fault(l.item(got), errWrong)
			}
		}
		return n, nil
	})
}

func servePing(w *worker) {
	q := w.queue
	for done := q.done.Load(); ; {
		w.awaitSent(done + 1)
		if !change(q.slot(done)) {
			w.torn(done)
		}
		done++
		q.done.Store(done)
		q.answers.ring()
	}
}
