package workerpool

import (
	"context"

	"golang.org/x/sync/errgroup"

	"boundaries/internal/fork"
)

// An errgroupPool starts a goroutine for each task in an errgroup, at most as
// many at once as there are workers: there is no queue, and who submits waits
// until a goroutine has ended. The group's own Go would wait without a context,
// so the wait is for a slot in a channel, and the group's limit is met only for
// the moment between the two. It pays for a goroutine, a closure and two
// channels. Blocking.
type errgroupPool struct {
	tally
	group errgroup.Group
	slots chan struct{} // a token for each task that runs
}

func newErrgroup(workers int) Pool { return newErrgroupPool(workers) }

func newErrgroupPool(workers int) *errgroupPool {
	fork.Check("workerpool", workers, 0)
	p := &errgroupPool{slots: make(chan struct{}, workers)}
	p.tally.init(1)
	p.group.SetLimit(workers)
	return p
}

func (p *errgroupPool) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	if !p.accept(1) {
		return refusal(ErrClosed)
	}
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-p.closing:
			p.refuse(1)
			return refusal(ErrClosed)
		case <-ctx.Done():
			p.refuse(1)
			return refusal(ctx.Err())
		}
	}
	p.start(task)
	return nil
}

// start runs a task that has a slot.
func (p *errgroupPool) start(task Task) {
	p.group.Go(func() error {
		defer func() { <-p.slots }()
		p.call(task)
		return nil
	})
}

func (p *errgroupPool) call(task Task) {
	done := false
	defer func() {
		if !done {
			p.caught(recover())
		}
		p.settled[0].Add(1)
		p.notify()
	}()
	task((*errgroupWorker)(p))
	done = true
}

func (p *errgroupPool) Submitter(ctx context.Context) Submitter { return &direct{ctx: ctx, pool: p} }

func (p *errgroupPool) Wait() error { return p.wait() }

func (p *errgroupPool) Close() error {
	if !p.close() {
		return nil
	}
	defer close(p.over)
	err := p.wait()
	_ = p.group.Wait() // nil: no task returns an error
	return err
}

type errgroupWorker errgroupPool

func (w *errgroupWorker) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := ctx.Err(); err != nil {
		return refusal(err)
	}
	p := (*errgroupPool)(w)
	if !p.accept(1) {
		return refusal(ErrClosed)
	}
	select {
	case p.slots <- struct{}{}:
		p.start(task)
	default:
		p.call(task)
	}
	return nil
}

func (w *errgroupWorker) Blocking(f func()) { f() }

func runErrgroup(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	p := newErrgroupPool(workers)
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
