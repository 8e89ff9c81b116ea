package refcount

import "boundaries/internal/fork"

// immortal is the count of an object that is never freed. It fits in an int of 32
// bits. CPython 3.12 and later give such a count to None, small integers and
// interned strings (PEP 683).
const immortal = 1<<31 - 1

// A privateHeap makes objects immortal. A count that is never written needs no
// protection and stays in every processor's cache. This is the ceiling.
//
// Cost: the memory, because an object is never freed; no finalizer ever runs.
// Progress: wait-free, except New, which takes the arena's lock and is blocking.
type privateHeap struct{ arena[int] } // counts written in New only

func newPrivate(func(string)) Heap { return &privateHeap{} }

func (p *privateHeap) Handle() Handle { return &privateHandle{handle[int]{arena: &p.arena}} }

type privateHandle struct{ handle[int] }

func (h *privateHandle) New(name string) Ref {
	h.check("New")
	o, r := h.arena.take(name)
	o.count = immortal
	return r
}

func (h *privateHandle) Incref(r Ref) { h.at("Incref", r) }

func (h *privateHandle) Decref(r Ref) { h.at("Decref", r) }

func (h *privateHandle) TryIncref(r Ref) bool {
	h.find(r)
	return true
}

func (h *privateHandle) Count(r Ref) int { return h.at("Count", r).count }

// runPrivate reports the objects that are still alive as ended: the right result for
// immortal objects is that none is freed.
func runPrivate(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	heap := newPrivate(t.finalize)
	t.begin(heap)
	objects := slots[int](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		o := objects[worker]
		steps := 0
		for ; steps < n; steps++ {
			if o.count != immortal {
				o.count++
			}
			if o.count != immortal {
				o.count--
				if o.count == 0 {
					o.arena.release(o)
				}
			}
		}
		t.took(steps)
	})
	answer := t.end()
	answer.Ended = heap.Live()
	return answer
}
