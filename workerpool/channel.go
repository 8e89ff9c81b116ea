package workerpool

import (
	"context"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A channelPool is a number of workers that range over a buffered channel: the pool
// that every Go programmer writes.
//
// Cost: the channel's lock twice per task, and a wake whenever one side has caught up
// with the other.
// Progress: blocking.
type channelPool struct {
	tally
	queue   chan Task      // closed when the pool is closed and every task has run
	running sync.WaitGroup // the workers, and the goroutine that spill starts

	mu      sync.Mutex
	spilled []Task      // guarded by mu; submitted by tasks while the channel was full, oldest first
	spills  atomic.Bool // spilled is not empty; written under mu
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
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	select { // cheaper than the one below
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
	close(p.queue) // no goroutine sends anymore: every admitted task has run
	p.running.Wait()
	return err
}

// spill keeps a worker's task for which the channel has no room. While there are such
// tasks, one goroutine sends them.
func (p *channelPool) spill(task Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spilled = append(p.spilled, task)
	p.spills.Store(true)
	if len(p.spilled) > 1 {
		return
	}
	p.running.Go(func() {
		for more := true; more; {
			p.queue <- task
			p.mu.Lock()
			p.spilled[0] = nil
			p.spilled = p.spilled[1:]
			if more = len(p.spilled) > 0; more {
				task = p.spilled[0]
			}
			p.spills.Store(more)
			p.mu.Unlock()
		}
	})
}

type channelWorker struct {
	_    cacheline.Pad
	pool *channelPool
	id   int
	ran  int // owned by the worker; settled when it finds no task
	_    cacheline.Pad
}

// work runs tasks until the channel is closed. After a panic or Goexit, a new goroutine
// continues.
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
	p := w.pool
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	if !p.spills.Load() { // if some wait, the task does not overtake them
		select {
		case p.queue <- task:
			return nil
		default:
		}
	}
	p.spill(task)
	return nil
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
		must(p.Submit(ctx, task))
	}
	must(p.Close())
	return p.ran()
}
