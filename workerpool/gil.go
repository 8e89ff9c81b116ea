package workerpool

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// A gilQueue is one ring, guarded by the lock that a worker holds whenever it
// does not block: the thread pool of CPython. The ring itself needs no lock, and
// who submits takes the lock for it like any thread. It pays all parallelism of
// what computes and none of what blocks, and one atomic load a task. Blocking:
// who waits depends on the holder's ticks, one for each task.
type gilQueue struct {
	_       cacheline.Pad
	lock    gil.GIL
	ring    fifo          // guarded by lock
	n       atomic.Int32  // tasks in the ring; written under lock
	threads []*gil.Thread // of the workers
	others  sync.Pool     // *gil.Thread of who submits from outside
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

func (q *gilQueue) take(worker int) Task {
	q.lock.Tick(q.threads[worker])
	task := q.ring.take()
	q.n.Store(int32(q.ring.len()))
	return task
}

func (q *gilQueue) len() int { return int(q.n.Load()) }

func (q *gilQueue) enter(worker int) { q.lock.Acquire(q.threads[worker]) }
func (q *gilQueue) leave(worker int) { q.lock.Release(q.threads[worker]) }

func (q *gilQueue) blocking(worker int, f func()) { q.lock.Blocking(q.threads[worker], f) }

func runGIL(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	return drive(newGILPool(workers), kind, workers, n)
}
