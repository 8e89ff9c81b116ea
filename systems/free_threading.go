package systems

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runFreeThreading is Greg Stein's patch of 1996 to Python 1.4, as it was on
// Linux: no GIL, one mutex for all reference counts, one for the memory, and one
// in every list and dict. It pays a locked and an unlocked mutex for every
// reference, alone as well as in company. Blocking.
//
// Which containers the patch locked one by one, and which together, is not known
// to us: its source was not to be had.
func runFreeThreading(p *Program, workers, n int) Answer {
	fork.Check("systems", workers, n)
	s := p.build(workers)
	var locks freeLocks
	var value atomic.Int64
	fork.Run("systems", workers, n, func(worker, n int) {
		t := &freeThread{machine: machine{space: s}, locks: &locks}
		value.Add(t.run(worker, n))
	})
	t := &freeThread{machine: machine{space: s}, locks: &locks}
	return Answer{value.Load(), s.close(t.drop)}
}

// freeLocks are the locks that all threads share. A container's lock is taken
// before them, and they are taken one at a time.
type freeLocks struct {
	_      cacheline.Pad
	counts sync.Mutex // guards refs of every object
	_      cacheline.Pad
	memory sync.Mutex // guards the heap
	_      cacheline.Pad
}

type freeThread struct {
	machine
	locks *freeLocks
}

func (t *freeThread) tick() {
	if counting {
		t.counts.ticks++
	}
	if t.breaker.Load() {
		t.callPending()
	}
}

func (t *freeThread) incref(o *Object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	t.locks.counts.Lock()
	o.refs++
	t.locks.counts.Unlock()
}

func (t *freeThread) decref(o *Object) {
	if counting {
		t.counts.decrefs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	t.locks.counts.Lock()
	o.refs--
	dead := o.refs <= 0
	t.locks.counts.Unlock()
	if dead {
		t.free(o)
	}
}

func (t *freeThread) take(k kind) *Object {
	if counting {
		t.counts.allocations++
	}
	t.locks.memory.Lock()
	o := t.heap.take(k)
	t.locks.memory.Unlock()
	o.refs = 1 // nobody else has o yet
	return o
}

func (t *freeThread) give(o *Object) {
	o.refs = freed // nobody else has o any more
	t.locks.memory.Lock()
	t.heap.give(o)
	t.locks.memory.Unlock()
}

func (t *freeThread) lock(o *Object)   { o.mu.Lock() }
func (t *freeThread) unlock(o *Object) { o.mu.Unlock() }

func (t *freeThread) lockBoth(a, b *Object)   { lockBoth(a, b) }
func (t *freeThread) unlockBoth(a, b *Object) { unlockBoth(a, b) }

func (t *freeThread) native(k *kernel, x, n int64) int64 { return k.run(x, n) }
