package systems

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// startGilectomy starts Larry Hastings' Gilectomy as it was in 2016: no GIL, counts
// that change by the processor's locked instruction, a lock in every list and
// dict, and one for the free list of each type, here of all objects.
//
// The Gilectomy's LOAD_GLOBAL took its reference after it had unlocked the dict, so
// that another thread could free the value in between. This package does not copy
// the mistake: here a thread takes the reference first.
//
// Cost: a locked instruction for every reference. With two threads, also the
// transfer of cache lines between them: all threads share None, True, the small
// integers, the function and the dict of globals.
// Progress: blocking.
func startGilectomy(p *Program, threads int) interpreter {
	s, memory := p.build(threads), new(gilectomyMemory)
	return newInterpreter(s, threads, func() thread { return &gilectomyThread{machine{space: s}, memory} })
}

// startGilectomyWithoutLocks starts a Gilectomy that has nothing but its counts: no
// lock in a container, and a heap for each thread. It runs only programs that need
// no such lock, because no thread writes a place of a container that another thread
// uses. Stone is not such a program, so it has no row of this system.
func startGilectomyWithoutLocks(p *Program, threads int) interpreter {
	s := p.build(threads)
	in := newInterpreter(s, threads, func() thread { return &atomicThread{machine: machine{space: s}} })
	in.end = func() int {
		s.release(in.threads[0].drop)
		live := s.live
		for _, t := range in.threads {
			live += t.(*atomicThread).own.live
		}
		return live
	}
	return in
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

func (t *gilectomyThread) incref(o *object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	atomic.AddInt64(&o.refs, 1)
}

func (t *gilectomyThread) decref(o *object) {
	if counting {
		t.counts.decrefs++
	}
	if atomic.AddInt64(&o.refs, -1) <= 0 {
		t.free(o)
	}
}

func (t *gilectomyThread) take(k kind) *object {
	if counting {
		t.counts.allocations++
	}
	t.memory.Lock()
	o := t.heap.take(k)
	t.memory.Unlock()
	o.refs = 1 // no other thread has o yet
	return o
}

func (t *gilectomyThread) give(o *object) {
	o.refs = freed // no other thread has o anymore
	t.memory.Lock()
	t.heap.give(o)
	t.memory.Unlock()
}

func (t *gilectomyThread) lock(o *object)   { o.mu.Lock() }
func (t *gilectomyThread) unlock(o *object) { o.mu.Unlock() }

func (t *gilectomyThread) lockBoth(a, b *object)   { lockBoth(a, b) }
func (t *gilectomyThread) unlockBoth(a, b *object) { unlockBoth(a, b) }

// An atomicThread is a gilectomyThread without its locks.
type atomicThread struct {
	machine
	own heap
}

func (t *atomicThread) incref(o *object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	atomic.AddInt64(&o.refs, 1)
}

func (t *atomicThread) decref(o *object) {
	if counting {
		t.counts.decrefs++
	}
	if atomic.AddInt64(&o.refs, -1) <= 0 {
		t.free(o)
	}
}

func (t *atomicThread) take(k kind) *object {
	if counting {
		t.counts.allocations++
	}
	o := t.own.take(k)
	o.refs = 1 // no other thread has o yet
	return o
}

func (t *atomicThread) give(o *object) {
	o.refs = freed // no other thread has o anymore
	t.own.give(o)
}
