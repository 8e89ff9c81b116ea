package fib

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runLockFree biases the count towards the worker, as nogil biases reference
// counts towards the owner: a worker counts in plain memory of its own and adds
// to the cell that others may read once in flushEvery calls. It pays a branch a
// call, and a reader pays with the age of what it reads, up to flushEvery-1
// calls of each worker. Wait-free on amd64.
//
// A locked add at every call, as in package loop, would cost several times the
// rest of the call: that is false_sharing.go at one worker.
func runLockFree(workers, n int) Answer {
	fork.Check("fib", workers, n)
	var sum atomic.Int64
	cells := make([]callsCell, workers)
	fork.Run("fib", workers, n, func(worker, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibLockFree(N, &cells[worker]))
		}
		sum.Add(mine)
		cells[worker].calls.Add(cells[worker].pending)
	})
	answer := Answer{Sum: sum.Load()}
	for i := range cells {
		answer.Calls += cells[i].calls.Load()
	}
	return answer
}

type callsCell struct {
	pending int64         // counted and not yet in calls; the worker's own
	calls   atomic.Int64  // what others may read
	_       cacheline.Pad // no two cells on one line
}

const flushEvery = 64

func fibLockFree(n int, cell *callsCell) int {
	cell.pending++
	if cell.pending == flushEvery {
		cell.calls.Add(flushEvery)
		cell.pending = 0
	}
	if n < 2 {
		return 1
	}
	return fibLockFree(n-1, cell) + fibLockFree(n-2, cell)
}
