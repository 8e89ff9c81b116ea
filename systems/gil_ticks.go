package systems

import "sync"

// startGILTicks starts Python 1.4, whose threads count instructions: a thread releases the
// lock and takes it again every eleven instructions, whether or not another thread waits.
// The interval is ten, and the thread counts it down past zero. The lock exists from the
// beginning. Python 1.4 creates it with the first thread that a program starts, and runs
// as [startPlain] before that.
//
// Cost: a mutex locked and unlocked twice every eleven instructions, and waking a
// thread that usually finds the lock taken again.
// Progress: blocking. A waiter may starve, because the lock is not handed over.
func startGILTicks(p *Program, threads int) interpreter {
	s, lock := p.build(threads), newTickLock()
	return newInterpreter(s, threads, func() thread { return &ticksThread{machine: machine{space: s}, gil: lock} })
}

// checkInterval is the first default of sys.setcheckinterval: 10 from 1992 until
// 2002, then 100.
const checkInterval = 10

// A tickLock is the lock of Python 1.4's thread_pthread.h: a flag, a mutex that
// guards it, and a condition variable to wait on.
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
	ticker int // counts instructions down; below 0 the thread releases the lock
}

func (t *ticksThread) begin() { t.gil.acquire() }
func (t *ticksThread) end()   { t.gil.release() }

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
