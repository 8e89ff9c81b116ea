package races

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/workerpool"
)

// workerpoolCase submits tasks to the pools of package workerpool. A try is a task.
func workerpoolCase() raceCase {
	c := raceCase{
		name:     "workerpool",
		question: "One thread puts tasks into a queue, two take them out. Does each task run once?",
		noun:     "tasks",
		outcomes: []outcome{
			{"once", acceptable, "the task ran once"},
			{"never", interesting, "two threads used one slot of the queue: a task was overwritten, or skipped"},
			{"again", interesting, "two threads took the same task"},
		},
		variants: []variant{{
			name: "racy", note: "a queue without its lock", racy: true, run: submit(workerpool.NewRacy, true),
			batch: 20_000, // when one task is lost, the pool soon stops
		}},
		demo: &demo{
			what: "one thread puts tasks into a queue, %d threads take them out", n: 20_000, nRace: 1_000,
			why: "two threads take from the same slot of the queue: a task runs twice, and the one behind it never",
			sibling: sibling{
				racy: "workerpool/racy.go", safe: "workerpool/global_mutex.go",
				decls: [][2]string{{"racyQueue", "mutexQueue"}, {"racyQueue.put", "mutexQueue.put"}, {"racyQueue.take", "mutexQueue.take"}, {"racyQueue.len", "mutexQueue.len"}},
			},
		},
	}
	for _, v := range workerpool.Variants {
		c.variants = append(c.variants, variant{name: v.Name, run: submit(v.New, false)})
	}
	return c
}

// submit submits tasks to a pool, waits for them, and counts how often each has run.
// A racy pool may wait forever for a task that it lost. Then submit leaves it behind,
// with its workers.
func submit(newPool func(workers int) workerpool.Pool, racy bool) job {
	return func(workers, n int) ([]int, error) {
		pool := newPool(workers)
		ran := make([]atomic.Int32, n)
		count := func() []int {
			counts := make([]int, 3)
			for i := range ran {
				switch ran[i].Load() {
				case 0:
					counts[1]++
				case 1:
					counts[0]++
				default:
					counts[2]++
				}
			}
			return counts
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var err error
		all := func() {
			for i := range ran {
				if err = pool.Submit(ctx, func(workerpool.Worker) { ran[i].Add(1) }); err != nil {
					return
				}
			}
			err = pool.Wait()
		}
		if !racy {
			all()
			return count(), errors.Join(err, pool.Close())
		}
		if !untilStill(all, func() int { return n - count()[1] }) {
			return count(), nil
		}
		return count(), err
	}
}

func global(workers int) workerpool.Pool {
	return named(workerpool.Variants, func(v workerpool.Variant) string { return v.Name }, "global-mutex").New(workers)
}

func TestTasksAreCounted(t *testing.T) {
	sloppy := func(workers int) workerpool.Pool { return &sloppyPool{Pool: global(workers)} }
	require.Equal(t, []int{80, 10, 10}, counts(t, submit(sloppy, false), 100))
}

// A sloppyPool drops one task of ten and runs another twice.
type sloppyPool struct {
	workerpool.Pool
	n int
}

func (p *sloppyPool) Submit(ctx context.Context, task workerpool.Task) error {
	p.n++
	switch p.n % 10 {
	case 3:
		return nil
	case 7:
		if err := p.Pool.Submit(ctx, task); err != nil {
			return err
		}
	}
	return p.Pool.Submit(ctx, task)
}

// A racy pool that waits forever for a task that it lost does not hold up the child.
func TestRacyPoolMayNotEnd(t *testing.T) {
	for _, stuck := range []int{1, 90, 200} {
		block := make(chan struct{})
		newPool := func(workers int) workerpool.Pool {
			return &stuckPool{Pool: global(workers), stuck: stuck, block: block}
		}
		want := min(stuck-1, 100)
		require.Equal(t, []int{want, 100 - want, 0}, counts(t, submit(newPool, true), 100))
		close(block)
	}
}

// A stuckPool does not return from Wait, nor from Submit from some task on.
type stuckPool struct {
	workerpool.Pool
	n, stuck int
	block    chan struct{}
}

func (p *stuckPool) Submit(ctx context.Context, task workerpool.Task) error {
	if p.n++; p.n >= p.stuck {
		<-p.block
		return errors.New("stuck")
	}
	return p.Pool.Submit(ctx, task)
}

func (p *stuckPool) Wait() error {
	<-p.block
	return p.Pool.Wait()
}
