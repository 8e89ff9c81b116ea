package contention

import "runtime"

// runChannel gives all records to one goroutine, the owner. A worker sends the owner a
// request, and waits until the owner has acted.
//
// A worker that has no answer yields, up to twice, before it blocks. The first yield lets
// the owner run if the owner waits for the worker's processor. The second is for an owner
// that is busy for another worker. A worker that blocks at once may leave its processor idle, and
// an idle processor needs tens of microseconds to find work again: with think=10us and
// hold=100ns, on a busy machine, a step took 1.1 times as long as private's, 1.2 times with
// one yield, and 1.4 times with none (docs/tried.md).
//
// Cost: two channel operations per access, and mostly two switches of goroutines.
// Progress: blocking. The owner serves requests in order of arrival.
func runChannel(t *Trial) int {
	type request struct {
		w    *Worker
		done chan<- struct{}
	}
	requests := make(chan request, t.Workers()) // no worker waits to send
	ended := make(chan struct{})
	records := make([]slot, t.Case.Records) // used only by the owner
	go func() {
		for r := range requests {
			if r.w.Update {
				r.w.Change(&records[r.w.Record].Record)
			} else {
				r.w.See(&records[r.w.Record].Record)
			}
			r.done <- struct{}{}
		}
		close(ended)
	}()
	t.Fork(func(w *Worker) {
		done := make(chan struct{}, 1) // the owner does not wait for the worker
		for w.Next() {
			requests <- request{w, done}
			for i := 0; i < 2 && len(done) == 0; i++ {
				runtime.Gosched() // see above
			}
			<-done
			w.Done()
		}
	})
	close(requests)
	<-ended
	return total(records...)
}
