// Package fork starts the workers of one run together and waits for all.
package fork

import (
	"fmt"
	"sync"
)

// Run divides n steps among workers, calls work once for each on a goroutine
// of its own, and returns when the last has returned. The shares differ by at
// most one step, and their sum is n.
//
// No worker starts before all are ready, so that a short run overlaps as much
// as a long one. What was done before Run synchronizes before every call of
// work, and every call of work synchronizes before Run's return.
//
// Run panics in the name of the package pkg if Check does.
func Run(pkg string, workers, n int, work func(worker, n int)) {
	Check(pkg, workers, n)
	var ready, done sync.WaitGroup
	start := make(chan struct{}) // closed when every worker is ready
	ready.Add(workers)
	for worker := range workers {
		done.Go(func() {
			ready.Done()
			<-start
			work(worker, Share(worker, workers, n))
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// Share returns how many of n steps fall to a worker.
func Share(worker, workers, n int) int {
	share := n / workers
	if worker < n%workers {
		share++
	}
	return share
}

// Check panics in the name of the package pkg unless there is a worker to take
// the steps and their number is not negative.
func Check(pkg string, workers, n int) {
	if workers < 1 {
		panic(fmt.Sprintf("%s: %d workers, need at least one", pkg, workers))
	}
	if n < 0 {
		panic(fmt.Sprintf("%s: %d steps, need none or more", pkg, n))
	}
}
