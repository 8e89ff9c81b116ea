package procs

import "boundaries/internal/gil"

// runFibGIL is private with a GIL in each child, looked at at every call as
// CPython does: one GIL each, and so no hindrance to the others. It pays one
// atomic load a call, and what private pays. Blocking.
func runFibGIL(p *Pool, n int) (int, error) { return runFibPrivate(p, n) }

func serveFibGIL(w *worker) {
	var lock gil.GIL
	var t gil.Thread
	w.answer(func(item []uint64) {
		lock.Acquire(&t)
		sum := 0
		for range item[0] {
			sum += fibUnderGIL(fibN, &lock, &t)
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
