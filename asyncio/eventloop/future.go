package eventloop

import "slices"

// A Future is a value that tasks can wait for. It is resolved once, with a value
// and an error. Only its loop's tasks and callbacks may use it.
type Future[T any] struct {
	loop     *Loop
	done     bool // goes from false to true, once; Stream.Read resets that of Task.input
	value    T    // not written after done
	err      error
	then     []callback  // made ready when done
	onCancel func() bool // nil if Cancel resolves the future with ErrCanceled
}

// NewFuture returns a future that is not resolved.
func NewFuture[T any](l *Loop) *Future[T] { return &Future[T]{loop: l} }

// Done reports whether the future was resolved or canceled.
func (f *Future[T]) Done() bool { return f.done }

// Resolve sets the value and the error that the waiters get, and makes the waiters
// ready. On a canceled future it does nothing, because the work that resolves it
// may end after the cancellation. It panics if the future was resolved before.
func (f *Future[T]) Resolve(value T, err error) {
	if f.done {
		if isCanceled(f.err) {
			return
		}
		panic("eventloop: Resolve of a future that is resolved already")
	}
	f.finish(value, err)
}

func (f *Future[T]) finish(value T, err error) {
	f.done, f.value, f.err = true, value, err
	f.loop.ready = append(f.loop.ready, f.then...)
	clear(f.then)
	f.then = f.then[:0]
}

// Cancel cancels the future: its waiters get ErrCanceled. If it is the future of a
// task, Cancel cancels the task; if it is the future of a [Gather], Cancel cancels
// all gathered futures. Cancel reports whether there was something to cancel.
func (f *Future[T]) Cancel() bool {
	if f.done {
		return false
	}
	if f.onCancel != nil {
		return f.onCancel()
	}
	f.finish(*new(T), ErrCanceled)
	return true
}

// forget makes the future no longer wake t, and reports whether t waited for it.
func (f *Future[T]) forget(t *Task) (waited bool) {
	n := len(f.then)
	f.then = slices.DeleteFunc(f.then, func(c callback) bool { return c.task == t })
	return len(f.then) < n
}

// onDone makes the loop call then once the future is done.
func (f *Future[T]) onDone(then func()) {
	if f.done {
		f.loop.callSoon(then)
		return
	}
	f.then = append(f.then, callback{f: then})
}

// Await waits until f is done and returns its value and error. If f is done
// already, the task keeps its turn. Canceling the task cancels f. Await panics if
// f belongs to another loop.
func Await[T any](t *Task, f *Future[T]) (T, error) {
	if f.loop != t.loop {
		panic("eventloop: Await of a future of another loop")
	}
	if !f.done {
		f.then = append(f.then, callback{task: t})
		t.waiting = f
		if t.cancel {
			t.cancel = false
			t.cancels-- // that cancellation counts already
			t.Cancel()
		}
		if err := t.suspend(false); err != nil {
			return *new(T), err
		}
	}
	return f.value, f.err
}

// Gather returns a future of the values of all futures, in the order of the
// arguments. As soon as one of the futures has an error, Gather's future is done
// with that error; the other futures go on. Canceling Gather's future cancels all
// the others; it is then done when all of them are.
func Gather[T any](l *Loop, all ...*Future[T]) *Future[[]T] {
	canceled := false
	out := NewFuture[[]T](l)
	out.onCancel = func() bool {
		any := false
		for _, f := range all {
			any = f.Cancel() || any
		}
		canceled = canceled || any
		return any
	}
	values := make([]T, len(all))
	left := len(all)
	if left == 0 {
		out.finish(values, nil)
	}
	for i, f := range all {
		f.onDone(func() {
			left--
			values[i] = f.value
			switch {
			case out.done:
			case f.err != nil && !canceled:
				out.finish(nil, f.err)
			case left == 0 && canceled:
				out.finish(nil, ErrCanceled)
			case left == 0:
				out.finish(values, nil)
			}
		})
	}
	return out
}
