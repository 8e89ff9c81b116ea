package fib

import "boundaries/procs/internal/children"

// runPrivate has each child compute its share and count nothing, as code block 5.1
// does: the ceiling.
//
// Cost: two messages for a batch of up to 10 ms of work.
// Progress: blocking.
func runPrivate(p *children.Pool, n int) (int, error) { return compute(p, n) }

func servePrivate(w *children.Worker) {
	w.Answer(func(item []uint64) {
		sum := 0
		for range item[0] {
			sum += fib(size)
		}
		item[0] = uint64(sum)
	})
}
