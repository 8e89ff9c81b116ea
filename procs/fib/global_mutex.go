package fib

import (
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/shm"
)

// runGlobalMutex has all children count in one word of shared memory, under one
// lock between processes.
//
// Cost: the lock at every call, and moving it from processor to processor.
// Progress: blocking, but the lock survives its holder.
func runGlobalMutex(p *children.Pool, n int) (int, error) { return computeAndCount(p, n) }

func serveGlobalMutex(w *children.Worker) {
	q := w.Queue
	w.Answer(func(item []uint64) {
		sum := 0
		for range item[0] {
			sum += fibGlobalMutex(size, q, w.ID)
		}
		item[0] = uint64(sum)
	})
}

func fibGlobalMutex(n int, q *shm.Queue, me uint32) int {
	q.Lock.Acquire(me, 0) // a holder that died has counted its call or not: there is nothing to mend
	q.Count++
	q.Lock.Release()
	if n < 2 {
		return 1
	}
	return fibGlobalMutex(n-1, q, me) + fibGlobalMutex(n-2, q, me)
}
