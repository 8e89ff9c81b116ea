package workerpool

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// A gilQueue is one ring under the interpreter lock, which a worker holds whenever it
// does not block. This is the thread pool of CPython. The ring has no lock of its own,
// and a submitter takes the interpreter lock for it, as any thread does.
//
// Cost: per task, the interpreter lock for the submitter, one atomic load and two atomic
// stores; and all parallelism of tasks that compute; tasks that block lose none.
// Progress: blocking, because a waiter depends on the holder's ticks, one per task.
type gilQueue struct {
	_       cacheline.Pad
	lock    gil.GIL
	ring    fifo          // guarded by lock
	n       atomic.Int32  // tasks in the ring; written under lock
	threads []*gil.Thread // of the workers
	others  sync.Pool     // *gil.Thread of submitters outside the pool
	_       cacheline.Pad
}

func newGIL(workers int) Pool { return newGILPool(workers) }

func newGILPool(workers int) *pool {
	return newPool(workers, func(workers int) queue {
		q := &gilQueue{ring: newFIFO(0), threads: make([]*gil.Thread, workers)}
		q.others.New = func() any { return new(gil.Thread) }
		for i := range q.threads {
			q.threads[i] = new(gil.Thread)
		}
		return q
	})
}

func (q *gilQueue) put(worker int, task Task) bool {
	if worker == outside {
		t := q.others.Get().(*gil.Thread)
		q.lock.Acquire(t)
		defer func() {
			q.lock.Release(t)
			q.others.Put(t)
		}()
	}
	ok := q.ring.put(task)
	q.n.Store(int32(q.ring.len()))
	return ok
}

func (q *gilQueue) take(worker int) (task Task, left int) {
	q.lock.Tick(q.threads[worker])
	task, left = q.ring.take(), q.ring.len()
	q.n.Store(int32(left))
	return task, left
}

func (q *gilQueue) len() int { return int(q.n.Load()) }

func (q *gilQueue) enter(worker int) { q.lock.Acquire(q.threads[worker]) }
func (q *gilQueue) leave(worker int) { q.lock.Release(q.threads[worker]) }

func (q *gilQueue) blocking(worker int, f func()) { q.lock.Blocking(q.threads[worker], f) }

func runGIL(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	return drive(newGILPool(workers), kind, workers, n)
}
