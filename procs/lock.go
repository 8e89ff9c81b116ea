package procs

import (
	"sync/atomic"
	"time"
)

// A lock is a mutex between processes that survives its holder. Its word is
// laid out as that of a robust mutex of the kernel and of glibc:
//
//	bit 31     somebody sleeps, or may: the holder must wake one
//	bit 30     the holder died, and nobody has taken the lock since
//	bits 0-29  who holds the lock; 0 if nobody does
//
// For a robust mutex the kernel sets bit 30 when a thread ends, from a list that
// the thread keeps. Go's threads cannot keep such a list, since a goroutine has
// no thread of its own; the parent, which waits for all children anyway, does
// the same with abandon.
//
// Releasing the lock synchronizes before taking it, and so does abandoning it:
// the kernel has ended the holder, and the parent heard of that.
type lock struct {
	word atomic.Uint32
}

const (
	lockWaiters = 1 << 31
	lockDied    = 1 << 30
	lockHolder  = lockDied - 1
)

// parentID is the parent's name in locks. Child i is i+1.
const parentID = lockHolder

// acquire takes the lock in the name of me. It reports whether the last holder
// died with it, so that what the lock guards may be half done. With a limit that
// is not zero it gives up after that time.
func (l *lock) acquire(me uint32, limit time.Duration) (abandoned, ok bool) {
	if l.word.CompareAndSwap(0, me) {
		return false, true
	}
	return l.acquireSlow(me, limit)
}

func (l *lock) acquireSlow(me uint32, limit time.Duration) (abandoned, ok bool) {
	var began time.Time
	for {
		w := l.word.Load()
		if w&lockHolder == 0 {
			// Whoever has slept cannot know that nobody else does, and
			// takes the lock with the bit set.
			if l.word.CompareAndSwap(w, me|w&lockWaiters) {
				return w&lockDied != 0, true
			}
			continue
		}
		if w&lockWaiters == 0 && !l.word.CompareAndSwap(w, w|lockWaiters) {
			continue
		}
		if limit > 0 {
			if began.IsZero() {
				began = time.Now()
			} else if time.Since(began) >= limit {
				return false, false
			}
		}
		futexWait(&l.word, w|lockWaiters, limit)
		me |= lockWaiters
	}
}

// release gives the lock back.
func (l *lock) release() {
	if l.word.Swap(0)&lockWaiters != 0 {
		futexWake(&l.word, 1)
	}
}

// abandon takes the lock from a holder that died and leaves it marked. It
// reports whether the dead one held it. All who sleep must be woken after it:
// that they do is no longer to be seen.
func (l *lock) abandon(dead uint32) bool {
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
