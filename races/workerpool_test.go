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
			why: "two threads use the same slot of the queue: a task is overwritten, skipped, or taken twice",
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
// A racy pool may wait forever for a task that it lost. submit then abandons the pool
// and its workers.
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
	n := 0
	sloppy := func(workers int) workerpool.Pool {
		pool := global(workers)
		return &oddPool{Pool: pool, submit: func(ctx context.Context, task workerpool.Task) error {
			switch n++; n % 10 {
			case 3:
				return nil // dropped
			case 7:
				return errors.Join(pool.Submit(ctx, task), pool.Submit(ctx, task))
			}
			return pool.Submit(ctx, task)
		}}
	}
	require.Equal(t, []int{80, 10, 10}, counts(t, submit(sloppy, false), 100))
}

// A racy pool that waits forever, in Wait or in Submit, does not hold up the child.
func TestRacyPoolMayNotEnd(t *testing.T) {
	for _, stuck := range []int{1, 90, 200} {
		block := make(chan struct{})
		newPool := func(workers int) workerpool.Pool {
			pool, n := global(workers), 0
			return &oddPool{pool, func(ctx context.Context, task workerpool.Task) error {
				if n++; n >= stuck {
					<-block
				}
				return pool.Submit(ctx, task)
			}, func() { <-block }}
		}
		want := min(stuck-1, 100)
		require.Equal(t, []int{want, 100 - want, 0}, counts(t, submit(newPool, true), 100))
		close(block)
	}
}

// An oddPool submits in a way of its own, and does something before it waits.
type oddPool struct {
	workerpool.Pool
	submit func(ctx context.Context, task workerpool.Task) error
	before func() // may be nil
}

func (p *oddPool) Submit(ctx context.Context, task workerpool.Task) error { return p.submit(ctx, task) }

func (p *oddPool) Wait() error {
	if p.before != nil {
		p.before()
	}
	return p.Pool.Wait()
}
