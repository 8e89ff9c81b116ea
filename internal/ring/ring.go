// Package ring is a bounded queue for any number of goroutines whose slots are
// handed out by fetch-and-add.
//
// A ticket of a queue that is filled by fetch-and-add obliges its holder: who has
// drawn a ticket to take must wait for its slot to be filled, were it forever.
// So nobody draws one before something is his: Put first claims room, Take first
// claims an item, and both give up if there is none. A ticket then waits at most
// for somebody who is between his own ticket and his last store, a few
// instructions away; nobody waits for an item that has yet to be put.
//
// The sequence number of a slot, as in Vyukov's bounded queue, says whose turn it
// is:
//
//	ticket          empty, for whoever puts with this ticket
//	ticket + 1      full, for whoever takes with this ticket
//	ticket + size   empty again, one round later
//
// Blocking, in the few instructions above; the rest is lock-free.
package ring

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// Size is how many items a ring holds, a power of two so that the tickets may
// wrap around.
const Size = 1024

// A Ring is a queue of at most Size items.
type Ring[T any] struct {
	_     cacheline.Pad
	room  atomic.Int32 // slots that are neither full nor claimed by a Put
	_     cacheline.Pad
	items atomic.Int32 // items put and not claimed by a Take
	_     cacheline.Pad
	put   atomic.Uint32 // next ticket to put
	_     cacheline.Pad
	take  atomic.Uint32 // next ticket to take
	_     cacheline.Pad
	slots [Size]slot[T]
}

type slot[T any] struct {
	turn atomic.Uint32
	item T // belongs to the ticket whose turn it is
}

// New returns an empty ring whose first ticket is start, of which only a test
// wants another than 0.
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

// Put adds an item, unless the ring is full. It synchronizes before the Take that
// returns the item.
func (r *Ring[T]) Put(item T) bool {
	if !claim(&r.room) {
		return false
	}
	ticket := r.put.Add(1) - 1
	s := &r.slots[ticket%Size]
	for s.turn.Load() != ticket { // whoever takes the last round's item is reading it
		runtime.Gosched()
	}
	s.item = item
	s.turn.Store(ticket + 1)
	r.items.Add(1)
	return true
}

// Take removes the oldest item, if there is one.
func (r *Ring[T]) Take() (item T, ok bool) {
	if !claim(&r.items) {
		return item, false
	}
	ticket := r.take.Add(1) - 1
	s := &r.slots[ticket%Size]
	for s.turn.Load() != ticket+1 { // whoever put it is writing it
		runtime.Gosched()
	}
	var none T
	item, s.item = s.item, none
	s.turn.Store(ticket + Size)
	r.room.Add(1)
	return item, true
}

// claim takes one of what n counts, if there is any. It is not a fetch-and-add,
// which would have to be taken back from nothing: meanwhile another would find
// nothing as well, where there was something for him.
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
