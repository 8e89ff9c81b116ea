package procs

// runShardedLock gives each child a queue and a lock of its own, and is
// otherwise global-mutex. It pays for the lock at every item, contended only by
// the parent. Blocking, and the lock survives its holder.
func runShardedLock(p *Pool, n int) (int, error) {
	return p.eachLane(n, func(l *lane, n int) (int, error) {
		return l.seeTo([]*lane{l}, n)
	})
}

func serveShardedLock(w *worker) { w.serveLocked() }
