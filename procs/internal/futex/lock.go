// Package futex has what processes that share memory wait with: a [Lock], a
// [Bell], and [Spin].
//
// Each is a word of the shared memory. On Linux a waiter sleeps on the word in
// the kernel, which is what a futex is. Elsewhere it polls.
package futex

import (
	"sync/atomic"
	"time"
)

// A Lock is a mutex between processes that survives the death of its holder. The
// zero value is free. The word has the layout of the robust mutex of Linux and
// glibc:
//
//	bit 31     a waiter sleeps, or may: the holder must wake one when it releases
//	bit 30     the holder died, and no process has taken the lock since
//	bits 0-29  the holder's number; 0 while the lock is free
//
// When a thread ends, the kernel sets bit 30 in the robust mutexes of a list that
// the thread keeps. A goroutine has no thread of its own and so cannot keep such
// a list. Here the parent, which waits for every child anyway, calls Abandon.
//
// Release synchronizes before the next Acquire, and so does Abandon: when the parent
// calls it, the kernel has ended the holder and has told the parent.
type Lock struct {
	word atomic.Uint32
}

const (
	lockWaiters = 1 << 31
	lockDied    = 1 << 30
	lockHolder  = lockDied - 1
)

// Parent is the parent's number in locks. The number of child i is i+1.
const Parent = lockHolder

// Acquire takes the lock for the process with the number me. It reports whether
// the last holder died with the lock; if so, what the lock guards may be half
// changed. If limit is not zero, Acquire gives up after that time and returns
// false for ok.
func (l *Lock) Acquire(me uint32, limit time.Duration) (abandoned, ok bool) {
	if l.word.CompareAndSwap(0, me) {
		return false, true
	}
	return l.acquireSlow(me, limit)
}

func (l *Lock) acquireSlow(me uint32, limit time.Duration) (abandoned, ok bool) {
	var began time.Time
	for {
		w := l.word.Load()
		if w&lockHolder == 0 {
			// A waiter that has slept does not know whether others still
			// sleep, so it takes the lock with the bit set.
			if l.word.CompareAndSwap(w, me) {
				return w&lockDied != 0, true
			}
			continue
		}
		if w&lockWaiters == 0 && !l.word.CompareAndSwap(w, w|lockWaiters) {
			continue
		}
		rest := limit // a wake that brings no lock does not begin the time anew
		if limit > 0 {
			if began.IsZero() {
				began = time.Now()
			} else if rest -= time.Since(began); rest <= 0 {
				return false, false
			}
		}
		wait(&l.word, w|lockWaiters, rest)
		me |= lockWaiters
	}
}

// Release frees the lock.
func (l *Lock) Release() {
	if l.word.Swap(0)&lockWaiters != 0 {
		wake(&l.word, 1)
	}
}

// Abandon takes the lock from a dead holder and marks it, and reports whether the
// dead process was the holder. It clears the waiters bit, so the caller must call
// WakeAll afterwards.
func (l *Lock) Abandon(dead uint32) bool {
	for {
		w := l.word.Load()
		if w&lockHolder != dead {
			return false
		}
		if l.word.CompareAndSwap(w, lockDied) {
			return true
		}
	}
}

// WakeAll wakes every waiter that sleeps.
func (l *Lock) WakeAll() { wake(&l.word, everybody) }

// Holder returns the number of the process that holds the lock, or 0.
func (l *Lock) Holder() uint32 { return l.word.Load() & lockHolder }

// Waited reports whether a waiter sleeps, or may.
func (l *Lock) Waited() bool { return l.word.Load()&lockWaiters != 0 }
