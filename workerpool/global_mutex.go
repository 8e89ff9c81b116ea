package workerpool

import (
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A mutexQueue is one ring under one lock, which all workers drain.
//
// Cost: the lock twice per task, where all workers and submitters wait for each
// other.
// Progress: blocking.
type mutexQueue struct {
	free
	_    cacheline.Pad
	mu   sync.Mutex
	ring fifo // guarded by mu
	_    cacheline.Pad
}

func newGlobalMutex(workers int) Pool { return newMutexPool(workers) }

func newMutexPool(workers int) *pool {
	return newPool(workers, func(int) queue { return &mutexQueue{ring: newFIFO(0)} })
}

func (q *mutexQueue) put(_ int, task Task) bool {
	q.mu.Lock()
	ok := q.ring.put(task)
	q.mu.Unlock()
	return ok
}

func (q *mutexQueue) take(int) (task Task, left int) {
	q.mu.Lock()
	task, left = q.ring.take(), q.ring.len()
	q.mu.Unlock()
	return task, left
}

func (q *mutexQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ring.len()
}

func runGlobalMutex(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	return drive(newMutexPool(workers), kind, workers, n)
}
