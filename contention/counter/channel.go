package counter

import (
	"runtime"

	"boundaries/contention"
)

// runChannel gives the count to one goroutine, the owner. A worker sends the owner a
// request, and waits for the count.
//
// Cost: two channel operations per access, and mostly two switches of goroutines.
// Progress: blocking.
func runChannel(t *contention.Trial) int {
	type request struct {
		add   int64
		count chan<- int64
	}
	requests := make(chan request, t.Workers()) // no worker waits to send
	last := make(chan int64)
	go func() {
		count := int64(0)
		for r := range requests {
			count += r.add
			r.count <- count
		}
		last <- count
	}()
	t.Fork(func(w *contention.Worker) {
		count := make(chan int64, 1) // the owner does not wait for the worker
		for w.Next() {
			add := int64(0)
			if w.Update {
				add = 1
			}
			requests <- request{add, count}
			for i := 0; i < 2 && len(count) == 0; i++ {
				runtime.Gosched() // as in the parent package
			}
			if n := <-count; !w.Update {
				w.Saw(n)
			}
			w.Done()
		}
	})
	close(requests)
	return int(<-last)
}
