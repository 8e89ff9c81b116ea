package asyncio

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// runAtomic makes the pool a ring of places and hands the places out by
// fetch-and-add: one sequence of tickets for taking, and one for putting back. The
// connection that has been idle for longest is used first.
//
// Every client that takes has a turn, so there is a connection for its ticket: in
// its place, or in the hands of a client that has drawn the ticket for this place
// and has yet to fill it.
//
// Cost: two locked adds a question to shared words, and two exchanges with a place.
// Progress: blocking. A client waits for another that has drawn a ticket and has not
// used it, which takes a few instructions.
func runAtomic(db *Database, n int) Answer {
	check(n)
	const empty = -1
	var pool struct {
		_      cacheline.Pad
		takes  atomic.Uint32 // tickets drawn for taking
		_      cacheline.Pad
		puts   atomic.Uint32 // tickets drawn for putting back
		_      cacheline.Pad
		places [inFlight]atomic.Int32 // of idle connections, or empty
		_      cacheline.Pad
	}
	for place, slot := range slots() {
		pool.places[place].Store(int32(slot))
	}
	take := func(int) (slot int) {
		place := &pool.places[(pool.takes.Add(1)-1)%inFlight]
		for {
			if slot := place.Swap(empty); slot != empty {
				return int(slot)
			}
			runtime.Gosched()
		}
	}
	put := func(_, slot int) {
		place := &pool.places[(pool.puts.Add(1)-1)%inFlight]
		for !place.CompareAndSwap(empty, int32(slot)) {
			runtime.Gosched()
		}
	}
	return db.share(n, take, put)
}
