package forkjoin

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A Pool computes functions that fork, on a fixed number of workers that steal from each
// other. It is for computing: while a task blocks, the pool has one worker fewer.
//
// A fork and its join cost about 4 ns more than the call that they replace, where a call
// takes 2 ns (AMD Zen 5, Go 1.26). So a function may fork down to leaves of 20 ns and be
// a fifth slower on one worker than without forks. A task is a static function and a
// number, and the worker reuses its memory. With a closure each fork would allocate, at
// ten times that cost.
//
// The deques are those of Chase and Lev (SPAA 2005), split in two as in Lace (van Dijk
// and van de Pol, MuCoCoS 2014) and in the private deques of Acar, Charguéraud and Rainey
// (PPoPP 2013). The older part is public and the newer part private. In the private part
// the owner forks and joins by plain loads and stores. Only when thieves have emptied the
// public part does the owner publish half of the private part, at its next fork or join.
//
// Cost: an atomic load per fork and per join; a worker that computes for long without a
// fork or a join publishes nothing more in that time.
// Progress: lock-free, except that the join of a stolen task waits for the thief, which is
// blocking.
type Pool struct {
	crew
	run     sync.Mutex // held by Run, of which only one runs at a time
	workers []Worker
	failed  atomic.Bool // set when failure is not nil

	mu      sync.Mutex
	failure *PanicError // guarded by mu; the first; the pool is of no use after it
}

// A Func is a function that may fork. It may use the worker only until it returns.
type Func func(w *Worker, arg int) int

// A Worker runs functions. Only the function that it runs may call its methods.
type Worker struct {
	_ cacheline.Pad

	// The tasks [0, head) have been forked and not joined yet. Those in
	// [split, head) are private to the owner, and the others are public. The
	// word public is:
	//
	//	bits 0-31    top, the oldest task that has not been stolen
	//	bits 32-63   split
	//
	// A thief advances top and the owner moves split, both by an operation on
	// the whole word. So the thief that advances top owns the task that is at
	// top at that moment, whatever task was in that place before.
	//
	// The word floor equals split while there are public tasks, and the constant
	// wanted while there are none: the thief that takes the last public task
	// stores wanted. So one comparison tells the owner that a task is private
	// and that it need not publish any. The owner stores split in floor before
	// tasks become public, so it misses no thief that takes the last of them. A
	// thief may store wanted late, when other tasks are public already, so the
	// owner loads public before it publishes.
	head, split uint32
	forks       int
	pool        *Pool
	id          int
	victim      int // the worker from which the last theft succeeded
	_           cacheline.Pad
	tasks       [depth]Task // thieves take the oldest, and the owner writes the newest

	_      cacheline.Pad
	public atomic.Uint64
	floor  atomic.Uint32
	_      cacheline.Pad
}

// wanted is more than the index of any task.
const wanted = 1<<32 - 1

// A Task is a forked call. It belongs to the worker that forked it or, if it is stolen,
// to the thief until done is set. The worker uses it again after its Join.
type Task struct {
	fn     Func
	arg    int
	result int
	done   atomic.Bool // set by a thief; reset by the owner
	called bool        // whether the fork was a call; never reset
}

// A PanicError is the value that Run panics with if a function panics. Value is nil if
// the function called runtime.Goexit.
type PanicError struct {
	Value any
	Stack []byte // of the function, as formatted by debug.Stack
}

func (e *PanicError) Error() string {
	what := fmt.Sprint("panicked: ", e.Value)
	if e.Value == nil {
		what = "called runtime.Goexit"
	}
	return fmt.Sprintf("forkjoin: a task %s\n\n%s", what, e.Stack)
}

// Unwrap returns the value that the function panicked with, if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// New returns a pool with that many workers. The caller of Run is one of them. New panics
// if there is none.
func New(workers int) *Pool {
	fork.Check("forkjoin", workers, 0)
	p := &Pool{workers: make([]Worker, workers)}
	for id := range p.workers {
		p.workers[id].init(p, id)
	}
	p.init(workers, func(worker int) {
		p.await(worker, &p.workers[worker], &p.stop)
	})
	return p
}

func (w *Worker) init(p *Pool, id int) {
	w.pool, w.id = p, id
	w.floor.Store(wanted)
}

// Run calls fn(w, arg) on the caller's goroutine and returns its result. Several
// goroutines that call Run take turns. Do not call Run or Close inside a task: they would deadlock.
//
// If a task panics, Run panics with a *PanicError. After that, the pool can only be
// closed.
func (p *Pool) Run(fn Func, arg int) (result int) {
	p.run.Lock()
	defer p.run.Unlock()
	if p.stop.Load() {
		panic("forkjoin: Run of a closed pool")
	}
	if p.failed.Load() {
		panic("forkjoin: Run of a pool in which a task has panicked")
	}
	w := &p.workers[0]
	done := false
	defer func() {
		if !done {
			w.caught(recover())
		}
		if p.failed.Load() {
			p.mu.Lock()
			defer p.mu.Unlock()
			panic(p.failure)
		}
	}()
	result = fn(w, arg)
	if w.head != 0 {
		panic(fmt.Sprintf("forkjoin: a function returned with %d tasks forked and not joined, want none", w.head))
	}
	done = true
	return result
}

// Close ends the workers. A second Close does nothing.
func (p *Pool) Close() {
	p.run.Lock()
	defer p.run.Unlock()
	p.end()
}

// Fork starts fn(w, arg) as a task. Another worker may run it, and if none does, this
// worker runs it in Join. The function that forks a task must join it, and must join its
// newest task first.
//
// Fork and Join do not check for room on the stack, which saves a tenth of a fork. Their
// frames are small, and what they call checks it.
//
//go:nosplit
func (w *Worker) Fork(fn Func, arg int) *Task {
	h := w.head
	if h >= depth || h < w.floor.Load() {
		return w.forkSlow(fn, arg)
	}
	w.forks++
	t := &w.tasks[h]
	t.fn, t.arg = fn, arg
	w.head = h + 1
	return t
}

// forkSlow forks when there is no room or no task is public. Its calls are not in Fork, so
// that Fork needs fewer instructions.
func (w *Worker) forkSlow(fn Func, arg int) *Task {
	w.forks++
	h := w.head
	if h >= depth {
		return &Task{result: fn(w, arg), called: true}
	}
	t := &w.tasks[h]
	t.fn, t.arg = fn, arg
	w.head = h + 1
	w.publish()
	return t
}

// Join returns the result of the task's function. Join each task once, the
// newest first. Join panics if it finds that another task is newer. If a function of the
// pool has panicked, Join may panic too; do not recover that panic.
//
//go:nosplit
func (w *Worker) Join(t *Task) int {
	h := w.head - 1
	if h >= depth || t != &w.tasks[h] || h < w.floor.Load() { // also if head is 0
		return w.joinSlow(t)
	}
	w.head = h
	return t.fn(w, t.arg)
}

// publish makes the older half of the owner's private tasks public, if no task is.
func (w *Worker) publish() {
	w.floor.Store(w.split)         // before the look, so that no later wanted is lost
	top := uint32(w.public.Load()) // the tasks below are stolen
	if top < w.split {
		return
	}
	// No task is public, so no thief writes the word before the owner does.
	w.split += (w.head - w.split + 1) / 2
	w.floor.Store(w.split)
	w.public.Store(uint64(top) | uint64(w.split)<<32)
	w.pool.published()
}

// joinSlow joins a task when it is public, when no task is public, or when its fork was a
// call.
func (w *Worker) joinSlow(t *Task) int {
	h := w.head - 1
	switch {
	case t.called:
		return t.result
	case h >= depth || t != &w.tasks[h]:
		panic("forkjoin: Join of a task that is not the worker's newest")
	case h >= w.split: // it is private
		w.head = h
		if h > w.split {
			w.publish()
		}
		return t.fn(w, t.arg)
	}
	// It is public, so all tasks are.
	for {
		s := w.public.Load()
		top := uint32(s)
		if top > h {
			w.floor.Store(wanted) // again, because this loop may have overwritten it
			break
		}
		// Take back half of the public tasks, so that the next joins are
		// cheap, and at least this task.
		split := top + (h-top)/2
		if split > top {
			w.floor.Store(split)
		}
		if w.public.CompareAndSwap(s, uint64(top)|uint64(split)<<32) {
			w.head, w.split = h, split
			if split == top {
				w.floor.Store(wanted)
			}
			return t.fn(w, t.arg)
		}
	}
	w.pool.await(w.id, w, &t.done)
	if w.pool.failed.Load() {
		panic(abandoned{})
	}
	t.done.Store(false)
	// No task is public, so no thief writes the word.
	w.head, w.split = h, h
	w.public.Store(uint64(h) | uint64(h)<<32)
	return t.result
}

// help steals the oldest task of another worker and runs it.
func (w *Worker) help() bool {
	all := w.pool.workers
	for i := range all {
		victim := (w.victim + i) % len(all)
		v := &all[victim]
		s := v.public.Load()
		top, split := uint32(s), uint32(s>>32)
		if top >= split || v == w || !v.public.CompareAndSwap(s, s+1) {
			continue
		}
		w.victim = victim
		if top+1 == split {
			v.floor.Store(wanted)
		}
		w.pool.passOn(w)
		w.runStolen(&v.tasks[top], v)
		return true
	}
	return false
}

func (w *Worker) runStolen(t *Task, v *Worker) {
	head := w.head
	done := false
	defer func() {
		if !done {
			w.caught(recover())
		}
		t.done.Store(true)
		w.pool.lot.WakeWorker(v.id) // after done; see package park
	}()
	t.result = t.fn(w, t.arg)
	if w.head != head {
		panic(fmt.Sprintf("forkjoin: a function returned with %d tasks forked and not joined, want none", w.head-head))
	}
	done = true
}

func (w *Worker) found() bool {
	for i := range w.pool.workers {
		s := w.pool.workers[i].public.Load()
		if uint32(s) < uint32(s>>32) {
			return true
		}
	}
	return false
}

// abandoned is the value that a worker panics with if the task it waits for has panicked.
type abandoned struct{}

// caught records the value that a function panicked with. After that, the pool can only be closed.
func (w *Worker) caught(v any) {
	p := w.pool
	if _, ok := v.(abandoned); ok {
		return // the cause has been recorded
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.failure = &PanicError{v, debug.Stack()}
		p.failed.Store(true)
	}
}

// Forks returns how often the functions of this pool have forked. Do not call it while Run
// runs, nor between a panic of Run and Close: the counts are plain memory.
func (p *Pool) Forks() (n int) {
	for id := range p.workers {
		n += p.workers[id].forks
	}
	return n
}

// runLockFree computes on a Pool.
func runLockFree(workers, n int) (a Answer) {
	fork.Check("forkjoin", workers, n)
	p := New(workers)
	for range n {
		a.Sum += p.Run(fibLockFree, N)
	}
	p.Close()
	a.Forks = p.Forks()
	return a
}

func fibLockFree(w *Worker, n int) int {
	if n < 2 {
		return 1
	}
	t := w.Fork(fibLockFree, n-1)
	b := fibLockFree(w, n-2)
	return w.Join(t) + b
}
