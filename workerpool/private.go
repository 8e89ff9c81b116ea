package workerpool

import (
	"context"
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// A privatePool runs nothing before Wait or Close. These split the submitted tasks
// among the workers in equal shares, and the workers share nothing after that: the
// tasks that a task submits run on its worker. There is no bound on the number of
// tasks. This is the ceiling.
//
// Cost: idle workers, if shares of equal length are not equal work.
// Progress: wait-free after the split.
type privatePool struct {
	tally
	workers  int
	gather   sync.Mutex
	gathered []Task     // guarded by gather
	running  sync.Mutex // held by the one Wait that runs tasks
}

func newPrivate(workers int) Pool {
	fork.Check("workerpool", workers, 0)
	p := &privatePool{workers: workers}
	p.tally.init(workers)
	return p
}

func (p *privatePool) Submit(ctx context.Context, task Task) error {
	check(task)
	p.gather.Lock()
	defer p.gather.Unlock()
	if err := p.admit(ctx, 1); err != nil {
		return err
	}
	p.gathered = append(p.gathered, task)
	return nil
}

func (p *privatePool) Submitter(ctx context.Context) Submitter { return &direct{ctx: ctx, pool: p} }

func (p *privatePool) Wait() error {
	p.running.Lock()
	defer p.running.Unlock()
	for {
		p.gather.Lock()
		tasks := p.gathered
		p.gathered = nil
		p.gather.Unlock()
		if len(tasks) == 0 {
			return p.failure()
		}
		fork.Run("workerpool", p.workers, len(tasks), func(id, n int) {
			w := &privateWorker{pool: p, id: id, ran: int(p.settled[id].Load())}
			// The first workers may have one task more: see fork.Share.
			first := id*(len(tasks)/p.workers) + min(id, len(tasks)%p.workers)
			w.own = tasks[first : first+n : first+n]
			w.work()
		})
	}
}

func (p *privatePool) Close() error {
	if !p.close() {
		return nil
	}
	defer close(p.over)
	return p.Wait()
}

type privateWorker struct {
	pool *privatePool
	id   int
	own  []Task
	ran  int
}

// work runs the worker's tasks and the tasks that they submit.
func (w *privateWorker) work() {
	for len(w.own) > 0 {
		var ended sync.WaitGroup // a goroutine of its own, which Goexit may end
		ended.Go(func() {
			defer func() {
				if len(w.own) > 0 {
					w.pool.caught(recover())
					w.own = w.own[1:]
					w.ran++
				}
			}()
			for len(w.own) > 0 {
				w.own[0](w)
				w.own = w.own[1:]
				w.ran++
			}
		})
		ended.Wait()
	}
	w.pool.settle(w.id, w.ran)
}

func (w *privateWorker) Submit(ctx context.Context, task Task) error {
	check(task)
	if err := w.pool.admit(ctx, 1); err != nil {
		return err
	}
	w.own = append(w.own, task)
	return nil
}

func (w *privateWorker) Blocking(f func()) { f() }

// runPrivate splits the range before it starts the workers.
func runPrivate(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	type count struct {
		_   cacheline.Pad // no two counts share a line
		ran int
	}
	counts := make([]count, workers)
	task, before := kind.task(workers)
	fork.Run("workerpool", workers, n, func(worker, n int) {
		w := &privateWorker{id: worker}
		ran := 0
		for range n {
			if before != nil {
				before()
			}
			task(w)
			ran++
		}
		counts[worker].ran = ran
	})
	for i := range counts {
		ran += counts[i].ran
	}
	return ran
}
