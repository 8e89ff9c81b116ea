package procs

import (
	"sync/atomic"
	"time"
)

// spinFor is how long a side looks again and again before it sleeps: the time
// in which the kernel would have put it to sleep and woken it.
const spinFor = 20 * time.Microsecond

// spin looks at word until it is at least target, for spinFor, and reports
// whether it is. With more runnable processes than processors spinning is off,
// and spin looks once: it would only keep those from working who are waited for.
// There may be more than we know of, so spin offers its processor to whoever
// else wants it every half microsecond or so.
func spin(on bool, word *atomic.Uint64, target uint64) bool {
	if !on {
		return word.Load() >= target
	}
	var began time.Time
	for i := 1; word.Load() < target; i++ {
		if i%512 != 0 {
			continue
		}
		if began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > spinFor {
			return false
		}
		yield()
	}
	return true
}

// A bell is where processes sleep until there is something to look at. Its word
// is 1 if somebody sleeps or is about to, else 0.
//
// No wake-up is lost. The sleeper stores 1, looks whether there is a reason to
// stay awake, and only then sleeps, provided that the word is still 1, which the
// kernel compares in the same step. The ringer makes the reason, then looks at
// the word. Go's atomics are sequentially consistent, so of a store of 1 and a
// store of the reason one comes first: either the sleeper sees the reason or the
// ringer sees the 1. If it does it stores 0 and wakes all; a sleeper that has
// not slept yet finds the 0. A ringer's 0 may wipe out the 1 of somebody who came
// after it looked, but that one came after the reason, too, and looked later.
//
// Only a ringer that dies between its 0 and its waking breaks the chain, and so
// does a sleeper that is woken from a lock and dies before it takes it: hence
// the parent wakes all who sleep anywhere after every death, whatever the words
// say. See [Pool.bury].
type bell struct {
	word atomic.Uint32
}

// ring wakes all who sleep, if anybody does.
func (b *bell) ring() {
	if b.word.Load() != 0 {
		b.wakeAll()
	}
}

func (b *bell) wakeAll() {
	b.word.Store(0)
	futexWake(&b.word, everybody)
}

// sleep returns when reason is true, or perhaps earlier. It returns when the
// time is over at the latest, if there is a limit.
func (b *bell) sleep(limit time.Duration, reason func() bool) {
	b.word.Store(1)
	if !reason() {
		futexWait(&b.word, 1, limit)
	}
}
