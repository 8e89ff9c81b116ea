package refcount

import (
	"runtime"
	"sync"

	"boundaries/internal/fork"
)

// A racyHeap is gilHeap without the GIL, and nothing else: diff this file with
// gil.go. It loses counts, as in the article's figure 4.1.2: two threads read 3,
// both write 4. A take that is lost frees the object while it is used, and the
// next to use it finds another object in its place; a drop that is lost keeps
// the object for ever. Which of the two happens is luck.
//
// Not in Variants: it runs only in child processes that tests start.
type racyHeap struct {
	arena[int]
}

// NewRacy returns an empty heap that is safe for one goroutine only.
func NewRacy(finalize func(string)) Heap {
	return &racyHeap{arena: arena[int]{finalize: finalize}}
}

func (g *racyHeap) Handle() Handle {
	return &lockedHandle{handle[int]{arena: &g.arena}, func(*slot[int]) sync.Locker { return noLock{} }}
}

// Racy takes n steps with such a heap. If the object is freed too early, it may
// panic in a goroutine of its own, and so end the program.
func Racy(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	heap := NewRacy(t.finalize)
	t.begin(heap)
	objects := slots[int](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		o := objects[worker]
		steps := 0
		for ; steps < n; steps++ {
			o.count++
			if o.count == 1 {
				o.resurrected()
			}
			runtime.KeepAlive(o) // or the compiler knows the count, and the drop is a bare store
			o.count--
			if o.count == 0 {
				o.arena.release(o)
			}
		}
		t.took(steps)
	})
	return t.end()
}
