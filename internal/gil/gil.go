// Package gil is the global interpreter lock of CPython 3.2 and later, alone:
// without the interpreter it guards.
//
// A program of this package has threads and work. A thread holds the lock while
// it works, calls Tick at every turn, as the interpreter looks at its eval
// breaker, and wraps what may block in Blocking. Read Acquire and Release side
// by side; everything else is bookkeeping.
//
// The lock is not fair by turns and not fair by queue; it is fair by time:
//
//  1. A waiter sleeps for the switch interval. If it then finds that nobody has
//     switched meanwhile, it asks the holder to drop the lock.
//  2. The holder sees that at its next Tick, drops the lock, and does not go on
//     before another thread has taken it (forced switching).
//  3. A thread that finds the lock free takes it, even if a waiter has been woken
//     for it and has not run yet. Among the waiters the order is that of arrival.
//
// The lock was written by Antoine Pitrou in 2009 (CPython commit 26a4de3452)
// and lives in Python/ceval_gil.c. Its threads are threads of the operating
// system; here they are goroutines.
package gil

import (
	"sync"
	"sync/atomic"
	"time"
)

// DefaultInterval is the switch interval of CPython.
const DefaultInterval = 5 * time.Millisecond

// A GIL is a lock that at most one [Thread] holds. The zero value is free and
// ready to use. It must not be copied after first use.
type GIL struct {
	// Interval is how long a thread waits before it asks the holder to drop
	// the lock; zero means DefaultInterval. It is not to be changed after
	// first use.
	Interval time.Duration

	drop atomic.Bool // a waiter asks for the lock; written only under mu

	mu       sync.Mutex
	holder   *Thread   // guarded by mu; nil while the lock is free
	last     *Thread   // guarded by mu; who held the lock last, the holder included
	waiters  []*Thread // guarded by mu; in order of arrival
	switched sync.Cond // of mu; broadcast when last changes
	stats    Stats     // guarded by mu
}

// A Thread is an identity under which the lock is taken: one for each goroutine
// that plays a thread. The zero value is ready to use.
//
// Threads are told apart by their address, which is why a Thread is not an empty
// struct: objects of size zero may share one.
type Thread struct {
	wake  chan struct{} // capacity 1; a token says "you are first, look again"
	timer *time.Timer
}

// Stats counts what happened to a GIL since it was made.
type Stats struct {
	Switches    int           // times the lock went to a thread that did not hold it last, the first time included
	Drops       int           // times a waiter asked the holder to drop the lock
	LongestWait time.Duration // of one Acquire
}

// Acquire takes the lock for t, waiting for it if another thread holds it.
// It panics if t holds it already.
//
// A Release synchronizes before the return of the next Acquire.
func (g *GIL) Acquire(t *Thread) {
	g.mu.Lock()
	if g.holder == t {
		g.mu.Unlock()
		panic("gil: Acquire by the thread that holds the lock")
	}
	if g.holder != nil {
		g.wait(t)
	}
	g.holder = t
	if g.last != t {
		g.last = t
		g.stats.Switches++
		g.switched.Broadcast()
	}
	// The request is answered, whoever made it: without this a thread that
	// was given the lock in time would still drop it at its first Tick.
	g.drop.Store(false)
	g.mu.Unlock()
}

// wait returns when the lock is free and t is the first of those who wait for
// it. It is called with mu held and returns with mu held.
func (g *GIL) wait(t *Thread) {
	interval := g.Interval
	if interval == 0 {
		interval = DefaultInterval
	}
	if t.wake == nil {
		t.wake = make(chan struct{}, 1)
		t.timer = time.NewTimer(interval)
	}
	began := time.Now()
	g.waiters = append(g.waiters, t)
	seen := g.stats.Switches
	t.timer.Reset(interval)
	for g.holder != nil || g.waiters[0] != t {
		g.mu.Unlock()
		timedOut := false
		select {
		case <-t.wake:
		case <-t.timer.C:
			timedOut = true
		}
		g.mu.Lock()
		// A switch means that the lock does go round: whoever has it now has
		// had it for less than an interval.
		switched := g.stats.Switches != seen
		if timedOut && g.holder != nil && !switched && !g.drop.Load() {
			g.stats.Drops++
			g.drop.Store(true)
		}
		// Woken in vain, the waiter goes on with the same interval. CPython
		// begins another, so that a thread which releases the lock often, and
		// takes it again before anybody wakes up, is never asked.
		if timedOut || switched {
			seen = g.stats.Switches
			t.timer.Reset(interval)
		}
	}
	t.timer.Stop()
	g.waiters = g.waiters[:copy(g.waiters, g.waiters[1:])]
	g.stats.LongestWait = max(g.stats.LongestWait, time.Since(began))
}

// Release gives the lock back. If its drop was asked for, Release returns only
// when another thread has taken it. It panics if t does not hold the lock.
func (g *GIL) Release(t *Thread) {
	g.mu.Lock()
	if g.holder != t {
		g.mu.Unlock()
		panic("gil: Release by a thread that does not hold the lock")
	}
	g.holder = nil
	if len(g.waiters) > 0 {
		select {
		case g.waiters[0].wake <- struct{}{}:
		default: // it has a token it has not seen yet
		}
		// Forced switching. The waiter is awake but not running; t is
		// running, and would find the lock free and take it again. The
		// request implies a waiter, and a waiter does not give up, so
		// somebody will take the lock.
		if g.switched.L == nil {
			g.switched.L = &g.mu
		}
		for g.drop.Load() && g.last == t {
			g.switched.Wait()
		}
	}
	g.mu.Unlock()
}

// Tick is the eval breaker: a thread that holds the lock calls it once for every
// small piece of work, and gives the lock away if a waiter has asked for it.
// While nobody asks, it costs one atomic load.
func (g *GIL) Tick(t *Thread) {
	if g.drop.Load() {
		g.yield(t)
	}
}

func (g *GIL) yield(t *Thread) {
	g.Release(t)
	g.Acquire(t)
}

// Blocking calls f with the lock free, as CPython does around every call that
// may block. It returns, or panics if f panics, with the lock held again.
func (g *GIL) Blocking(t *Thread, f func()) {
	g.Release(t)
	defer g.Acquire(t)
	f()
}

// Stats returns the counts so far.
func (g *GIL) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stats
}
