package forkjoin

import "sync"

// runGlobalMutex has one lock for the lists of all workers. It pays for the lock
// at every fork and every join, and all workers wait for each other there.
// Blocking.
func runGlobalMutex(workers, n int) Answer {
	var lock sync.Mutex
	return stepsLocked(workers, n, func(int) *sync.Mutex { return &lock })
}
