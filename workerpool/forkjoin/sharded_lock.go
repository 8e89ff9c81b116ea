package forkjoin

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runShardedLock has a lock for the task list of each worker.
//
// Cost: the lock at every fork and every join, contended only by thieves.
// Progress: blocking.
func runShardedLock(workers, n int) Answer {
	return stepsLocked(workers, n, func(int) *sync.Mutex {
		var own struct {
			_    cacheline.Pad // no two locks share a line
			lock sync.Mutex
			_    cacheline.Pad
		}
		return &own.lock
	})
}
