package forkjoin

import "sync"

// runGlobalMutex has one lock for the task lists of all workers.
//
// Cost: the lock at every fork and every join, where all workers wait for each other.
// Progress: blocking.
func runGlobalMutex(workers, n int) Answer {
	var lock sync.Mutex
	return stepsLocked(workers, n, func(int) *sync.Mutex { return &lock })
}
