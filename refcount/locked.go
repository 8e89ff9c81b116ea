package refcount

import "sync"

// A lockedHandle counts in plain memory under a lock, one operation at a time.
// The variants that do so differ in which lock guards an object. Their timed
// loops take it themselves: a call through an interface would be the greater
// part of what they measure.
type lockedHandle struct {
	handle[int]
	guard func(*slot[int]) sync.Locker
}

func (h *lockedHandle) New(name string) Ref {
	h.check("New")
	o, r := h.arena.take(name)
	mu := h.guard(o)
	mu.Lock()
	defer mu.Unlock()
	o.count = 1
	return r
}

func (h *lockedHandle) Incref(r Ref) {
	o := h.at("Incref", r)
	mu := h.guard(o)
	mu.Lock()
	o.count++
	alive := o.count > 1
	mu.Unlock()
	if !alive {
		o.resurrected()
	}
}

func (h *lockedHandle) Decref(r Ref) {
	o := h.at("Decref", r)
	mu := h.guard(o)
	mu.Lock()
	o.count--
	left := o.count
	mu.Unlock()
	if left == 0 {
		o.arena.release(o)
	} else if left < 0 {
		o.overReleased()
	}
}

func (h *lockedHandle) TryIncref(r Ref) bool {
	o := h.find(r)
	mu := h.guard(o)
	mu.Lock()
	defer mu.Unlock()
	// The generation is read under the lock. New sets the count of the slot's
	// next object under it too, so as long as the generation is r's, so is
	// the count, and it is 0 once r's object is going.
	if o.gen.Load() != r.gen || o.count == 0 {
		return false
	}
	o.count++
	return true
}

func (h *lockedHandle) Count(r Ref) int {
	o := h.at("Count", r)
	mu := h.guard(o)
	mu.Lock()
	defer mu.Unlock()
	return o.count
}
