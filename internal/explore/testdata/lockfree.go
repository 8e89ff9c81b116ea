package workerpool

import (
	"context"
	"runtime"
	"sync/atomic"

	"boundaries/internal/explore"
)

// A Task is a number here, and the inbox has four slots.
type Task = *int

const capacity = 4

var Programs = []explore.Program{
	{Name: "one task is submitted, a worker falls asleep", Start: func(r *explore.Run) { submit(r, 1) }},
	{Name: "a batch is submitted, a worker falls asleep", Start: func(r *explore.Run) { submit(r, 2) }},
	{Name: "a worker takes two of three, another takes one, and then one that was in a deque", Start: func(r *explore.Run) {
		p := newLockFreePool(2, 1<<64-1)
		p.queue.inbox.publish([]Task{new(int), new(int), new(int)})
		r.Actor("worker 0", func() { p.takes(0) }) // and runs its first task for long
		r.Actor("worker 1", func() {
			p.sleepsAndTakes(1)
			p.sleepsAndTakes(1)
		})
	}},
}

// submit makes a submitter of that many tasks and a worker that sleeps before it takes one.
func submit(r *explore.Run, tasks int) {
	p := newLockFreePool(1, 1<<64-1)
	r.Actor("submitter", func() {
		s := p.submitter(context.Background())
		for range tasks {
			must(s.Submit(new(int)))
		}
		must(s.Flush())
	})
	r.Actor("worker", func() { p.sleepsAndTakes(0) })
}

func (p *lockFreePool) takes(worker int) {
	if task, _ := p.queue.take(worker); task == nil {
		panic("there is no task")
	}
}

func (p *lockFreePool) sleepsAndTakes(worker int) {
	p.lot.park(func() bool { return p.queue.len() > 0 })
	p.takes(worker)
}

// A lot is where one worker sleeps.
type lot struct{ asleep, woken atomic.Bool }

func newLot(int) *lot { return &lot{} }

func (l *lot) Idle() bool { return l.asleep.Load() }
func (l *lot) Rouse()     { l.woken.Store(true) }

func (l *lot) park(ready func() bool) {
	l.asleep.Store(true)
	if ready() {
		return
	}
	for !l.woken.Load() {
		runtime.Gosched()
	}
}

// These are declared in the files of the package that are not explored.
const outside = -1

type (
	Pool      any
	Submitter any
	Kind      struct{}
	free      struct{}
	pool      struct{ lot *lot }
)

func (Kind) task(int) (Task, func()) { return nil, nil }

func start(_ int, _ *lockFreeQueue, l *lot) *pool { return &pool{l} }

func (*pool) admit(context.Context, int) error             { return nil }
func (*pool) hold(context.Context, int, func() bool) error { panic("the inbox is full") }
func (*pool) Close() error                                 { return nil }
func (*pool) ran() int                                     { return 0 }

func check(Task) {}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
