package refcount

import "sync"

// A lockedHandle counts in plain memory and takes a lock for each operation. The
// variants that use it differ in which lock guards an object. Their timed loops
// take the lock themselves, because a call through an interface would be the
// greater part of the step.
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
	// The generation is read under the lock, and New sets the count of the
	// slot's next object under the same lock. So while the generation is r's,
	// the count is r's too; it is 0 once r's object is being freed.
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
