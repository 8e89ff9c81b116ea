package park

import (
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// One worker sleeps all the time, and another one goes to sleep and is woken again and
// again. So the lot is never without an idle worker.
func TestIdleIsNeverTooLow(t *testing.T) {
	suitetest.Guard(t, "a worker was not woken")
	const n = 100_000
	l := New(2)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Park(0, never)
	}()
	for !l.seats[0].asleep.Load() {
	}
	go func() {
		for range n {
			l.Park(1, never)
		}
	}()
	low := 0
	for woken := 0; woken < n; {
		if l.WakeWorker(1) {
			woken++
			if !l.Idle() {
				low++
			}
		}
	}
	require.Zero(t, low, "times that the lot was not idle although a worker slept")
	l.Wake()
	<-done
}
