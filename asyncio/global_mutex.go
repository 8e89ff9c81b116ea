package asyncio

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runGlobalMutex guards the pool, a stack of idle connections, with one lock.
//
// Cost: the lock twice per question, and the transfer of its cache line between
// processors. A client that loses its processor while it holds the lock stops all
// others.
// Progress: blocking.
func runGlobalMutex(db *Database, n int) Answer {
	check(n)
	var pool struct {
		_    cacheline.Pad
		mu   sync.Mutex
		idle []int // guarded by mu
		_    cacheline.Pad
	}
	pool.idle = slots()
	take := func(int) (slot int) {
		pool.mu.Lock()
		slot, pool.idle = pop(pool.idle)
		pool.mu.Unlock()
		return slot
	}
	put := func(_, slot int) {
		pool.mu.Lock()
		pool.idle = append(pool.idle, slot)
		pool.mu.Unlock()
	}
	return db.share(n, take, put)
}
