// Package workerpool runs tasks on a fixed number of workers, with each of the
// disciplines between those who submit and those who run.
//
// A step is one task, submitted by one goroutine that is not a worker. There are
// three kinds of task: with task=empty it does nothing, so that the time is the
// queue's own; with task=1us it computes for about a microsecond, which is where
// a queue should begin to cost little; with task=io it sleeps for a millisecond,
// and at most as many are in flight as there are workers. The last is the
// article's figure 4.1.3: a global lock that is released while a task blocks
// costs such tasks next to nothing, and computing tasks all parallelism.
//
// Each variant is a [Pool], in one file: what the pools have in common is in
// pool.go, and a file holds the queue that they differ in. Read global_mutex.go
// first, then sharded_lock.go, atomic.go and lock_free.go; deque.go and inbox.go
// are what lock_free.go is made of. The pools are real ones:
//
//   - A bounded queue, of 1024 tasks, holds back who submits to it when it is
//     full. A worker is not held back: its task runs there and then, or tasks
//     that submit tasks could fill the queue and all wait for room in it.
//   - A cancelled context ends the wait and the submitting. What has been
//     submitted runs.
//   - A task that panics, or calls runtime.Goexit, does not end its worker. The
//     panic comes back from Wait, with the task's stack.
//   - Workers without work sleep.
//
// No pool can be told from a task that waits for it: Wait and Close in a task
// wait for the task, and so for ever.
//
// There is no false-sharing row and no cas row: both are in package loop, and the
// words of a queue would show the same. The private row times no submission,
// because what is submitted is the length of the range; its pool, which tests
// use, is for tasks that are known before the first one runs.
package workerpool

import (
	"context"
	"errors"
	"fmt"
)

// A Task is a piece of work. The worker that runs it is for its use alone, and
// only until it returns.
type Task func(w Worker)

// A Worker is what a task can ask of whoever runs it.
type Worker interface {
	// Submit gives the pool another task. If the queue is full, the task
	// runs at once, before Submit returns. The error is that of ctx, or
	// ErrClosed.
	Submit(ctx context.Context, task Task) error

	// Blocking calls f, which may block. Under a global lock, the lock is
	// free meanwhile.
	Blocking(f func())
}

// A Pool runs tasks, each of them once. All methods may be called by several
// goroutines at once, unless the variant says otherwise. What is done before a
// task is submitted synchronizes before its run, and its run synchronizes before
// the return of a Wait that was called after its submission.
type Pool interface {
	// Submit gives the pool a task, and waits while the queue is full. The
	// error, if any, wraps that of ctx or ErrClosed; then the task does not
	// run.
	Submit(ctx context.Context, task Task) error

	// Submitter returns a handle for one goroutine that submits many tasks.
	Submitter(ctx context.Context) Submitter

	// Wait returns when every task that was submitted has run, also those
	// that tasks have submitted; while others go on submitting, it may wait
	// for theirs too. The error is a *PanicError if a task has
	// panicked since the last Wait.
	Wait() error

	// Close ends the submitting, waits for every task as Wait does, and ends
	// the workers. A second Close waits for the first and returns nil.
	Close() error
}

// A Submitter collects tasks, where that is cheaper, like a bufio.Writer: what
// has not been flushed need not have been submitted, and neither Wait nor Close
// of the pool knows of it. While a worker is idle, nothing is held back.
//
// After an error nothing more is accepted, and none of the tasks that were
// collected has been submitted: they are at most those since the last Flush, and
// Lost says how many.
type Submitter interface {
	Submit(task Task) error
	Flush() error
	Lost() int
}

// ErrClosed is the error of a task submitted to a closed pool.
var ErrClosed = errors.New("the pool is closed")

// A PanicError says that a task panicked. Value is nil if it called
// runtime.Goexit.
type PanicError struct {
	Value  any
	Stack  []byte // of the task, as formatted by debug.Stack
	Others int    // how many more tasks panicked since the last Wait
}

func (e *PanicError) Error() string {
	what := fmt.Sprint("panicked: ", e.Value)
	if e.Value == nil {
		what = "called runtime.Goexit"
	}
	return fmt.Sprintf("workerpool: a task %s (and %d more tasks)\n\n%s", what, e.Others, e.Stack)
}

// Unwrap returns what the task panicked with, if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A Variant is a pool with one kind of queue.
type Variant struct {
	Name string

	// New returns a pool with that many workers. It panics if there is none.
	New func(workers int) Pool

	// Run makes such a pool, submits n tasks of that kind, and returns how many
	// have run. It panics if there is no worker or n is negative.
	Run func(kind Kind, workers, n int) (ran int)
}

// Variants lists the pools, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{"serial", newSerial, runSerial},
	{"gil", newGIL, runGIL},
	{"global-mutex", newGlobalMutex, runGlobalMutex},
	{"sharded-lock", newShardedLock, runShardedLock},
	{"atomic", newAtomic, runAtomic},
	{"lock-free", newLockFree, runLockFree},
	{"private", newPrivate, runPrivate},
	{"channel", newChannel, runChannel},
	{"errgroup", newErrgroup, runErrgroup},
	{"goroutine", newGoroutine, runGoroutine},
}

// Want returns how many tasks n submissions lead to.
func Want(_, n int) int { return n }
