// Package gil is the global interpreter lock of CPython 3.2 and later, without the
// interpreter that it guards.
//
// A thread holds the lock while it works. It calls Tick after every small piece of
// work, as the interpreter checks its eval breaker, and it makes every call that
// may block through Blocking. Read Acquire and Release side by side; everything
// else is bookkeeping.
//
// The threads do not take the lock in turns, nor strictly in order of arrival. The
// lock is fair by time:
//
//  1. A waiter sleeps for the switch interval. If the lock has not changed hands in
//     that time, the waiter requests that the holder drop it.
//  2. The holder sees the request at its next Tick. It drops the lock and continues
//     only after another thread has taken it (forced switching).
//  3. A thread that finds the lock free takes it, even if a waiter has been woken
//     for it and has not run yet. Of several waiters, the one that came first is woken.
//
// Antoine Pitrou wrote the lock in 2009 (CPython commit 074e5ed974); it is in
// Python/ceval_gil.c. CPython's threads are threads of the operating system, and
// here they are goroutines.
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
	// the lock. Zero means DefaultInterval. It must not be changed after
	// first use.
	Interval time.Duration

	drop atomic.Bool // a waiter asks for the lock; written only under mu

	mu       sync.Mutex
	holder   *Thread   // guarded by mu; nil while the lock is free
	last     *Thread   // guarded by mu; the holder, or the previous holder while the lock is free
	waiters  []*Thread // guarded by mu; in order of arrival
	switched sync.Cond // of mu; broadcast when last changes
	stats    Stats     // guarded by mu
}

// A Thread is the identity under which a goroutine takes the lock. Every goroutine
// that plays a thread has its own. The zero value is ready to use.
//
// A GIL tells threads apart by their addresses. A Thread is therefore not an empty
// struct: objects of size zero may share an address.
type Thread struct {
	wake  chan struct{} // capacity 1; a token means "you are first, look again"
	timer *time.Timer
}

// Stats counts what has happened to a GIL.
type Stats struct {
	Switches    int           // times the lock went to a thread that was not the previous holder, including the first time
	Drops       int           // times a waiter asked the holder to drop the lock
	LongestWait time.Duration // of one Acquire
}

// Acquire takes the lock for t. If another thread holds the lock, Acquire waits.
// It panics if t already holds the lock.
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
	// The request is answered, whichever waiter made it. If drop stayed set, t would
	// drop the lock at its first Tick.
	g.drop.Store(false)
	g.mu.Unlock()
}

// wait returns when the lock is free and t is the first of the waiters. The caller
// holds mu, and holds it again when wait returns.
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
		// After a switch, the holder has had the lock for less than an
		// interval, and t does not ask for it yet.
		switched := g.stats.Switches != seen
		if timedOut && g.holder != nil && !switched && !g.drop.Load() {
			g.stats.Drops++
			g.drop.Store(true)
		}
		// If t was woken but the previous holder took the lock back first, there was
		// no switch, and t continues its interval. CPython starts a new interval.
		// There, a thread that often releases the lock, and takes it back before any
		// waiter runs, is never asked to drop it.
		if timedOut || switched {
			seen = g.stats.Switches
			t.timer.Reset(interval)
		}
	}
	t.timer.Stop()
	g.waiters = g.waiters[:copy(g.waiters, g.waiters[1:])]
	g.stats.LongestWait = max(g.stats.LongestWait, time.Since(began))
}

// Release gives the lock back. If a waiter has asked for the lock, Release returns
// only when another thread has taken it. It panics if t does not hold the lock.
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
		default: // the waiter has a token that it has not read yet
		}
		// Forced switching. The waiter has been woken but does not run yet,
		// whereas t runs: it would find the lock free and take it again.
		// A request comes from a waiter, and waiters do not give up, so
		// another thread is certain to take the lock.
		if g.switched.L == nil {
			g.switched.L = &g.mu
		}
		for g.drop.Load() && g.last == t {
			g.switched.Wait()
		}
	}
	g.mu.Unlock()
}

// Tick is the eval breaker. The holder calls it after every small piece of work. If
// a waiter has asked for the lock, Tick gives it away and takes it again. If not,
// Tick costs one atomic load.
func (g *GIL) Tick(t *Thread) {
	if g.drop.Load() {
		g.yield(t)
	}
}

func (g *GIL) yield(t *Thread) {
	g.Release(t)
	g.Acquire(t)
}

// Blocking releases the lock, calls f, and takes the lock again, also if f panics.
// CPython does so around every call that may block.
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
