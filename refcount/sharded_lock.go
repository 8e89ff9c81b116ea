package refcount

import (
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A shardedHeap has 64 locks, and the number of an object's slot selects the lock
// that guards its count. The Gilectomy broke up one lock into many in this way.
//
// Cost: a lock at every take and every drop; goroutines wait for each other if
// they use the same object or two objects with the same lock.
// Progress: blocking.
type shardedHeap struct {
	arena[int] // counts guarded by the stripe of the slot
	stripes    [64]stripe
}

type stripe struct {
	_  cacheline.Pad // no two locks share a line
	mu sync.Mutex
}

func newShardedLock(finalize func(string)) Heap {
	return &shardedHeap{arena: arena[int]{finalize: finalize}}
}

func (s *shardedHeap) guard(o *slot[int]) *sync.Mutex {
	return &s.stripes[uint(o.id)%uint(len(s.stripes))].mu
}

func (s *shardedHeap) Handle() Handle {
	return &lockedHandle{handle[int]{arena: &s.arena}, func(o *slot[int]) sync.Locker { return s.guard(o) }}
}

func runShardedLock(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	heap := newShardedLock(t.finalize).(*shardedHeap)
	t.begin(heap)
	objects := slots[int](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		o := objects[worker]
		steps := 0
		for ; steps < n; steps++ {
			mu := heap.guard(o)
			mu.Lock()
			o.count++
			alive := o.count > 1
			mu.Unlock()
			if !alive {
				o.resurrected()
			}
			mu = heap.guard(o)
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
