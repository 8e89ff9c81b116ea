package fib

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runSerial computes on the caller's goroutine, whatever the number of workers,
// and counts in plain memory. Compare the other rows with it.
//
// Cost: only the call.
// Progress: wait-free.
func runSerial(workers, n int) Answer {
	fork.Check("fib", workers, n)
	shared := new(struct {
		_     cacheline.Pad
		sum   int64
		calls int64
		_     cacheline.Pad
	})
	for range n {
		shared.sum += int64(fibSerial(size, &shared.calls))
	}
	return Answer{shared.sum, shared.calls}
}

func fibSerial(n int, calls *int64) int {
	*calls++
	if n < 2 {
		return 1
	}
	return fibSerial(n-1, calls) + fibSerial(n-2, calls)
}
