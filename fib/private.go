package fib

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runPrivate counts in a plain variable of the worker's own. This is the ceiling.
//
// Cost: no other goroutine can see a worker's count until the worker is done.
// Progress: wait-free.
func runPrivate(workers, n int) Answer {
	type cell struct {
		calls int64
		_     cacheline.Pad // no two cells share a line
	}
	fork.Check("fib", workers, n)
	var sum atomic.Int64
	cells := make([]cell, workers)
	fork.Run("fib", workers, n, func(worker, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibPrivate(size, &cells[worker].calls))
		}
		sum.Add(mine)
	})
	answer := Answer{Sum: sum.Load()}
	for i := range cells {
		answer.Calls += cells[i].calls
	}
	return answer
}

func fibPrivate(n int, calls *int64) int {
	*calls++
	if n < 2 {
		return 1
	}
	return fibPrivate(n-1, calls) + fibPrivate(n-2, calls)
}
