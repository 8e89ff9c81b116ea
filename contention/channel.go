package contention

// runChannel gives all records to one goroutine. A worker sends it a request, and
// waits until it has acted.
//
// Cost: two channel operations per access, and mostly two switches of goroutines.
// Progress: blocking. The owner serves requests in order of arrival.
func runChannel(t *Trial) int {
	type request struct {
		w    *Worker
		done chan<- struct{}
	}
	requests := make(chan request)
	ended := make(chan struct{})
	records := make([]slot, t.Case.Records) // of the owner
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
			<-done
			w.Done()
		}
	})
	close(requests)
	<-ended
	return total(records...)
}
