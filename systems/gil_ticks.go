package systems

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/fork"
)

// runGILTicks is the lock of Python 1.4: a thread gives it back and takes it
// again every ten instructions, whether anybody waits or not. It pays two trips
// through a mutex every ten instructions, and the waking of a thread that
// mostly finds the lock taken again. Blocking, and a waiter may starve: nothing
// hands the lock over.
func runGILTicks(p *Program, workers, n int) Answer {
	fork.Check("systems", workers, n)
	s := p.build(workers)
	lock := newTickLock()
	var value atomic.Int64
	fork.Run("systems", workers, n, func(worker, n int) {
		t := &ticksThread{machine: machine{space: s}, gil: lock}
		lock.acquire()
		value.Add(t.run(worker, n))
		lock.release()
	})
	t := &ticksThread{machine: machine{space: s}, gil: lock}
	return Answer{value.Load(), s.close(t.drop)}
}

// checkInterval is sys.setcheckinterval's first default: 10 from 1992 until
// 2002, then 100.
const checkInterval = 10

// A tickLock is the lock of Python 1.4's thread_pthread.h: a flag, guarded by a
// mutex, and a condition on which to wait for it.
type tickLock struct {
	mu     sync.Mutex
	locked bool // guarded by mu
	freed  sync.Cond
}

func newTickLock() *tickLock {
	l := &tickLock{}
	l.freed.L = &l.mu
	return l
}

func (l *tickLock) acquire() {
	l.mu.Lock()
	for l.locked {
		l.freed.Wait()
	}
	l.locked = true
	l.mu.Unlock()
}

func (l *tickLock) release() {
	l.mu.Lock()
	l.locked = false
	l.mu.Unlock()
	l.freed.Signal()
}

// A ticksThread touches objects only while it holds the lock.
type ticksThread struct {
	machine
	gil    *tickLock
	ticker int // instructions until the next release
}

func (t *ticksThread) tick() {
	if counting {
		t.counts.ticks++
	}
	t.ticker--
	if t.ticker < 0 {
		t.yield()
	}
}

func (t *ticksThread) yield() {
	t.ticker = checkInterval
	t.gil.release()
	t.gil.acquire()
}
func (t *ticksThread) incref(o *Object) {
	if counting {
		t.counts.increfs++
	}
	if o.kind == kindFree {
		usedAfterFree()
	}
	o.refs++
}

func (t *ticksThread) decref(o *Object) {
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

func (t *ticksThread) take(k kind) *Object {
	if counting {
		t.counts.allocations++
	}
	o := t.heap.take(k)
	o.refs = 1
	return o
}

func (t *ticksThread) give(o *Object) {
	o.refs = freed
	t.heap.give(o)
}

func (t *ticksThread) lock(*Object)                       {}
func (t *ticksThread) unlock(*Object)                     {}
func (t *ticksThread) lockBoth(a, b *Object)              {}
func (t *ticksThread) unlockBoth(a, b *Object)            {}
func (t *ticksThread) native(k *kernel, x, n int64) int64 { return k.run(x, n) }
