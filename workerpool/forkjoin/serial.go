package forkjoin

import "boundaries/internal/fork"

// runSerial calls where the other variants fork, on the caller's goroutine. Compare the
// other rows with it.
//
// Cost: two calls and the count.
// Progress: wait-free.
func runSerial(workers, n int) (a Answer) {
	fork.Check("forkjoin", workers, n)
	for range n {
		a.Sum += fibSerial(N, &a.Forks)
	}
	return a
}

func fibSerial(n int, forks *int) int {
	if n < 2 {
		return 1
	}
	*forks++
	b := fibSerial(n-2, forks)
	return fibSerial(n-1, forks) + b
}
