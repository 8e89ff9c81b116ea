package refcount

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// An atomicHeap counts with the processor's locked add, as the Gilectomy of 2016
// and Rust's Arc do.
//
// Cost: two locked adds per step, even with a single worker; with several, the
// count's cache line moves from processor to processor.
// Progress: Incref and Decref are wait-free on amd64. TryIncref is lock-free: it must
// not count up from zero, so it has to look first. New and a free take the arena's
// lock and are blocking.
type atomicHeap struct{ arena[atomic.Int64] }

func newAtomic(finalize func(string)) Heap {
	return &atomicHeap{arena[atomic.Int64]{finalize: finalize}}
}

func (a *atomicHeap) Handle() Handle {
	return &atomicHandle{handle[atomic.Int64]{arena: &a.arena}}
}

type atomicHandle struct{ handle[atomic.Int64] }

func (h *atomicHandle) New(name string) Ref {
	h.check("New")
	o, r := h.arena.take(name)
	o.count.Store(1)
	return r
}

func (h *atomicHandle) Incref(r Ref) {
	o := h.at("Incref", r)
	if o.count.Add(1) == 1 {
		o.resurrected()
	}
}

func (h *atomicHandle) Decref(r Ref) {
	o := h.at("Decref", r)
	if left := o.count.Add(-1); left == 0 {
		o.arena.release(o)
	} else if left < 0 {
		o.overReleased()
	}
}

func (h *atomicHandle) TryIncref(r Ref) bool {
	o := h.find(r)
	for {
		count := o.count.Load()
		if count == 0 {
			return false
		}
		if o.count.CompareAndSwap(count, count+1) {
			break
		}
	}
	// The count may be that of the slot's next object. The reference just
	// taken keeps the generation from changing. Before that, it could have
	// changed between any two instructions. If the generation is not r's, the
	// reference is a real one to another object, and is dropped like any other.
	if o.gen.Load() != r.gen {
		if o.count.Add(-1) == 0 {
			o.arena.release(o)
		}
		return false
	}
	return true
}

func (h *atomicHandle) Count(r Ref) int { return int(h.at("Count", r).count.Load()) }

func runAtomic(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	t.begin(newAtomic(t.finalize))
	objects := slots[atomic.Int64](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		o := objects[worker]
		steps := 0
		for ; steps < n; steps++ {
			if o.count.Add(1) == 1 {
				o.resurrected()
			}
			if o.count.Add(-1) == 0 {
				o.arena.release(o)
			}
		}
		t.took(steps)
	})
	return t.end()
}
