package asyncio

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// runAtomic makes the pool a ring of places and hands the places out by
// fetch-and-add: one sequence of tickets for taking, and one for putting back. A
// client takes the connection that has been idle longest.
//
// A client takes only during its turn, so there is always a connection for its
// ticket. Either the connection is in the ticket's place, or another client has
// drawn a ticket to put one back there and is about to do so.
//
// Cost: per question, two locked adds to shared words and two exchanges with a
// place.
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
