package fib

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runLockFree biases the count toward the worker, as nogil biases reference
// counts toward the owner. A worker counts in its own plain memory and, once in
// flushEvery calls, adds to its cell, which others may read.
//
// A locked add at every call, as in package loop, would cost about half as much as
// the rest of the call: compare false_sharing.go with private.go on one worker.
//
// Cost: a branch per call; a reader may miss the last flushEvery-1 calls of each
// worker.
// Progress: wait-free on amd64.
func runLockFree(workers, n int) Answer {
	fork.Check("fib", workers, n)
	var sum atomic.Int64
	cells := make([]callsCell, workers)
	fork.Run("fib", workers, n, func(worker, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibLockFree(size, &cells[worker]))
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
	pending int64         // counted but not yet in calls; owned by the worker
	calls   atomic.Int64  // what others may read
	_       cacheline.Pad // no two cells share a line
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
