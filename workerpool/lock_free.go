package workerpool

import (
	"context"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/park"
)

// A lockFreeQueue has a deque for each worker, from which other workers steal, and one
// inbox. A worker whose deque is empty fills it from the inbox. Tasks pass through the
// inbox in batches.
//
// Cost: for most tasks, the one locked instruction of the owner's pop, on a line of its
// own; a thief moves a cache line.
// Progress: lock-free, except that a goroutine that stops while it copies a batch holds
// up the tasks, or the room, behind that batch; inbox.go says how. No goroutine spins for it.
type lockFreeQueue struct {
	free
	inbox   inbox
	lot     *park.Lot
	workers []stealer
}

// A stealer is one worker's part of the queue.
type stealer struct {
	deque
	batch [batchLen]Task // owned by the worker; tasks on the way from inbox to deque
	puts  uint           // owned by the worker; how many tasks its tasks have submitted
	finds uint           // owned by the worker; how often it has called find
	took  bool           // owned by the worker; find has taken from the inbox
	_     cacheline.Pad
}

// batchLen is how many tasks pass the inbox at once. They are enough to make the cost
// of the inbox small per task, and few enough for the inbox to hold many batches.
const batchLen = 64

// olderIn says how often older tasks go first. A task that a task submits runs before all
// older ones, so a task that submits itself again would keep them waiting. Therefore put
// pushes up to two older tasks on top of every olderIn-th such task, and they run before it:
// the oldest of a deque, each worker's in turn, and one of the inbox. While the inbox is
// never empty, the tasks in the deque of a worker whose task blocks would wait too.
// Therefore every olderIn-th find first takes the oldest task of a deque, each worker's in
// turn. Go's scheduler uses the same number for the same purpose.
const olderIn = 61

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

// put adds a worker's task to its own deque, which grows, so there is always room.
func (q *lockFreeQueue) put(worker int, task Task) bool {
	if worker == outside {
		one := [1]Task{task}
		return q.inbox.publish(one[:])
	}
	s := &q.workers[worker]
	s.push(task)
	if s.puts++; s.puts%olderIn == 0 {
		if oldest := q.older(s.puts); oldest != nil {
			s.push(oldest)
		}
		if q.inbox.take(s.batch[:1], 1) == 1 {
			s.push(s.batch[0])
			s.batch[0] = nil
		}
	}
	return true
}

// take counts the tasks in the inbox, which is the bounded part, only after it has taken
// some of them: a pop and a steal change nothing there.
func (q *lockFreeQueue) take(worker int) (task Task, left int) {
	s := &q.workers[worker]
	if task = s.pop(); task == nil {
		task = q.find(worker)
	}
	left = capacity
	if s.took {
		s.took = false
		left = q.inbox.len()
	}
	return task, left
}

// find returns a task for a worker whose deque is empty, or nil if it finds none.
func (q *lockFreeQueue) find(worker int) Task {
	s := &q.workers[worker]
	if s.finds++; s.finds%olderIn == 0 {
		if task := q.older(s.finds); task != nil {
			if q.lot.Idle() {
				q.lot.Rouse() // this worker may have been woken for another task
			}
			return task
		}
	}
	if n := q.inbox.take(s.batch[:], len(q.workers)); n > 0 {
		s.took = true
		// The first task may block, so the rest go where other workers can
		// steal them before it runs. They are reversed, because the deque
		// pops the newest first.
		for i := 1; i < n-i; i++ {
			s.batch[i], s.batch[n-i] = s.batch[n-i], s.batch[i]
		}
		if n > 1 {
			s.push(s.batch[1:n]...)
		}
		if q.lot.Idle() && (n > 1 || q.inbox.len() > 0) {
			q.lot.Rouse() // the publisher woke one worker for the whole batch
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
				q.lot.Rouse()
			}
			return task
		}
		if !again {
			i++
		}
	}
	return nil
}

// older removes the oldest task of a worker's deque, of each worker's in turn as count
// grows by olderIn. It may return nil.
func (q *lockFreeQueue) older(count uint) Task {
	oldest, _ := q.workers[count/olderIn%uint(len(q.workers))].steal()
	return oldest
}

func (q *lockFreeQueue) len() int {
	n := q.inbox.len()
	for i := range q.workers {
		n += q.workers[i].len()
	}
	return n
}

// Submitter returns a handle that publishes its tasks in batches of 64, or at once while
// a worker is idle.
func (p *lockFreePool) Submitter(ctx context.Context) Submitter { return p.submitter(ctx) }

func (p *lockFreePool) submitter(ctx context.Context) *batcher {
	return &batcher{pool: p.pool, inbox: &p.queue.inbox, ctx: ctx}
}

type batcher struct {
	pool  *pool
	inbox *inbox
	ctx   context.Context
	n     int // number of tasks collected
	batch [batchLen]Task
	lost  int
	err   error // the first error; no task is submitted after it
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
	p := b.pool
	if err := p.admit(b.ctx, len(tasks)); err != nil {
		return err
	}
	if !b.inbox.publish(tasks) {
		return p.hold(b.ctx, len(tasks), func() bool { return b.inbox.publish(tasks) })
	}
	if p.lot.Idle() {
		p.lot.Rouse()
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
		must(s.Submit(task))
		if before != nil { // the next call of before may wait for this task
			must(s.Flush())
		}
	}
	must(s.Flush())
	must(p.Close())
	return p.ran()
}
