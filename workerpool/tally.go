package workerpool

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A tally knows when a pool has nothing left to do, without a word that every
// task writes. Who submits counts a task before it can be found; a worker counts
// what it has run in a plain variable and settles, with one store, when it runs
// dry. Both counts only grow, so if the sum of what is settled equals what was
// submitted, and is read first, then everything had run when the sum was read.
// Read in the other order, a task that was submitted and another that was run
// between the two readings could make up for each other.
//
// It also knows whether the pool is closed. Who submits counts, then looks
// whether the pool is closed, and if so takes its count back; who closes says so,
// then waits for the counts to be equal. So each task is either seen by the
// closer or refused.
type tally struct {
	_         cacheline.Pad
	submitted atomic.Int64 // tasks accepted, and those about to be refused
	_         cacheline.Pad
	settled   []settled
	waiting   atomic.Int32 // goroutines in wait

	closed  atomic.Bool
	closing chan struct{} // closed when closed is set
	over    chan struct{} // closed when Close is about to return

	mu    sync.Mutex
	cond  sync.Cond   // of mu; broadcast when the counts may be equal
	first *PanicError // guarded by mu; nil if no task has panicked since the last Wait
}

type settled struct {
	atomic.Int64
	_ cacheline.Pad // no two workers on one line
}

func (t *tally) init(workers int) {
	t.settled = make([]settled, workers)
	t.closing = make(chan struct{})
	t.over = make(chan struct{})
	t.cond.L = &t.mu
}

// accept counts n tasks that are about to be put into a queue. It returns false,
// and counts none, if the pool is closed.
func (t *tally) accept(n int) bool {
	t.submitted.Add(int64(n))
	if t.closed.Load() {
		t.refuse(n)
		return false
	}
	return true
}

// refuse takes back what accept has counted.
func (t *tally) refuse(n int) {
	t.submitted.Add(-int64(n))
	t.notify()
}

// settle is for one worker, with how many tasks it has run in all.
func (t *tally) settle(worker, ran int) {
	t.settled[worker].Store(int64(ran))
	t.notify()
}

// notify is called after a count has changed, and looks for waiters after that;
// a waiter announces itself before it reads the counts.
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

// wait returns when every task submitted has run, and what has panicked.
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

// failure returns what has panicked since it was last called.
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

// close refuses what is submitted from now on. It returns false, when the other
// is over, if the pool has been closed by another.
func (t *tally) close() (first bool) {
	if !t.closed.CompareAndSwap(false, true) {
		<-t.over
		return false
	}
	close(t.closing)
	return true
}

// caught records that a task ended by a panic with v, or by runtime.Goexit if v is
// nil. It is called by the deferred function that has recovered v.
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

// refusal is the error of a task that was not accepted.
func refusal(err error) error {
	return fmt.Errorf("workerpool: submitting a task: %w", err)
}

func check(task Task) {
	if task == nil {
		panic("workerpool: Submit of a nil task")
	}
}
