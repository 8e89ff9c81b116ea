package fib

import (
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/shm"
)

// runShardedLock gives each child a word of shared memory to count in, under a lock
// of its own, and is otherwise global-mutex.
//
// Cost: an uncontended lock per call.
// Progress: blocking, but the lock survives its holder.
func runShardedLock(p *children.Pool, n int) (int, error) { return computeAndCount(p, n) }

func serveShardedLock(w *children.Worker) {
	q := w.Queue
	w.Answer(func(item []uint64) {
		sum := 0
		for range item[0] {
			sum += fibShardedLock(size, q, w.ID)
		}
		item[0] = uint64(sum)
	})
}

func fibShardedLock(n int, q *shm.Queue, me uint32) int {
	q.Lock.Acquire(me, 0) // a holder that died has counted its call or not: there is nothing to mend
	q.Count++
	q.Lock.Release()
	if n < 2 {
		return 1
	}
	return fibShardedLock(n-1, q, me) + fibShardedLock(n-2, q, me)
}
