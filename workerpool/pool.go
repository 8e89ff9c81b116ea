package workerpool

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/park"
)

// capacity is how many tasks a bounded queue holds.
const capacity = 1024

// A queue is what the pools differ in. The methods are called through this
// interface, at one nanosecond or two, by pools whose steps take tens, and in
// lock_free.go by a step of ten.
type queue interface {
	// put adds a task, for a worker or for somebody outside, unless the
	// queue is full.
	put(worker int, task Task) bool

	// take returns a task for this worker, or nil if it finds none.
	take(worker int) Task

	// len returns how many tasks may be taken. What has been put before is
	// counted.
	len() int

	// enter and leave are a worker's first and last call.
	enter(worker int)
	leave(worker int)

	// blocking calls f, which may block.
	blocking(worker int, f func())
}

// outside is in the place of a worker where there is none.
const outside = -1

// free has the methods of a queue without a lock that a worker holds.
type free struct{}

func (free) enter(int)                { /* nothing is held */ }
func (free) leave(int)                { /* nothing is held */ }
func (free) blocking(_ int, f func()) { f() }

// A pool is workers that drain a queue: each takes tasks until it finds none,
// and only then settles what it has run and sleeps. A hand-over of each task to
// a worker that waits for it would cost ten times what the queue does.
type pool struct {
	tally
	queue   queue
	lot     *park.Lot
	gate    gate
	running sync.WaitGroup // workers
	stop    atomic.Bool    // set when all has run and the pool is closed
}

// start makes the pool of a queue.
func start(workers int, queue queue, lot *park.Lot) *pool {
	p := &pool{queue: queue, lot: lot}
	p.tally.init(workers)
	p.running.Add(workers)
	for id := range workers {
		w := &worker{pool: p, id: id}
		w.ready = w.isReady
		w.sleep = w.doSleep
		go w.main()
	}
	return p
}

func (p *pool) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	if !p.accept(1) {
		return refusal(ErrClosed)
	}
	if !p.queue.put(outside, task) {
		return p.hold(ctx, 1, func() bool { return p.queue.put(outside, task) })
	}
	if p.lot.Idle() { // after the put; see package park
		p.lot.Wake()
	}
	return nil
}

// hold waits until put succeeds, for n tasks that have been accepted.
func (p *pool) hold(ctx context.Context, n int, put func() bool) error {
	for {
		opened := p.gate.wait()
		var err error
		switch {
		case p.closed.Load():
			err = ErrClosed
		case put():
			if p.lot.Idle() {
				p.lot.Wake()
			}
			return nil
		default:
			select {
			case <-opened:
			case <-p.closing:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err != nil {
			p.refuse(n)
			return refusal(err)
		}
	}
}

func (p *pool) Submitter(ctx context.Context) Submitter { return &direct{ctx: ctx, pool: p} }

func (p *pool) Wait() error { return p.wait() }

func (p *pool) Close() error {
	if !p.close() {
		return nil
	}
	defer close(p.over)
	err := p.wait()
	p.stop.Store(true)
	p.lot.WakeAll()
	p.running.Wait()
	return err
}

type worker struct {
	_     cacheline.Pad
	pool  *pool
	id    int
	ran   int         // the worker's own; settled when it runs dry
	ready func() bool // isReady
	sleep func()      // doSleep
	_     cacheline.Pad
}

func (w *worker) main() {
	w.pool.queue.enter(w.id)
	w.work()
}

// work drains the queue until the pool stops, whatever the tasks do.
func (w *worker) work() {
	for {
		goexit, stopped := true, false
		func() {
			defer func() {
				if goexit {
					// Of the two goroutines that have been this
					// worker, the old one does nothing from here on.
					go w.work()
				}
			}()
			stopped = w.drain()
			goexit = false
		}()
		if stopped {
			w.pool.queue.leave(w.id)
			w.pool.running.Done()
			return
		}
	}
}

// drain runs tasks until the pool stops, and returns false if one panicked. It
// is deferred once for all tasks and not for each.
func (w *worker) drain() (stopped bool) {
	p := w.pool
	defer func() {
		if !stopped {
			p.caught(recover())
			w.ran++
		}
	}()
	for {
		task := p.queue.take(w.id)
		if task == nil {
			if w.rest() {
				return true
			}
			continue
		}
		if p.gate.shut.Load() && p.queue.len() <= capacity/2 {
			p.gate.open()
		}
		task(w)
		w.ran++
	}
}

// rest settles, and sleeps until there may be a task. It reports whether there
// will be none.
func (w *worker) rest() (stopped bool) {
	w.pool.settle(w.id, w.ran)
	w.pool.queue.blocking(w.id, w.sleep)
	return w.pool.stop.Load()
}

// spins is how often a worker looks for work before it sleeps. Each look lets
// others run, and costs far less than to be woken.
const spins = 8

func (w *worker) doSleep() {
	for range spins {
		if w.isReady() {
			return
		}
		runtime.Gosched()
	}
	w.pool.lot.Park(w.id, w.ready)
}

func (w *worker) isReady() bool { return w.pool.stop.Load() || w.pool.queue.len() > 0 }

// Submit does not wait: if all workers did, none would be left to make room.
func (w *worker) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	p := w.pool
	if !p.accept(1) {
		return refusal(ErrClosed)
	}
	if !p.queue.put(w.id, task) {
		w.call(task)
		return nil
	}
	if p.lot.Idle() {
		p.lot.Wake()
	}
	return nil
}

// call runs a task in the midst of another, which its panic must not end.
func (w *worker) call(task Task) {
	done := false
	defer func() {
		if !done {
			w.pool.caught(recover())
		}
		w.ran++
	}()
	task(w)
	done = true
}

func (w *worker) Blocking(f func()) { w.pool.queue.blocking(w.id, f) }

// direct is the Submitter of a pool whose Submit has nothing to collect.
type direct struct {
	ctx  context.Context
	pool Pool
	lost int
	err  error // the first
}

func (d *direct) Submit(task Task) error {
	if d.err == nil {
		d.err = d.pool.Submit(d.ctx, task)
	}
	if d.err != nil {
		d.lost++
	}
	return d.err
}

func (d *direct) Flush() error { return d.err }
func (d *direct) Lost() int    { return d.lost }

// drive times a pool: it submits n tasks, one func value again and again, and
// returns how many have run.
func drive(p *pool, kind Kind, workers, n int) int {
	task, before := kind.task(workers)
	ctx := context.Background()
	for range n {
		if before != nil {
			before()
		}
		if err := p.Submit(ctx, task); err != nil {
			panic(err)
		}
	}
	if err := p.Close(); err != nil {
		panic(err)
	}
	return p.ran()
}

// newPool returns the pool of a queue, which New of a variant makes after it has
// looked at what it was asked for.
func newPool(workers int, queue func(workers int) queue) *pool {
	fork.Check("workerpool", workers, 0)
	return start(workers, queue(workers), park.New(workers))
}
