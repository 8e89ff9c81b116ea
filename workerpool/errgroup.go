package workerpool

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"boundaries/internal/fork"
)

// An errgroupPool starts a goroutine for each task in an errgroup whose limit is the
// number of workers. There is no queue: a submitter waits in the group's Go until a
// goroutine has ended. The method Go takes no context, so neither the end of Submit's context nor
// Close ends that wait, and the task then runs.
//
// Cost: a goroutine, a closure and the group's semaphore per task.
// Progress: blocking.
type errgroupPool struct {
	tally
	group errgroup.Group
}

func newErrgroup(workers int) Pool { return newErrgroupPool(workers) }

func newErrgroupPool(workers int) *errgroupPool {
	fork.Check("workerpool", workers, 0)
	p := &errgroupPool{}
	p.tally.init(1)
	p.group.SetLimit(workers)
	return p
}

func (p *errgroupPool) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	p.group.Go(p.call(task))
	return nil
}

// call returns the group's function for a task. Its error is always nil: the tally
// reports panics, as in all pools.
func (p *errgroupPool) call(task Task) func() error {
	return func() error {
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
		return nil
	}
}

func (p *errgroupPool) Submitter(ctx context.Context) Submitter { return &direct{ctx: ctx, pool: p} }

func (p *errgroupPool) Wait() error { return p.wait() }

func (p *errgroupPool) Close() error {
	if !p.close() {
		return nil
	}
	defer close(p.over)
	err := p.wait()
	_ = p.group.Wait() // nil: see call
	return err
}

type errgroupWorker errgroupPool

// Submit starts the task's goroutine if the limit allows it. If not, another goroutine
// waits until it does. Such goroutines, and so their tasks, are in no order.
func (w *errgroupWorker) Submit(ctx context.Context, task Task) error {
	check(task)
	p := (*errgroupPool)(w)
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	if f := p.call(task); !p.group.TryGo(f) {
		go p.group.Go(f)
	}
	return nil
}

func (w *errgroupWorker) Blocking(f func()) { f() }

var errTooMany = errors.New("workerpool: a task ran twice")

// runErrgroup uses the group as programs do: SetLimit, Go with a function that returns
// an error, and Wait, which returns the first of these.
func runErrgroup(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	p := newErrgroupPool(workers)
	task, before := kind.task(workers)
	var count atomic.Int64
	for range n {
		if before != nil {
			before()
		}
		p.group.Go(func() error {
			task((*errgroupWorker)(p))
			if count.Add(1) > int64(n) {
				return errTooMany
			}
			return nil
		})
	}
	must(p.group.Wait())
	return int(count.Load())
}
