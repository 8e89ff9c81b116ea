package systems

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runGilectomy is Larry Hastings' Gilectomy as it was in 2016: no GIL, counts
// that are added to with the processor's locked instruction, a lock in every
// list and dict, and one for the free list of each type, here of all objects. It
// pays a locked instruction for every reference, and with two threads the way of
// the cache line between them: None, True, the small integers, the function and
// the dict of globals are everybody's. Blocking.
//
// The Gilectomy's LOAD_GLOBAL takes its reference after the dict is unlocked, so
// that the value may be freed in between. That mistake is not copied: here it is
// taken before.
func runGilectomy(p *Program, workers, n int) Answer {
	fork.Check("systems", workers, n)
	s := p.build(workers)
	var memory gilectomyMemory
	var value atomic.Int64
	fork.Run("systems", workers, n, func(worker, n int) {
		t := &gilectomyThread{machine: machine{space: s}, memory: &memory}
		value.Add(t.run(worker, n))
	})
	t := &gilectomyThread{machine: machine{space: s}, memory: &memory}
	return Answer{value.Load(), s.close(t.drop)}
}

type gilectomyMemory struct {
	_          cacheline.Pad
	sync.Mutex // guards the heap
	_          cacheline.Pad
}

type gilectomyThread struct {
	machine
	memory *gilectomyMemory
}

func (t *gilectomyThread) tick() {
	if counting {
		t.counts.ticks++
	}
	if t.breaker.Load() {
		t.callPending()
	}
}

func (t *gilectomyThread) incref(o *Object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	atomic.AddInt64(&o.refs, 1)
}

func (t *gilectomyThread) decref(o *Object) {
	if counting {
		t.counts.decrefs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	if atomic.AddInt64(&o.refs, -1) <= 0 {
		t.free(o)
	}
}

func (t *gilectomyThread) take(k kind) *Object {
	if counting {
		t.counts.allocations++
	}
	t.memory.Lock()
	o := t.heap.take(k)
	t.memory.Unlock()
	o.refs = 1 // nobody else has o yet
	return o
}

func (t *gilectomyThread) give(o *Object) {
	o.refs = freed // nobody else has o any more
	t.memory.Lock()
	t.heap.give(o)
	t.memory.Unlock()
}

func (t *gilectomyThread) lock(o *Object)   { o.mu.Lock() }
func (t *gilectomyThread) unlock(o *Object) { o.mu.Unlock() }

func (t *gilectomyThread) lockBoth(a, b *Object)   { lockBoth(a, b) }
func (t *gilectomyThread) unlockBoth(a, b *Object) { unlockBoth(a, b) }

func (t *gilectomyThread) native(k *kernel, x, n int64) int64 { return k.run(x, n) }
