// Package park lets idle workers sleep, without a lock on the path of the publisher
// that gives them work.
//
// The two sides of a hand-over do the same two things in opposite order:
//
//	the publisher   publishes work, then looks for an idle worker
//	the worker      announces that it is idle, then looks for work once more
//
// All goroutines see atomic operations in one order. So at least one side's look comes
// after the other side's store: either the publisher sees the idle worker and wakes it,
// or the worker sees the work. If both sides looked before they stored, both could miss
// the other, and the worker would sleep although there is work.
package park

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A Lot is where a fixed number of workers sleep, each in a seat of its own.
type Lot struct {
	_      cacheline.Pad
	idle   atomic.Int32 // workers in Park that have not been woken; never fewer than are asleep
	_      cacheline.Pad
	waking atomic.Bool // set by Rouse; reset by the worker that it wakes
	seats  []seat
}

type seat struct {
	_      cacheline.Pad
	asleep atomic.Bool   // set by the worker; reset by the waker, or by the worker itself
	wake   chan struct{} // capacity 1; a token from the waker that reset asleep
}

// New returns a lot with a seat for each worker.
func New(workers int) *Lot {
	l := &Lot{seats: make([]seat, workers)}
	for i := range l.seats {
		l.seats[i].wake = make(chan struct{}, 1)
	}
	return l
}

// Idle reports whether a worker may be asleep. It costs one atomic load of a word
// that changes only when a worker goes to sleep or is woken.
func (l *Lot) Idle() bool { return l.idle.Load() != 0 }

// Park announces that the worker is idle, then calls ready, which reports whether
// there is work. If there is, Park returns at once. If not, the worker sleeps until
// it is woken.
func (l *Lot) Park(worker int, ready func() bool) {
	s := &l.seats[worker]
	// Increment idle before setting asleep. In the other order, a waker could
	// decrement idle for this worker before the worker increments it. Then idle is
	// 0 while another worker sleeps, and the next publisher wakes nobody. In this
	// order, a waker may see an idle worker and find none asleep. That does no
	// harm, because this worker has yet to call ready.
	l.idle.Add(1)
	s.asleep.Store(true)
	if ready() && s.asleep.CompareAndSwap(true, false) {
		l.idle.Add(-1)
		return
	}
	<-s.wake
	l.waking.Store(false)
}

// Rouse wakes one worker as Wake does, but not while a worker that it has woken is on
// its way out of Park. That worker has yet to look for work, so it sees what the caller
// has published. It must call Rouse itself if it finds more work than it takes. Go's
// scheduler throttles its wakes in this way, so that a burst of work does not wake
// workers that find nothing.
func (l *Lot) Rouse() {
	if l.waking.Load() {
		return
	}
	for i := range l.seats {
		if l.wakeWorker(i, true) {
			return
		}
	}
}

// Wake wakes one worker, if any is asleep.
func (l *Lot) Wake() {
	for i := range l.seats {
		if l.WakeWorker(i) {
			return
		}
	}
}

// WakeWorker wakes this worker, and reports whether it was asleep.
func (l *Lot) WakeWorker(worker int) bool { return l.wakeWorker(worker, false) }

func (l *Lot) wakeWorker(worker int, rouse bool) bool {
	s := &l.seats[worker]
	if !s.asleep.Load() || !s.asleep.CompareAndSwap(true, false) {
		return false
	}
	l.idle.Add(-1)
	if rouse {
		l.waking.Store(true) // before the token, so that the worker resets it
	}
	s.wake <- struct{}{}
	return true
}

// WakeAll wakes all workers.
func (l *Lot) WakeAll() {
	for i := range l.seats {
		l.WakeWorker(i)
	}
}
