package eventloop

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// A Task is a coroutine that a loop runs. Only the task itself may call its
// methods, except Cancel and Loop, which every task and callback of the loop may
// call.
type Task struct {
	loop *Loop
	next func() (struct{}, bool) // runs the task until it waits; reports false when the task has ended
	stop func()                  // unwinds the task where it waits
	step func()                  // gives the task a turn; the loop calls it

	yield   func(struct{}) bool // gives up the turn; returns false if the task is being unwound
	waiting canceler            // what the task waits for; nil or done if it does not wait
	cancel  bool                // the current or next wait returns ErrCanceled
	cancels int                 // how often the task was canceled, not counting timeouts that are over

	// Kept for the next wait of the kind, which then allocates nothing.
	input Future[struct{}] // what Stream.Read waits for
	limit *limit           // of a Timeout that has ended in time, or nil
}

// A limit is the timer of a Timeout.
type limit struct {
	timer
	over, expired bool
}

// A canceler is a future of any type.
type canceler interface{ Cancel() bool }

// unwound is the panic that carries a stopped task out of its body.
type unwound struct{}

// Go makes a task that runs body, and returns the future of what body returns. The
// task starts in the next turn. Canceling the future cancels the task; a task that
// is canceled before it starts never runs body.
func Go[T any](l *Loop, body func(t *Task) (T, error)) *Future[T] {
	t := &Task{loop: l}
	f := &Future[T]{loop: l, onCancel: t.Cancel}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil && r != (unwound{}) {
				panic(r)
			}
		}()
		t.yield = yield
		if t.cancel {
			f.finish(*new(T), ErrCanceled)
			return
		}
		f.finish(body(t))
	})
	t.step = func() {
		if _, waits := t.next(); !waits {
			delete(l.tasks, t)
		}
	}
	l.tasks[t] = struct{}{}
	l.ready.push(t.step)
	return f
}

// Loop returns the loop that runs the task.
func (t *Task) Loop() *Loop { return t.loop }

// Yield gives up the turn and returns in the task's next turn, like await
// sleep(0) in Python. It is the shortest possible wait: two coroutine switches
// and a place in the queue. It returns ErrCanceled if the task was canceled.
func (t *Task) Yield() error {
	t.loop.ready.push(t.step)
	return t.suspend()
}

// suspend gives up the turn and returns when the loop calls step. Exactly one call
// of step must be pending.
func (t *Task) suspend() error {
	if !t.yield(struct{}{}) {
		panic(unwound{})
	}
	if t.cancel {
		t.cancel = false
		return ErrCanceled
	}
	return nil
}

// Cancel cancels what the task waits for, what that waits for, and so on. The
// innermost wait returns ErrCanceled, and each task on the way decides what to do
// with it. A task that does not wait gets ErrCanceled from its next wait. Cancel
// always reports true, like the Cancel of a future that is not done.
func (t *Task) Cancel() bool {
	t.cancels++
	if t.waiting == nil || !t.waiting.Cancel() {
		t.cancel = true
	}
	return true
}

// Timeout calls body and cancels the task if body takes longer than d. If body
// then returns ErrCanceled, Timeout returns an error that wraps
// context.DeadlineExceeded. If the task was canceled for another reason as well,
// Timeout returns body's error as it is.
func (t *Task) Timeout(d time.Duration, body func() error) error {
	lim, before := t.limit, t.cancels
	t.limit = nil // body may call Timeout too
	if lim == nil {
		lim = &limit{}
		lim.loop, lim.f = t.loop, func() {
			if lim.over { // body has returned between the timer's due time and this turn
				return
			}
			lim.expired = true
			t.Cancel()
		}
	}
	lim.over = false
	lim.start(d)
	defer func() {
		lim.over = true
		if lim.stop() {
			t.limit = lim
		}
	}()
	err := body()
	if !lim.expired {
		return err
	}
	t.cancels--
	if t.cancels <= before && isCanceled(err) {
		return fmt.Errorf("eventloop: after %v: %w", d, context.DeadlineExceeded)
	}
	return err
}
