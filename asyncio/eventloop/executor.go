package eventloop

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// An Executor runs calls that block, so that the loop does not. Its threads are
// goroutines; it is a pool because it bounds how many calls run at once.
type Executor struct{ slots *semaphore.Weighted }

// NewExecutor returns an executor that runs at most that many calls at once. It
// panics unless calls is positive.
func NewExecutor(calls int) *Executor {
	if calls < 1 {
		panic("eventloop: NewExecutor for fewer than one call at a time, need at least one")
	}
	return &Executor{slots: semaphore.NewWeighted(int64(calls))}
}

// RunInExecutor calls f on another goroutine and returns the future of what f
// returns. If f panics, so does Run, with the same value. If f ends in
// runtime.Goexit, the future has an error.
//
// If f is already running, canceling the future does not stop it: its result is
// dropped, and Run waits until f returns. If the call still waits for its turn when the
// future is canceled or the loop closes, f is never called.
func RunInExecutor[T any](l *Loop, e *Executor, f func() (T, error)) *Future[T] {
	ctx, cancel := context.WithCancel(l.ctx)
	out := NewFuture[T](l)
	out.onCancel = func() bool {
		cancel()
		out.finish(*new(T), ErrCanceled)
		return true
	}
	resolve := func(value T, err error) {
		l.callSoonThreadsafe(func() { out.Resolve(value, err) })
	}
	call := func() (T, error) {
		defer e.slots.Release(1) // before the task can make its next call
		return f()
	}
	l.help(func() {
		defer cancel()
		if e.slots.Acquire(ctx, 1) == nil { // if not, l has closed or out is canceled already
			resolve(call())
		}
	}, func() { resolve(*new(T), errGoexit) })
	return out
}
