package systems

import (
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runGIL is CPython since 3.2: a thread that executes bytecode holds the lock,
// and gives it away when another has waited for 5 ms. Counts and containers are
// plain memory. It pays with all parallelism: two threads are as slow as one.
// Blocking: a thread waits until the holder reaches its next instruction.
//
// The eval breaker is the lock's: CPython looks at one word for the request to
// drop the lock and for everything else.
func runGIL(p *Program, workers, n int) Answer { return gilRun(p, p.thread, workers, n) }

// gilRun runs threads that have the listing's functions under one lock.
func gilRun(p *Program, listing string, workers, n int) Answer {
	fork.Check("systems", workers, n)
	s := p.buildWith(listing, workers)
	var lock gil.GIL
	var value atomic.Int64
	fork.Run("systems", workers, n, func(worker, n int) {
		t := &gilThread{machine: machine{space: s}, gil: &lock}
		lock.Acquire(&t.identity)
		value.Add(t.run(worker, n))
		lock.Release(&t.identity)
	})
	t := &gilThread{machine: machine{space: s}, gil: &lock}
	return Answer{value.Load(), s.close(t.drop)}
}

// A gilThread touches objects only while it holds the lock.
type gilThread struct {
	machine
	gil      *gil.GIL
	identity gil.Thread
}

func (t *gilThread) tick() {
	if counting {
		t.counts.ticks++
	}
	t.gil.Tick(&t.identity)
}

func (t *gilThread) incref(o *Object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	o.refs++
}

func (t *gilThread) decref(o *Object) {
	if counting {
		t.counts.decrefs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	o.refs--
	if o.refs <= 0 {
		t.free(o)
	}
}

func (t *gilThread) take(k kind) *Object {
	if counting {
		t.counts.allocations++
	}
	o := t.heap.take(k)
	o.refs = 1
	return o
}

func (t *gilThread) give(o *Object) {
	o.refs = freed
	t.heap.give(o)
}

func (t *gilThread) lock(*Object)            {}
func (t *gilThread) unlock(*Object)          {}
func (t *gilThread) lockBoth(a, b *Object)   {}
func (t *gilThread) unlockBoth(a, b *Object) {}

// native releases the lock around a kernel that is worth it, as an extension
// does with Py_BEGIN_ALLOW_THREADS. The interpreter does not do it by itself.
func (t *gilThread) native(k *kernel, x, n int64) int64 {
	if n < k.least {
		return k.run(x, n)
	}
	t.gil.Release(&t.identity)
	x = k.run(x, n)
	t.gil.Acquire(&t.identity)
	return x
}
