package futex

import (
	"sync/atomic"
	"time"
)

// spinFor is how long a waiter spins before it sleeps: about as long as the
// kernel takes to put it to sleep and to wake it.
const spinFor = 20 * time.Microsecond

// Spin waits until the word is at least target, for 20 µs at most, and reports
// whether it is. With on false it looks once: if there are more runnable
// processes than processors, a spinning waiter only delays the process that it
// waits for. Other programs may be running too, so Spin yields its processor about
// every half microsecond.
func Spin(on bool, word *atomic.Uint64, target uint64) bool {
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
		Yield()
	}
	return true
}

// A Bell is where processes sleep until there may be a reason to go on. Bit 0 of
// its word says that a process sleeps, or is about to. The other bits count how
// often the bell was rung for sleepers. The zero value is ready to use.
//
// No wake-up is lost. The sleeper sets bit 0, then checks whether it still has to
// sleep, and then asks the kernel to sleep only if the word has not changed
// since; the kernel compares and sleeps in one step. The ringer first stores what
// the sleeper waits for, and then loads the word. If bit 0 is set, the ringer
// adds 1, which clears bit 0 and counts the ring, and wakes all sleepers. Go's
// atomics are sequentially consistent. So either the sleeper sees the store, or
// the ringer sees bit 0 and changes the word before it wakes. If the word changes
// between the ringer's load and its addition, another ringer has rung after this
// one's store, and wakes the same sleepers.
//
// The bit alone is not enough. Suppose that the ringer clears it before a first
// sleeper sleeps, and a second sleeper, already awake, comes back and sets it
// again. Then the first finds the bit set and sleeps although it has a reason to be
// awake. The count prevents this, unless a sleeper is held up at that point for 2^31
// rings.
//
// A death can still lose a wake-up. A ringer may die after its addition and
// before it wakes the sleepers. A process that was woken for a lock may die
// before it takes the lock. So after every death the parent wakes all processes
// that a child might have had to wake, whatever the words say.
type Bell struct {
	word atomic.Uint32
}

const somebodySleeps = 1

// Ring wakes all sleepers, if there are any. The caller must first have stored
// the reason to wake up.
func (b *Bell) Ring() {
	if w := b.word.Load(); w&somebodySleeps != 0 {
		b.wakeAll(w)
	}
}

func (b *Bell) wakeAll(w uint32) {
	if b.word.CompareAndSwap(w, w+somebodySleeps) {
		wake(&b.word, everybody)
	}
}

// Alarm wakes all sleepers, including those whose ringer died before it woke them.
func (b *Bell) Alarm() {
	w := b.word.Or(somebodySleeps) | somebodySleeps
	b.word.CompareAndSwap(w, w+somebodySleeps)
	wake(&b.word, everybody)
}

// Sleep returns at once if there is a reason, and otherwise when the bell rings,
// or perhaps earlier. If limit is not zero, it returns after that time at the
// latest.
func (b *Bell) Sleep(limit time.Duration, reason func() bool) {
	w := b.word.Or(somebodySleeps) | somebodySleeps
	if !reason() {
		wait(&b.word, w, limit)
	}
}
