package forkjoin

import "boundaries/internal/fork"

// runGoroutine starts a goroutine for each fork and leaves the rest to Go's scheduler.
//
// Cost: a goroutine and a channel per fork.
// Progress: blocking: a join waits, and the goroutine it waits for can always run.
func runGoroutine(workers, n int) (a Answer) {
	fork.Check("forkjoin", workers, n)
	for range n {
		f := fibGoroutine(N)
		a.Sum += f.Sum
		a.Forks += f.Forks
	}
	return a
}

func fibGoroutine(n int) Answer {
	if n < 2 {
		return Answer{Sum: 1}
	}
	forked := make(chan Answer, 1)
	go func() { forked <- fibGoroutine(n - 1) }()
	b := fibGoroutine(n - 2)
	a := <-forked
	return Answer{Sum: a.Sum + b.Sum, Forks: a.Forks + b.Forks + 1}
}
