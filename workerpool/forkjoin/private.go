package forkjoin

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runPrivate gives every worker whole steps of its own, and a list of tasks that
// nobody else looks at: what a fork costs if it is never to be stolen, and the
// ceiling. It pays for writing a task down, and would pay for steps of unequal
// length. Wait-free.
func runPrivate(workers, n int) (a Answer) {
	fork.Check("forkjoin", workers, n)
	all := make([]privateWorker, workers)
	fork.Run("forkjoin", workers, n, func(worker, n int) {
		w := &all[worker]
		for range n {
			w.sum += fibPrivate(w, N)
		}
	})
	for i := range all {
		a.Sum += all[i].sum
		a.Forks += all[i].forks
	}
	return a
}

type privateWorker struct {
	_     cacheline.Pad
	tasks []privateTask // forked and not joined
	sum   int
	forks int
	_     cacheline.Pad
}

type privateTask struct {
	fn  func(*privateWorker, int) int
	arg int
}

func (w *privateWorker) fork(fn func(*privateWorker, int) int, arg int) {
	w.tasks = append(w.tasks, privateTask{fn, arg})
	w.forks++
}

func (w *privateWorker) join() int {
	t := w.tasks[len(w.tasks)-1]
	w.tasks = w.tasks[:len(w.tasks)-1]
	return t.fn(w, t.arg)
}

func fibPrivate(w *privateWorker, n int) int {
	if n < 2 {
		return 1
	}
	w.fork(fibPrivate, n-1)
	b := fibPrivate(w, n-2)
	return w.join() + b
}
