package workerpool

import (
	"context"

	"boundaries/internal/fork"
)

// A goroutinePool starts a goroutine for each task and leaves the rest to Go's
// scheduler, which is itself a work-stealing pool. There is no bound on the number of
// tasks, and no submitter waits.
//
// Cost: the goroutine, and a shared count that tells when the last one has ended.
// Progress: blocking, inside the scheduler.
type goroutinePool struct{ tally }

func newGoroutine(workers int) Pool { return newGoroutinePool(workers) }

func newGoroutinePool(workers int) *goroutinePool {
	fork.Check("workerpool", workers, 0)
	p := &goroutinePool{}
	p.tally.init(1)
	return p
}

func (p *goroutinePool) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	go p.call(task)
	return nil
}

func (p *goroutinePool) call(task Task) {
	done := false
	defer func() {
		if !done {
			p.caught(recover())
		}
		p.settled[0].Add(1)
		p.notify()
	}()
	task((*goroutineWorker)(p))
	done = true
}

func (p *goroutinePool) Submitter(ctx context.Context) Submitter { return &direct{ctx: ctx, pool: p} }

func (p *goroutinePool) Wait() error { return p.wait() }

func (p *goroutinePool) Close() error {
	if !p.close() {
		return nil
	}
	defer close(p.over)
	return p.wait()
}

type goroutineWorker goroutinePool

func (w *goroutineWorker) Submit(ctx context.Context, task Task) error {
	return (*goroutinePool)(w).Submit(ctx, task)
}

func (w *goroutineWorker) Blocking(f func()) { f() }

func runGoroutine(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	p := newGoroutinePool(workers)
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
