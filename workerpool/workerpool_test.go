package workerpool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/cputime"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
	"boundaries/internal/park"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// No goroutine is left after the Close of any test's pools.
func TestMain(m *testing.M) { goleak.VerifyTestMain(suitetest.Watched{M: m}) }

// wrapping are the same queues with indexes that soon wrap around.
var wrapping = []Variant{
	{Name: "sharded-lock about to wrap", New: func(workers int) Pool { return newShardedPool(workers, math.MaxUint32-100) }},
	{Name: "atomic about to wrap", New: func(workers int) Pool { return newAtomicPool(workers, math.MaxUint32-100) }},
	{Name: "lock-free about to wrap", New: func(workers int) Pool { return newLockFreePool(workers, math.MaxUint64-100) }},
}

// each calls f for every variant, except those whose pools except selects.
func each(t *testing.T, except func(Pool) bool, f func(t *testing.T, open func(workers int) Pool)) {
	for _, v := range slices.Concat(Variants, wrapping) {
		p := v.New(1)
		skip := except(p)
		require.NoError(t, p.Close())
		if !skip {
			t.Run(v.Name, func(t *testing.T) {
				suitetest.Guard(t, "a task waits for a worker, or a goroutine for a task or for room")
				f(t, v.New)
			})
		}
	}
}

func none(Pool) bool { return false }

// oneGoroutine selects the pools that only one goroutine may use.
func oneGoroutine(p Pool) bool {
	_, ok := p.(*serialPool)
	return ok
}

// passive selects the pools that have no workers while tasks are submitted.
func passive(p Pool) bool {
	_, ok := p.(*privatePool)
	return ok || oneGoroutine(p)
}

// inner returns the pool whose workers sleep in package park, or nil.
func inner(p Pool) *pool {
	if p, ok := p.(*lockFreePool); ok {
		return p.pool
	}
	inner, _ := p.(*pool)
	return inner
}

// unbounded selects the pools that accept any number of tasks.
func unbounded(p Pool) bool {
	_, ok := p.(*goroutinePool)
	return ok || passive(p)
}

// uncancelable selects the pools whose Submit does not give up.
func uncancelable(p Pool) bool {
	_, ok := p.(*errgroupPool)
	return ok || unbounded(p)
}

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Empty.Rows())) }

// Several goroutines submit tasks, one by one and in batches. The tasks submit tasks,
// and some panic. Each task runs once, and Wait waits for all of them.
func TestLedger(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		for _, workers := range []int{1, 2, 3, 9} {
			if race.Enabled && workers == 2 {
				continue
			}
			p, submitters := open(workers), 3
			if oneGoroutine(p) {
				submitters = 1
			}
			outer, inner := 701, 5
			if race.Enabled {
				outer = 211 // with their inner tasks, still more than a queue holds
			}
			ran := make([]atomic.Int32, submitters*outer*(1+inner))
			each := fmt.Sprintf("each of %d tasks ran once", len(ran))
			var panics atomic.Int32
			for range 2 {
				fork.Run("test", submitters, submitters, func(submitter, _ int) {
					s := p.Submitter(t.Context())
					for i := range outer {
						first := (submitter*outer + i) * (1 + inner)
						task := func(w Worker) {
							ran[first].Add(1)
							for j := range inner {
								err := w.Submit(t.Context(), func(w Worker) {
									ran[first+1+j].Add(1)
									if (first+j)%97 == 0 {
										panics.Add(1)
										panic("spam")
									}
								})
								if err != nil {
									t.Error(err)
								}
							}
							if i%101 == 0 {
								panics.Add(1)
								panic("spam")
							}
						}
						if i%3 == 0 {
							assert.NoError(t, p.Submit(t.Context(), task))
						} else {
							assert.NoError(t, s.Submit(task))
						}
					}
					assert.NoError(t, s.Flush())
					assert.Zero(t, s.Lost())
				})
				waited := make(chan error, 1)
				go func() { waited <- p.Wait() }()
				var panicked *PanicError
				select {
				case err := <-waited:
					require.ErrorAs(t, err, &panicked)
				case <-time.After(10 * time.Second):
					t.Fatalf("Wait of %d workers hangs: %s", workers, account(ran))
				}
				require.Equal(t, int(panics.Swap(0)), 1+panicked.Others)
				require.Equal(t, each, account(ran), "%d workers", workers)
				for i := range ran {
					ran[i].Store(0)
				}
			}
			require.NoError(t, p.Close())
		}
	})
}

// account says how many tasks did not run once, and which is the first of them.
func account(ran []atomic.Int32) string {
	never, again, first := 0, 0, -1
	for i := range ran {
		n := ran[i].Load()
		if n == 0 {
			never++
		} else if n > 1 {
			again++
		}
		if n != 1 && first < 0 {
			first = i
		}
	}
	if first < 0 {
		return fmt.Sprintf("each of %d tasks ran once", len(ran))
	}
	return fmt.Sprintf("of %d tasks %d did not run and %d ran more than once, and the first of them is task %d", len(ran), never, again, first)
}

func TestRunCountsEveryTask(t *testing.T) {
	t.Run("empty", func(t *testing.T) { suitetest.Exact(t, Empty.Rows(), Want, 0, 1, 7, 1000, 10007) })
	t.Run("1us", func(t *testing.T) { suitetest.Exact(t, Microsecond.Rows(), Want, 107) })
	t.Run("io", func(t *testing.T) { suitetest.Exact(t, IO.Rows(), Want, 7) })
}

// A task=io blocks for a millisecond, and as many overlap as there are workers.
func TestIOBlocksForAMillisecond(t *testing.T) {
	const n = 6
	for i, row := range IO.Rows() {
		t.Run(row.Name, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				synctest.Test(t, func(t *testing.T) {
					began, overlap := time.Now(), workers
					if Variants[i].OneWorker {
						overlap = 1
					}
					row.Run(workers, n)
					require.Equal(t, time.Duration(n/overlap)*time.Millisecond, time.Since(began), "%d workers", workers)
				})
			}
		})
	}
}

// A task=1us computes. No processor takes the thousand dependent steps of a task in less than
// 0.2 us, and a task that waits for a processor only takes longer.
func TestMicrosecondComputes(t *testing.T) {
	const n = 1000
	task, _ := Microsecond.task(1)
	began := time.Now()
	for range n {
		task(nil)
	}
	require.Greater(t, time.Since(began), n*time.Microsecond/5)
}

func TestMisuseOfRun(t *testing.T) {
	for _, kind := range []Kind{Empty, Microsecond, IO} {
		suitetest.Misuse(t, "workerpool", kind.Rows())
	}
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.PanicsWithValue(t, "workerpool: 0 workers, need at least one", func() { v.New(0) })
			p := v.New(1)
			require.PanicsWithValue(t, "workerpool: Submit of a nil task", func() { _ = p.Submit(t.Context(), nil) })
			require.PanicsWithValue(t, "workerpool: Submit of a nil task", func() { _ = p.Submitter(t.Context()).Submit(nil) })
			require.NoError(t, p.Submit(t.Context(), func(w Worker) { _ = w.Submit(t.Context(), nil) }))
			require.ErrorContains(t, p.Close(), "workerpool: Submit of a nil task")
		})
	}
}

// One task submits many more tasks than a queue holds, and each of these submits
// another.
func TestNestedSubmissionToAFullQueue(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		for _, workers := range []int{1, 3} {
			var ran atomic.Int64
			p := open(workers)
			require.NoError(t, p.Submit(t.Context(), func(w Worker) {
				for range 3 * capacity {
					assert.NoError(t, w.Submit(t.Context(), func(w Worker) {
						assert.NoError(t, w.Submit(t.Context(), func(Worker) { ran.Add(1) }))
					}))
				}
			}))
			require.NoError(t, p.Wait())
			require.EqualValues(t, 3*capacity, ran.Load())
			require.NoError(t, p.Close())
		}
	})
}

// Tasks submit more tasks than a queue holds. Where a worker runs the oldest task first,
// all run in the order in which they were submitted.
func TestTasksOfTasksRunInOrder(t *testing.T) {
	unordered := func(p Pool) bool {
		switch p.(type) {
		case *lockFreePool, *errgroupPool, *goroutinePool:
			return true
		}
		return false
	}
	each(t, unordered, func(t *testing.T, open func(workers int) Pool) {
		p := open(1)
		submitted, ran := 0, 0
		var submit func(w Worker)
		submit = func(w Worker) {
			n := submitted
			submitted++
			assert.NoError(t, w.Submit(t.Context(), func(w Worker) {
				if ran++; n != ran-1 && !t.Failed() {
					t.Errorf("task %d is the one that runs as number %d", n, ran-1)
				}
				if submitted < 6*capacity {
					submit(w)
				}
			}))
		}
		require.NoError(t, p.Submit(t.Context(), func(w Worker) {
			for range 4 * capacity {
				submit(w)
			}
		}))
		require.NoError(t, p.Wait())
		require.Equal(t, 6*capacity, ran)
		require.NoError(t, p.Close())
	})
}

// fill submits tasks that block until release is closed, until a Submit has to wait.
// It returns the number of accepted tasks and the error of the last Submit.
func fill(t *testing.T, ctx context.Context, p Pool, release chan struct{}, ran *atomic.Int64) (accepted *atomic.Int64, last chan error) {
	accepted, last = new(atomic.Int64), make(chan error, 1)
	go func() {
		for {
			err := p.Submit(ctx, func(w Worker) {
				w.Blocking(func() { <-release })
				ran.Add(1)
			})
			if err != nil {
				last <- err
				return
			}
			accepted.Add(1)
		}
	}()
	synctest.Wait()
	require.Empty(t, last)
	return accepted, last
}

// requireFull checks that a queue holds what it should. The workers may have taken
// tasks and so made room, which a waiting submitter gets only when it is worth a wake.
func requireFull(t *testing.T, p Pool, workers int, accepted int64) {
	most := capacity + workers
	switch p := p.(type) {
	case *lockFreePool: // workers take batches
		most = capacity + workers*batchLen
	case *pool:
		if _, ok := p.queue.(*shardedQueue); ok { // all deques have the same size
			most += workers - 1
		}
	}
	require.GreaterOrEqual(t, accepted, int64(capacity))
	require.LessOrEqual(t, accepted, int64(most))
}

// eachCancelable calls f for pools of 1 and of 3 workers of every variant whose Submit may
// give up.
func eachCancelable(t *testing.T, f func(t *testing.T, p Pool, workers int)) {
	each(t, uncancelable, func(t *testing.T, open func(workers int) Pool) {
		for _, workers := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) { f(t, open(workers), workers) })
		}
	})
}

// While every worker is busy, the queue takes as many tasks as it should before a submitter
// waits, also where the number of workers does not divide its capacity.
func TestCapacity(t *testing.T) {
	eachCancelable(t, func(t *testing.T, p Pool, workers int) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		for range workers {
			require.NoError(t, p.Submit(ctx, func(w Worker) { w.Blocking(func() { <-release }) }))
			synctest.Wait() // until a worker has taken it
		}
		accepted, last := fill(t, ctx, p, release, new(atomic.Int64))
		require.GreaterOrEqual(t, accepted.Load(), int64(capacity))
		require.Less(t, accepted.Load(), int64(capacity+workers), "only sharded-lock rounds up, to a multiple of workers")
		cancel()
		require.ErrorIs(t, <-last, context.Canceled)
		close(release)
		require.NoError(t, p.Close())
	})
}

func TestCancelWhileFull(t *testing.T) {
	eachCancelable(t, func(t *testing.T, p Pool, workers int) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		var ran atomic.Int64
		accepted, last := fill(t, ctx, p, release, &ran)
		requireFull(t, p, workers, accepted.Load())
		cancel()
		err := <-last
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, err, "workerpool: submitting a task: context canceled")
		require.ErrorIs(t, p.Submit(ctx, func(Worker) { t.Error("ran") }), context.Canceled)

		// The accepted tasks still run, and the pool still works.
		require.Zero(t, ran.Load())
		close(release)
		require.NoError(t, p.Wait())
		require.Equal(t, accepted.Load(), ran.Load())
		require.NoError(t, p.Submit(t.Context(), func(Worker) { ran.Add(1) }))
		require.NoError(t, p.Close())
		require.Equal(t, accepted.Load()+1, ran.Load())
	})
}

func TestCloseWhileSubmittersWait(t *testing.T) {
	eachCancelable(t, func(t *testing.T, p Pool, workers int) {
		release := make(chan struct{})
		var ran atomic.Int64
		accepted, last := fill(t, t.Context(), p, release, &ran)
		// These wait too, except those that find the room that a
		// worker has just made.
		more := make(chan error, 3+workers*batchLen)
		for range cap(more) {
			go func() {
				err := p.Submit(t.Context(), func(w Worker) {
					w.Blocking(func() { <-release })
					ran.Add(1)
				})
				if err == nil {
					accepted.Add(1)
				}
				more <- err
			}()
		}
		synctest.Wait()
		found := len(more) // room
		require.Less(t, found, cap(more))
		closed := make(chan error, 2)
		for range cap(closed) {
			go func() { closed <- p.Close() }()
		}
		require.ErrorIs(t, <-last, ErrClosed)
		for range found {
			require.NoError(t, <-more)
		}
		for range cap(more) - found {
			require.ErrorIs(t, <-more, ErrClosed)
		}
		synctest.Wait()
		require.Empty(t, closed, "Close waits for tasks")
		close(release)
		require.NoError(t, <-closed)
		require.NoError(t, <-closed)
		require.Equal(t, accepted.Load(), ran.Load())
	})
}

// A waiting submitter is let in when there is room, and not only at the end.
func TestRoomIsGivenToWaitingSubmitters(t *testing.T) {
	each(t, unbounded, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(2)
			step := make(chan struct{})
			done := make(chan struct{})
			go func() {
				for range 5 * capacity {
					assert.NoError(t, p.Submit(t.Context(), func(w Worker) { w.Blocking(func() { <-step }) }))
				}
				close(done)
			}()
			for range 5 * capacity {
				step <- struct{}{}
			}
			<-done
			require.NoError(t, p.Close())
		})
	})
}

// Tasks in the deques of the lock-free pool do not take up room of the inbox.
func TestRoomBesideFullDeques(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newLockFree(2)
		release := make(chan struct{})
		wait := func(w Worker) { w.Blocking(func() { <-release }) }
		require.NoError(t, p.Submit(t.Context(), wait))
		synctest.Wait()
		end := make(chan struct{})
		require.NoError(t, p.Submit(t.Context(), func(w Worker) {
			for range capacity {
				assert.NoError(t, w.Submit(t.Context(), func(Worker) {}))
			}
			w.Blocking(func() { <-end })
		}))
		synctest.Wait()
		submitted := false
		go func() {
			for i := range capacity + 1 {
				task := func(Worker) {}
				if i == capacity*3/4 {
					task = func(w Worker) { w.Blocking(func() { <-end }) }
				}
				assert.NoError(t, p.Submit(t.Context(), task))
			}
			submitted = true
		}()
		synctest.Wait()
		require.False(t, submitted)
		close(release)
		synctest.Wait()
		require.True(t, submitted)
		close(end)
		require.NoError(t, p.Close())
	})
}

// A submitter and then a taker stop between claim and mark. The pool's goroutines sleep
// meanwhile, which is all that synctest.Wait waits for, and a submitter can give up.
func TestPoolWithAStoppedClaimant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newLockFreePool(2, 0)
		q := &p.queue.inbox
		var ran atomic.Int64
		task := func(Worker) { ran.Add(1) }
		submitAll := func() (accepted int) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for p.Submit(ctx, task) == nil {
				accepted++
			}
			return accepted
		}
		synctest.Wait()
		require.NoError(t, p.admit(t.Context(), 1))
		require.True(t, q.putting.CompareAndSwap(0, 1)) // the submitter claims
		require.Equal(t, capacity-1, submitAll())
		require.Zero(t, ran.Load())

		require.True(t, q.taking.CompareAndSwap(0, 1)) // the taker claims the same slot
		q.filled.done(0, 1)
		p.lot.Rouse()
		synctest.Wait()
		require.EqualValues(t, capacity-1, ran.Load())
		require.Zero(t, submitAll(), "slot 0 has not been emptied")

		submitted := make(chan error)
		go func() { submitted <- p.Submit(t.Context(), task) }()
		synctest.Wait() // until it waits at the gate
		q.emptied.done(0, 1)
		p.queue.workers[0].took = true // worker 0, which sleeps, was the taker
		p.queue.workers[0].push(task)
		p.lot.WakeWorker(0)
		require.NoError(t, <-submitted)
		require.NoError(t, p.Close())
		require.EqualValues(t, capacity+1, ran.Load())
	})
}

// A stoppedPut takes an older task from the inbox for each task of a task, as put does
// for every 61st, and stops between claim and mark.
type stoppedPut struct {
	*lockFreeQueue
	stopped, resume chan struct{}
}

func (q stoppedPut) put(worker int, task Task) bool {
	if worker != outside {
		i := &q.inbox
		first := i.taking.Load()
		i.taking.Store(first + 1)
		older := i.slots[first%capacity]
		close(q.stopped)
		<-q.resume
		i.emptied.done(first, first+1)
		q.lockFreeQueue.put(worker, older)
	}
	return q.lockFreeQueue.put(worker, task)
}

// A worker whose task submits a task stops while it takes an older one from the inbox.
// The submitter that waits for that slot goes on although nothing is taken afterward: the
// other worker sleeps, and the task blocks until the submitter has gone on.
func TestPoolWithAStoppedPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newLockFreePool(2, 0)
		synctest.Wait() // until both workers sleep
		q := stoppedPut{p.queue, make(chan struct{}), make(chan struct{})}
		p.pool.queue = q
		begin, end, submitted := make(chan struct{}), make(chan struct{}), make(chan struct{})
		none := func(Worker) {}
		require.NoError(t, p.Submit(t.Context(), func(Worker) { <-end }))
		require.NoError(t, p.Submit(t.Context(), func(w Worker) {
			<-begin
			assert.NoError(t, w.Submit(t.Context(), none))
			<-submitted
		}))
		synctest.Wait() // until both workers run a task
		require.NoError(t, p.Submit(t.Context(), none))
		close(begin)
		<-q.stopped
		go func() {
			for range capacity {
				assert.NoError(t, p.Submit(t.Context(), none))
			}
			close(submitted)
		}()
		synctest.Wait() // until it waits for the slot that is not marked
		close(end)
		synctest.Wait() // until the other worker has run all that it finds, and sleeps
		close(q.resume)
		<-submitted
		require.NoError(t, p.Close())
	})
}

// A submitter that has waited for room may find the queue empty and all workers asleep.
func TestSubmitterThatHasWaitedWakesAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newMutexPool(2)
		synctest.Wait() // they sleep
		ran := false
		require.NoError(t, p.admit(t.Context(), 1))
		require.NoError(t, p.hold(t.Context(), 1, func() bool { return p.queue.put(outside, func(Worker) { ran = true }) }))
		require.NoError(t, p.Wait())
		require.True(t, ran)
		require.NoError(t, p.Close())
	})
}

// A sleepyPut is a queue with a worker that waits, on its way to sleep, until another goroutine
// puts a task with late set. The put waits until the worker sleeps.
type sleepyPut struct {
	queue
	late    atomic.Bool
	release chan struct{}
}

func (q *sleepyPut) blocking(worker int, f func()) {
	q.queue.blocking(worker, func() { <-q.release; f() })
}

func (q *sleepyPut) put(worker int, task Task) bool {
	if q.late.CompareAndSwap(true, false) {
		close(q.release)
		synctest.Wait()
	}
	return q.queue.put(worker, task)
}

// A worker falls asleep while a submission is on its way to its put. The submission looks for
// a sleeper after the put, and wakes it.
func TestSubmissionsLookForASleeperAfterThePut(t *testing.T) {
	type submission func(p *pool, w Worker, task Task) error
	byOthers := map[string]submission{
		"Submit of a pool": func(p *pool, _ Worker, task Task) error { return p.Submit(context.Background(), task) },
		"Submit that has waited": func(p *pool, _ Worker, task Task) error {
			put := func() bool { return p.queue.put(outside, task) }
			return cmp.Or(p.admit(context.Background(), 1), p.hold(context.Background(), 1, put))
		},
	}
	byTasks := map[string]submission{
		"Submit of a worker": func(_ *pool, w Worker, task Task) error { return w.Submit(context.Background(), task) },
		"a spilled task": func(p *pool, w Worker, task Task) error {
			err := p.admit(context.Background(), 1)
			p.gate.spill(task)
			w.(*worker).openGate()
			return err
		},
	}
	each(t, func(p Pool) bool { return inner(p) == nil }, func(t *testing.T, open func(workers int) Pool) {
		test := func(workers int, submit func(p *pool, late *atomic.Bool)) func(*testing.T) {
			return func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := inner(open(workers))
					synctest.Wait() // until the workers sleep
					q := &sleepyPut{queue: p.queue, release: make(chan struct{})}
					p.queue = q
					require.NoError(t, p.Submit(t.Context(), func(Worker) {}))
					synctest.Wait() // until a worker is on its way to sleep
					submit(p, &q.late)
					require.NoError(t, p.Wait())
					require.NoError(t, p.Close())
				})
			}
		}
		for name, submit := range byOthers {
			t.Run(name, test(1, func(p *pool, late *atomic.Bool) {
				late.Store(true)
				require.NoError(t, submit(p, nil, func(Worker) {}))
			}))
		}
		for name, submit := range byTasks {
			t.Run(name, test(2, func(p *pool, late *atomic.Bool) {
				require.NoError(t, p.Submit(t.Context(), func(w Worker) {
					ran := make(chan struct{})
					late.Store(true)
					assert.NoError(t, submit(p, w, func(Worker) { close(ran) }))
					w.Blocking(func() { <-ran })
				}))
			}))
		}
	})
}

// At most as many tasks that block are in flight as there are workers.
func TestTasksInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		task, before := IO.task(3)
		flying := 0
		go func() {
			for range 4 {
				before()
				flying++
			}
		}()
		synctest.Wait()
		require.Equal(t, 3, flying)
		for range 4 {
			task(&privateWorker{})
		}
		synctest.Wait()
		require.Equal(t, 4, flying)
	})
}

// A flicker is a context that has ended when it is first asked, and later has not.
type flicker struct {
	context.Context
	asked bool
}

func (f *flicker) Err() error {
	if f.asked {
		return nil
	}
	f.asked = true
	return context.Canceled
}

// After an error a Submitter accepts nothing, although the pool would.
func TestSubmitterAcceptsNothingAfterAnError(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		p := open(1)
		s := p.Submitter(&flicker{Context: t.Context()})
		for range 2 {
			err := s.Submit(func(Worker) { t.Error("ran") })
			if err == nil {
				err = s.Flush()
			}
			require.ErrorIs(t, err, context.Canceled)
		}
		require.Equal(t, 2, s.Lost())
		require.NoError(t, p.Close())
	})
}

func TestSubmitAfterClose(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		p := open(2)
		s := p.Submitter(t.Context())
		require.NoError(t, p.Close())
		require.NoError(t, p.Close())
		require.NoError(t, p.Wait())
		err := p.Submit(t.Context(), func(Worker) { t.Error("ran") })
		require.ErrorIs(t, err, ErrClosed)
		require.EqualError(t, err, "workerpool: submitting a task: the pool is closed")

		err = s.Submit(func(Worker) { t.Error("ran") })
		if err == nil {
			err = s.Flush()
		}
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, 1, s.Lost())
		require.ErrorIs(t, s.Flush(), ErrClosed)
	})
}

// A closed pool refuses the tasks of tasks, too. Otherwise Close might never return.
func TestSubmitInATaskWhileClosing(t *testing.T) {
	each(t, passive, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(1)
			release := make(chan struct{})
			inner := make(chan error, 1)
			require.NoError(t, p.Submit(t.Context(), func(w Worker) {
				w.Blocking(func() { <-release })
				inner <- w.Submit(t.Context(), func(Worker) { t.Error("ran") })
			}))
			closed := make(chan error)
			go func() { closed <- p.Close() }()
			synctest.Wait()
			close(release)
			require.NoError(t, <-closed)
			require.ErrorIs(t, <-inner, ErrClosed)
		})
	})
}

func TestCanceledContextSubmitsNothing(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("enough"))
		p := open(2)
		require.ErrorIs(t, p.Submit(ctx, func(Worker) { t.Error("ran") }), context.Canceled)
		s := p.Submitter(ctx)
		_ = s.Submit(func(Worker) { t.Error("ran") })
		require.ErrorIs(t, s.Flush(), context.Canceled)
		require.Equal(t, 1, s.Lost())
		require.NoError(t, p.Submit(t.Context(), func(w Worker) {
			assert.ErrorIs(t, w.Submit(ctx, func(Worker) { t.Error("ran") }), context.Canceled)
		}))
		require.NoError(t, p.Close())
	})
}

var errSpam = errors.New("spam")

func tasksFault(Worker) { panic(fmt.Errorf("eggs: %w", errSpam)) }

func TestPanicComesBackFromWait(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		p := open(2)
		for range 3 {
			require.NoError(t, p.Submit(t.Context(), tasksFault))
		}
		err := p.Wait()
		var panicked *PanicError
		require.ErrorAs(t, err, &panicked)
		require.ErrorIs(t, err, errSpam)
		require.Equal(t, 2, panicked.Others)
		require.Contains(t, string(panicked.Stack), "tasksFault")
		require.True(t, strings.HasPrefix(err.Error(), "workerpool: a task panicked: eggs: spam (and 2 more tasks)\n\ngoroutine "))
		require.NoError(t, p.Wait(), "Wait reports a panic once")

		ran := false
		require.NoError(t, p.Submit(t.Context(), func(Worker) { ran = true }))
		require.NoError(t, p.Wait())
		require.True(t, ran)
		require.NoError(t, p.Submit(t.Context(), tasksFault))
		require.ErrorIs(t, p.Close(), errSpam)
		require.NoError(t, p.Close())
	})
}

// Tasks that panic, submitted by a task while the queue is full, do not end that task.
func TestPanicsOfATasksTasks(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		p := open(1)
		const n = 2 * capacity
		ended := false
		require.NoError(t, p.Submit(t.Context(), func(w Worker) {
			for range n {
				assert.NoError(t, w.Submit(t.Context(), tasksFault))
			}
			ended = true
		}))
		var panicked *PanicError
		require.ErrorAs(t, p.Wait(), &panicked)
		require.Equal(t, n, 1+panicked.Others)
		require.True(t, ended)
		require.NoError(t, p.Close())
	})
}

func TestGoexitDoesNotEndAWorker(t *testing.T) {
	each(t, oneGoroutine, func(t *testing.T, open func(workers int) Pool) {
		for _, workers := range []int{1, 2} {
			p := open(workers)
			var ran atomic.Int64
			for range 20 {
				require.NoError(t, p.Submit(t.Context(), func(Worker) { ran.Add(1); runtime.Goexit() }))
				require.NoError(t, p.Submit(t.Context(), func(Worker) { ran.Add(1) }))
			}
			var panicked *PanicError
			require.ErrorAs(t, p.Wait(), &panicked)
			require.Nil(t, panicked.Value)
			require.Equal(t, 19, panicked.Others)
			require.ErrorContains(t, panicked, "called runtime.Goexit")
			require.NoError(t, p.Close())
			require.EqualValues(t, 40, ran.Load())
		}
	})
}

// Tasks that block overlap in every pool with workers. Under the GIL, tasks that do not
// release it do not overlap (the article's figure 4.1.3).
func TestBlockingOverlaps(t *testing.T) {
	each(t, oneGoroutine, func(t *testing.T, open func(workers int) Pool) {
		for _, releases := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				p := open(4)
				began := time.Now()
				for range 4 {
					require.NoError(t, p.Submit(t.Context(), func(w Worker) {
						if releases {
							w.Blocking(func() { time.Sleep(time.Second) })
						} else {
							time.Sleep(time.Second)
						}
					}))
				}
				require.NoError(t, p.Close())
				want := time.Second
				if q, ok := p.(*pool); ok && !releases && holdsLock(q) {
					want = 4 * time.Second
				}
				require.Equal(t, want, time.Since(began))
			})
		}
	})
}

// holdsLock reports whether the workers of a pool hold a lock while they run tasks.
func holdsLock(p *pool) bool {
	_, ok := p.queue.(*gilQueue)
	return ok
}

// A worker that runs a long task keeps no other task to itself.
func TestTasksBehindABlockedOneRun(t *testing.T) {
	each(t, passive, func(t *testing.T, open func(workers int) Pool) {
		p := open(2)
		const n = 500
		var others sync.WaitGroup
		others.Add(n)
		s := p.Submitter(t.Context())
		require.NoError(t, s.Submit(func(w Worker) {
			for range n / 2 { // these are in its own queue
				assert.NoError(t, w.Submit(t.Context(), func(Worker) { others.Done() }))
			}
			w.Blocking(others.Wait)
		}))
		for range n / 2 {
			require.NoError(t, s.Submit(func(Worker) { others.Done() }))
		}
		require.NoError(t, s.Flush())
		require.NoError(t, p.Wait())
		require.NoError(t, p.Close())
	})
}

// A task's task wakes a sleeping worker.
func TestNestedSubmissionWakesAWorker(t *testing.T) {
	each(t, passive, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(2)
			synctest.Wait()
			require.NoError(t, p.Submit(t.Context(), func(w Worker) {
				ran := make(chan struct{})
				assert.NoError(t, w.Submit(t.Context(), func(Worker) { close(ran) }))
				w.Blocking(func() { <-ran })
			}))
			require.NoError(t, p.Wait())
			require.NoError(t, p.Close())
		})
	})
}

// A worker that takes a batch wakes another worker for the rest, and so does a thief:
// a worker that looked while the batch was on its way may have gone to sleep.
func TestTakersWakeOthers(t *testing.T) {
	for name, fill := range map[string]func(q *lockFreeQueue, tasks []Task){
		"inbox, deque": func(q *lockFreeQueue, tasks []Task) { q.inbox.publish(tasks) },
		"inbox":        func(q *lockFreeQueue, tasks []Task) { q.inbox.publish(tasks[:2]) },
		"victim":       func(q *lockFreeQueue, tasks []Task) { q.workers[2].push(tasks...) },
		"one is left":  func(q *lockFreeQueue, tasks []Task) { q.workers[2].push(tasks[:2]...) },
		"older": func(q *lockFreeQueue, tasks []Task) {
			q.workers[0].finds = olderIn - 1
			q.workers[1].push(tasks[0])
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &lockFreeQueue{lot: park.New(3), workers: make([]stealer, 3)}
				for i := range q.workers {
					q.workers[i].init(0, 2*batchLen)
				}
				woken := false
				go func() {
					q.lot.Park(1, func() bool { return false })
					woken = true
				}()
				synctest.Wait()
				tasks, _ := numbered(10)
				fill(q, tasks)
				task, _ := q.take(0)
				require.NotNil(t, task)
				synctest.Wait()
				require.True(t, woken)
			})
		})
	}
}

// A worker that is woken for many tasks wakes the next one.
func TestAWokenWorkerWakesTheNext(t *testing.T) {
	each(t, func(p Pool) bool { return inner(p) == nil }, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := inner(open(4))
			synctest.Wait() // until all workers sleep
			running := make(chan bool, 4)
			release := make(chan struct{})
			require.NoError(t, p.admit(t.Context(), cap(running)))
			for range cap(running) {
				require.True(t, p.queue.put(outside, func(w Worker) {
					running <- true
					w.Blocking(func() { <-release })
				}))
			}
			p.lot.Rouse()
			synctest.Wait()
			require.Len(t, running, cap(running))
			close(release)
			require.NoError(t, p.Close())
		})
	})
}

// Under the GIL, a submitter gets the lock within the switch interval plus one task,
// although the worker has more tasks to run.
func TestWorkersTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGIL(1)
		for range 100 {
			require.NoError(t, p.Submit(t.Context(), func(Worker) { time.Sleep(time.Millisecond) }))
		}
		time.Sleep(10*time.Millisecond + time.Microsecond)
		began := time.Now()
		require.NoError(t, p.Submit(t.Context(), func(Worker) {}))
		require.LessOrEqual(t, time.Since(began), gil.DefaultInterval+time.Millisecond)
		require.NoError(t, p.Close())
	})
}

// While a worker is idle, a Submitter submits every task at once.
func TestSubmitterPublishesToIdleWorkersAtOnce(t *testing.T) {
	each(t, passive, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(3)
			s := p.Submitter(t.Context())
			for range 10 {
				synctest.Wait() // until all workers sleep
				ran := make(chan struct{})
				require.NoError(t, s.Submit(func(Worker) { close(ran) }))
				<-ran
			}
			require.NoError(t, p.Close())
		})
	})
}

// A batch that is refused is lost as a whole, and Lost counts it.
func TestSubmitterOfAFullPool(t *testing.T) {
	each(t, uncancelable, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(1)
			release := make(chan struct{})
			var ran atomic.Int64
			accepted, last := fill(t, t.Context(), p, release, &ran)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			s := p.Submitter(ctx)
			var mine atomic.Int64 // tasks of s that ran
			tried := 1
			for s.Submit(func(Worker) { mine.Add(1) }) == nil {
				tried++
			}
			require.ErrorIs(t, s.Flush(), context.DeadlineExceeded)
			_ = s.Submit(func(Worker) { t.Error("ran") })
			require.ErrorIs(t, s.Flush(), context.DeadlineExceeded)
			close(release)
			require.NoError(t, p.Close())
			require.ErrorIs(t, <-last, ErrClosed)
			require.Equal(t, accepted.Load(), ran.Load())
			require.EqualValues(t, tried+1-s.Lost(), mine.Load())
			require.GreaterOrEqual(t, s.Lost(), 2)
		})
	})
}

// Every task whose Submit returned nil has run when Close returns.
func TestCloseWhileSubmitting(t *testing.T) {
	each(t, oneGoroutine, func(t *testing.T, open func(workers int) Pool) {
		for range 10 {
			p := open(3)
			var accepted, ran atomic.Int64
			var submitters sync.WaitGroup
			for range 3 {
				submitters.Go(func() {
					for p.Submit(t.Context(), func(Worker) { ran.Add(1) }) == nil {
						accepted.Add(1)
					}
				})
			}
			for accepted.Load() < 100 {
				runtime.Gosched()
			}
			require.NoError(t, p.Close())
			after := ran.Load()
			submitters.Wait()
			require.Equal(t, accepted.Load(), ran.Load())
			require.Equal(t, after, ran.Load(), "nothing runs after Close")
		}
	})
}

// A slowLeave is a queue whose worker leaves it when release is closed.
type slowLeave struct {
	queue
	release chan struct{}
}

func (q slowLeave) leave(worker int) {
	<-q.release
	q.queue.leave(worker)
}

// Close returns when the last worker has ended, and not when the last task has. Other
// pools have no workers of their own.
func TestCloseWaitsForItsWorkers(t *testing.T) {
	each(t, unbounded, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(1)
			release := make(chan struct{})
			switch p := p.(type) {
			case *channelPool:
				p.running.Go(func() { <-release }) // the test plays a worker
			case *errgroupPool:
				p.group.Go(func() error { <-release; return nil })
			default:
				synctest.Wait() // until the worker sleeps
				inner(p).queue = slowLeave{inner(p).queue, release}
			}
			closed := false
			go func() {
				assert.NoError(t, p.Close())
				closed = true
			}()
			synctest.Wait()
			require.False(t, closed)
			close(release)
			synctest.Wait()
			require.True(t, closed)
		})
	})
}

// A task that has run can be collected while the pool is open, also if it has waited for
// room. In lock-free, a slot that was stolen from keeps its task until it is used again.
func TestPoolsDoNotKeepTasksAlive(t *testing.T) {
	stealing := func(p Pool) bool { _, ok := p.(*lockFreePool); return ok }
	each(t, stealing, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(1)
			var held []weak.Pointer[[64]byte]
			require.NoError(t, p.Submit(t.Context(), func(w Worker) {
				for range 3 * capacity {
					mine := new([64]byte)
					held = append(held, weak.Make(mine))
					assert.NoError(t, w.Submit(t.Context(), func(Worker) { mine[0]++ }))
				}
			}))
			require.NoError(t, p.Wait())
			synctest.Wait() // until no goroutine has a task on its stack
			runtime.GC()
			kept := 0
			for _, task := range held {
				if task.Value() != nil {
					kept++
				}
			}
			require.Zero(t, kept, "of %d tasks", len(held))
			require.NoError(t, p.Close())
		})
	})
}

// Workers go to sleep and are woken again and again. No task is left behind: of two, the
// first waits for the second, and nothing else comes that would wake a worker.
func TestNoWakeIsLost(t *testing.T) {
	each(t, passive, func(t *testing.T, open func(workers int) Pool) {
		p := open(3)
		n := 3000
		if testing.Short() || race.Enabled {
			n = 300
		}
		ran, second := make(chan struct{}), make(chan struct{})
		last := func(Worker) { ran <- struct{}{} }
		both := []Task{
			func(w Worker) { w.Blocking(func() { <-second }); last(w) },
			func(Worker) { second <- struct{}{} },
		}
		s := p.Submitter(t.Context())
		for i := range n {
			tasks := both
			if i%2 == 0 {
				tasks = []Task{last}
			}
			for _, task := range tasks {
				if i%4 < 2 {
					require.NoError(t, p.Submit(t.Context(), task))
				} else {
					require.NoError(t, s.Submit(task))
				}
			}
			require.NoError(t, s.Flush())
			<-ran
			for range i % 40 { // so that the workers are at different points on their way to sleep
				runtime.Gosched()
			}
		}
		require.NoError(t, p.Close())
	})
}

// A task submits itself again and again, while older tasks wait in a full queue. The
// stack does not grow, and the older tasks run long before the chain ends.
func TestATaskThatSubmitsItself(t *testing.T) {
	each(t, none, func(t *testing.T, open func(workers int) Pool) {
		p := open(1)
		const end = capacity // how much of the chain is left when the older tasks have run
		left := olderIn*capacity + end
		var others atomic.Int64
		atEnd, deepest := int64(0), 0
		frames := make([]uintptr, 100)
		var again Task
		again = func(w Worker) {
			deepest = max(deepest, runtime.Callers(0, frames))
			if left--; left == end {
				atEnd = others.Load()
			}
			if left > 0 {
				assert.NoError(t, w.Submit(t.Context(), again))
			}
		}
		require.NoError(t, p.Submit(t.Context(), func(w Worker) {
			for range capacity {
				assert.NoError(t, w.Submit(t.Context(), func(Worker) { others.Add(1) }))
			}
			assert.NoError(t, w.Submit(t.Context(), again))
		}))
		require.NoError(t, p.Wait())
		require.Zero(t, left)
		require.EqualValues(t, capacity, others.Load())
		// The order of goroutines is up to Go's scheduler. A processor that the machine has
		// taken away may hold some of them for longer than the chain takes, and with one
		// processor, what a goroutine starts runs next. errgroup promises no order either.
		switch p.(type) {
		case *goroutinePool, *errgroupPool:
		default:
			require.EqualValues(t, capacity, atEnd, "others that ran before the end of the chain")
		}
		require.Less(t, deepest, 50, "frames on the stack")
		require.NoError(t, p.Close())
	})
}

// A submitter that waits for room gets it although tasks that submit themselves never
// let the queue become half empty.
func TestRoomBesideTasksThatSubmitThemselves(t *testing.T) {
	const few = 10 // each waits until as many tasks as the queue holds have had their turns
	each(t, unbounded, func(t *testing.T, open func(workers int) Pool) {
		synctest.Test(t, func(t *testing.T) {
			p := open(1)
			var stop atomic.Bool
			var again Task
			again = func(w Worker) {
				w.Blocking(func() { time.Sleep(time.Microsecond) })
				if !stop.Load() {
					assert.NoError(t, w.Submit(t.Context(), again))
				}
			}
			submitted, full := make(chan struct{}), make(chan struct{})
			require.NoError(t, p.Submit(t.Context(), func(w Worker) {
				for range capacity - few {
					assert.NoError(t, w.Submit(t.Context(), again))
				}
				close(submitted)
				w.Blocking(func() { <-full })
			}))
			go func() {
				synctest.Wait() // until the queue is full and Submit waits
				close(full)
			}()
			<-submitted
			for range 2 * few {
				require.NoError(t, p.Submit(t.Context(), func(Worker) {}))
			}
			stop.Store(true)
			require.NoError(t, p.Wait())
			require.NoError(t, p.Close())
		})
	})
}

// A submitter that waits for room goes on when the queue is half empty, and not before:
// hundreds of tasks share the cost of its wake.
func TestTheGateOpensWhenTheQueueIsHalfEmpty(t *testing.T) {
	each(t, func(p Pool) bool { return inner(p) == nil }, func(t *testing.T, open func(workers int) Pool) {
		for _, workers := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) {
				p := open(workers)
				var accepted atomic.Int64
				turns := make(chan struct{})
				submit := func(n int) {
					for range n {
						assert.NoError(t, p.Submit(t.Context(), func(w Worker) { w.Blocking(func() { <-turns }) }))
						accepted.Add(1)
					}
				}
				submit(workers)
				synctest.Wait() // until all workers block
				go submit(2*capacity - workers)
				synctest.Wait() // until it waits at the gate
				full, ran := accepted.Load(), 0
				for ; accepted.Load() == full && ran < capacity; ran++ {
					turns <- struct{}{}
					synctest.Wait()
				}
				close(turns)
				synctest.Wait()
				require.NoError(t, p.Close())
				require.EqualValues(t, 2*capacity, accepted.Load())
				slack := workers - 1 // sharded-lock takes all its deques for as full as one
				if _, ok := p.(*lockFreePool); ok {
					slack = workers*batchLen + 1 // a worker holds up to a batch beside the inbox
				}
				require.InDelta(t, capacity/2, ran, float64(slack), "tasks that had run")
			})
		}
	})
}

// On one processor, a submitter that has waited for room goes on before the queue is
// empty, except at every 61st turn of Go's scheduler, which is the worker's. Under the
// GIL, the submitter has to wait for the switch interval as well.
func TestASubmitterGoesOnBeforeTheQueueIsEmpty(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const fills = 100 // of half the queue
	without := func(p Pool) bool {
		ours := inner(p)
		if ours == nil {
			return true
		}
		_, ok := ours.queue.(*gilQueue)
		return ok
	}
	each(t, without, func(t *testing.T, open func(workers int) Pool) {
		p := open(1)
		queue, empty := inner(p).queue, 0
		s := p.Submitter(t.Context())
		for range fills * capacity / 2 {
			require.NoError(t, s.Submit(func(Worker) {
				if queue.len() == 0 {
					empty++
				}
			}))
		}
		require.NoError(t, s.Flush())
		require.NoError(t, p.Close())
		require.Less(t, empty, fills/5)
	})
}

// A task that found no room gets it before the queue is half empty, even if submitters
// outside the pool take all other room at once.
func TestRoomIsGivenToTasksOfTasks(t *testing.T) {
	p := newMutexPool(1)
	ran, floods := false, 0
	var flood Task
	flood = func(Worker) {
		if floods++; !ran && floods < 4*capacity {
			assert.NoError(t, p.admit(t.Context(), 1))
			if !p.queue.put(outside, flood) {
				p.refuse(1)
			}
		}
	}
	require.NoError(t, p.Submit(t.Context(), func(w Worker) {
		for range capacity {
			assert.NoError(t, w.Submit(t.Context(), flood))
		}
		assert.NoError(t, w.Submit(t.Context(), func(Worker) { ran = true }))
	}))
	require.NoError(t, p.Wait())
	require.Less(t, floods, 4*capacity)
	require.NoError(t, p.Close())
}

// An errgroup does not give up on a submitter that waits: its task runs before Close
// returns.
func TestCloseWhileErrgroupsGoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newErrgroupPool(2)
		release := make(chan struct{})
		var ran atomic.Int64
		accepted, last := fill(t, t.Context(), p, release, &ran)
		require.EqualValues(t, 2, accepted.Load())
		closed := make(chan error)
		go func() { closed <- p.Close() }()
		synctest.Wait()
		close(release)
		require.NoError(t, <-closed)
		require.ErrorIs(t, <-last, ErrClosed)
		require.EqualValues(t, 3, ran.Load())
	})
}

// Idle workers sleep: eight workers of every pool together use less than 2 % of a
// processor.
func TestIdlePoolsSleep(t *testing.T) {
	if _, err := cputime.Used(); err != nil {
		t.Skip(err)
	}
	var pools []Pool
	for _, v := range Variants {
		p := v.New(8)
		for range 5000 {
			require.NoError(t, p.Submit(t.Context(), func(Worker) {}))
		}
		require.NoError(t, p.Wait())
		pools = append(pools, p)
	}
	// This process may do other work, such as collecting garbage, but not in
	// every second.
	least := time.Hour
	for try := 0; try < 5 && least >= 20*time.Millisecond; try++ {
		before, err := cputime.Used()
		require.NoError(t, err)
		time.Sleep(time.Second)
		after, err := cputime.Used()
		require.NoError(t, err)
		least = min(least, after-before)
	}
	t.Logf("%v of processor time in a second", least)
	require.Less(t, least, 20*time.Millisecond)
	for _, p := range pools {
		require.NoError(t, p.Close())
	}
}

// No two submitters have the same thread of the interpreter lock at once. Acquire panics if they
// do.
func TestSubmittersHaveThreadsOfTheirOwn(t *testing.T) {
	n := 200_000
	if testing.Short() || race.Enabled {
		n = 10_000
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	q := &gilQueue{ring: newFIFO(0)}
	q.lock.Interval = -1 // a waiter asks for the lock at once, so that a submitter waits in Release
	q.others.New = func() any { return new(gil.Thread) }
	var submitters sync.WaitGroup
	for range 8 {
		submitters.Go(func() {
			for range n {
				q.put(outside, func(Worker) {})
			}
		})
	}
	submitters.Wait()
}

func Example() {
	pool := newLockFree(4)
	words := make([]string, 3)
	for i, word := range []string{"spam", "eggs", "ham"} {
		err := pool.Submit(context.Background(), func(w Worker) {
			words[i] = strings.ToUpper(word)
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	if err := pool.Close(); err != nil { // waits for the tasks
		fmt.Println(err)
	}
	fmt.Println(words)
	// Output: [SPAM EGGS HAM]
}
