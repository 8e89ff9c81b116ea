package asyncio

import "boundaries/internal/cacheline"

// Racy is global-mutex without the mutex, and nothing else: diff it with
// global_mutex.go. When two clients use the pool at once, it loses a connection, or
// gives one to both of them, which ends the run with an error. That takes two
// clients within the same few nanoseconds, so a short run may end without an error.
// The race detector reports the race even then.
//
// Racy is not in Variants: it runs only in child processes that tests start.
func Racy(db *Database, n int) Answer {
	check(n)
	var pool struct {
		_    cacheline.Pad
		idle []int
		_    cacheline.Pad
	}
	pool.idle = slots()
	take := func(int) (slot int) {
		slot, pool.idle = pop(pool.idle)
		return slot
	}
	put := func(_, slot int) {
		pool.idle = append(pool.idle, slot)
	}
	return db.share(n, take, put)
}
