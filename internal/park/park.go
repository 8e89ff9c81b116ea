// Package park lets workers that find nothing to do sleep, without a lock on the
// path of those who give them work.
//
// The two sides of a hand-over do the same two things in opposite order:
//
//	who gives work    publishes it, then looks whether a worker is idle
//	who has no work   says that it is idle, then looks for work once more
//
// Atomic operations are in one order that all goroutines agree on, so one of the
// two looks comes after what it looks for, and the work is seen by its giver's
// wake or by the worker itself. If either side looked first, both could look
// before either had spoken: the work would lie there and the worker sleep on.
package park

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A Lot is where a fixed number of workers sleep, each in a seat of its own.
type Lot struct {
	_     cacheline.Pad
	idle  atomic.Int32 // workers in Park that nobody has woken; at least as many as are asleep
	_     cacheline.Pad
	seats []seat
}

type seat struct {
	_      cacheline.Pad
	asleep atomic.Bool   // set by the worker, reset by whoever is to end its sleep
	wake   chan struct{} // capacity 1; a token for the worker, from whom reset asleep
}

// New returns a lot with that many seats.
func New(workers int) *Lot {
	l := &Lot{seats: make([]seat, workers)}
	for i := range l.seats {
		l.seats[i].wake = make(chan struct{}, 1)
	}
	return l
}

// Idle reports whether a worker may be asleep, at the price of one atomic load of
// a word that changes only when a worker goes to sleep or is woken.
func (l *Lot) Idle() bool { return l.idle.Load() != 0 }

// Park announces that the worker is idle, and puts it to sleep unless work is to
// be had, which ready tells. It returns when somebody wakes the worker, or at
// once if ready returns true.
func (l *Lot) Park(worker int, ready func() bool) {
	s := &l.seats[worker]
	// The count first: a waker who sees an idle worker but none asleep goes
	// away, and that is right, for this worker has yet to look. The other way
	// round, the count could be taken to zero by our waker while a second
	// worker sleeps, and who published next would wake neither.
	l.idle.Add(1)
	s.asleep.Store(true)
	if ready() && s.asleep.CompareAndSwap(true, false) {
		l.idle.Add(-1)
		return
	}
	<-s.wake
}

// Wake ends the sleep of one worker, if there is one.
func (l *Lot) Wake() {
	for i := range l.seats {
		if l.WakeWorker(i) {
			return
		}
	}
}

// WakeWorker ends the sleep of this worker, and reports whether it slept.
func (l *Lot) WakeWorker(worker int) bool {
	s := &l.seats[worker]
	if !s.asleep.Load() || !s.asleep.CompareAndSwap(true, false) {
		return false
	}
	l.idle.Add(-1)
	s.wake <- struct{}{}
	return true
}

// WakeAll ends the sleep of all workers.
func (l *Lot) WakeAll() {
	for i := range l.seats {
		l.WakeWorker(i)
	}
}
