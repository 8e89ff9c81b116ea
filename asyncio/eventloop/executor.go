package eventloop

import (
	"context"
	"errors"

	"golang.org/x/sync/semaphore"
)

// An Executor runs calls that block, so that the loop does not. It is a pool in
// that it bounds how many run at once; its threads are goroutines.
type Executor struct{ slots *semaphore.Weighted }

// NewExecutor returns an executor that runs up to that many calls at once. It
// panics if there are none.
func NewExecutor(calls int) *Executor {
	if calls < 1 {
		panic("eventloop: an executor of no calls")
	}
	return &Executor{slots: semaphore.NewWeighted(int64(calls))}
}

// errGoexit is the error of a call that does not return.
var errGoexit = errors.New("eventloop: a call of an executor: runtime.Goexit")

// RunInExecutor calls f on another goroutine and returns the future of what it
// returns. Canceling the future does not stop a call that runs; its result is
// dropped. A call that is still waiting for its turn when the loop closes, or
// when the future is canceled, is not made.
func RunInExecutor[T any](l *Loop, e *Executor, f func() (T, error)) *Future[T] {
	ctx, cancel := context.WithCancel(l.ctx)
	out := NewFuture[T](l)
	out.onCancel = func() bool {
		cancel()
		out.finish(*new(T), ErrCanceled)
		return true
	}
	l.help(func() {
		defer cancel()
		if e.slots.Acquire(ctx, 1) != nil {
			return // canceled, and so is out
		}
		value, err := *new(T), errGoexit
		defer func() {
			e.slots.Release(1)
			l.CallSoonThreadsafe(func() { out.Resolve(value, err) })
		}()
		value, err = f()
	})
	return out
}
