package forkjoin

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runAtomic gives each task a word that one compare-and-swap claims: the owner's join
// to call the task, or a thief to steal it. Nothing else is shared. A thief looks through
// a worker's tasks from the oldest on until it finds one that is not claimed.
//
// Cost: two locked instructions per fork, on the worker's own words; a thief reads the
// words of tasks that are stolen already.
// Progress: lock-free, except that the join of a stolen task waits for the thief, which is
// blocking.
func runAtomic(workers, n int) (a Answer) {
	fork.Check("forkjoin", workers, n)
	all := make([]atomicWorker, workers)
	var c crew
	for id := range all {
		all[id].crew, all[id].all, all[id].id = &c, all, id
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
	head  int // the tasks below have been forked and not joined yet
	forks int
	crew  *crew
	all   []atomicWorker
	id    int
	_     cacheline.Pad
	tasks [depth]atomicTask // thieves look at the oldest, and the owner writes the newest
	_     cacheline.Pad
}

// An atomicTask belongs to its owner, the worker that forked it. If it is stolen, it
// belongs to the thief until done is set, and then to its owner again.
type atomicTask struct {
	fn     func(*atomicWorker, int) int
	arg    int
	result int
	state  atomic.Uint32
	done   atomic.Bool
}

// The states of a task. Only the owner makes a task open or free.
const (
	free = iota
	open
	stolen
)

func (w *atomicWorker) fork(fn func(*atomicWorker, int) int, arg int) *atomicTask {
	w.forks++
	if w.head == depth {
		return &atomicTask{result: fn(w, arg)}
	}
	t := &w.tasks[w.head]
	t.fn, t.arg = fn, arg
	w.head++
	t.state.Store(open)
	w.crew.published()
	return t
}

func (w *atomicWorker) join(t *atomicTask) int {
	if w.head == 0 || t != &w.tasks[w.head-1] {
		return t.result // the fork was a call
	}
	if t.state.CompareAndSwap(open, free) {
		w.head--
		return t.fn(w, t.arg)
	}
	w.crew.await(w.id, w, &t.done)
	t.done.Store(false)
	t.state.Store(free)
	w.head--
	return t.result
}

// help steals the oldest task of another worker and runs it.
func (w *atomicWorker) help() bool {
	for i := 1; i < len(w.all); i++ {
		v := &w.all[(w.id+i)%len(w.all)]
		t := v.oldest()
		if t == nil || !t.state.CompareAndSwap(open, stolen) {
			continue
		}
		w.crew.passOn(w)
		t.result = t.fn(w, t.arg)
		t.done.Store(true)
		w.crew.lot.WakeWorker(v.id)
		return true
	}
	return false
}

// oldest returns the oldest task that is not claimed, or nil. After a free place there
// are only free places.
func (w *atomicWorker) oldest() *atomicTask {
	for i := range w.tasks {
		switch t := &w.tasks[i]; t.state.Load() {
		case open:
			return t
		case free:
			return nil
		}
	}
	return nil
}

func (w *atomicWorker) found() bool {
	for i := range w.all {
		if w.all[i].oldest() != nil {
			return true
		}
	}
	return false
}

func fibAtomic(w *atomicWorker, n int) int {
	if n < 2 {
		return 1
	}
	t := w.fork(fibAtomic, n-1)
	b := fibAtomic(w, n-2)
	return w.join(t) + b
}
