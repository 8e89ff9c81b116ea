package forkjoin

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runPrivate gives every worker whole steps and a task list that no other worker reads:
// the cost of a fork that is never stolen. This is the ceiling.
//
// Cost: writing down each task; idle workers, if steps were of unequal length.
// Progress: wait-free.
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
