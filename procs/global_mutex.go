package procs

import "boundaries/procs/internal/children"

// runGlobalMutex has one queue for all children, under one lock between processes.
// A child holds the lock while it changes an item, one item at a time. The parent
// holds it while it reads the answers and fills the free slots.
//
// Cost: the lock at every item, and no parallelism: no two children work at once.
// Progress: blocking, but the lock survives its holder: see askLocked.
func runGlobalMutex(p *children.Pool, n int) (int, error) {
	p.Lanes[0].First = p.Lanes[0].Sent
	return askLocked(p.Lanes[0], p.Lanes, n)
}

func serveGlobalMutex(w *children.Worker) { serveLocked(w) }
