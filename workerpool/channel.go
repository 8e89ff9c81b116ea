package workerpool

import (
	"context"
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A channelPool is workers that range over a buffered channel: the pool that
// every Go programmer writes. It pays for the channel's lock twice a task, and
// for a wake whenever a side has caught up with the other. Blocking.
type channelPool struct {
	tally
	queue   chan Task // closed when the pool is closed and all has run
	running sync.WaitGroup
}

func newChannel(workers int) Pool { return newChannelPool(workers) }

func newChannelPool(workers int) *channelPool {
	fork.Check("workerpool", workers, 0)
	p := &channelPool{queue: make(chan Task, capacity)}
	p.tally.init(workers)
	p.running.Add(workers)
	for id := range workers {
		go (&channelWorker{pool: p, id: id}).work()
	}
	return p
}

func (p *channelPool) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	if !p.accept(1) {
		return refusal(ErrClosed)
	}
	select { // costs less than the one below
	case p.queue <- task:
		return nil
	default:
	}
	select {
	case p.queue <- task:
		return nil
	case <-p.closing:
		p.refuse(1)
		return refusal(ErrClosed)
	case <-ctx.Done():
		p.refuse(1)
		return refusal(ctx.Err())
	}
}

func (p *channelPool) Submitter(ctx context.Context) Submitter { return &direct{ctx: ctx, pool: p} }

func (p *channelPool) Wait() error { return p.wait() }

func (p *channelPool) Close() error {
	if !p.close() {
		return nil
	}
	defer close(p.over)
	err := p.wait()
	close(p.queue) // nobody sends: accept refuses, and all it accepted has run
	p.running.Wait()
	return err
}

type channelWorker struct {
	_    cacheline.Pad
	pool *channelPool
	id   int
	ran  int // the worker's own; settled when it runs dry
	_    cacheline.Pad
}

// work runs tasks until the channel is closed. After a panic or Goexit another
// goroutine goes on.
func (w *channelWorker) work() {
	p := w.pool
	closed := false
	defer func() {
		if closed {
			p.running.Done()
			return
		}
		p.caught(recover())
		w.ran++
		go w.work()
	}()
	for {
		var task Task
		select {
		case task = <-p.queue:
		default:
			p.settle(w.id, w.ran)
			task = <-p.queue
		}
		if task == nil {
			closed = true
			return
		}
		task(w)
		w.ran++
	}
}

func (w *channelWorker) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	p := w.pool
	if !p.accept(1) {
		return refusal(ErrClosed)
	}
	select {
	case p.queue <- task:
	default:
		w.call(task)
	}
	return nil
}

func (w *channelWorker) call(task Task) {
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

func (w *channelWorker) Blocking(f func()) { f() }

func runChannel(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	p := newChannelPool(workers)
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
