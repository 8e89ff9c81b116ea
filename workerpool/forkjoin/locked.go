package forkjoin

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A lockedWorker has its tasks in a list under a lock. In sharded_lock.go each worker
// has a lock of its own, and in global_mutex.go all workers have the same. The owner
// forks and joins at the end of the list, and thieves steal at the beginning.
type lockedWorker struct {
	_     cacheline.Pad
	lock  *sync.Mutex
	top   int // guarded by lock; the tasks below have been stolen
	head  int // guarded by lock; written by the owner
	tasks [depth]lockedTask

	crew  *crew
	all   []lockedWorker
	id    int
	forks int
	_     cacheline.Pad
}

// A lockedTask belongs to its owner, the worker that forked it. If it is stolen, it
// belongs to the thief until done is set, and then to its owner again.
type lockedTask struct {
	fn     func(*lockedWorker, int) int
	arg    int
	result int
	done   atomic.Bool
}

// depth is how many tasks a worker may have forked and not joined. Beyond that, a fork is
// a call.
const depth = 1024

func (w *lockedWorker) fork(fn func(*lockedWorker, int) int, arg int) *lockedTask {
	w.forks++
	if w.head == depth {
		return &lockedTask{result: fn(w, arg)}
	}
	t := &w.tasks[w.head]
	w.lock.Lock()
	t.fn, t.arg = fn, arg
	w.head++
	w.lock.Unlock()
	w.crew.published()
	return t
}

func (w *lockedWorker) join(t *lockedTask) int {
	if w.head == 0 || t != &w.tasks[w.head-1] {
		return t.result // the fork was a call
	}
	w.lock.Lock()
	if w.top < w.head {
		w.head--
		w.lock.Unlock()
		return t.fn(w, t.arg)
	}
	w.lock.Unlock()
	w.crew.await(w.id, w, &t.done)
	t.done.Store(false)
	w.lock.Lock()
	w.head--
	w.top--
	w.lock.Unlock()
	return t.result
}

// help steals the oldest task of another worker and runs it.
func (w *lockedWorker) help() bool {
	for i := 1; i < len(w.all); i++ {
		v := &w.all[(w.id+i)%len(w.all)]
		v.lock.Lock()
		if v.top == v.head {
			v.lock.Unlock()
			continue
		}
		t := &v.tasks[v.top]
		v.top++
		v.lock.Unlock()
		w.crew.passOn(w)
		t.result = t.fn(w, t.arg)
		t.done.Store(true)
		w.crew.lot.WakeWorker(v.id)
		return true
	}
	return false
}

func (w *lockedWorker) found() bool {
	for i := range w.all {
		v := &w.all[i]
		v.lock.Lock()
		n := v.head - v.top
		v.lock.Unlock()
		if n > 0 {
			return true
		}
	}
	return false
}

func fibLocked(w *lockedWorker, n int) int {
	if n < 2 {
		return 1
	}
	t := w.fork(fibLocked, n-1)
	b := fibLocked(w, n-2)
	return w.join(t) + b
}

// stepsLocked takes n steps. lockOf returns the lock of each worker's list.
func stepsLocked(workers, n int, lockOf func(worker int) *sync.Mutex) (a Answer) {
	fork.Check("forkjoin", workers, n)
	all := make([]lockedWorker, workers)
	var c crew
	for id := range all {
		all[id].lock, all[id].crew, all[id].all, all[id].id = lockOf(id), &c, all, id
	}
	c.init(workers, func(worker int) {
		c.await(worker, &all[worker], &c.stop)
	})
	for range n {
		a.Sum += fibLocked(&all[0], N)
	}
	c.end()
	for id := range all {
		a.Forks += all[id].forks
	}
	return a
}
