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

// capacity is the number of tasks that a bounded queue holds.
const capacity = 1024

// A queue is the part in which the pools differ. A call through this interface costs
// one or two nanoseconds. A step costs about 10 nanoseconds or more.
type queue interface {
	// put adds a task, and returns false if the queue is full. worker is the
	// number of the worker that calls it, or outside.
	put(worker int, task Task) bool

	// take returns a task for the worker to run, or nil if it finds none, and how
	// many tasks are left in the bounded part of the queue. That number may be an
	// estimate. A take that removes nothing from the bounded part may return
	// capacity instead.
	take(worker int) (task Task, left int)

	// len returns how many tasks there are to take. It counts every task that
	// was put before the call, except those behind a batch that is still being
	// copied (see inbox) or a task that is still being put (see package ring). The
	// goroutine that copies or puts wakes a worker when it is done.
	len() int

	// enter and leave are a worker's first and last calls.
	enter(worker int)
	leave(worker int)

	// blocking calls f, which may block.
	blocking(worker int, f func())
}

// outside stands for the worker's number if the caller is not a worker of the pool.
const outside = -1

// free has the methods of a queue whose workers hold no lock while they run tasks.
type free struct{}

func (free) enter(int)                { /* nothing is held */ }
func (free) leave(int)                { /* nothing is held */ }
func (free) blocking(_ int, f func()) { f() }

// A pool is a number of workers that drain a queue. A worker takes tasks until it
// finds none, and only then settles its count and sleeps. To hand each task to a
// waiting worker would cost ten times as much as the queue.
type pool struct {
	tally
	queue   queue
	lot     *park.Lot
	gate    gate
	running sync.WaitGroup // workers
	stop    atomic.Bool    // set when the pool is closed and every task has run
}

// start returns a pool with that queue and starts its workers.
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
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	if !p.queue.put(outside, task) {
		return p.hold(ctx, 1, func() bool { return p.queue.put(outside, task) })
	}
	if p.lot.Idle() { // after the put; see package park
		p.lot.Rouse()
	}
	return nil
}

// hold waits until put has added n admitted tasks to the queue. If ctx ends or the pool
// is closed first, it refuses them.
func (p *pool) hold(ctx context.Context, n int, put func() bool) error {
	for {
		opened := p.gate.wait()
		var err error
		switch {
		case p.closed.Load():
			err = ErrClosed
		case put():
			if p.lot.Idle() {
				p.lot.Rouse()
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
	ran   int         // owned by the worker; settled when it finds no task
	ready func() bool // isReady
	sleep func()      // doSleep
	_     cacheline.Pad
}

func (w *worker) main() {
	w.pool.queue.enter(w.id)
	w.work()
}

// work drains the queue until the pool stops, even if tasks panic or call Goexit.
func (w *worker) work() {
	for {
		goexit, stopped := true, false
		func() {
			defer func() {
				if goexit {
					// The new goroutine is the worker from here on.
					// The old one does nothing more.
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

// drain runs tasks until the pool stops, or returns false if one panics. It defers
// once for many tasks and not once for each.
func (w *worker) drain() (stopped bool) {
	p := w.pool
	defer func() {
		if !stopped {
			p.caught(recover())
			w.ran++
		}
	}()
	for {
		task, left := p.queue.take(w.id)
		if task == nil {
			if w.rest() {
				return true
			}
			continue
		}
		woken := p.gate.shut.Load() && (left <= capacity/2 || p.gate.spills.Load()) && w.openGate()
		task(w)
		w.ran++
		if woken {
			// The submitter is in this processor's run queue and cannot run until
			// the worker yields. Another processor would steal the submitter, but
			// only when it finds the pool's queue empty. The worker runs its task
			// before it yields, because no other worker can take that task.
			runtime.Gosched()
		}
	}
}

// rest settles the count and sleeps until there may be a task. It reports whether the
// pool has stopped.
func (w *worker) rest() (stopped bool) {
	w.pool.settle(w.id, w.ran)
	w.pool.queue.blocking(w.id, w.sleep)
	return w.pool.stop.Load()
}

// spins is how often a worker looks for work before it sleeps. Between two looks it
// yields. A look costs far less than a wake.
const spins = 8

func (w *worker) doSleep() {
	for range spins {
		if w.isReady() {
			return
		}
		runtime.Gosched()
	}
	p := w.pool
	p.lot.Park(w.id, w.ready)
	if p.lot.Idle() && p.queue.len() > 1 {
		p.lot.Rouse() // a submitter may have relied on this worker; see Rouse
	}
}

func (w *worker) isReady() bool { return w.pool.stop.Load() || w.pool.queue.len() > 0 }

// Submit does not wait: if all workers waited, none could make room.
func (w *worker) Submit(ctx context.Context, task Task) error {
	check(task)
	p := w.pool
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	if p.gate.shut.Load() || !p.queue.put(w.id, task) {
		p.gate.spill(task)
		w.openGate() // in case there is room by now
		return nil
	}
	if p.lot.Idle() {
		p.lot.Rouse()
	}
	if p.gate.shut.Load() {
		w.openGate() // the put of lock-free may have made room, if it took an older task
	}
	return nil
}

// openGate moves spilled tasks to the queue and, if there is room for all, lets the
// waiting submitters try again. It reports whether one may go on.
func (w *worker) openGate() (woken bool) {
	p := w.pool
	return p.gate.open(func(task Task) bool {
		if !p.queue.put(w.id, task) {
			return false
		}
		if p.lot.Idle() {
			p.lot.Rouse()
		}
		return true
	})
}

func (w *worker) Blocking(f func()) { w.pool.queue.blocking(w.id, f) }

// direct is a Submitter that collects nothing and submits every task at once.
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

// drive submits n tasks, the same func value again and again, closes the pool, and
// returns how many tasks have run. It is the timed part. runChannel and runGoroutine
// repeat its loop for their own types of pool: an interface would add a call to what
// is timed.
func drive(p *pool, kind Kind, workers, n int) int {
	task, before := kind.task(workers)
	ctx := context.Background()
	for range n {
		if before != nil {
			before()
		}
		must(p.Submit(ctx, task))
	}
	must(p.Close())
	return p.ran()
}

// must panics if a run fails: no run is canceled, and its tasks do not panic.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// newPool checks the number of workers and returns a pool with the queue for them.
func newPool(workers int, queue func(workers int) queue) *pool {
	fork.Check("workerpool", workers, 0)
	return start(workers, queue(workers), park.New(workers))
}
