package refcount

import (
	"fmt"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// An arena is the memory of a heap whose objects carry a count of type C.
type arena[C any] struct {
	finalize func(name string)

	mu   sync.Mutex
	free []*slot[C] // guarded by mu; the slot freed last is used first, so that a stale Ref soon meets a stranger
	made int        // guarded by mu; slots
	live int        // guarded by mu; objects
}

// A slot holds an object from take to release, and then the next object.
type slot[C any] struct {
	arena *arena[C]
	id    int // of the slot; from 0
	name  string
	gen   atomic.Uint32 // of the object; rises in release, when the object is gone
	_     cacheline.Pad // what is only read must not wait for the counts
	count C
	_     cacheline.Pad // no two counts on one line
}

// take returns a slot for an object of that name. The caller sets the count.
func (a *arena[C]) take(name string) (*slot[C], Ref) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.live++
	var o *slot[C]
	if last := len(a.free) - 1; last >= 0 {
		o, a.free = a.free[last], a.free[:last]
	} else {
		o = &slot[C]{arena: a, id: a.made}
		a.made++
	}
	o.name = name
	return o, Ref{o, o.gen.Load(), name}
}

// release frees the object in a slot and gives the slot to the next. Its count is
// such that TryIncref refuses it, and stays so until the slot is taken again.
func (a *arena[C]) release(o *slot[C]) {
	a.retire(o)
	a.reuse(o)
}

// retire frees the object in a slot.
func (a *arena[C]) retire(o *slot[C]) {
	if a.finalize != nil {
		a.finalize(o.name)
	}
	o.gen.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.live--
}

// reuse gives a retired slot to the next object.
func (a *arena[C]) reuse(o *slot[C]) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, o)
}

// Live implements Heap.
func (a *arena[C]) Live() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live
}

// at returns the slot of a reference that the caller of op holds, and panics if
// there can be no such reference.
func (a *arena[C]) at(op string, r Ref) *slot[C] {
	o := a.find(op, r)
	if o.gen.Load() != r.gen {
		panic(fmt.Sprintf("refcount: %s of %q, which has been freed", op, r.name))
	}
	return o
}

// find returns the slot that held the object of a reference.
func (a *arena[C]) find(op string, r Ref) *slot[C] {
	if r.slot == nil {
		panic(fmt.Sprintf("refcount: %s of the zero Ref", op))
	}
	o, ok := r.slot.(*slot[C])
	if !ok || o.arena != a {
		panic(fmt.Sprintf("refcount: %s of %q, an object of another heap", op, r.name))
	}
	return o
}

// resurrected and overReleased are what a count says to misuse that the
// generations did not see, because two goroutines were at it at once.

func (o *slot[C]) resurrected() {
	panic(fmt.Sprintf("refcount: Incref of %q, which had no references left", o.name))
}

func (o *slot[C]) overReleased() {
	panic(fmt.Sprintf("refcount: Decref of %q, which had no references left", o.name))
}

// A handle is what the handles of all variants have in common.
type handle[C any] struct {
	arena  *arena[C]
	closed bool
}

// at returns the slot of a reference that the caller of op holds.
func (h *handle[C]) at(op string, r Ref) *slot[C] {
	h.check(op)
	return h.arena.at(op, r)
}

// find returns the slot of a reference that the caller of TryIncref may not
// hold. The slot may have another object by now.
func (h *handle[C]) find(r Ref) *slot[C] {
	h.check("TryIncref")
	return h.arena.find("TryIncref", r)
}

func (h *handle[C]) check(op string) {
	if h.closed {
		panic("refcount: " + op + " through a closed handle")
	}
}

func (h *handle[C]) Shared(r Ref) { h.at("Shared", r) }
func (h *handle[C]) Tick()        { h.check("Tick") }
func (h *handle[C]) Close()       { h.closed = true }
