// Package ring is a bounded queue for any number of goroutines. Fetch-and-add hands
// out its slots, as tickets.
//
// A consumer that holds a ticket must wait for its slot to be filled, possibly
// forever. So Put first claims room and Take first claims an item, and each fails
// if there is none. Only then does it draw a ticket. The holder of a ticket waits at
// most for a goroutine that is between its own ticket and its last store, a few
// instructions apart. No goroutine waits for an item that has yet to be put.
//
// Every slot has a sequence number, as in Vyukov's bounded queue. It says whose turn
// it is:
//
//	ticket          the slot is empty, for the Put that holds this ticket
//	ticket + 1      the slot is full, for the Take that holds this ticket
//	ticket + Size   the slot is empty again, one round later
//
// A ring is blocking during those few instructions and lock-free otherwise.
package ring

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// Size is how many items a ring holds. It is a power of two, so that the tickets may
// wrap around.
const Size = 1024

// A Ring is a queue of at most Size items.
type Ring[T any] struct {
	_     cacheline.Pad
	room  atomic.Int32 // slots that are neither full nor claimed by a Put
	_     cacheline.Pad
	items atomic.Int32 // items that no Take has claimed
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
	r.room.Store(Size)
	r.put.Store(start)
	r.take.Store(start)
	for i := range uint32(Size) {
		r.slots[(start+i)%Size].turn.Store(start + i)
	}
	return r
}

// Len returns how many items there are to take.
func (r *Ring[T]) Len() int { return int(r.items.Load()) }

// Put adds an item and returns true, or returns false if the ring is full. It
// synchronizes before the Take that returns the item.
func (r *Ring[T]) Put(item T) bool {
	if !claim(&r.room) {
		return false
	}
	ticket := r.put.Add(1) - 1
	s := &r.slots[ticket%Size]
	for s.turn.Load() != ticket { // the Take of the last round is still reading the slot
		runtime.Gosched()
	}
	s.item = item
	s.turn.Store(ticket + 1)
	r.items.Add(1)
	return true
}

// Take removes the oldest item, or returns false if the ring is empty.
func (r *Ring[T]) Take() (item T, ok bool) {
	if !claim(&r.items) {
		return item, false
	}
	ticket := r.take.Add(1) - 1
	s := &r.slots[ticket%Size]
	for s.turn.Load() != ticket+1 { // the Put of this item is still writing the slot
		runtime.Gosched()
	}
	var none T
	item, s.item = s.item, none
	s.turn.Store(ticket + Size)
	r.room.Add(1)
	return item, true
}

// claim decrements n and returns true, or returns false if n is 0. A fetch-and-add is
// not enough: at 0 the goroutine would have to undo it, and until then another
// goroutine could find none although there is one.
func claim(n *atomic.Int32) bool {
	for {
		there := n.Load()
		if there == 0 {
			return false
		}
		if n.CompareAndSwap(there, there-1) {
			return true
		}
	}
}
