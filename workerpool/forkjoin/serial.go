package forkjoin

import "boundaries/internal/fork"

// runSerial calls where others fork, on the caller's goroutine: the base of every
// speed-up. It pays for two calls and the count. Wait-free.
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
