package forkjoin

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runShardedLock has a lock for the list of each worker. It pays for the lock at
// every fork and every join, but waits there only for thieves. Blocking.
func runShardedLock(workers, n int) Answer {
	return stepsLocked(workers, n, func(int) *sync.Mutex {
		var own struct {
			_    cacheline.Pad // no two locks on one line
			lock sync.Mutex
			_    cacheline.Pad
		}
		return &own.lock
	})
}
