package fib

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// runFalseSharing gives every worker a cell of its own, which it adds to at every
// call, and leaves the cells on one cache line. It pays as if the count were
// shared, as in atomic.go. Wait-free on amd64.
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
			mine += int64(fibFalseSharing(N, &cells[worker].calls))
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
