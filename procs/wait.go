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

// A bell is where processes sleep until there is something to look at. Bit 0 of
// its word says that somebody sleeps, or is about to; the rest counts how often
// the bell was rung for sleepers.
//
// No wake-up is lost. The sleeper sets bit 0, looks whether there is a reason to
// stay awake, and only then sleeps, provided that the word is still what it was
// when it set the bit, which the kernel compares in the same step. The ringer
// makes the reason, then looks at the word, and if bit 0 is set adds one, which
// clears it and counts, and wakes all. Go's atomics are sequentially consistent,
// so of the setting of the bit and the making of the reason one comes first:
// either the sleeper sees the reason, or the ringer sees the bit and changes the
// word before it wakes. If the word has changed between the ringer's look and
// its addition another has rung, after this one's reason, and wakes the same.
//
// With the bit alone it would not do: the ringer clears it before a sleeper has
// slept, another sleeper, who is through already, comes back and sets it again,
// and the first finds it set and sleeps past its reason. (A sleeper that is held
// up there for 2^31 rings would still be caught.)
//
// Only a ringer that dies between its addition and its waking breaks the chain,
// and so does a process that is woken for a lock and dies before it takes it:
// hence the parent wakes all who sleep where a child was to wake them after every
// death, whatever the words say. See bury.
type bell struct {
	word atomic.Uint32
}

const somebodySleeps = 1

// ring wakes all who sleep, if anybody does.
func (b *bell) ring() {
	if w := b.word.Load(); w&somebodySleeps != 0 {
		b.wakeAll(w)
	}
}

func (b *bell) wakeAll(w uint32) {
	if b.word.CompareAndSwap(w, w+somebodySleeps) {
		futexWake(&b.word, everybody)
	}
}

// alarm wakes all who sleep, also those whose ringer died before it woke them.
func (b *bell) alarm() {
	w := b.word.Or(somebodySleeps) | somebodySleeps
	b.word.CompareAndSwap(w, w+somebodySleeps)
	futexWake(&b.word, everybody)
}

// sleep returns when the bell is rung, or perhaps earlier, and at once if there is
// a reason. It returns when the time is over at the latest, if there is a limit.
func (b *bell) sleep(limit time.Duration, reason func() bool) {
	w := b.word.Or(somebodySleeps) | somebodySleeps
	if !reason() {
		futexWait(&b.word, w, limit)
	}
}
