// Package ring is a bounded queue for any number of goroutines, as Vyukov's bounded MPMC
// queue (1024cores.net, 2010).
//
// Each item has a ticket, in the order of the items. Every slot has a number that says whose
// turn it is:
//
//	ticket          the slot is empty, for the Put of this ticket
//	ticket + 1      the slot is full, for the Take of this ticket
//	ticket + Size   the slot is empty again, one round later
//
// A Put or a Take first looks whether it is the turn of the next ticket, and then draws that
// ticket with a compare-and-swap. So a goroutine that draws a ticket owns its slot at once, and no
// goroutine waits for another.
//
// A goroutine that stops between its ticket and its last store, a few instructions apart, holds
// up the others at its slot: until it goes on, Take finds nothing behind an item that is still
// being written, and Put no room behind one that is still being read. Len returns 0
// where Take would find nothing. So a worker that finds nothing may sleep, if every Put looks for
// sleepers when it is done.
package ring

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// Size is how many items a ring holds. It is a power of two, so that the tickets may
// wrap around.
const Size = 1024

// A Ring is a queue of at most Size items.
type Ring[T any] struct {
	_     cacheline.Pad
	put   atomic.Uint32 // next ticket to put
	_     cacheline.Pad
	take  atomic.Uint32 // next ticket to take
	_     cacheline.Pad
	slots [Size]slot[T]
}

type slot[T any] struct {
	turn atomic.Uint32
	item T // owned by the holder of the ticket whose turn it is
}

// New returns an empty ring whose first ticket is start. Only tests pass anything
// but 0.
func New[T any](start uint32) *Ring[T] {
	r := &Ring[T]{}
	r.put.Store(start)
	r.take.Store(start)
	for i := range uint32(Size) {
		r.slots[(start+i)%Size].turn.Store(start + i)
	}
	return r
}

// Len returns how many items there are to take. It counts items that a Put is still writing,
// except while the oldest item is one of them: then it returns 0.
func (r *Ring[T]) Len() int {
	for {
		ticket := r.take.Load() // before put, because take never passes put
		if r.slots[ticket%Size].turn.Load() == ticket+1 {
			return int(r.put.Load() - ticket)
		} else if r.take.Load() == ticket { // otherwise a Take has the item, and another is the oldest
			return 0
		}
	}
}

// Put adds an item and returns true, or returns false if the ring is full or the item that
// was in the slot is still being read. It synchronizes before the Take that returns the item.
func (r *Ring[T]) Put(item T) bool {
	for {
		ticket := r.put.Load()
		s := &r.slots[ticket%Size]
		if s.turn.Load() == ticket {
			if r.put.CompareAndSwap(ticket, ticket+1) {
				s.item = item
				s.turn.Store(ticket + 1)
				return true
			}
		} else if r.put.Load() == ticket { // otherwise another Put was faster
			return false
		}
	}
}

// Take removes the oldest item, or returns false if the ring is empty or that item is still
// being written.
func (r *Ring[T]) Take() (item T, ok bool) {
	for {
		ticket := r.take.Load()
		s := &r.slots[ticket%Size]
		if s.turn.Load() == ticket+1 {
			if r.take.CompareAndSwap(ticket, ticket+1) {
				var none T
				item, s.item = s.item, none
				s.turn.Store(ticket + Size)
				return item, true
			}
		} else if r.take.Load() == ticket { // otherwise another Take was faster
			return item, false
		}
	}
}
