package refcount

import (
	"runtime"
	"sync"

	"boundaries/internal/fork"
)

// A racyHeap is gilHeap without the GIL, and nothing else: diff this file with
// gil.go. It loses counts, as in the article's figure 4.1.2, where two threads
// read 3 and both write 4. A lost take frees the object while it is in use, and
// the next user finds another object in its place. A lost drop keeps the object
// forever. Chance decides which of the two happens.
//
// It is not in Variants: it runs only in child processes that tests start.
type racyHeap struct {
	arena[int]
}

// NewRacy returns an empty heap that counts without a lock, so that goroutines race.
func NewRacy(finalize func(string)) Heap {
	return &racyHeap{arena: arena[int]{finalize: finalize}}
}

func (g *racyHeap) Handle() Handle {
	return &lockedHandle{handle[int]{arena: &g.arena}, func(*slot[int]) sync.Locker { return noLock{} }}
}

// Racy takes n steps on a heap of NewRacy. If the heap frees the object too early, Racy
// may panic in a worker's goroutine, which ends the program.
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
			runtime.KeepAlive(o) // otherwise the compiler knows the count, and the decrement is a plain store
			o.count--
			if o.count == 0 {
				o.arena.release(o)
			}
		}
		t.took(steps)
	})
	return t.end()
}
