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
	next func() (again, waits bool) // runs the task until it waits; see yield; waits is false when the task has ended
	stop func()                     // unwinds the task where it waits

	yield   func(again bool) bool // gives up the turn, until the next one if again; returns false if the task is being unwound
	err     error                 // what the wait that is over returns
	waiting awaitable             // what the task waits for; nil or done if it does not wait
	cancel  bool                  // the current or next wait returns ErrCanceled
	passing bool                  // the task is canceling what it waits for
	cancels int                   // how often the task was canceled, not counting timeouts that are over

	// Kept for the next wait of the kind, which then allocates nothing.
	input Future[struct{}] // what Stream.Read waits for
	limit *limit           // of a Timeout that has ended in time, or nil
}

// A limit is the timer of a Timeout.
type limit struct {
	timer
	over, expired bool
}

// An awaitable is a future of any type.
type awaitable interface {
	Cancel() bool
	forget(t *Task) (waited bool)
}

// unwound is the panic that carries a stopped task out of its body.
type unwound struct{}

// Go makes a task that runs body, and returns the future of what body returns. The
// task starts in the next turn. Canceling the future cancels the task; a task that
// is canceled before it starts never runs body.
func Go[T any](l *Loop, body func(t *Task) (T, error)) *Future[T] {
	t := &Task{loop: l}
	f := &Future[T]{loop: l, onCancel: t.Cancel}
	t.next, t.stop = iter.Pull(func(yield func(bool) bool) {
		defer func() {
			if r := recover(); r != nil && r != (unwound{}) {
				panic(r)
			}
		}()
		t.yield = yield
		if t.err != nil {
			f.finish(*new(T), t.err)
			return
		}
		f.finish(body(t))
	})
	l.tasks[t] = struct{}{}
	l.ready = append(l.ready, callback{task: t})
	return f
}

// Loop returns the loop that runs the task.
func (t *Task) Loop() *Loop { return t.loop }

// Yield gives up the turn and returns in the task's next turn, like await
// sleep(0) in Python. It is the shortest possible wait: two coroutine switches
// and a place in the queue. It returns ErrCanceled if the task was canceled.
//
// After a coroutine switch, the processor mispredicts the return of every function that
// is still active. So few functions are active at a switch: Yield and suspend are small
// enough to be inlined, and Loop.run calls next itself and returns only once.
func (t *Task) Yield() error { return t.suspend(true) }

// suspend gives up the turn and returns when the task has it again: in the next turn of
// the loop if again is set, and otherwise when the loop runs the task's callback, of
// which exactly one must be pending.
func (t *Task) suspend(again bool) error {
	if !t.yield(again) {
		panic(unwound{})
	}
	return t.err
}

// Cancel cancels what the task waits for, what that waits for, and so on. The
// innermost wait returns ErrCanceled, and each task on the way decides what to do
// with it. A task that does not wait gets ErrCanceled from its next wait. If tasks
// wait for each other in a circle, or a task for itself, there is no innermost wait;
// then one of their waits returns ErrCanceled. Cancel always reports true, like the
// Cancel of a future that is not done.
func (t *Task) Cancel() bool {
	if t.passing {
		t.leaveCircle()
		return true
	}
	t.cancels++
	t.passing = true
	if t.waiting == nil || !t.waiting.Cancel() {
		t.cancel = true
	}
	t.passing = false
	return true
}

// leaveCircle ends the task's wait, because what the task waits for waits for the task.
func (t *Task) leaveCircle() {
	if t.waiting != nil && t.waiting.forget(t) {
		t.waiting, t.cancel = nil, true
		t.loop.ready = append(t.loop.ready, callback{task: t})
	}
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
