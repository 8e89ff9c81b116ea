package workerpool

import "boundaries/internal/cacheline"

// A racyQueue is mutexQueue without the mutex, and nothing else: diff it with
// global_mutex.go. It drops a task if two goroutines put a task into the same slot, or
// if two workers take from one slot and both advance the index. It runs a task twice
// if two workers take from the same slot. A pool that has dropped a task waits for it
// forever, so Wait and Close may not return.
//
// It is not in Variants: it runs only in child processes that tests start.
type racyQueue struct {
	free
	_    cacheline.Pad
	ring fifo
	_    cacheline.Pad
}

// NewRacy returns a pool whose queue has no lock, so that its workers and submitters race.
func NewRacy(workers int) Pool {
	return newPool(workers, func(int) queue { return &racyQueue{ring: newFIFO(0)} })
}

func (q *racyQueue) put(_ int, task Task) bool {
	ok := q.ring.put(task)
	return ok
}

func (q *racyQueue) take(int) (task Task, left int) {
	task, left = q.ring.take(), q.ring.len()
	return task, left
}

func (q *racyQueue) len() int {
	return q.ring.len()
}
