package workerpool

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A tally knows when a pool has nothing left to do, without a word that every task
// writes. A submitter counts a task before a worker can find it. A worker counts the
// tasks that it has run in a plain variable, and settles the count with one store
// when it finds no more. Both counts only grow, except that a refused task is taken
// out of the submitted count. wait reads the settled counts first and the submitted
// count second. If the sums are equal, every task had run when the settled counts
// were read. In the other order, a task submitted between the two reads and another
// task that ends between them could hide each other.
//
// A tally also knows whether the pool is closed. A submitter counts its task and then
// looks whether the pool is closed; if it is, the submitter takes the count back.
// Close first marks the pool closed and then waits until the counts are equal. So
// Close sees each task, or the task is refused.
type tally struct {
	_         cacheline.Pad
	submitted atomic.Int64 // tasks admitted, and those about to be refused
	_         cacheline.Pad
	settled   []settled
	waiting   atomic.Int32 // number of goroutines in wait

	closed  atomic.Bool
	closing chan struct{} // closed when closed is set
	over    chan struct{} // closed when Close is about to return

	mu    sync.Mutex
	cond  sync.Cond   // of mu; broadcast when the counts may be equal
	first *PanicError // guarded by mu; nil if no task has panicked since the last Wait
}

type settled struct {
	atomic.Int64
	_ cacheline.Pad // no two workers share a line
}

func (t *tally) init(workers int) {
	t.settled = make([]settled, workers)
	t.closing = make(chan struct{})
	t.over = make(chan struct{})
	t.cond.L = &t.mu
}

// admit counts n tasks that are about to be put into a queue. If ctx has ended or the
// pool is closed, it counts none and returns the error of Submit. Every Submit begins
// with check and admit.
func (t *tally) admit(ctx context.Context, n int) error {
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	t.submitted.Add(int64(n))
	if t.closed.Load() {
		t.refuse(n)
		return refusal(ErrClosed)
	}
	return nil
}

func check(task Task) {
	if task == nil {
		panic("workerpool: Submit of a nil task")
	}
}

// refusal is the error for a task that is not admitted, or refused later.
func refusal(err error) error {
	return fmt.Errorf("workerpool: submitting a task: %w", err)
}

// refuse takes back the count of n admitted tasks.
func (t *tally) refuse(n int) {
	t.submitted.Add(-int64(n))
	t.notify()
}

// settle stores how many tasks a worker has run in all.
func (t *tally) settle(worker, ran int) {
	t.settled[worker].Store(int64(ran))
	t.notify()
}

// notify wakes the waiters, if there are any, after a count has changed. It looks for
// waiters after the change, and a waiter announces itself before it reads the counts.
func (t *tally) notify() {
	if t.waiting.Load() != 0 {
		t.mu.Lock()
		t.cond.Broadcast()
		t.mu.Unlock()
	}
}

// ran returns how many tasks have been settled.
func (t *tally) ran() int {
	sum := int64(0)
	for i := range t.settled {
		sum += t.settled[i].Load()
	}
	return int(sum)
}

// wait returns when every submitted task has run. The error is as for Pool.Wait.
func (t *tally) wait() error {
	t.waiting.Add(1)
	defer t.waiting.Add(-1)
	t.mu.Lock()
	for {
		ran := t.ran() // before submitted
		if int64(ran) == t.submitted.Load() {
			break
		}
		t.cond.Wait()
	}
	t.mu.Unlock()
	return t.failure()
}

// failure returns the first panic since the last call, as a *PanicError, or nil.
func (t *tally) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == nil {
		return nil // and not a nil *PanicError
	}
	err := t.first
	t.first = nil
	return err
}

// close marks the pool closed and returns true. If another Close has done so, it
// waits for that Close and returns false.
func (t *tally) close() (first bool) {
	if !t.closed.CompareAndSwap(false, true) {
		<-t.over
		return false
	}
	close(t.closing)
	return true
}

// caught records that a task has panicked with v, or called runtime.Goexit if v is
// nil. The deferred function that recovers v calls it.
func (t *tally) caught(v any) {
	stack := debug.Stack()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == nil {
		t.first = &PanicError{Value: v, Stack: stack}
	} else {
		t.first.Others++
	}
}
