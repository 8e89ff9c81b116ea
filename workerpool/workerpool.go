// Package workerpool runs tasks on a fixed number of workers. The variants differ in
// the queue between the submitters and the workers.
//
// A step is one task, submitted by one goroutine that is not a worker. There are
// three kinds of task. With task=empty it does nothing, so the time is that of the
// queue. With task=1us it computes for about a microsecond, where a queue should
// begin to cost little. With task=io it sleeps for a millisecond, and at most as many
// tasks are in flight as there are workers. This kind is the article's figure 4.1.3: a
// global lock that is released while a task blocks costs such tasks next to nothing,
// and costs computing tasks all parallelism.
//
// Each variant is a [Pool], in one file. The file holds the queue, and pool.go holds
// what the pools have in common. Read global_mutex.go first, then sharded_lock.go,
// atomic.go and lock_free.go; the last is made of deque.go and inbox.go. The pools
// are complete ones:
//
//   - A bounded queue holds 1024 tasks. When it is full, a submitter waits. A task
//     that submits tasks does not wait, because then all workers could wait for room
//     that only they can make. The pool keeps its tasks until there is room, and keeps
//     their order except in errgroup.go. So a task may submit itself any number of
//     times: the stack does not grow, and the tasks submitted before have their turn.
//   - A canceled context ends the wait for room, except in errgroup.go. A task that
//     has been submitted runs.
//   - A task that panics or calls runtime.Goexit does not end its worker. Wait
//     returns the panic, with the task's stack.
//   - Idle workers sleep.
//
// Inside a task, submit through the task's worker. The pool's own Submit, Wait and Close
// may wait for the task that calls them, and deadlock.
//
// There is no false-sharing row and no cas row: package loop has both, and the words
// of a queue would show the same. The private row times no submission: each worker
// gets its share of the n steps as a number. The pool of that variant is for tasks that
// are all known before the first one runs. The rows serial, private and errgroup time
// loops of their own, and only tests use their pools: they keep the promises above, or
// say which they do not keep.
package workerpool

import (
	"context"
	"errors"
	"fmt"
)

// A Task is a piece of work. Only the task may use the worker, and only until the
// task returns. Every Submit panics if its task is nil.
type Task func(w Worker)

// A Worker is the worker that runs a task, as the task sees it.
type Worker interface {
	// Submit gives the pool another task. It does not wait, even if the queue
	// is full. The error wraps that of ctx or ErrClosed; then the new task
	// does not run.
	Submit(ctx context.Context, task Task) error

	// Blocking calls f, which may block and must not use the worker. The pool of
	// the variant gil releases its lock for the call.
	Blocking(f func())
}

// A Pool runs every task once. Several goroutines may call the methods at once,
// unless the variant says otherwise. The submission of a task synchronizes before its
// run, and its run synchronizes before the return of a Wait that was called after its
// submission.
type Pool interface {
	// Submit gives the pool a task. If the queue is full, it waits until there
	// is room, ctx ends, or the pool is closed; the variant errgroup waits for
	// room only. The error wraps that of ctx or ErrClosed; then the task does
	// not run.
	Submit(ctx context.Context, task Task) error

	// Submitter returns a handle for one goroutine that submits many tasks.
	Submitter(ctx context.Context) Submitter

	// Wait returns when every submitted task has run, including those that
	// tasks have submitted. Tasks that are submitted in the meantime may make
	// it wait longer. The error is a *PanicError if a task has panicked since
	// the last Wait.
	Wait() error

	// Close refuses further tasks, waits for the others as Wait does, and ends
	// the workers. A second Close waits for the first and returns nil.
	Close() error
}

// A Submitter may collect tasks and submit them together, like a bufio.Writer. Until
// Flush, a task may not have been submitted, and the pool's Wait and Close do not
// know about it. A Submitter submits at once while a worker is idle.
//
// The errors are those of Pool.Submit. After an error the Submitter submits nothing
// more: neither the tasks that it had collected, at most those since the last Flush, nor
// later ones. A later Submit may return nil and keep its task until Flush returns the
// error.
type Submitter interface {
	// Submit collects the task, or submits it and those collected before it.
	Submit(task Task) error

	// Flush submits the collected tasks.
	Flush() error

	// Lost returns how many tasks were not submitted because of an error. Tasks that
	// are still collected do not count.
	Lost() int
}

// ErrClosed is the error of a task submitted to a closed pool.
var ErrClosed = errors.New("the pool is closed")

// A PanicError says that a task panicked.
type PanicError struct {
	Value  any    // of the panic; nil if the task called runtime.Goexit
	Stack  []byte // of the task, as formatted by debug.Stack
	Others int    // how many more tasks have panicked since the last Wait
}

func (e *PanicError) Error() string {
	what := fmt.Sprint("panicked: ", e.Value)
	if e.Value == nil {
		what = "called runtime.Goexit"
	}
	return fmt.Sprintf("workerpool: a task %s (and %d more tasks)\n\n%s", what, e.Others, e.Stack)
}

// Unwrap returns the value that the task panicked with, if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A Variant is a pool with one kind of queue.
type Variant struct {
	Name string // the value of the key sync=

	// New returns a pool with that many workers. It panics if there is none.
	New func(workers int) Pool

	// Run makes such a pool, submits n tasks of that kind, and returns how many
	// have run. It panics if there is no worker or n is negative.
	Run func(kind Kind, workers, n int) (ran int)

	OneWorker bool // pools are for one goroutine, which runs the tasks itself
}

// Variants lists the pools, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{Name: "serial", New: newSerial, Run: runSerial, OneWorker: true},
	{Name: "gil", New: newGIL, Run: runGIL},
	{Name: "global-mutex", New: newGlobalMutex, Run: runGlobalMutex},
	{Name: "sharded-lock", New: newShardedLock, Run: runShardedLock},
	{Name: "atomic", New: newAtomic, Run: runAtomic},
	{Name: "lock-free", New: newLockFree, Run: runLockFree},
	{Name: "private", New: newPrivate, Run: runPrivate},
	{Name: "channel", New: newChannel, Run: runChannel},
	{Name: "errgroup", New: newErrgroup, Run: runErrgroup},
	{Name: "goroutine", New: newGoroutine, Run: runGoroutine},
}

// Want returns how many tasks run after n submissions.
func Want(_, n int) int { return n }
