//go:build !linux

package futex

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

const everybody = math.MaxInt32

// wait waits while the word has that value, for no longer than limit; a limit of
// zero means none. Without C, Go has no futex between processes here, so wait polls,
// at growing intervals of up to a millisecond.
func wait(word *atomic.Uint32, value uint32, limit time.Duration) {
	began := time.Now()
	for pause := 50 * time.Microsecond; word.Load() == value; pause = min(2*pause, time.Millisecond) {
		if limit > 0 && time.Since(began) >= limit {
			return
		}
		time.Sleep(pause)
	}
}

// wake does nothing: waiters poll.
func wake(*atomic.Uint32, int) {}

// Yield gives this goroutine's processor to another goroutine.
func Yield() { runtime.Gosched() }
