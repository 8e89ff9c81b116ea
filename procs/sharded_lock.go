package procs

import "boundaries/procs/internal/children"

// runShardedLock gives each child a queue and a lock of its own, and is otherwise
// global-mutex.
//
// Cost: the lock at every item, for which only the parent contends.
// Progress: blocking, but the lock survives its holder.
func runShardedLock(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		return askLocked(l, []*children.Lane{l}, n)
	})
}

func serveShardedLock(w *children.Worker) { serveLocked(w) }
