package refcount

import (
	"fmt"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A biasedHeap biases each count toward the handle that made the object, its owner.
// The owner counts in plain memory, and all other handles count in a shared word.
//
// This is biased reference counting by Choi, Shull and Torrellas ("Biased
// Reference Counting", PACT 2018), which PEP 703 brought to nogil. Immortal and
// deferred counts are other ideas and not here.
//
// The local count must be a plain field. Go's atomic store is an exchange, as
// expensive as an atomic add, so a biased count made of atomics gains nothing.
//
// Cost: a comparison per operation, three cache lines per object, and an inbox for
// the counts that only the owner can merge. An object may outlive its last reference
// until its owner ticks. A step that is not the owner's costs two locked adds, as in
// atomic.go.
// Progress: Incref and Decref are wait-free for the owner, and on amd64 for the others.
// TryIncref, Shared and a merge are lock-free. New, a free and a request to merge take a
// lock and are blocking.
type biasedHeap struct{ arena[biasedCount] }

// A biasedCount stands for local + shared>>2 references.
type biasedCount struct {
	// owner is the handle that made the object, and nil once the counts are
	// merged. It changes at most once while the object lives. While the owner is
	// open, no other handle touches local, so the order in which the owner
	// stores owner and local does not matter.
	owner atomic.Pointer[biasedHandle]

	_ cacheline.Pad // others read owner while the owner writes local

	// local belongs to the owner. Once the owner is closed, it belongs to the
	// holder of the lock of the owner's inbox. While owner is not nil, local is
	// at least 1.
	local int

	_ cacheline.Pad // others write shared while the owner writes local

	// shared is count<<2 | state. The count is the number of references that
	// others have taken minus the number that they have dropped. While it is
	// negative, local counts references that are gone.
	shared atomic.Int64
}

// The states of a shared word. A state only ever rises.
//
//	isDefault   TryIncref fails while the count is 0, so the owner may then
//	            free the object after one load of the word
//	isWeak      TryIncref succeeds: the owner must use a compare-and-swap
//	isQueued    the count has been negative; the owner's inbox holds the object,
//	            or is about to
//	isMerged    there is no owner, and shared is the whole count
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

// A biasedHandle owns the objects that it has made, until their counts are merged.
// A closed handle still owns its objects that others hold. Objects name their owner
// by a pointer, where CPython uses a thread id. A thread id may be reused while objects
// still name it. A handle's memory may not, because Go keeps what a pointer points to.
type biasedHandle struct {
	handle[biasedCount]

	asked atomic.Bool // set while inbox is not empty: the eval breaker of Tick

	mu    sync.Mutex
	inbox []*slot[biasedCount] // guarded by mu; slots of objects whose counts are to be merged
	gone  bool                 // guarded by mu; nothing more is put into inbox
}

func (h *biasedHandle) New(name string) Ref {
	h.check("New")
	o, r := h.arena.take(name)
	// Until now the slot had the word of its previous object, {default, 0} or
	// {merged, 0}. TryIncref refuses both.
	o.count.shared.Store(isDefault)
	o.count.local = 1
	o.count.owner.Store(h)
	return r
}

func (h *biasedHandle) Incref(r Ref) {
	o := h.at("Incref", r)
	if o.count.owner.Load() == h {
		o.count.local++
	} else if o.count.shared.Add(unit) == unit|isMerged {
		o.resurrected()
	}
}

func (h *biasedHandle) Decref(r Ref) {
	o := h.at("Decref", r)
	if o.count.owner.Load() == h {
		o.count.local--
		if o.count.local == 0 {
			mergeZero(o)
		}
	} else if word := o.count.shared.Add(-unit); word < 0 || word == isMerged {
		dropped(o, word)
	}
}

// dropped follows a drop by a handle that is not the owner, if the shared word counts
// less than 0 references, or is merged and counts none.
func dropped(o *slot[biasedCount], word int64) {
	switch {
	case word == isMerged:
		o.arena.release(o)
	case word&stateMask == isMerged:
		o.overReleased()
	case word&stateMask != isQueued:
		// The others have dropped more than they have taken, so local
		// counts references that are gone. Only the owner can see whether
		// any is left. If the swap fails, because another handle has changed
		// the word, a later drop may ask the owner again, which does no harm.
		o.count.shared.CompareAndSwap(word, word&^stateMask|isQueued)
		askToMerge(o)
	}
}

// mergeZero merges the counts when local has become 0. Only the owner calls it.
func mergeZero(o *slot[biasedCount]) {
	// If the word is {default, 0}, no other handle has a reference or can get
	// one, because TryIncref refuses this word. One load suffices: the last
	// drop of every other handle wrote this word and synchronizes before it.
	if o.count.shared.Load() == isDefault {
		o.count.owner.Store(nil)
		o.arena.release(o)
	} else if merge(o) == 0 {
		o.arena.release(o)
	}
}

// merge moves local to the shared word and returns the count. The caller is the owner,
// or holds the lock of an owner that is gone.
func merge(o *slot[biasedCount]) int {
	local := o.count.local
	// Clear local and owner before the word says merged. From then on another
	// handle may drop the last reference, and the slot may get a new object,
	// whose owner and local these stores would destroy (CPython gh-119999).
	// Until then, no other handle can free the object.
	o.count.local = 0
	o.count.owner.Store(nil)
	for {
		word := o.count.shared.Load()
		count := int(word>>2) + local
		if count < 0 {
			o.overReleased()
		}
		if o.count.shared.CompareAndSwap(word, int64(count)*unit|isMerged) {
			return count
		}
	}
}

// askToMerge asks the owner to merge the counts. The caller has no reference, so
// another handle may have merged the counts or freed the object in the meantime, and
// the slot may hold the next object. Then the owner of the next object merges the
// counts of that object, which is correct at any time and only ends its bias early.
func askToMerge(o *slot[biasedCount]) {
	owner := o.count.owner.Load()
	if owner == nil {
		return // merged, and the word counts all drops
	}
	owner.mu.Lock()
	if owner.gone {
		free := o.count.owner.Load() == owner && merge(o) == 0
		owner.mu.Unlock()
		if free {
			o.arena.release(o)
		}
		return
	}
	owner.inbox = append(owner.inbox, o)
	owner.asked.Store(true)
	owner.mu.Unlock()
}

// TryIncref returns false for a live object whose word is {default, 0}: its owner
// may be about to free it without another look at the word. After Shared, it
// succeeds.
func (h *biasedHandle) TryIncref(r Ref) bool {
	o := h.find(r)
	if o.count.owner.Load() == h && o.gen.Load() == r.gen {
		o.count.local++ // only the owner can free the object
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
	// As in atomic.go, the word may be that of the slot's next object.
	if o.gen.Load() != r.gen {
		if word := o.count.shared.Add(-unit); word < 0 || word == isMerged {
			dropped(o, word)
		}
		return false
	}
	return true
}

// Shared raises the state from isDefault to isWeak, so that TryIncref succeeds.
func (h *biasedHandle) Shared(r Ref) {
	o := h.at("Shared", r)
	for {
		word := o.count.shared.Load()
		if word&stateMask != isDefault || o.count.shared.CompareAndSwap(word, word|isWeak) {
			return
		}
	}
}

// Count is exact for the owner and, once the counts are merged, for all handles.
// Before, it panics for others, because they must not read local.
func (h *biasedHandle) Count(r Ref) int {
	o := h.at("Count", r)
	word := o.count.shared.Load()
	switch {
	case o.count.owner.Load() == h:
		return o.count.local + int(word>>2)
	case word&stateMask == isMerged:
		return int(word >> 2)
	}
	panic(fmt.Sprintf("refcount: Count of %q through a handle that is not its owner's: only the owner knows the count", r.name))
}

// Tick merges the counts of the objects in the inbox.
func (h *biasedHandle) Tick() {
	h.check("Tick")
	if h.asked.Load() {
		h.drain()
	}
}

// Close empties the inbox and sets gone in one critical section. A handle that finds
// gone set merges the counts itself. With two critical sections, a request that arrives
// between them would be lost, or two goroutines would merge the same counts.
func (h *biasedHandle) Close() {
	if h.closed {
		return
	}
	h.closed = true
	h.drain()
}

// drain merges the counts of the objects in the inbox, and frees those that have no
// references left.
func (h *biasedHandle) drain() {
	h.mu.Lock()
	queued := h.inbox
	h.inbox = nil
	h.asked.Store(false)
	h.gone = h.closed
	dead := queued[:0]
	for _, o := range queued {
		// If h is not the owner, the request came too late.
		if o.count.owner.Load() == h && merge(o) == 0 {
			dead = append(dead, o)
		}
	}
	h.mu.Unlock()
	each(dead, h.arena.release) // runs the finalizers, so not under the lock
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
			} else if o.count.shared.Add(unit) == unit|isMerged {
				o.resurrected()
			}
			if o.count.owner.Load() == h {
				o.count.local--
				if o.count.local == 0 {
					mergeZero(o)
				}
			} else if word := o.count.shared.Add(-unit); word < 0 || word == isMerged {
				dropped(o, word)
			}
		}
		t.took(steps)
	})
	return t.end()
}
