package workerpool

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A shardedQueue has a locked deque for each worker. Tasks from outside go to the
// deques in turn, and a worker's tasks go to its own. A worker takes the oldest task
// of its deque. If its deque is empty, it steals the newest task of another. Every
// olderIn-th time it first takes the oldest task of a deque, of each worker's in turn. So no
// task waits behind newer ones forever, not even in the deque of a worker whose task blocks.
//
// Cost: two locks per task, which are rarely contended; a thief takes one lock per
// victim.
// Progress: blocking.
type shardedQueue struct {
	free
	_      cacheline.Pad
	turn   atomic.Uint32 // counts tasks from outside; the next deque is turn modulo their number
	_      cacheline.Pad
	room   int // of each deque, so that all together hold capacity, rounded up
	deques []lockedDeque
}

type lockedDeque struct {
	_     cacheline.Pad // no two locks share a line
	mu    sync.Mutex
	fifo  fifo // guarded by mu
	takes uint // owned by the worker; how often it has called take
}

func newShardedLock(workers int) Pool { return newShardedPool(workers, 0) }

func newShardedPool(workers int, start uint32) *pool {
	return newPool(workers, func(workers int) queue {
		q := &shardedQueue{room: (capacity + workers - 1) / workers, deques: make([]lockedDeque, workers)}
		for i := range q.deques {
			q.deques[i].fifo = newFIFO(start)
		}
		return q
	})
}

func (q *shardedQueue) put(worker int, task Task) bool {
	first := worker
	if first == outside {
		first = int(q.turn.Add(1) % uint32(len(q.deques)))
	}
	for i := range q.deques {
		d := &q.deques[(first+i)%len(q.deques)]
		d.mu.Lock()
		ok := d.fifo.len() < q.room && d.fifo.put(task)
		d.mu.Unlock()
		if ok {
			return true
		}
	}
	return false
}

// take estimates how many tasks are left. It assumes that every deque is as full as the
// one that it took the task from. If most workers block in a task, theirs are fuller, and
// the gate opens early.
func (q *shardedQueue) take(worker int) (task Task, left int) {
	d := &q.deques[worker]
	if d.takes++; d.takes%olderIn == 0 {
		other := &q.deques[d.takes/olderIn%uint(len(q.deques))]
		other.mu.Lock()
		task, left = other.fifo.take(), other.fifo.len()
		other.mu.Unlock()
	}
	if task == nil {
		d.mu.Lock()
		task, left = d.fifo.take(), d.fifo.len()
		d.mu.Unlock()
	}
	for i := 1; task == nil && i < len(q.deques); i++ {
		d := &q.deques[(worker+i)%len(q.deques)]
		d.mu.Lock()
		task, left = d.fifo.takeNewest(), d.fifo.len()
		d.mu.Unlock()
	}
	return task, left * len(q.deques)
}

func (q *shardedQueue) len() (n int) {
	for i := range q.deques {
		d := &q.deques[i]
		d.mu.Lock()
		n += d.fifo.len()
		d.mu.Unlock()
	}
	return n
}

func runShardedLock(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	return drive(newShardedPool(workers, 0), kind, workers, n)
}
