package workerpool

import (
	"context"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/park"
)

// A lockFreeQueue is a deque for each worker, from which others steal, and an
// inbox, from which a worker that has run dry fills its deque. Tasks go into the
// inbox and out of it by batches, so it pays, for most tasks, only the one locked
// instruction of the owner's pop, on a line of its own. A thief pays for a line
// that moves. Lock-free; but in the inbox it is blocking for as long as another
// is in the midst of copying a batch.
type lockFreeQueue struct {
	free
	inbox   inbox
	lot     *park.Lot
	workers []stealer
}

// A stealer is one worker's part of the queue.
type stealer struct {
	deque
	batch [batchLen]Task // the worker's own, on the way from inbox to deque
	_     cacheline.Pad
}

// batchLen is how many tasks go through the inbox at once: enough to make the
// inbox cost little a task, and so few that it holds many batches.
const batchLen = 64

func newLockFree(workers int) Pool { return newLockFreePool(workers, 0) }

// A lockFreePool is a pool whose Submitter collects batches.
type lockFreePool struct {
	*pool
	queue *lockFreeQueue
}

func newLockFreePool(workers int, first uint64) *lockFreePool {
	fork.Check("workerpool", workers, 0)
	q := &lockFreeQueue{lot: park.New(workers), workers: make([]stealer, workers)}
	q.inbox.init(first)
	for i := range q.workers {
		q.workers[i].init(first, 2*batchLen)
	}
	return &lockFreePool{start(workers, q, q.lot), q}
}

// put adds a worker's task to its own deque, which grows.
func (q *lockFreeQueue) put(worker int, task Task) bool {
	if worker == outside {
		one := [1]Task{task}
		return q.inbox.publish(one[:])
	}
	q.workers[worker].push(task)
	return true
}

func (q *lockFreeQueue) take(worker int) Task {
	s := &q.workers[worker]
	if task := s.pop(); task != nil {
		return task
	}
	if n := q.inbox.take(s.batch[:], len(q.workers)); n > 0 {
		// Before the first of them runs, the rest are where others can
		// steal them: it may block. The newest is the first to be popped,
		// so they are turned round.
		for i := 1; i < n-i; i++ {
			s.batch[i], s.batch[n-i] = s.batch[n-i], s.batch[i]
		}
		if n > 1 {
			s.push(s.batch[1:n]...)
		}
		if q.lot.Idle() && (n > 1 || q.inbox.len() > 0) {
			q.lot.Wake() // who published woke one worker for all
		}
		task := s.batch[0]
		clear(s.batch[:n])
		return task
	}
	for i := 1; i < len(q.workers); {
		victim := &q.workers[(worker+i)%len(q.workers)]
		task, again := victim.steal()
		if task != nil {
			if q.lot.Idle() && victim.len() > 0 {
				q.lot.Wake()
			}
			return task
		}
		if !again {
			i++
		}
	}
	return nil
}

func (q *lockFreeQueue) len() int {
	n := q.inbox.len()
	for i := range q.workers {
		n += q.workers[i].len()
	}
	return n
}

// Submitter returns a handle that publishes its tasks by batches of 64, and at
// once while a worker is idle.
func (p *lockFreePool) Submitter(ctx context.Context) Submitter { return p.submitter(ctx) }

func (p *lockFreePool) submitter(ctx context.Context) *batcher {
	return &batcher{pool: p.pool, inbox: &p.queue.inbox, ctx: ctx}
}

type batcher struct {
	pool  *pool
	inbox *inbox
	ctx   context.Context
	n     int // tasks collected
	batch [batchLen]Task
	lost  int
	err   error // the first; nothing is accepted after it
}

func (b *batcher) Submit(task Task) error {
	check(task)
	b.batch[b.n] = task
	b.n++
	if b.n == batchLen || b.pool.lot.Idle() {
		return b.Flush()
	}
	return nil
}

func (b *batcher) Flush() error {
	n := b.n
	b.n = 0
	if n == 0 {
		return b.err
	}
	if b.err == nil {
		b.err = b.publish(b.batch[:n])
	}
	if b.err != nil {
		b.lost += n
	}
	return b.err
}

func (b *batcher) Lost() int { return b.lost }

func (b *batcher) publish(tasks []Task) error {
	if err := b.ctx.Err(); err != nil {
		return refusal(err)
	}
	p := b.pool
	if !p.accept(len(tasks)) {
		return refusal(ErrClosed)
	}
	if !b.inbox.publish(tasks) {
		return p.hold(b.ctx, len(tasks), func() bool { return b.inbox.publish(tasks) })
	}
	if p.lot.Idle() {
		p.lot.Wake()
	}
	return nil
}

func runLockFree(kind Kind, workers, n int) (ran int) {
	fork.Check("workerpool", workers, n)
	p := newLockFreePool(workers, 0)
	task, before := kind.task(workers)
	s := p.submitter(context.Background())
	for range n {
		if before != nil {
			before()
		}
		if err := s.Submit(task); err != nil {
			panic(err)
		}
		if before != nil { // which waits for this task
			if err := s.Flush(); err != nil {
				panic(err)
			}
		}
	}
	if err := s.Flush(); err != nil {
		panic(err)
	}
	if err := p.Close(); err != nil {
		panic(err)
	}
	return p.ran()
}
