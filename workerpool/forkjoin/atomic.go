package forkjoin

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/ring"
)

// runAtomic has all tasks in one ring that hands out its slots by fetch-and-add
// (package ring), the oldest task first. If the ring is full, a fork is a call. A
// worker that joins cannot take its own task out of the middle of the ring, so it
// runs the oldest tasks of all workers until its own is done.
//
// Cost: eight locked instructions per fork, on shared words, and a deep stack: the
// oldest task is seldom the one that the worker waits for.
// Progress: blocking, while another goroutine is between two of its instructions.
func runAtomic(workers, n int) (a Answer) {
	fork.Check("forkjoin", workers, n)
	all := make([]atomicWorker, workers)
	tasks := ring.New[*atomicTask](0)
	var c crew
	for id := range all {
		all[id].ring, all[id].crew, all[id].id = tasks, &c, id
	}
	c.init(workers, func(worker int) {
		c.await(worker, &all[worker], &c.stop)
	})
	for range n {
		a.Sum += fibAtomic(&all[0], N)
	}
	c.end()
	for id := range all {
		a.Forks += all[id].forks
	}
	return a
}

type atomicWorker struct {
	_     cacheline.Pad
	ring  *ring.Ring[*atomicTask]
	spare []*atomicTask // owned by the worker; used by its next forks
	crew  *crew
	id    int
	forks int
	_     cacheline.Pad
}

// An atomicTask belongs to the worker that forks it until it is in the ring, then to the
// worker that takes it until done is set, and then to the first worker again.
type atomicTask struct {
	fn     func(*atomicWorker, int) int
	arg    int
	result int
	owner  int
	done   atomic.Bool
}

func (w *atomicWorker) fork(fn func(*atomicWorker, int) int, arg int) *atomicTask {
	w.forks++
	t := &atomicTask{}
	if n := len(w.spare); n > 0 {
		t, w.spare = w.spare[n-1], w.spare[:n-1]
	}
	t.fn, t.arg, t.owner = fn, arg, w.id
	t.done.Store(false)
	if w.ring.Put(t) {
		w.crew.published()
	} else {
		t.result = fn(w, arg)
		t.done.Store(true)
	}
	return t
}

func (w *atomicWorker) join(t *atomicTask) int {
	w.crew.await(w.id, w, &t.done)
	w.spare = append(w.spare, t)
	return t.result
}

func (w *atomicWorker) help() bool {
	t, ok := w.ring.Take()
	if !ok {
		return false
	}
	t.result = t.fn(w, t.arg)
	owner := t.owner // before done, which gives the task back
	t.done.Store(true)
	w.crew.lot.WakeWorker(owner)
	return true
}

func (w *atomicWorker) found() bool { return w.ring.Len() > 0 }

func fibAtomic(w *atomicWorker, n int) int {
	if n < 2 {
		return 1
	}
	t := w.fork(fibAtomic, n-1)
	b := fibAtomic(w, n-2)
	return w.join(t) + b
}
