// Package fork starts the workers of one run together and waits for all of them.
package fork

import (
	"fmt"
	"sync"
)

// Run divides n steps among the workers. It calls work once for each worker, on a
// goroutine of its own, and returns when the last call has returned. The shares
// differ by at most one step, and their sum is n.
//
// No worker starts before all are ready, so that the workers overlap in a short run
// too. The call of Run synchronizes before every call of work, and every call
// of work synchronizes before Run's return.
//
// Run panics as Check does; pkg is the name of the calling package.
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

// Share returns how many of n steps a worker takes. The first workers take one
// more if n is not a multiple of workers.
func Share(worker, workers, n int) int {
	share := n / workers
	if worker < n%workers {
		share++
	}
	return share
}

// Check panics if there is no worker or the number of steps is negative. The
// message begins with pkg, the name of the calling package.
func Check(pkg string, workers, n int) {
	if workers < 1 {
		panic(fmt.Sprintf("%s: %d workers, need at least one", pkg, workers))
	}
	if n < 0 {
		panic(fmt.Sprintf("%s: %d steps, need none or more", pkg, n))
	}
}
