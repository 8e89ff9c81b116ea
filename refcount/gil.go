package refcount

import (
	"runtime"
	"sync"

	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// A gilHeap counts in plain memory, and only the holder of the interpreter lock
// may count, as in CPython.
//
// Cost: one atomic load per step, and no parallelism.
// Progress: blocking.
type gilHeap struct {
	arena[int] // counts guarded by lock
	lock       gil.GIL
}

func newGIL(finalize func(string)) Heap {
	return &gilHeap{arena: arena[int]{finalize: finalize}}
}

// Handle returns a handle that takes the lock for each operation, as a thread that the
// interpreter did not make does (PyGILState_Ensure). The loop of runGIL instead keeps the
// lock from step to step and ticks, as the interpreter does.
func (g *gilHeap) Handle() Handle {
	thread := &gilThread{lock: &g.lock}
	return &lockedHandle{handle[int]{arena: &g.arena}, func(*slot[int]) sync.Locker { return thread }}
}

type gilThread struct {
	lock   *gil.GIL
	thread gil.Thread
}

func (t *gilThread) Lock()   { t.lock.Acquire(&t.thread) }
func (t *gilThread) Unlock() { t.lock.Release(&t.thread) }

func runGIL(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	heap := newGIL(t.finalize)
	t.begin(heap)
	lock := &heap.(*gilHeap).lock
	objects := slots[int](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		var thread gil.Thread
		o := objects[worker]
		lock.Acquire(&thread)
		steps := 0
		for ; steps < n; steps++ {
			lock.Tick(&thread)
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
		lock.Release(&thread)
	})
	return t.end()
}
