package fib

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// runFalseSharing gives every worker its own cell and adds to it at every call,
// but the cells share a cache line.
//
// Cost: as much as the shared count in atomic.go.
// Progress: wait-free on amd64.
func runFalseSharing(workers, n int) Answer {
	type cell struct {
		calls atomic.Int64
	}
	fork.Check("fib", workers, n)
	var sum atomic.Int64
	cells := make([]cell, workers)
	fork.Run("fib", workers, n, func(worker, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibFalseSharing(size, &cells[worker].calls))
		}
		sum.Add(mine)
	})
	answer := Answer{Sum: sum.Load()}
	for i := range cells {
		answer.Calls += cells[i].calls.Load()
	}
	return answer
}

func fibFalseSharing(n int, calls *atomic.Int64) int {
	calls.Add(1)
	if n < 2 {
		return 1
	}
	return fibFalseSharing(n-1, calls) + fibFalseSharing(n-2, calls)
}
