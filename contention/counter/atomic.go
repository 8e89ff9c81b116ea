package counter

import (
	"sync/atomic"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// runAtomic adds to one word.
//
// Cost: one locked instruction per update, and the transfer of the word's cache line
// between processors. A read is a load.
// Progress: wait-free on amd64.
func runAtomic(t *contention.Trial) int {
	var shared struct {
		_     cacheline.Pad
		count atomic.Int64
		_     cacheline.Pad
	}
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				shared.count.Add(1)
			} else {
				w.Saw(shared.count.Load())
			}
			w.Done()
		}
	})
	return int(shared.count.Load())
}
