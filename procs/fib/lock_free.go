package fib

import (
	"sync/atomic"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/shm"
)

// runLockFree biases the count toward the child, as lock-free of the suite's package
// fib does. A child counts in its own plain memory and, once in flushEvery calls and
// before each answer, adds to its own word of shared memory.
//
// Cost: a branch per call; a reader may miss the last flushEvery-1 calls of each
// child, which are lost if the child dies.
// Progress: wait-free on amd64.
func runLockFree(p *children.Pool, n int) (int, error) { return computeAndCount(p, n) }

func serveLockFree(w *children.Worker) {
	cell := callsCell{q: w.Queue}
	w.Answer(func(item []uint64) {
		sum := 0
		for range item[0] {
			sum += fibLockFree(size, &cell)
		}
		atomic.AddUint64(&cell.q.Count, cell.pending)
		cell.pending = 0
		item[0] = uint64(sum)
	})
}

type callsCell struct {
	q       *shm.Queue // whose Count others may read
	pending uint64     // counted but not yet in Count
}

const flushEvery = 64

func fibLockFree(n int, cell *callsCell) int {
	cell.pending++
	if cell.pending == flushEvery {
		atomic.AddUint64(&cell.q.Count, flushEvery)
		cell.pending = 0
	}
	if n < 2 {
		return 1
	}
	return fibLockFree(n-1, cell) + fibLockFree(n-2, cell)
}
