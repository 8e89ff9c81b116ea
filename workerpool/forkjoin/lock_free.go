package forkjoin

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A Pool computes functions that fork, on a fixed number of workers that steal
// from each other. It is for computing: a worker that blocks is lost meanwhile.
//
// A fork and its join cost about 4 ns more than the call they stand for, on a
// machine where the call is 2 ns (AMD Zen 5, Go 1.26): a function may fork down
// to leaves of 20 ns and be a fifth slower on one worker than without forks. A
// task is a static function and a number, and is used again by its worker. With a
// closure each fork would allocate, at ten times that price.
//
// The deques are those of Chase and Lev (SPAA 2005) split in two, as in Lace
// (van Dijk and van de Pol, MuCoCoS 2014) and in the private deques of Acar,
// Charguéraud and Rainey (PPoPP 2013): the older part is public, the newer
// private. In the private part the owner forks and joins by plain loads and
// stores; only when thieves have emptied the public part does it publish half of
// the other, at its next fork or join. So what a fork pays is one atomic load.
// The price is that a worker that computes for long without a fork or a join
// serves nobody meanwhile, beyond what it has published already. Lock-free.
type Pool struct {
	crew
	run     sync.Mutex // held by the one Run
	workers []Worker
	failed  atomic.Bool // set when failure is

	mu      sync.Mutex
	failure *PanicError // guarded by mu; the first, and the end of the pool
}

// A Func is a function that forks. It may use the worker only while it runs.
type Func func(w *Worker, arg int) int

// A Worker is what runs a function. Its methods are for that function.
type Worker struct {
	_ cacheline.Pad

	// Of the tasks [0, head), forked and not joined yet, those in [split, head)
	// are the owner's own. The others are public, which is:
	//
	//	bits 0-31    top, the oldest that has not been stolen
	//	bits 32-63   split
	//
	// A thief moves top on, the owner moves split; both by an operation on the
	// whole word. So whoever moves top owns the task at top at that moment,
	// whatever has been at that place before.
	head, split uint32
	forks       int
	pool        *Pool
	id          int
	victim      int // where the last theft succeeded
	tasks       [depth]Task

	_      cacheline.Pad
	public atomic.Uint64
	_      cacheline.Pad
}

// A Task is a call that has been forked. It belongs to the worker that forked
// it; if it is stolen, to the thief until done is set. Tasks are used again: it
// ends with its Join.
type Task struct {
	fn     Func
	arg    int
	result int
	done   atomic.Bool // set by a thief; reset by the owner
	called bool        // the fork was a call; never reset
}

// A PanicError is what Run panics with if a function panics. Value is nil if it
// called runtime.Goexit.
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

// Unwrap returns what the function panicked with, if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// New returns a pool with that many workers, one of which is whoever calls Run.
func New(workers int) *Pool {
	fork.Check("forkjoin", workers, 0)
	p := &Pool{workers: make([]Worker, workers)}
	for id := range p.workers {
		p.workers[id].pool, p.workers[id].id = p, id
	}
	p.init(workers, func(worker int) {
		p.await(worker, &p.workers[worker], &p.stop)
	})
	return p
}

// Run returns fn(w, arg), which it calls on the caller's goroutine. Calls of Run
// by several goroutines take turns; a Run in a task waits for ever.
//
// If a task panics, Run panics with a *PanicError, and the pool is good for
// nothing but Close.
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
		panic(fmt.Sprintf("forkjoin: %d tasks forked and not joined", w.head))
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

// Fork has fn(w, arg) computed, by this worker when it joins the task, or before
// that by another. Every task must be joined, by the function that forked it, and
// the newest first.
func (w *Worker) Fork(fn Func, arg int) *Task {
	w.forks++
	h := w.head
	if h == depth {
		return &Task{result: fn(w, arg), called: true}
	}
	t := &w.tasks[h]
	t.fn, t.arg = fn, arg
	w.head = h + 1
	if s := w.public.Load(); uint32(s) == uint32(s>>32) {
		w.publish()
	}
	return t
}

// Join returns what the task's function returns.
func (w *Worker) Join(t *Task) int {
	h := w.head - 1
	if h >= depth || t != &w.tasks[h] { // also if head is 0
		return w.joinCalled(t)
	}
	if h < w.split {
		return w.joinPublic(t)
	}
	w.head = h
	if s := w.public.Load(); h > w.split && uint32(s) == uint32(s>>32) {
		w.publish()
	}
	return t.fn(w, t.arg)
}

// publish makes the older half of the owner's tasks public. It is called when
// there is nothing public, so no thief writes the word.
func (w *Worker) publish() {
	top := w.split // all below are stolen
	w.split += (w.head - w.split + 1) / 2
	w.public.Store(uint64(top) | uint64(w.split)<<32)
	w.pool.published()
}

// joinCalled returns the result of a task whose fork was a call.
func (w *Worker) joinCalled(t *Task) int {
	if !t.called {
		panic("forkjoin: Join of a task that is not the worker's newest")
	}
	return t.result
}

// joinPublic joins the newest task when it is public, like all that are left.
func (w *Worker) joinPublic(t *Task) int {
	h := w.head - 1
	for {
		s := w.public.Load()
		top := uint32(s)
		if top > h {
			break
		}
		// Take back half of what is public, so that the next joins are
		// cheap, and not less than this task.
		split := top + (h-top)/2
		if w.public.CompareAndSwap(s, uint64(top)|uint64(split)<<32) {
			w.head, w.split = h, split
			return t.fn(w, t.arg)
		}
	}
	w.pool.await(w.id, w, &t.done)
	if w.pool.failed.Load() {
		panic(abandoned{})
	}
	t.done.Store(false)
	// Nothing is public, and no thief writes the word.
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
		if top+1 < split {
			w.pool.published() // who published woke one worker for all
		}
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
		panic(fmt.Sprintf("forkjoin: %d tasks forked and not joined", w.head-head))
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

// abandoned is what a worker panics with that waits for a task in vain.
type abandoned struct{}

// caught records what a function panicked with, which ends the pool.
func (w *Worker) caught(v any) {
	p := w.pool
	if _, ok := v.(abandoned); ok {
		return // somebody else has recorded why
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.failure = &PanicError{v, debug.Stack()}
		p.failed.Store(true)
	}
}

// Forks returns how often the functions of this pool have forked. It is exact
// while none runs.
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
