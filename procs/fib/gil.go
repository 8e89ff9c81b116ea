package fib

import (
	"boundaries/internal/gil"
	"boundaries/procs/internal/children"
)

// runGIL is private with a GIL in each child, at which every call looks, as
// CPython does. Each child has a GIL of its own, so none hinders another.
//
// Cost: what private costs, and one atomic load a call.
// Progress: blocking.
func runGIL(p *children.Pool, n int) (int, error) { return compute(p, n) }

func serveGIL(w *children.Worker) {
	var lock gil.GIL
	var t gil.Thread
	w.Answer(func(item []uint64) {
		lock.Acquire(&t)
		sum := 0
		for range item[0] {
			sum += fibUnderGIL(size, &lock, &t)
		}
		lock.Release(&t)
		item[0] = uint64(sum)
	})
}

func fibUnderGIL(n int, lock *gil.GIL, t *gil.Thread) int {
	lock.Tick(t)
	if n < 2 {
		return 1
	}
	return fibUnderGIL(n-1, lock, t) + fibUnderGIL(n-2, lock, t)
}
