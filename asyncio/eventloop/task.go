package eventloop

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// A Task is a coroutine that a loop runs. Its methods are for the task itself,
// but Cancel and Loop are for every task and callback of the loop.
type Task struct {
	loop *Loop
	next func() (struct{}, bool) // runs the task until it waits; false when it has ended
	stop func()                  // unwinds the task where it waits
	step func()                  // what the loop calls for the task's turn

	yield   func(struct{}) bool // gives the turn away; false when the task is being unwound
	waiting canceler            // what the task waits for; done, or nil, if it does not
	cancel  bool                // the current or next wait returns ErrCanceled
	cancels int                 // how often the task was canceled, less the timeouts that are over
}

// A canceler is a future of any type.
type canceler interface{ Cancel() bool }

// unwound is the panic that carries a stopped task out of its body.
type unwound struct{}

// Go makes a task of body and returns the future of what body returns. The task
// begins in the next turn. Canceling the future cancels the task.
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

// Yield gives the turn away and takes the next one, as await sleep(0) does. It is
// the shortest wait there is: two switches of the coroutine and a place in the
// queue.
func (t *Task) Yield() error {
	t.loop.ready.push(t.step)
	return t.suspend()
}

// suspend returns when step is called. Exactly one call of it must be on its way.
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

// Sleep waits for d.
func (t *Task) Sleep(d time.Duration) error {
	f := NewFuture[struct{}](t.loop)
	timer := t.loop.CallLater(d, func() { f.Resolve(struct{}{}, nil) })
	defer timer.Stop()
	_, err := Await(t, f)
	return err
}

// Cancel cancels what the task waits for, and what that waits for, and so on; the
// innermost wait returns ErrCanceled and the task decides what becomes of it. A
// task that does not wait is told so at its next wait. Cancel reports true.
func (t *Task) Cancel() bool {
	t.cancels++
	if t.waiting == nil || !t.waiting.Cancel() {
		t.cancel = true
	}
	return true
}

// Timeout calls body and cancels the task if body takes longer than d. Then, and
// if body returned because of that, the error wraps context.DeadlineExceeded. If
// somebody else has canceled the task as well, the error is ErrCanceled.
func (t *Task) Timeout(d time.Duration, body func() error) error {
	before, over, expired := t.cancels, false, false
	timer := t.loop.CallLater(d, func() {
		if over { // before its turn came
			return
		}
		expired = true
		t.Cancel()
	})
	defer func() {
		over = true
		timer.Stop()
	}()
	err := body()
	if !expired {
		return err
	}
	t.cancels--
	if t.cancels <= before && isCanceled(err) {
		return fmt.Errorf("eventloop: after %v: %w", d, context.DeadlineExceeded)
	}
	return err
}
