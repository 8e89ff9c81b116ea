package refcount

import (
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A mutexHeap has one lock for the counts of all objects, as Greg Stein's
// free-threading patch of 1996 had on Linux.
//
// Cost: the lock at every take and every drop; goroutines wait for each other even
// if they have no object in common.
// Progress: blocking.
type mutexHeap struct {
	arena[int] // counts guarded by mu
	_          cacheline.Pad
	mu         sync.Mutex
	_          cacheline.Pad
}

func newGlobalMutex(finalize func(string)) Heap {
	return &mutexHeap{arena: arena[int]{finalize: finalize}}
}

func (m *mutexHeap) Handle() Handle {
	return &lockedHandle{handle[int]{arena: &m.arena}, func(*slot[int]) sync.Locker { return &m.mu }}
}

func runGlobalMutex(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	heap := newGlobalMutex(t.finalize)
	t.begin(heap)
	mu := &heap.(*mutexHeap).mu
	objects := slots[int](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		o := objects[worker]
		steps := 0
		for ; steps < n; steps++ {
			mu.Lock()
			o.count++
			alive := o.count > 1
			mu.Unlock()
			if !alive {
				o.resurrected()
			}
			mu.Lock()
			o.count--
			left := o.count
			mu.Unlock()
			if left == 0 {
				o.arena.release(o)
			}
		}
		t.took(steps)
	})
	return t.end()
}
