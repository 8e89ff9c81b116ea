package workerpool

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"boundaries/internal/explore"
)

type Task func()

var ErrClosed = errors.New("closed")

type PanicError struct {
	Value  any
	Stack  []byte
	Others int
}

func (*PanicError) Error() string { return "" }

var Programs = []explore.Program{
	{Name: "a task submits a task while one waits", Start: func(r *explore.Run) {
		t := newTally(2)
		admit(t)
		var queue, first, second atomic.Bool
		r.Actor("worker 1", func() {
			if admit(t) {
				queue.Store(true)
			}
			first.Store(true)
			t.settle(0, 1)
		})
		r.Actor("worker 2", func() {
			for !queue.Load() {
				runtime.Gosched()
			}
			second.Store(true)
			t.settle(1, 1)
		})
		r.Actor("waiter", func() {
			if err := t.wait(); err != nil {
				panic(err)
			}
			if !first.Load() || !second.Load() {
				panic("Wait has returned, and a task is still running")
			}
		})
		r.End(t.quiet)
	}},
	{Name: "one submits, one closes", Start: func(r *explore.Run) {
		t := newTally(1)
		var over atomic.Bool
		r.Actor("submitter and worker", func() {
			if admit(t) {
				if over.Load() {
					panic("a task runs in a pool that is closed")
				}
				t.settle(0, 1)
			}
		})
		r.Actor("closer", func() {
			if !t.close() {
				panic("close by the only closer is the second")
			}
			if err := t.wait(); err != nil {
				panic(err)
			}
			over.Store(true)
		})
		r.End(t.quiet)
	}},
	{Name: "two submit, two wait", Start: func(r *explore.Run) {
		t := newTally(1)
		admit(t)
		r.Actor("worker", func() { t.settle(0, 1) })
		for i := range 2 {
			r.Actor(fmt.Sprint("waiter ", i), func() {
				if err := t.wait(); err != nil {
					panic(err)
				}
			})
		}
		r.End(t.quiet)
	}},
	{Name: "a task panics while two wait", Start: func(r *explore.Run) {
		t := newTally(1)
		admit(t)
		var failed [2]bool
		r.Actor("worker", func() {
			t.caught(errors.New("oh"))
			t.settle(0, 1)
		})
		for i := range failed {
			r.Actor(fmt.Sprint("waiter ", i), func() { failed[i] = t.wait() != nil })
		}
		r.End(func() error {
			if failed[0] == failed[1] {
				return fmt.Errorf("the waiters have seen the panic: %v", failed)
			}
			return t.quiet()
		})
	}},
	{Name: "two close, and the second waits for the first", Start: func(r *explore.Run) {
		t := newTally(1)
		admit(t)
		var ended atomic.Bool
		for i := range 2 {
			r.Actor(fmt.Sprint("closer ", i), func() {
				if t.close() {
					if err := t.wait(); err != nil {
						panic(err)
					}
					ended.Store(true)
					close(t.over)
				} else if !ended.Load() {
					panic("Close has returned before the pool was closed")
				}
			})
		}
		r.Actor("worker", func() { t.settle(0, 1) })
		r.End(t.quiet)
	}},
}

func admit(t *tally) bool { return t.admit(context.Background(), 1) == nil }

func newTally(workers int) *tally {
	t := &tally{}
	t.init(workers)
	return t
}

// quiet returns an error unless every submitted task has run and no goroutine waits.
func (t *tally) quiet() error {
	if ran, submitted, waiting := t.ran(), t.submitted.Load(), t.waiting.Load(); int64(ran) != submitted || waiting != 0 {
		return fmt.Errorf("%d tasks have run of %d, and %d goroutines wait", ran, submitted, waiting)
	}
	return nil
}
