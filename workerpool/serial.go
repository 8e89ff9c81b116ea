package workerpool

import (
	"context"

	"boundaries/internal/fork"
)

// A serialPool has no workers and no queue. Submit runs the task, and then the tasks
// that it has submitted, on the caller's goroutine. It is for one goroutine only. Compare
// the other rows with it.
//
// Cost: only the call.
// Progress: wait-free.
type serialPool struct {
	tally
	more []Task // submitted by tasks
	ran  int
}

func newSerial(workers int) Pool {
	fork.Check("workerpool", workers, 0)
	p := &serialPool{}
	p.tally.init(1)
	return p
}

func (p *serialPool) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	p.call(task)
	for len(p.more) > 0 {
		task, p.more[0] = p.more[0], nil // do not keep the task alive after it has run
		p.more = p.more[1:]
		p.call(task)
	}
	return nil
}

func (p *serialPool) call(task Task) {
	done := false
	defer func() {
		if !done {
			p.caught(recover())
		}
		p.ran++
		p.settle(0, p.ran)
	}()
	task((*serialWorker)(p))
	done = true
}

func (p *serialPool) Submitter(ctx context.Context) Submitter { return &direct{ctx: ctx, pool: p} }

func (p *serialPool) Wait() error { return p.wait() }

func (p *serialPool) Close() error {
	if !p.close() {
		return nil
	}
	defer close(p.over)
	return p.wait()
}

type serialWorker serialPool

func (w *serialWorker) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := w.admit(ctx, 1); err != nil {
		return err
	}
	w.more = append(w.more, task)
	return nil
}

func (w *serialWorker) Blocking(f func()) { f() }

// runSerial calls the task n times.
func runSerial(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	task, before := kind.task(1)
	p := &serialPool{}
	w := (*serialWorker)(p)
	for range n {
		if before != nil {
			before()
		}
		task(w)
		p.ran++
	}
	return p.ran
}
