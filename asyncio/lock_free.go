package asyncio

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// runLockFree makes the pool a stack that clients change by compare-and-swap, after
// Treiber (IBM RJ 5118, 1986).
//
// Cost: two compare-and-swaps of one shared word per question, and another try if
// another client has changed the word in between.
// Progress: lock-free.
func runLockFree(db *Database, n int) Answer {
	check(n)
	var pool stack
	for _, slot := range slots() {
		pool.put(0, slot)
	}
	return db.share(n, pool.take, pool.put)
}

// A stack is a lock-free stack of idle connections. The zero value is empty.
//
// A link is 1 + the slot of a connection, or 0 at the bottom. The head is the link to
// the top connection and a tag that every change increments. Without the tag, take
// could go wrong (the ABA problem). It reads the top and the connection below.
// Meanwhile other clients take both and put the top back. The top is then the same,
// but the connection that was below is in use.
type stack struct {
	_     cacheline.Pad
	head  atomic.Uint64 // tag<<32 | link
	_     cacheline.Pad
	below [inFlight]atomic.Uint32 // links, by slot
	_     cacheline.Pad
}

func (s *stack) take(int) (slot int) {
	for {
		head := s.head.Load()
		top := uint32(head)
		if top == 0 {
			return -1
		}
		below := s.below[top-1].Load()
		if s.head.CompareAndSwap(head, next(head, below)) {
			return int(top - 1)
		}
	}
}

func (s *stack) put(_, slot int) {
	for {
		head := s.head.Load()
		s.below[slot].Store(uint32(head))
		if s.head.CompareAndSwap(head, next(head, uint32(slot+1))) {
			return
		}
	}
}

// next returns the head that replaces head when the top changes.
func next(head uint64, top uint32) uint64 { return (head>>32+1)<<32 | uint64(top) }
