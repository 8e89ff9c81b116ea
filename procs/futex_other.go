//go:build !linux

package procs

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

const everybody = math.MaxInt32

// futexWait waits while the word has that value, for no longer than limit; zero
// means no limit. There is no futex between processes here that Go can reach
// without C, so it looks, at growing intervals of up to a millisecond.
func futexWait(word *atomic.Uint32, value uint32, limit time.Duration) {
	began := time.Now()
	for pause := 50 * time.Microsecond; word.Load() == value; pause = min(2*pause, time.Millisecond) {
		if limit > 0 && time.Since(began) >= limit {
			return
		}
		time.Sleep(pause)
	}
}

// futexWake does nothing: who waits looks for itself.
func futexWake(*atomic.Uint32, int) {}

// yield lets another goroutine have this one's processor.
func yield() { runtime.Gosched() }
