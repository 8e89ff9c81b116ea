package workerpool

import (
	"boundaries/internal/fork"
	"boundaries/internal/ring"
)

// An atomicQueue is one bounded ring that hands out its slots by fetch-and-add, as
// package ring describes.
//
// Cost: four locked instructions to put a task and four to take it, on shared words.
// Progress: blocking, while another goroutine is between two of its instructions.
type atomicQueue struct {
	free
	ring *ring.Ring[Task]
}

func newAtomic(workers int) Pool { return newAtomicPool(workers, 0) }

func newAtomicPool(workers int, start uint32) *pool {
	return newPool(workers, func(int) queue { return &atomicQueue{ring: ring.New[Task](start)} })
}

func (q *atomicQueue) put(_ int, task Task) bool { return q.ring.Put(task) }

func (q *atomicQueue) take(int) (task Task, left int) {
	task, _ = q.ring.Take()
	return task, q.ring.Len()
}

func (q *atomicQueue) len() int { return q.ring.Len() }

func runAtomic(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	return drive(newAtomicPool(workers, 0), kind, workers, n)
}
