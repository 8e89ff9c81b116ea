package forkjoin

import (
	"runtime"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runGIL has the task lists of all workers under CPython's lock. A worker holds the
// lock while it computes, so the lists need no lock of their own.
//
// Cost: two atomic loads per fork, and all parallelism.
// Progress: blocking, because a waiter depends on the holder's ticks; a worker that
// waits releases the lock, so that another can hold it.
func runGIL(workers, n int) (a Answer) {
	fork.Check("forkjoin", workers, n)
	all := make([]gilWorker, workers)
	var lock struct {
		_ cacheline.Pad
		gil.GIL
		_ cacheline.Pad
	}
	var c crew
	for id := range all {
		all[id].lock, all[id].crew, all[id].all, all[id].id = &lock.GIL, &c, all, id
	}
	c.init(workers, func(worker int) {
		w := &all[worker]
		lock.Acquire(&w.thread)
		for !c.stop.Load() {
			if !w.help() {
				lock.Blocking(&w.thread, func() { c.lot.Park(worker, w.found) })
			}
		}
		lock.Release(&w.thread)
	})
	w := &all[0]
	lock.Acquire(&w.thread)
	for range n {
		a.Sum += fibGIL(w, N)
	}
	lock.Release(&w.thread)
	c.end()
	for id := range all {
		a.Forks += all[id].forks
	}
	return a
}

type gilWorker struct {
	_      cacheline.Pad
	lock   *gil.GIL
	thread gil.Thread
	top    int // guarded by lock, as are head and tasks; the tasks below have been stolen
	head   int
	tasks  [depth]gilTask

	crew  *crew
	all   []gilWorker
	id    int
	forks int
	_     cacheline.Pad
}

type gilTask struct {
	fn     func(*gilWorker, int) int
	arg    int
	result int
	done   bool
}

func (w *gilWorker) fork(fn func(*gilWorker, int) int, arg int) *gilTask {
	w.forks++
	w.lock.Tick(&w.thread)
	if w.head == depth {
		return &gilTask{result: fn(w, arg)}
	}
	t := &w.tasks[w.head]
	t.fn, t.arg = fn, arg
	w.head++
	w.crew.published()
	return t
}

func (w *gilWorker) join(t *gilTask) int {
	if w.head == 0 || t != &w.tasks[w.head-1] {
		return t.result // the fork was a call
	}
	if w.top < w.head {
		w.head--
		return t.fn(w, t.arg)
	}
	for !t.done {
		if !w.help() {
			// The worker that runs t waits for the lock.
			w.lock.Blocking(&w.thread, runtime.Gosched)
		}
	}
	t.done = false
	w.head--
	w.top--
	return t.result
}

// help steals the oldest task of another worker and runs it.
func (w *gilWorker) help() bool {
	for i := 1; i < len(w.all); i++ {
		v := &w.all[(w.id+i)%len(w.all)]
		if v.top == v.head {
			continue
		}
		t := &v.tasks[v.top]
		v.top++
		if v.top < v.head {
			w.crew.published()
		}
		t.result = t.fn(w, t.arg)
		t.done = true
		return true
	}
	return false
}

// found reports whether there is a task or the crew has stopped. The caller does not hold
// the lock.
func (w *gilWorker) found() bool {
	w.lock.Acquire(&w.thread)
	defer w.lock.Release(&w.thread)
	for i := range w.all {
		if w.all[i].top < w.all[i].head {
			return true
		}
	}
	return w.crew.stop.Load()
}

func fibGIL(w *gilWorker, n int) int {
	if n < 2 {
		return 1
	}
	t := w.fork(fibGIL, n-1)
	b := fibGIL(w, n-2)
	return w.join(t) + b
}
