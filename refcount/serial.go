package refcount

import (
	"runtime"
	"sync"

	"boundaries/internal/fork"
)

// A serialHeap counts in plain memory, for one goroutine. With a second one it is
// wrong. Compare the other rows with it.
//
// Cost: only the count.
// Progress: wait-free.
type serialHeap struct{ arena[int] }

func newSerial(finalize func(string)) Heap {
	return &serialHeap{arena[int]{finalize: finalize}}
}

func (s *serialHeap) Handle() Handle {
	return &lockedHandle{handle[int]{arena: &s.arena}, func(*slot[int]) sync.Locker { return noLock{} }}
}

type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}

// runSerial visits the objects one after the other on the caller's goroutine.
func runSerial(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	t.begin(newSerial(t.finalize))
	for worker, o := range slots[int](t.refs) {
		steps, share := 0, fork.Share(worker, workers, n)
		for ; steps < share; steps++ {
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
	}
	return t.end()
}
