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
	free []*slot[C] // guarded by mu; used again last in, first out, so that a stale Ref soon meets a new object
	made int        // guarded by mu; number of slots
	live int        // guarded by mu; number of objects
}

// A slot holds one object from take to release, and later another.
type slot[C any] struct {
	arena *arena[C]
	id    int // of the slot; from 0
	name  string
	gen   atomic.Uint32 // the object's generation; incremented when the object is freed
	_     cacheline.Pad // reads of the fields above must not wait for writes of the count
	count C
	_     cacheline.Pad // no two counts share a line
}

// take returns a slot for a new object with that name. The caller sets the count.
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

// release frees the object in a slot and lets the next object use the slot.
// Until the slot is taken again, its count does not change, and TryIncref refuses it.
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

// reuse lets the next object use a retired slot.
func (a *arena[C]) reuse(o *slot[C]) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, o)
}

// each calls free with each of the objects. If the finalizer of one panics, the others
// are freed before the panic goes on.
func each[C any](objects []*slot[C], free func(*slot[C])) {
	next := 0
	defer func() {
		if next < len(objects) {
			each(objects[next:], free)
		}
	}()
	for next < len(objects) {
		next++
		free(objects[next-1])
	}
}

// Live implements Heap.
func (a *arena[C]) Live() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live
}

// at returns the slot of a reference that the caller of op holds. It panics if that
// reference cannot exist.
func (a *arena[C]) at(op string, r Ref) *slot[C] {
	o := a.find(op, r)
	if o.gen.Load() != r.gen {
		panic(fmt.Sprintf("refcount: %s of %q, which has been freed", op, r.name))
	}
	return o
}

// find returns the slot that holds, or held, the object of a reference.
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

// resurrected and overReleased report misuse that shows in the count and not in the
// generation: two goroutines misused the object at the same time, or the variant had not
// freed it yet.

func (o *slot[C]) resurrected() {
	panic(fmt.Sprintf("refcount: Incref of %q, which had no references left", o.name))
}

func (o *slot[C]) overReleased() {
	panic(fmt.Sprintf("refcount: Decref of %q, which had no references left", o.name))
}

// A handle is the part that the handles of all variants have in common.
type handle[C any] struct {
	arena  *arena[C]
	closed bool
}

// at returns the slot of a reference that the caller of op holds.
func (h *handle[C]) at(op string, r Ref) *slot[C] {
	h.check(op)
	return h.arena.at(op, r)
}

// find returns the slot of a reference that the caller of TryIncref need not hold.
// The slot may hold another object by now.
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
