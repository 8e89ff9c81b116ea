package counter

import (
	"sync/atomic"

	"boundaries/contention"
)

// runPrivate gives every worker a count of its own, which it adds up at the end: a
// read sees the worker's own updates only. It is the ceiling.
//
// Cost: no worker sees another worker's updates before the end.
// Progress: wait-free.
func runPrivate(t *contention.Trial) int {
	var total atomic.Int64
	t.Fork(func(w *contention.Worker) {
		count := int64(0)
		for w.Next() {
			if w.Update {
				count++
			} else {
				w.Saw(count)
			}
			w.Done()
		}
		total.Add(count)
	})
	return int(total.Load())
}
