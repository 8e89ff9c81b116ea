package refcount

import (
	"fmt"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A biasedHeap biases each count towards the handle that made the object, its
// owner, which counts in plain memory; everybody else counts in a shared word.
// It pays a comparison for every operation, three cache lines for every object,
// and a queue for the drop that only the owner can settle. The owner's fast path
// is wait-free and the others' lock-free; a queued drop and a merge take the
// lock of the owner's inbox, and an object may outlive its last reference until
// its owner ticks.
//
// This is biased reference counting by Choi, Shull and Torrellas ("Biased
// Reference Counting", PACT 2018), as PEP 703 gave it to nogil. What is not
// here: immortal and deferred counts, which are other ideas.
//
// The local count must be a plain field. Go's atomic store is an exchange, as
// dear as an atomic add, so a biased count made of atomics gains nothing.
type biasedHeap struct{ arena[biasedCount] }

// A biasedCount is the number of references local + shared>>2, less one while a
// drop is on its way through the inbox.
type biasedCount struct {
	// owner goes from the maker to nil, once, when the counts are merged.
	// The owner's own stores to owner and local need no order among each
	// other for the owner; for others, local is out of bounds.
	owner atomic.Pointer[biasedHandle]

	_ cacheline.Pad // the others read owner while the owner writes local

	// local is the owner's alone. When the owner is closed, it belongs to the
	// one whose drop would have been queued, under the lock of the owner's
	// inbox: an object is queued once. While owner is not nil, local is at
	// least 1.
	local int

	_ cacheline.Pad // the others write shared while the owner writes local

	// shared is count<<2 | state. The count is what all others have taken
	// less what they have dropped; it may be negative while queued.
	shared atomic.Int64
}

// The states of a shared word. A state only ever rises.
//
//	isDefault   nobody may TryIncref unless the count is positive: the owner
//	            may free without looking again when it is 0
//	isWeak      somebody may: the owner settles with a compare-and-swap
//	isQueued    somebody has dropped a reference that is in local; the owner's
//	            inbox holds that drop, or is about to
//	isMerged    there is no owner: shared is the whole count
const (
	isDefault = iota
	isWeak
	isQueued
	isMerged

	stateMask = 3
	unit      = 4 // one reference
)

func newLockFree(finalize func(string)) Heap {
	return &biasedHeap{arena[biasedCount]{finalize: finalize}}
}

func (b *biasedHeap) Handle() Handle {
	return &biasedHandle{handle: handle[biasedCount]{arena: &b.arena}}
}

// A biasedHandle owns the objects that it has made, until their counts are
// merged. A closed handle still owns those that others hold, and is never used
// again: Go compares pointers to handles where CPython compares thread ids, and
// a pointer that an object holds cannot be given to another.
type biasedHandle struct {
	handle[biasedCount]

	asked atomic.Bool // inbox is not empty: the eval breaker of Tick

	mu    sync.Mutex
	inbox []*slot[biasedCount] // guarded by mu; each holds one reference, to be dropped
	gone  bool                 // guarded by mu; nothing is put into inbox any more
}

func (h *biasedHandle) New(name string) Ref {
	h.check("New")
	o, r := h.arena.take(name)
	// The word of the slot's last object was {default, 0} or {merged, 0}, and
	// TryIncref has refused both.
	o.count.shared.Store(isDefault)
	o.count.local = 1
	o.count.owner.Store(h)
	return r
}

func (h *biasedHandle) Incref(r Ref) {
	o := h.at("Incref", r)
	if o.count.owner.Load() == h {
		o.count.local++
	} else {
		increfShared(o)
	}
}

func (h *biasedHandle) Decref(r Ref) {
	o := h.at("Decref", r)
	if o.count.owner.Load() == h {
		o.count.local--
		if o.count.local == 0 {
			mergeZero(o)
		}
	} else {
		h.decrefShared(o)
	}
}

// increfShared takes a reference through a handle that is not the owner.
func increfShared(o *slot[biasedCount]) {
	if o.count.shared.Add(unit) == unit|isMerged {
		o.resurrected()
	}
}

// decrefShared drops a reference through a handle that is not the owner.
func (h *biasedHandle) decrefShared(o *slot[biasedCount]) {
	for {
		word := o.count.shared.Load()
		next := word - unit
		queue := word == isDefault || word == isWeak
		switch {
		case queue:
			// All that others have taken is dropped, so this reference
			// is in local. The queue takes it over as it is: to
			// subtract it here as well would drop it twice.
			next = isQueued
		case word == isMerged:
			o.overReleased()
		}
		if !o.count.shared.CompareAndSwap(word, next) {
			continue
		}
		if queue {
			h.enqueue(o)
		} else if next == isMerged {
			o.arena.release(o)
		}
		return
	}
}

// mergeZero is called by the owner when it has dropped the last reference in
// local.
func mergeZero(o *slot[biasedCount]) {
	// {default, 0}: nobody else has a reference, and nobody can get one, for
	// TryIncref refuses this word. The load suffices: what others wrote to the
	// word, the last drop of each, synchronizes before it.
	word := o.count.shared.Load()
	free := word == isDefault
	if word&stateMask == isQueued && word < unit {
		o.overReleased() // the inbox holds a reference that is nowhere counted
	}
	o.count.owner.Store(nil)
	for !free {
		word = o.count.shared.Load()
		if o.count.shared.CompareAndSwap(word, word|isMerged) {
			free = word|isMerged == isMerged
			break
		}
	}
	if free {
		o.arena.release(o)
	}
}

// merge moves local to the shared word, adds extra, and returns the count that
// is left. It is called by the owner, or under the lock of an owner that has
// gone.
func merge(o *slot[biasedCount], extra int) int {
	local := o.count.local
	// Before the word says merged: from then on another may drop the last
	// reference and give the slot to a new object, whose owner and local
	// these stores would destroy (CPython gh-119999). Until then, the queued
	// drop keeps the object.
	o.count.local = 0
	o.count.owner.Store(nil)
	for {
		word := o.count.shared.Load()
		count := int(word>>2) + local + extra
		if count < 0 {
			o.overReleased()
		}
		if o.count.shared.CompareAndSwap(word, int64(count)*unit|isMerged) {
			return count
		}
	}
}

// enqueue hands a reference that was counted in local to the owner, to be
// dropped there.
func (h *biasedHandle) enqueue(o *slot[biasedCount]) {
	owner := o.count.owner.Load()
	if owner == nil {
		// The owner has merged meanwhile, or is about to. The reference is
		// in the shared word, and can be dropped there. It is the one that
		// keeps the object, so the loads in between met no other.
		h.decrefShared(o)
		return
	}
	owner.mu.Lock()
	if owner.gone {
		count := merge(o, -1)
		owner.mu.Unlock()
		if count == 0 {
			o.arena.release(o)
		}
		return
	}
	owner.inbox = append(owner.inbox, o)
	owner.asked.Store(true)
	owner.mu.Unlock()
}

// TryIncref refuses a living object whose word is {default, 0}: its owner may be
// about to free it without looking at the word again. Shared makes it succeed.
func (h *biasedHandle) TryIncref(r Ref) bool {
	o := h.find(r)
	if o.count.owner.Load() == h && o.gen.Load() == r.gen {
		o.count.local++ // what its owner owns, only its owner frees
		return true
	}
	for {
		word := o.count.shared.Load()
		if word == isDefault || word == isMerged {
			return false
		}
		if o.count.shared.CompareAndSwap(word, word+unit) {
			break
		}
	}
	// As in atomic.go: the word may be that of the slot's next object.
	if o.gen.Load() != r.gen {
		h.decrefShared(o)
		return false
	}
	return true
}

// Shared raises {default} to {weak}, so that TryIncref need not refuse.
func (h *biasedHandle) Shared(r Ref) {
	o := h.at("Shared", r)
	for {
		word := o.count.shared.Load()
		if word&stateMask != isDefault || o.count.shared.CompareAndSwap(word, word|isWeak) {
			return
		}
	}
}

// Count is exact for the owner, and for everybody once the counts are merged.
// Others cannot know what is in local: for them it panics.
func (h *biasedHandle) Count(r Ref) int {
	o := h.at("Count", r)
	h.drain()
	word := o.count.shared.Load()
	switch {
	case o.count.owner.Load() == h:
		return o.count.local + int(word>>2)
	case word&stateMask == isMerged:
		return int(word >> 2)
	}
	panic(fmt.Sprintf("refcount: Count of %q through a foreign handle: only its owner knows", r.name))
}

// Tick drops the references in the inbox.
func (h *biasedHandle) Tick() {
	h.check("Tick")
	if h.asked.Load() {
		h.drain()
	}
}

// Close closes the inbox, so that who would put a reference into it merges the
// counts himself, and then empties it: in the other order a reference that came
// in between would never be dropped.
func (h *biasedHandle) Close() {
	if h.closed {
		return
	}
	h.closed = true
	h.mu.Lock()
	h.gone = true
	h.mu.Unlock()
	h.drain()
}

// drain drops the references in the inbox.
func (h *biasedHandle) drain() {
	h.mu.Lock()
	queued := h.inbox
	h.inbox = nil
	h.asked.Store(false)
	h.mu.Unlock()
	for _, o := range queued {
		// The counts may be merged already, by the owner's own last drop:
		// then local is 0, and the reference is in the shared word.
		if merge(o, -1) == 0 {
			o.arena.release(o)
		}
	}
}

func runLockFree(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	t.begin(newLockFree(t.finalize))
	objects := slots[biasedCount](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		h := t.handles[worker].(*biasedHandle)
		o := objects[worker]
		steps := 0
		for ; steps < n; steps++ {
			if o.count.owner.Load() == h {
				o.count.local++
			} else {
				increfShared(o)
			}
			if o.count.owner.Load() == h {
				o.count.local--
				if o.count.local == 0 {
					mergeZero(o)
				}
			} else {
				h.decrefShared(o)
			}
		}
		t.took(steps)
	})
	return t.end()
}
