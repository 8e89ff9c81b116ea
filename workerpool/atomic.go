package workerpool

import (
	"boundaries/internal/fork"
	"boundaries/internal/ring"
)

// An atomicQueue is one bounded ring, whose slots goroutines take by compare-and-swap, as
// package ring describes. A put into a slot that a worker is still reading fails as one into a
// full ring does. The submitter then waits at the gate, and that worker looks at the gate after
// its take.
//
// Cost: two locked instructions to put a task and two to take it, one of each on a shared word.
// Progress: blocking, while another goroutine is between two of its instructions: the tasks, or
// the room, behind its slot must wait, and no goroutine spins for it.
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
