package workerpool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"boundaries/internal/linear"
	"boundaries/internal/suite/suitetest"
)

// A request is an operation of a queue. Its tasks are named by bytes; 0 is none.
type request struct {
	op   string // push, pop (the newest) or take (the oldest)
	task byte
}

// retry is the answer of a take that failed because another goroutine was faster.
const retry = 255

var tasks = linear.Model[string, request, byte]{Step: func(tasks string, in request, out byte) (string, bool) {
	n := len(tasks)
	switch {
	case in.op == "push":
		return tasks + string([]byte{in.task}), true
	case out == retry:
		return tasks, true
	case out == 0 || n == 0:
		return tasks, out == 0 && n == 0
	case in.op == "pop":
		return tasks[:n-1], tasks[n-1] == out
	}
	return tasks[1:], tasks[0] == out
}}

// A bag is a queue of named tasks.
type bag struct {
	push      func(task Task)
	pop, take func() (task Task, again bool)
	anyPushes bool // and not only worker 0, the owner
	hides     bool // take may find nothing while another goroutine adds an earlier task
}

func recordBag(start func() bag) func(workers int) *linear.History[request, byte] {
	return func(workers int) *linear.History[request, byte] {
		b, h := start(), new(linear.History[request, byte])
		task := func(name byte) Task {
			return func(w Worker) { *w.(*nameOf) = nameOf{name} }
		}
		name := func(remove func() (Task, bool)) byte {
			task, again := remove()
			if again {
				return retry
			} else if task == nil {
				return 0
			}
			var got nameOf
			task(&got)
			return got.name
		}
		linear.Go(workers, 6, func(worker, i int) {
			owner := worker == 0
			switch {
			case owner && i != 2 && i < 4, b.anyPushes && (worker+i/2)%2 == 0:
				called := byte(1 + 6*worker + i)
				made := task(called)
				h.Do(worker, request{"push", called}, func() byte { b.push(made); return 0 })
			case b.pop != nil && !owner && i%3 != 2: // leave the owner something
			case b.pop != nil && owner:
				h.Do(worker, request{op: "pop"}, func() byte { return name(b.pop) })
			default:
				h.Do(worker, request{op: "take"}, func() byte {
					got := name(b.take)
					if got == 0 && b.hides {
						return retry
					}
					return got
				})
			}
		})
		for h.Do(0, request{op: "take"}, func() byte { return name(b.take) }) != 0 {
		}
		return h
	}
}

// A nameOf is the Worker to which a task says its name.
type nameOf struct{ name byte }

func (*nameOf) Submit(context.Context, Task) error { return nil }
func (*nameOf) Blocking(func())                    {}

func startDeque() bag {
	d := new(deque)
	d.init(1<<64-3, 2)
	return bag{
		push: func(task Task) { d.push(task) },
		pop:  func() (Task, bool) { return d.pop(), false },
		take: d.steal,
	}
}

func startInbox() bag {
	q := new(inbox)
	q.init(1<<64 - 3)
	return bag{
		push: func(task Task) { q.publish([]Task{task}) },
		take: func() (Task, bool) {
			var batch [1]Task
			q.take(batch[:], 1)
			return batch[0], false
		},
		anyPushes: true,
		hides:     true,
	}
}

func startFIFO() bag {
	var mu sync.Mutex
	q := newFIFO(1<<32 - 3)
	return bag{
		push:      func(task Task) { mu.Lock(); defer mu.Unlock(); q.put(task) },
		take:      func() (Task, bool) { mu.Lock(); defer mu.Unlock(); return q.take(), false },
		anyPushes: true,
	}
}

func TestQueuesAreLinearizable(t *testing.T) {
	for name, start := range map[string]func() bag{"deque": startDeque, "inbox": startInbox, "fifo": startFIFO} {
		t.Run(name, func(t *testing.T) { linear.Accepts(t, tasks, recordBag(start)) })
	}
	t.Run("an inbox in which a task overtakes another", func(t *testing.T) {
		linear.Refuses(t, tasks, recordBag(func() bag { return newestFirst(startInbox()) }))
	})
	t.Run("a deque whose owner pops the oldest", func(t *testing.T) {
		linear.Refuses(t, tasks, recordBag(func() bag {
			b := startDeque()
			b.pop = b.take
			return b
		}))
	})
}

// newestFirst lets a task overtake another.
func newestFirst(b bag) bag {
	take := b.take
	b.take = func() (Task, bool) {
		first, _ := take()
		second, _ := take()
		if second == nil {
			return first, false
		}
		b.push(first)
		return second, false
	}
	return b
}

// A poolCall is submit, wait or close.
type poolCall string

// An outcome is the answer: how many tasks have run, or that the pool is closed.
type outcome struct {
	ran     int
	refused bool
}

// A poolState is the state of a pool.
type poolState struct {
	submitted int
	closed    bool
}

// pools accepts every task until it is closed. When Wait returns, at least the tasks
// that were submitted before have run, and when Close returns, exactly all have.
var pools = linear.Model[poolState, poolCall, outcome]{Step: func(s poolState, in poolCall, out outcome) (poolState, bool) {
	switch in {
	case "submit":
		if !out.refused {
			return poolState{s.submitted + 1, s.closed}, !s.closed
		}
		return s, s.closed
	case "wait":
		return s, out.ran >= s.submitted
	}
	return poolState{s.submitted, true}, out.ran == s.submitted
}}

func recordPool(start func(workers int) Pool) func(workers int) *linear.History[poolCall, outcome] {
	return func(workers int) *linear.History[poolCall, outcome] {
		p, h := start(2), new(linear.History[poolCall, outcome])
		var ran atomic.Int64
		task := func(Worker) { ran.Add(1) }
		shut := func(worker int) {
			h.Do(worker, "close", func() outcome { p.Close(); return outcome{ran: int(ran.Load())} })
		}
		linear.Go(workers, 4, func(worker, i int) {
			switch {
			case worker == 0 && i == 2:
				shut(worker)
			case worker%2 == 1 && i%2 == 1:
				h.Do(worker, "wait", func() outcome { p.Wait(); return outcome{ran: int(ran.Load())} })
			default:
				h.Do(worker, "submit", func() outcome {
					return outcome{refused: errors.Is(p.Submit(context.Background(), task), ErrClosed)}
				})
			}
		})
		shut(0)
		return h
	}
}

// Pools for one goroutine have no history of several workers.
func TestPoolsAreLinearizable(t *testing.T) {
	for _, v := range Variants {
		if v.OneWorker {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			suitetest.Guard(t, "Wait or Close waits for a task that does not run")
			linear.Accepts(t, pools, recordPool(v.New))
		})
	}
	t.Run("a pool that accepts a task and loses it", func(t *testing.T) {
		linear.Refuses(t, pools, recordPool(func(workers int) Pool { return lossy{newGlobalMutex(workers)} }))
	})
	t.Run("a pool whose Wait does not wait", func(t *testing.T) {
		linear.Refuses(t, pools, recordPool(func(workers int) Pool { return hasty{newGlobalMutex(workers)} }))
	})
}

type lossy struct{ Pool }

// Submit does not say that the pool is closed.
func (p lossy) Submit(ctx context.Context, task Task) error {
	p.Pool.Submit(ctx, task)
	return nil
}

type hasty struct{ Pool }

func (hasty) Wait() error { return nil }
