package eventloop

// A Future is a value that a task can wait for. It is resolved once, with a value
// or an error. It belongs to its loop.
type Future[T any] struct {
	loop     *Loop
	done     bool // goes from false to true only
	value    T    // not written after done
	err      error
	then     []func()    // called, through the queue, when done
	onCancel func() bool // nil if canceling is resolving with ErrCanceled
}

// NewFuture returns a future for somebody to resolve.
func NewFuture[T any](l *Loop) *Future[T] { return &Future[T]{loop: l} }

// Done reports whether the future has been resolved or canceled.
func (f *Future[T]) Done() bool { return f.done }

// Resolve sets the value and the error that those who wait get, and makes them
// ready. It does nothing if the future was canceled, whose work may well end
// after all. It panics if the future was resolved before.
func (f *Future[T]) Resolve(value T, err error) {
	if f.done {
		if isCanceled(f.err) {
			return
		}
		panic("eventloop: Resolve of a future that is resolved")
	}
	f.finish(value, err)
}

func (f *Future[T]) finish(value T, err error) {
	f.done, f.value, f.err = true, value, err
	for _, then := range f.then {
		f.loop.ready.push(then)
	}
	f.then = nil
}

// Cancel cancels the future: those who wait for it get ErrCanceled, and if it is
// the future of a task or of a [Gather], it is the task that is canceled, or all
// that is gathered. Cancel reports whether there was something to cancel.
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

// OnDone makes the loop call then when the future is done.
func (f *Future[T]) OnDone(then func()) {
	if f.done {
		f.loop.ready.push(then)
		return
	}
	f.then = append(f.then, then)
}

// Await waits until f is done and returns what it was resolved with. If it is
// already, Await does not give the turn away. Canceling the task cancels f.
func Await[T any](t *Task, f *Future[T]) (T, error) {
	if f.loop != t.loop {
		panic("eventloop: Await of a future of another loop")
	}
	if !f.done {
		f.then = append(f.then, t.step)
		t.waiting = f
		if t.cancel && f.Cancel() {
			t.cancel = false
		}
		if err := t.suspend(); err != nil {
			return *new(T), err
		}
	}
	return f.value, f.err
}

// Gather returns a future of the values of all, in the order of the arguments.
// The first error, in time, is its error, at once; the rest go on. Canceling it
// cancels all, and is done when all are.
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
		f.OnDone(func() {
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
