// Package time is the part of package time that the explored code calls. Time stands
// still. A timer may expire at any moment after it has been set, but only the first
// two times that it is set. So an order ends even if a goroutine sets its timer again
// and again while it waits for something that comes late.
package time

import "time"

type (
	// A Duration is a time.Duration.
	Duration = time.Duration

	// A Time is a time.Time.
	Time = time.Time
)

const (
	Microsecond = time.Microsecond
	Millisecond = time.Millisecond
)

// Now always returns the same time.
func Now() Time { return time.Unix(0, 0) }

// Since returns the time that has passed since t.
func Since(t Time) Duration { return Now().Sub(t) }

// Until returns the time that is left until t.
func Until(t Time) Duration { return t.Sub(Now()) }

// A Timer is a time.Timer of one goroutine.
type Timer struct {
	C     <-chan Time
	c     chan Time
	times int
}

// NewTimer returns a timer that has been set.
func NewTimer(d Duration) *Timer {
	c := make(chan Time, 1)
	t := &Timer{C: c, c: c}
	t.Reset(d)
	return t
}

// Reset sets the timer. A step that receives from C can come next.
func (t *Timer) Reset(Duration) bool {
	was := t.Stop()
	if was {
		t.times-- // it has not expired
	}
	if t.times++; t.times <= 2 {
		t.c <- Now()
	}
	return was
}

// Stop keeps the timer from expiring. It reports whether the timer could still expire.
func (t *Timer) Stop() bool {
	select {
	case <-t.c:
		return true
	default:
		return false
	}
}
