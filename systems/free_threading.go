package systems

import (
	"sync"

	"boundaries/internal/cacheline"
)

// startFreeThreading starts Greg Stein's patch of 1996 to Python 1.4, as it was on
// Linux: no GIL, one mutex for all reference counts, one for the memory, and one
// in every list and dict.
//
// We have not seen the patch's source. We do not know which containers had a lock of
// their own and which shared one.
//
// Cost: a mutex locked and unlocked for every reference, with one thread as well.
// Progress: blocking.
func startFreeThreading(p *Program, threads int) interpreter {
	s, locks := p.build(threads), new(freeLocks)
	return newInterpreter(s, threads, func() thread { return &freeThread{machine{space: s}, locks} })
}

// freeLocks are the locks that all threads share. A thread locks a container
// before it locks one of them, and holds no more than one of them at a time.
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

func (t *freeThread) incref(o *object) {
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

func (t *freeThread) decref(o *object) {
	if counting {
		t.counts.decrefs++
	}
	t.locks.counts.Lock()
	o.refs--
	dead := o.refs <= 0
	t.locks.counts.Unlock()
	if dead {
		t.free(o)
	}
}

func (t *freeThread) take(k kind) *object {
	if counting {
		t.counts.allocations++
	}
	t.locks.memory.Lock()
	o := t.heap.take(k)
	t.locks.memory.Unlock()
	o.refs = 1 // no other thread has o yet
	return o
}

func (t *freeThread) give(o *object) {
	o.refs = freed // no other thread has o anymore
	t.locks.memory.Lock()
	t.heap.give(o)
	t.locks.memory.Unlock()
}

func (t *freeThread) lock(o *object)   { o.mu.Lock() }
func (t *freeThread) unlock(o *object) { o.mu.Unlock() }

func (t *freeThread) lockBoth(a, b *object)   { lockBoth(a, b) }
func (t *freeThread) unlockBoth(a, b *object) { unlockBoth(a, b) }
