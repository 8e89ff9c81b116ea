package eventloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Where time matters it is virtual, so that it is exactly what it should be.

// run runs main on a loop and fails the test if it returns an error.
func run(t *testing.T, main func(task *Task) error) {
	t.Helper()
	require.NoError(t, Run(context.Background(), main))
}

// inBubble is run in virtual time.
func inBubble(t *testing.T, main func(t *testing.T, task *Task) error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		run(t, func(task *Task) error { return main(t, task) })
	})
}

// nothing is a task's body's result.
type nothing = struct{}

// sleeper returns the body of a task that sleeps and returns v.
func sleeper(d time.Duration, v int) func(*Task) (int, error) {
	return func(t *Task) (int, error) { return v, t.Sleep(d) }
}

func TestCallbacksRunInOrderAndNewOnesInTheNextTurn(t *testing.T) {
	var order []string
	note := func(s string) func() { return func() { order = append(order, s) } }
	run(t, func(task *Task) error {
		l := task.Loop()
		l.CallSoon(func() {
			note("a")()
			l.CallSoon(func() {
				note("d")()
				l.CallSoon(note("f"))
			})
		})
		l.CallSoon(note("b"))
		l.CallSoon(func() {
			note("c")()
			l.CallSoon(note("e"))
		})
		for range 4 {
			task.Yield()
			note("|")()
		}
		return nil
	})
	require.Equal(t, []string{"a", "b", "c", "|", "d", "e", "|", "f", "|", "|"}, order)
}

// A callback that is always ready again keeps neither timers nor posts waiting.
func TestTurnRunsOnlyWhatWasReadyAtItsStart(t *testing.T) {
	for _, how := range []string{"timer", "post"} {
		run(t, func(task *Task) error {
			l := task.Loop()
			f := NewFuture[nothing](l)
			var again func()
			again = func() {
				if !f.Done() {
					l.CallSoon(again)
				}
			}
			again()
			resolve := func() { f.Resolve(nothing{}, nil) }
			if how == "timer" {
				l.CallLater(time.Millisecond, resolve)
			} else {
				go l.CallSoonThreadsafe(resolve)
			}
			_, err := Await(task, f)
			return err
		})
	}
}

// Every post runs once, on the loop's goroutine, in the order of its poster. The
// ledger is plain memory, which -race knows.
func TestPostsFromManyGoroutines(t *testing.T) {
	const posters, each = 8, 2000
	for _, busy := range []bool{false, true} {
		var ledger [posters][]int
		run(t, func(task *Task) error {
			l := task.Loop()
			left := posters * each
			f := NewFuture[nothing](l)
			for p := range posters {
				go func() {
					for i := range each {
						open := l.CallSoonThreadsafe(func() {
							ledger[p] = append(ledger[p], i)
							if left--; left == 0 {
								f.Resolve(nothing{}, nil)
							}
						})
						if !open {
							t.Error("closed")
						}
						if i%100 == 0 {
							time.Sleep(10 * time.Microsecond) // now and then the loop sleeps
						}
					}
				}()
			}
			for busy && !f.Done() {
				task.Yield()
			}
			_, err := Await(task, f)
			return err
		})
		for p := range posters {
			require.Len(t, ledger[p], each)
			require.True(t, slices.IsSorted(ledger[p]))
		}
	}
}

// A post that comes after the turn has looked, and before it sleeps, is not missed.
func TestPostBeforeSleep(t *testing.T) {
	run(t, func(task *Task) error {
		l := task.Loop()
		ran := false
		l.CallSoonThreadsafe(func() { ran = true })
		l.sleep() // does not
		for !ran {
			task.Yield()
		}
		return nil
	})
}

func TestPostToAClosedLoop(t *testing.T) {
	var l *Loop
	run(t, func(task *Task) error { l = task.Loop(); return nil })
	require.False(t, l.CallSoonThreadsafe(func() { t.Error("ran") }))
}

func TestTimersAreOnTimeAndInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		began := time.Now()
		type event struct {
			name string
			at   time.Duration
		}
		var events []event
		add := func(d time.Duration, name string) *Timer {
			return l.CallLater(d, func() { events = append(events, event{name, time.Since(began)}) })
		}
		add(3*time.Second, "c")
		add(time.Second, "a")
		dropped := add(2*time.Second, "dropped")
		add(2*time.Second, "b")
		add(3*time.Second, "d")   // at the same time as c, made later
		add(3*time.Second+1, "e") // a nanosecond later
		add(0, "now")
		require.True(t, dropped.Stop())
		require.False(t, dropped.Stop())
		require.NoError(t, task.Sleep(10*time.Second))
		require.Equal(t, []event{{"now", 0}, {"a", time.Second}, {"b", 2 * time.Second}, {"c", 3 * time.Second}, {"d", 3 * time.Second}, {"e", 3*time.Second + 1}}, events)
		return nil
	})
}

// Stop in the turn in which the timer is due: it has made its callback ready.
func TestStopOfADueTimer(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		var second *Timer
		ran := false
		l.CallLater(time.Second, func() { require.False(t, second.Stop()) })
		second = l.CallLater(time.Second, func() { ran = true })
		require.NoError(t, task.Sleep(2*time.Second))
		require.True(t, ran)
		return nil
	})
}

func TestThousandWaitsTakeAsLongAsOne(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		began := time.Now()
		var all []*Future[int]
		for i := range 1000 {
			all = append(all, Go(task.Loop(), sleeper(10*time.Millisecond, i)))
		}
		values, err := Await(task, Gather(task.Loop(), all...))
		require.NoError(t, err)
		for i, v := range values {
			require.Equal(t, i, v)
		}
		require.Equal(t, 10*time.Millisecond, time.Since(began))
		return nil
	})
}

// A task that computes delays every timer: a fake with a goroutine for each task
// would not.
func TestComputingDelaysTimers(t *testing.T) {
	const compute = 50 * time.Millisecond
	run(t, func(task *Task) error {
		began := time.Now()
		timer := Go(task.Loop(), func(t *Task) (time.Duration, error) {
			err := t.Sleep(time.Millisecond)
			return time.Since(began), err
		})
		task.Yield() // it sleeps now
		for time.Since(began) < compute {
		}
		late, err := Await(task, timer)
		require.GreaterOrEqual(t, late, compute)
		return err
	})
}

// Tasks share plain variables without a lock, and -race is silent, on any number
// of processors.
func TestTasksShareVariablesWithoutALock(t *testing.T) {
	const tasks, each = 50, 200
	count, inside := 0, 0
	run(t, func(task *Task) error {
		var all []*Future[nothing]
		for i := range tasks {
			all = append(all, Go(task.Loop(), func(task *Task) (nothing, error) {
				for range each {
					inside++
					if inside != 1 {
						t.Error("two tasks run")
					}
					seen := count
					runtime.Gosched()
					count = seen + 1
					inside--
					if i%2 == 0 {
						task.Yield()
					} else if err := task.Sleep(time.Microsecond); err != nil {
						return nothing{}, err
					}
				}
				return nothing{}, nil
			}))
		}
		_, err := Await(task, Gather(task.Loop(), all...))
		return err
	})
	require.Equal(t, tasks*each, count)
}

func TestFutureIsResolvedOnce(t *testing.T) {
	run(t, func(task *Task) error {
		f := NewFuture[int](task.Loop())
		var order []int
		f.OnDone(func() { order = append(order, 1) })
		f.OnDone(func() { order = append(order, 2) })
		f.Resolve(7, nil)
		f.OnDone(func() { order = append(order, 3) })
		require.Empty(t, order, "callbacks come through the queue")
		require.PanicsWithValue(t, "eventloop: Resolve of a future that is resolved", func() { f.Resolve(8, nil) })
		require.False(t, f.Cancel())
		v, err := Await(task, f)
		require.NoError(t, err)
		require.Equal(t, 7, v)
		require.Empty(t, order, "Await of what is there does not give the turn away")
		task.Yield()
		require.Equal(t, []int{1, 2, 3}, order)

		canceled := NewFuture[int](task.Loop())
		require.True(t, canceled.Cancel())
		canceled.Resolve(1, nil) // whoever works for it cannot know
		_, err = Await(task, canceled)
		require.ErrorIs(t, err, ErrCanceled)
		require.ErrorIs(t, err, context.Canceled)
		return nil
	})
}

func TestAwaitOfAnotherLoopsFuture(t *testing.T) {
	var foreign *Future[int]
	run(t, func(task *Task) error { foreign = NewFuture[int](task.Loop()); return nil })
	run(t, func(task *Task) error {
		require.PanicsWithValue(t, "eventloop: Await of a future of another loop", func() { Await(task, foreign) })
		return nil
	})
}

func TestGather(t *testing.T) {
	spam := errors.New("spam")
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		values, err := Await(task, Gather[int](l))
		require.NoError(t, err)
		require.Empty(t, values)

		// In the order of the arguments, whichever is first; the same twice.
		slow, fast := Go(l, sleeper(2*time.Second, 1)), Go(l, sleeper(time.Second, 2))
		values, err = Await(task, Gather(l, slow, fast, slow))
		require.NoError(t, err)
		require.Equal(t, []int{1, 2, 1}, values)

		// The first error in time, at once; the rest go on.
		began := time.Now()
		failing := func(d time.Duration, err error) *Future[int] {
			return Go(l, func(t *Task) (int, error) { t.Sleep(d); return 0, err })
		}
		rest := Go(l, sleeper(3*time.Second, 3))
		all := Gather(l, rest, failing(2*time.Second, errors.New("eggs")), failing(time.Second, spam))
		_, err = Await(task, all)
		require.ErrorIs(t, err, spam)
		require.Equal(t, time.Second, time.Since(began))
		v, err := Await(task, rest)
		require.NoError(t, err)
		require.Equal(t, 3, v)
		_, err = Await(task, all)
		require.ErrorIs(t, err, spam, "not the second one")
		return nil
	})
}

func TestCancelOfGatherCancelsAll(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		began := time.Now()
		ended := 0
		body := func(cleanup time.Duration) func(*Task) (int, error) {
			return func(t *Task) (int, error) {
				err := t.Sleep(time.Hour)
				t.Sleep(cleanup)
				ended++
				return 0, err
			}
		}
		done := Go(l, sleeper(0, 1))
		all := Gather(l, done, Go(l, body(time.Second)), Go(l, body(2*time.Second)))
		waiter := Go(l, func(t *Task) ([]int, error) { return Await(t, all) })
		task.Sleep(time.Second)
		require.True(t, waiter.Cancel())
		_, err := Await(task, waiter)
		require.ErrorIs(t, err, ErrCanceled)
		require.Equal(t, 2, ended, "done when all are")
		require.Equal(t, 3*time.Second, time.Since(began))
		require.False(t, all.Cancel())
		return nil
	})
}

// Cancellation reaches what is awaited, however deep, and the way back is the
// tasks' own.
func TestCancelReachesTheInnermostWait(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		var order []string
		inner := Go(l, func(t *Task) (int, error) {
			err := t.Sleep(time.Hour)
			order = append(order, "inner")
			return 0, err
		})
		middle := Go(l, func(t *Task) (int, error) {
			_, err := Await(t, inner)
			order = append(order, "middle")
			return 5, err
		})
		outer := Go(l, func(t *Task) (int, error) {
			_, err := Await(t, Gather(l, middle))
			order = append(order, "outer")
			if errors.Is(err, ErrCanceled) {
				return 6, nil // as a task may
			}
			return 0, err
		})
		task.Sleep(time.Second)
		require.Len(t, l.timers, 1)
		require.True(t, outer.Cancel())
		v, err := Await(task, outer)
		require.NoError(t, err)
		require.Equal(t, 6, v)
		require.Equal(t, []string{"inner", "middle", "outer"}, order)
		require.Empty(t, l.timers)
		require.ErrorIs(t, inner.err, ErrCanceled)
		return nil
	})
}

func TestCancelOfATaskThatDoesNotWait(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		// Not begun: it never does.
		f := Go(l, func(*Task) (int, error) { t.Error("began"); return 0, nil })
		require.True(t, f.Cancel())
		_, err := Await(task, f)
		require.ErrorIs(t, err, ErrCanceled)

		// In a bare yield, and at its next wait by its own hand; each time once.
		for _, wait := range []func(*Task) error{(*Task).Yield, func(t *Task) error { return t.Sleep(time.Second) }} {
			var errs []error
			f = Go(l, func(t *Task) (int, error) {
				errs = append(errs, t.Yield(), t.Yield())
				t.Cancel()
				errs = append(errs, wait(t), wait(t))
				return 1, nil
			})
			task.Yield()
			require.True(t, f.Cancel())
			v, err := Await(task, f)
			require.NoError(t, err)
			require.Equal(t, 1, v)
			require.Equal(t, []error{ErrCanceled, nil, ErrCanceled, nil}, errs)
			require.False(t, f.Cancel())
		}

		// By its own hand, and at once, through what it waits for, which may
		// decline.
		began := time.Now()
		deaf := Go(l, func(t *Task) (int, error) { t.Sleep(time.Hour); return 2, nil })
		f = Go(l, func(t *Task) (int, error) {
			t.Cancel()
			return Await(t, deaf)
		})
		task.Yield()
		v, err := Await(task, f)
		require.NoError(t, err)
		require.Equal(t, 2, v)
		require.Zero(t, time.Since(began))

		// What it waits for is done already, in the same turn.
		g := NewFuture[int](l)
		f = Go(l, func(t *Task) (int, error) { return Await(t, g) })
		task.Yield()
		g.Resolve(1, nil)
		require.True(t, f.Cancel())
		_, err = Await(task, f)
		require.ErrorIs(t, err, ErrCanceled)
		return nil
	})
}

func TestTimeout(t *testing.T) {
	spam := errors.New("spam")
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		began := time.Now()
		after := func(d time.Duration) {
			t.Helper()
			require.Equal(t, d, time.Since(began))
			began = time.Now()
		}
		require.NoError(t, task.Timeout(2*time.Second, func() error { return task.Sleep(time.Second) }))
		after(time.Second)
		require.Empty(t, l.timers)
		require.ErrorIs(t, task.Timeout(time.Second, func() error { return spam }), spam)
		require.Empty(t, l.timers)

		err := task.Timeout(time.Second, func() error { return task.Sleep(time.Hour) })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrCanceled)
		after(time.Second)
		require.NoError(t, task.Sleep(time.Second), "the timeout is over")
		after(time.Second)

		// Nested: the inner is the one that expires, then the outer.
		err = task.Timeout(2*time.Second, func() error {
			require.ErrorIs(t, task.Timeout(time.Second, func() error { return task.Sleep(time.Hour) }), context.DeadlineExceeded)
			return task.Sleep(time.Hour)
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		after(2 * time.Second)
		err = task.Timeout(time.Second, func() error {
			err := task.Timeout(2*time.Second, func() error { return task.Sleep(time.Hour) })
			require.ErrorIs(t, err, ErrCanceled, "not the inner one's")
			return err
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		after(time.Second)

		// Canceled by somebody else, alone and in the same moment.
		for _, d := range []time.Duration{time.Hour, time.Second} {
			f := Go(l, func(t *Task) (nothing, error) {
				return nothing{}, t.Timeout(d, func() error {
					t.Sleep(time.Hour)
					return t.Sleep(time.Hour)
				})
			})
			task.Sleep(time.Second)
			f.Cancel()
			task.Yield()
			f.Cancel()
			_, err := Await(task, f)
			require.ErrorIs(t, err, ErrCanceled)
		}

		// A body that will not hear of it keeps its result.
		require.NoError(t, task.Timeout(time.Second, func() error { task.Sleep(time.Hour); return nil }))
		return nil
	})
}

// A timeout that is due when the body returns, and has its turn after that, is over
// like any other.
func TestTimeoutThatIsDueTooLate(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		require.NoError(t, task.Timeout(time.Second, func() error {
			time.Sleep(time.Second) // the loop too: the next turn has the task before the timer
			return task.Yield()
		}))
		return task.Sleep(time.Second)
	})
}

func TestRunInExecutor(t *testing.T) {
	spam := errors.New("spam")
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		e := NewExecutor(10)
		began := time.Now()
		var all []*Future[int]
		for i := range 25 {
			all = append(all, RunInExecutor(l, e, func() (int, error) {
				time.Sleep(time.Second)
				return i, nil
			}))
		}
		other := Go(l, sleeper(time.Second, 1))
		_, err := Await(task, other)
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(began), "the loop is free")
		values, err := Await(task, Gather(l, all...))
		require.NoError(t, err)
		for i, v := range values {
			require.Equal(t, i, v)
		}
		require.Equal(t, 3*time.Second, time.Since(began), "10, 10, 5")
		_, err = Await(task, RunInExecutor(l, e, func() (int, error) { return 0, spam }))
		require.ErrorIs(t, err, spam)
		return nil
	})
	require.PanicsWithValue(t, "eventloop: an executor of no calls", func() { NewExecutor(0) })
}

func TestCancelOfAnExecutorsCall(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		e := NewExecutor(1)
		began := time.Now()
		made := 0
		call := func() (int, error) { made++; time.Sleep(time.Second); return 1, nil }
		running := RunInExecutor(l, e, call)
		synctest.Wait()
		queued := RunInExecutor(l, e, call)
		synctest.Wait()
		require.True(t, queued.Cancel())
		require.True(t, running.Cancel())
		_, err := Await(task, running)
		require.ErrorIs(t, err, ErrCanceled)
		require.Zero(t, time.Since(began))
		task.Sleep(time.Minute)
		require.Equal(t, 1, made)
		// Its slot is free again.
		v, err := Await(task, RunInExecutor(l, e, call))
		require.NoError(t, err)
		require.Equal(t, 1, v)
		return nil
	})
}

// A call that ends its goroutine, as a test that fails does, is an error and not a
// wait for ever, and its slot is free again.
func TestGoexitOfAnExecutorsCall(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		e := NewExecutor(1)
		for range 3 {
			_, err := Await(task, RunInExecutor(task.Loop(), e, func() (int, error) { runtime.Goexit(); return 1, nil }))
			require.EqualError(t, err, "eventloop: a call of an executor: runtime.Goexit")
		}
		v, err := Await(task, RunInExecutor(task.Loop(), e, func() (int, error) { return 1, nil }))
		require.Equal(t, 1, v)
		return err
	})
}

// What is queued when the loop ends is not run; what runs is awaited.
func TestRunAwaitsExecutors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		made := 0
		run(t, func(task *Task) error {
			e := NewExecutor(2)
			for range 5 {
				RunInExecutor(task.Loop(), e, func() (int, error) {
					mu.Lock()
					made++
					mu.Unlock()
					time.Sleep(time.Second)
					return 0, nil
				})
			}
			return task.Sleep(time.Millisecond)
		})
		require.Equal(t, 2, made)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// When main is done the other tasks are canceled, and may take their time.
func TestRunCancelsAndAwaitsTheOtherTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ended := 0
		spam := errors.New("spam")
		err := Run(context.Background(), func(task *Task) error {
			for i := range 5 {
				Go(task.Loop(), func(task *Task) (nothing, error) {
					require.ErrorIs(t, task.Sleep(time.Hour), ErrCanceled)
					require.NoError(t, task.Sleep(time.Duration(i)*time.Second))
					ended++
					return nothing{}, nil
				})
			}
			task.Yield()
			return spam
		})
		require.ErrorIs(t, err, spam)
		require.Equal(t, 5, ended)
		require.Equal(t, 4*time.Second, time.Since(began))
	})
}

func TestRunIsCanceledByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := Run(ctx, func(task *Task) error { return task.Sleep(time.Hour) })
		require.ErrorIs(t, err, ErrCanceled)
		require.Equal(t, time.Second, time.Since(began))
		// A context that is done already: main may not even begin.
		require.ErrorIs(t, Run(ctx, func(task *Task) error { return task.Sleep(time.Hour) }), ErrCanceled)
	})
}

// watched is a context that is never done and counts who waits for that.
type watched struct {
	context.Context
	done    chan struct{}
	waiting int
}

func (c *watched) Done() <-chan struct{} { return c.done }

func (c *watched) AfterFunc(func()) (stop func() bool) {
	c.waiting++
	return func() bool { c.waiting--; return true }
}

// A context that outlives Run holds nothing of the loop.
func TestRunLetsGoOfItsContext(t *testing.T) {
	ctx := &watched{Context: context.Background(), done: make(chan struct{})}
	require.NoError(t, Run(ctx, func(task *Task) error {
		require.Equal(t, 1, ctx.waiting)
		return nil
	}))
	require.Zero(t, ctx.waiting)
}

// A canceled main may take its time too, and use all it needs.
func TestCanceledRunGoesOnAsLongAsMainDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.NoError(t, Run(ctx, func(task *Task) error {
			require.ErrorIs(t, task.Sleep(time.Hour), ErrCanceled)
			v, err := Await(task, RunInExecutor(task.Loop(), NewExecutor(1), func() (int, error) { return 7, nil }))
			require.Equal(t, 7, v)
			return err
		}))
	})
}

// A panic of a task, or of a callback, is Run's, and nothing is left behind: the
// other tasks are unwound where they wait.
func TestPanicIsRunsAndUnwindsTheRest(t *testing.T) {
	for _, panics := range []func(*Task){
		func(*Task) { panic("spam") },
		func(task *Task) { task.Loop().CallSoon(func() { panic("spam") }); task.Yield() },
		func(task *Task) {
			Go(task.Loop(), func(*Task) (nothing, error) { panic("spam") })
			task.Sleep(time.Hour)
		},
	} {
		unwound := 0
		require.PanicsWithValue(t, "spam", func() {
			Run(context.Background(), func(task *Task) error {
				for range 3 {
					Go(task.Loop(), func(task *Task) (nothing, error) {
						defer func() { unwound++; task.Sleep(time.Hour) }()
						for {
							task.Sleep(time.Hour) // deaf to errors
						}
					})
				}
				task.Yield()
				panics(task)
				return nil
			})
		})
		require.Equal(t, 3, unwound)
	}
}

// A panic of a task's deferred call while it is unwound is Run's too, and the rest
// ends all the same.
func TestPanicWhileUnwinding(t *testing.T) {
	near, far := net.Pipe()
	unwound := 0
	require.PanicsWithValue(t, "eggs", func() {
		Run(t.Context(), func(task *Task) error {
			l := task.Loop()
			l.Attach(near)
			for range 3 {
				Go(l, func(task *Task) (nothing, error) {
					defer func() { unwound++; panic("eggs") }()
					return nothing{}, task.Sleep(time.Hour)
				})
			}
			task.Yield()
			panic("spam")
		})
	})
	require.Equal(t, 3, unwound)
	_, err := far.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// A test that fails inside a task ends the test's goroutine, not the program.
func TestGoexitOfATask(t *testing.T) {
	unwound, returned := false, false
	var wg sync.WaitGroup
	wg.Go(func() {
		Run(context.Background(), func(task *Task) error {
			Go(task.Loop(), func(task *Task) (nothing, error) {
				defer func() { unwound = true }()
				return nothing{}, task.Sleep(time.Hour)
			})
			task.Yield()
			runtime.Goexit()
			return nil
		})
		returned = true
	})
	wg.Wait()
	require.True(t, unwound)
	require.False(t, returned)
}

// The queue's counters wrap around; it grows when it is full, also then.
func TestRing(t *testing.T) {
	for _, start := range []uint{0, 5, math.MaxUint - 20} {
		r := ring{head: start, tail: start}
		pushed, popped, got := 0, 0, -1
		for round := range 200 {
			for range 1 + round%7 {
				i := pushed
				r.push(func() { got = i })
				pushed++
			}
			for range 1 + round%5 {
				if r.len() > 0 {
					r.pop()()
					require.Equal(t, popped, got)
					popped++
				}
			}
			require.Equal(t, pushed-popped, r.len())
		}
		require.Greater(t, r.len(), 16, "it has grown")
		for r.len() > 0 {
			r.pop()()
			require.Equal(t, popped, got)
			popped++
		}
		for _, f := range r.slots {
			require.Nil(t, f, "keeps garbage alive")
		}
	}
}

func Example() {
	err := Run(context.Background(), func(t *Task) error {
		l := t.Loop()
		cook := func(name string, d time.Duration) *Future[string] {
			return Go(l, func(t *Task) (string, error) {
				fmt.Println("begin", name)
				err := t.Sleep(d)
				fmt.Println("end", name)
				return name, err
			})
		}
		meal, err := Await(t, Gather(l, cook("spam", 20*time.Millisecond), cook("eggs", time.Millisecond)))
		fmt.Println(meal)
		return err
	})
	fmt.Println(err)
	// Output:
	// begin spam
	// begin eggs
	// end eggs
	// end spam
	// [spam eggs]
	// <nil>
}
