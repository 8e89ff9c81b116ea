package eventloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/suite/suitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(suitetest.Watched{M: m}) }

// The tests that check durations run in virtual time (testing/synctest), so that the
// durations are exact.

// run runs main on a loop and fails the test if it returns an error.
func run(t *testing.T, main func(task *Task) error) {
	t.Helper()
	suitetest.Guard(t, "Run does not return")
	require.NoError(t, Run(context.Background(), main))
}

// inBubble is run, in virtual time.
func inBubble(t *testing.T, main func(t *testing.T, task *Task) error) {
	t.Helper()
	suitetest.Guard(t, "the loop takes turns and virtual time does not go on")
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, Run(context.Background(), func(task *Task) error { return main(t, task) }))
	})
}

// nothing is the result of a task that has none.
type nothing = struct{}

// sleep makes the task wait for d.
func sleep(t *Task, d time.Duration) error {
	f := NewFuture[nothing](t.loop)
	timer := t.loop.callLater(d, func() { f.Resolve(nothing{}, nil) })
	defer timer.stop()
	_, err := Await(t, f)
	return err
}

// sleeper returns the body of a task that sleeps and returns v.
func sleeper(d time.Duration, v int) func(*Task) (int, error) {
	return func(t *Task) (int, error) { return v, sleep(t, d) }
}

func TestCallbacksRunInOrderAndNewOnesInTheNextTurn(t *testing.T) {
	var order []string
	note := func(s string) func() { return func() { order = append(order, s) } }
	run(t, func(task *Task) error {
		l := task.Loop()
		l.callSoon(func() {
			note("a")()
			l.callSoon(func() {
				note("d")()
				l.callSoon(note("f"))
			})
		})
		l.callSoon(note("b"))
		l.callSoon(func() {
			note("c")()
			l.callSoon(note("e"))
		})
		for range 4 {
			task.Yield()
			note("|")()
		}
		return nil
	})
	require.Equal(t, []string{"a", "b", "c", "|", "d", "e", "|", "f", "|", "|"}, order)
}

// A callback that keeps making itself ready does not starve timers. TestTurnEnds shows
// the same of posts.
func TestTurnRunsOnlyWhatWasReadyAtItsStart(t *testing.T) {
	run(t, func(task *Task) error {
		l := task.Loop()
		f := NewFuture[nothing](l)
		var again func()
		again = func() {
			if !f.Done() {
				l.callSoon(again)
			}
		}
		again()
		l.callLater(time.Millisecond, func() { f.Resolve(nothing{}, nil) })
		_, err := Await(task, f)
		return err
	})
}

// Every post runs once, on the loop's goroutine, and the posts of one goroutine run
// in their order. The ledger is plain memory, so that -race sees any other
// goroutine.
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
						open := l.callSoonThreadsafe(func() {
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

func TestPostToAClosedLoop(t *testing.T) {
	var l *Loop
	run(t, func(task *Task) error { l = task.Loop(); return nil })
	require.False(t, l.callSoonThreadsafe(func() { t.Error("ran") }))
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
		add := func(d time.Duration, name string) *timer {
			return l.callLater(d, func() { events = append(events, event{name, time.Since(began)}) })
		}
		add(3*time.Second, "c")
		add(time.Second, "a")
		dropped := add(2*time.Second, "dropped")
		add(2*time.Second, "b")
		add(3*time.Second, "d")   // due when c is, and made later
		add(3*time.Second+1, "e") // a nanosecond later
		add(0, "now")
		require.True(t, dropped.stop())
		require.False(t, dropped.stop())
		require.NoError(t, sleep(task, 10*time.Second))
		require.Equal(t, []event{{"now", 0}, {"a", time.Second}, {"b", 2 * time.Second}, {"c", 3 * time.Second}, {"d", 3 * time.Second}, {"e", 3*time.Second + 1}}, events)
		return nil
	})
}

// stop fails in the turn in which the timer is due, because its callback is ready.
func TestStopOfADueTimer(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		var second *timer
		ran := false
		l.callLater(time.Second, func() { require.False(t, second.stop()) })
		second = l.callLater(time.Second, func() { ran = true })
		require.NoError(t, sleep(task, 2*time.Second))
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

// A task that computes delays every timer. A loop that ran each task on a goroutine of
// its own would fail this test.
func TestComputingDelaysTimers(t *testing.T) {
	const compute = 50 * time.Millisecond
	run(t, func(task *Task) error {
		began := time.Now()
		timer := Go(task.Loop(), func(t *Task) (time.Duration, error) {
			err := sleep(t, time.Millisecond)
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

// Tasks share plain variables without a lock, and -race is silent.
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
					} else if err := sleep(task, time.Microsecond); err != nil {
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
		f.onDone(func() { order = append(order, 1) })
		f.onDone(func() { order = append(order, 2) })
		f.Resolve(7, nil)
		f.onDone(func() { order = append(order, 3) })
		require.Empty(t, order, "callbacks come through the queue")
		require.PanicsWithValue(t, "eventloop: Resolve of a future that is resolved already", func() { f.Resolve(8, nil) })
		require.False(t, f.Cancel())
		v, err := Await(task, f)
		require.NoError(t, err)
		require.Equal(t, 7, v)
		require.Empty(t, order, "Await of a future that is done keeps the turn")
		task.Yield()
		require.Equal(t, []int{1, 2, 3}, order)

		canceled := NewFuture[int](task.Loop())
		require.True(t, canceled.Cancel())
		canceled.Resolve(1, nil) // the code that resolves it may not know that it is canceled
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

		// The values are in the order of the arguments, and a future may be there twice.
		slow, fast := Go(l, sleeper(2*time.Second, 1)), Go(l, sleeper(time.Second, 2))
		values, err = Await(task, Gather(l, slow, fast, slow))
		require.NoError(t, err)
		require.Equal(t, []int{1, 2, 1}, values)

		// The error that comes first in time is returned at once; the rest go on.
		began := time.Now()
		failing := func(d time.Duration, err error) *Future[int] {
			return Go(l, func(t *Task) (int, error) { sleep(t, d); return 0, err })
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
				err := sleep(t, time.Hour)
				sleep(t, cleanup)
				ended++
				return 0, err
			}
		}
		done := Go(l, sleeper(0, 1))
		all := Gather(l, done, Go(l, body(time.Second)), Go(l, body(2*time.Second)))
		waiter := Go(l, func(t *Task) ([]int, error) { return Await(t, all) })
		sleep(task, time.Second)
		require.True(t, waiter.Cancel())
		_, err := Await(task, waiter)
		require.ErrorIs(t, err, ErrCanceled)
		require.Equal(t, 2, ended, "done when all are")
		require.Equal(t, 3*time.Second, time.Since(began))
		require.False(t, all.Cancel())
		return nil
	})
}

// A cancellation reaches the innermost wait, and each task on the way back decides
// what to do with it.
func TestCancelReachesTheInnermostWait(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		var order []string
		inner := Go(l, func(t *Task) (int, error) {
			err := sleep(t, time.Hour)
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
				return 6, nil // a task may end without an error
			}
			return 0, err
		})
		sleep(task, time.Second)
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

// Tasks wait for each other in a circle, or a task for itself. A cancellation ends all
// their waits.
func TestCancelOfACircle(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(16 << 20)) // a cancellation without end soon fails
	canceledBefore := func(t *Task, f *Future[int]) (int, error) {
		t.Cancel()
		return Await(t, f)
	}
	for _, c := range []struct {
		name   string
		length int
		wait   func(*Task, *Future[int]) (int, error)
		want   error
	}{
		{"one", 1, Await[int], ErrCanceled},
		{"three", 3, Await[int], ErrCanceled},
		{"one, canceled before it waits", 1, canceledBefore, ErrCanceled},
		{"two, canceled before they wait", 2, canceledBefore, ErrCanceled},
		{"gather", 2, func(t *Task, f *Future[int]) (int, error) {
			_, err := Await(t, Gather(t.Loop(), f, f))
			return 0, err
		}, ErrCanceled},
		{"timeout", 1, func(t *Task, f *Future[int]) (int, error) {
			return 0, t.Timeout(time.Second, func() error {
				_, err := Await(t, f)
				return err
			})
		}, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, task *Task) error {
				all := make([]*Future[int], c.length)
				for i := range all {
					all[i] = Go(task.Loop(), func(t *Task) (int, error) { return c.wait(t, all[(i+1)%c.length]) })
				}
				task.Yield()
				if c.want == ErrCanceled {
					all[0].Cancel()
				}
				for _, f := range all {
					_, err := Await(task, f)
					require.ErrorIs(t, err, c.want)
				}
				return nil
			})
		})
	}

	// Run cancels a circle that nobody waits for.
	run(t, func(task *Task) error {
		var f, g *Future[int]
		f = Go(task.Loop(), func(t *Task) (int, error) { return Await(t, g) })
		g = Go(task.Loop(), func(t *Task) (int, error) { return Await(t, f) })
		return task.Yield()
	})
}

func TestCancelOfATaskThatDoesNotWait(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		l := task.Loop()
		// A task that has not begun never does.
		f := Go(l, func(*Task) (int, error) { t.Error("began"); return 0, nil })
		require.True(t, f.Cancel())
		_, err := Await(task, f)
		require.ErrorIs(t, err, ErrCanceled)

		// A task is canceled in a bare yield, and by itself at its next wait, once
		// each time.
		for _, wait := range []func(*Task) error{(*Task).Yield, func(t *Task) error { return sleep(t, time.Second) }} {
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

		// A task that canceled itself cancels at once what it waits for. The
		// task that it waits for may ignore the cancellation.
		began := time.Now()
		deaf := Go(l, func(t *Task) (int, error) { sleep(t, time.Hour); return 2, nil })
		f = Go(l, func(t *Task) (int, error) {
			t.Cancel()
			return Await(t, deaf)
		})
		task.Yield()
		v, err := Await(task, f)
		require.NoError(t, err)
		require.Equal(t, 2, v)
		require.Zero(t, time.Since(began))

		// A task is canceled in the turn in which what it waits for was resolved.
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
		require.NoError(t, task.Timeout(2*time.Second, func() error { return sleep(task, time.Second) }))
		after(time.Second)
		require.Empty(t, l.timers)
		require.ErrorIs(t, task.Timeout(time.Second, func() error { return spam }), spam)
		require.Empty(t, l.timers)

		err := task.Timeout(time.Second, func() error { return sleep(task, time.Hour) })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, ErrCanceled)
		after(time.Second)
		require.NoError(t, sleep(task, time.Second), "the timeout is over")
		after(time.Second)

		// Nested timeouts: the inner one expires, then the outer one; then only the
		// outer one.
		err = task.Timeout(2*time.Second, func() error {
			require.ErrorIs(t, task.Timeout(time.Second, func() error { return sleep(task, time.Hour) }), context.DeadlineExceeded)
			return sleep(task, time.Hour)
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "eventloop: after 2s: context deadline exceeded")
		after(2 * time.Second)
		err = task.Timeout(time.Second, func() error {
			err := task.Timeout(2*time.Second, func() error { return sleep(task, time.Hour) })
			require.ErrorIs(t, err, ErrCanceled, "not the inner one's")
			return err
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		after(time.Second)

		// Another task cancels the task, before the timeout and in the same moment.
		for _, d := range []time.Duration{time.Hour, time.Second} {
			f := Go(l, func(t *Task) (nothing, error) {
				return nothing{}, t.Timeout(d, func() error {
					sleep(t, time.Hour)
					return sleep(t, time.Hour)
				})
			})
			sleep(task, time.Second)
			f.Cancel()
			task.Yield()
			f.Cancel()
			_, err := Await(task, f)
			require.ErrorIs(t, err, ErrCanceled)
		}

		// One cancellation by another task is enough, also if the timeout expires later.
		f := Go(l, func(t *Task) (nothing, error) {
			return nothing{}, t.Timeout(time.Second, func() error {
				sleep(t, time.Hour)
				return sleep(t, time.Hour)
			})
		})
		task.Yield()
		f.Cancel()
		_, err = Await(task, f)
		require.ErrorIs(t, err, ErrCanceled)

		// A cancellation from before the timeout does not hide it.
		task.Cancel()
		err = task.Timeout(time.Second, func() error {
			require.ErrorIs(t, sleep(task, time.Hour), ErrCanceled)
			return sleep(task, time.Hour)
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)

		// A body that ignores the cancellation keeps its result.
		require.NoError(t, task.Timeout(time.Second, func() error { sleep(task, time.Hour); return nil }))
		return nil
	})
}

// A timeout is over when body returns, even if its timer was due before.
func TestTimeoutThatIsDueTooLate(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		require.NoError(t, task.Timeout(time.Second, func() error {
			time.Sleep(time.Second) // the loop sleeps too, and the next turn runs the task before the timer
			return task.Yield()
		}))
		require.NoError(t, task.Timeout(time.Second, task.Yield), "the next one is another timer")
		return sleep(task, time.Second)
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
	require.PanicsWithValue(t, "eventloop: NewExecutor for fewer than one call at a time, need at least one", func() { NewExecutor(0) })
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
		sleep(task, time.Minute)
		require.Equal(t, 1, made)
		// The slot of the running call is free again.
		v, err := Await(task, RunInExecutor(l, e, call))
		require.NoError(t, err)
		require.Equal(t, 1, v)
		return nil
	})
}

// A call that has ended leaves nothing with the loop, which may run for long.
func TestCallsLeaveNothing(t *testing.T) {
	objects := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapObjects
	}
	run(t, func(task *Task) error {
		const calls = 5000
		e := NewExecutor(1)
		before := objects()
		for range calls {
			if _, err := Await(task, RunInExecutor(task.Loop(), e, func() (int, error) { return 1, nil })); err != nil {
				return err
			}
		}
		require.Less(t, objects(), before+calls/2)
		return nil
	})
}

// A call that ends its goroutine, as a test that fails does, is an error of Await
// and frees its slot.
func TestGoexitOfAnExecutorsCall(t *testing.T) {
	inBubble(t, func(t *testing.T, task *Task) error {
		e := NewExecutor(1)
		for range 3 {
			_, err := Await(task, RunInExecutor(task.Loop(), e, func() (int, error) { runtime.Goexit(); return 1, nil }))
			require.EqualError(t, err, "eventloop: the call did not return: it ended in runtime.Goexit")
		}
		v, err := Await(task, RunInExecutor(task.Loop(), e, func() (int, error) { return 1, nil }))
		require.Equal(t, 1, v)
		return err
	})
}

// If an executor's call panics, so does Run, with the same value, even if the call's
// future was canceled. The panic frees the call's slot and unwinds the tasks.
func TestPanicOfAnExecutorsCallIsRuns(t *testing.T) {
	for name, wait := range map[string]func(task *Task, f *Future[int]) error{
		"awaited":  func(task *Task, f *Future[int]) error { _, err := Await(task, f); return err },
		"canceled": func(task *Task, f *Future[int]) error { f.Cancel(); return sleep(task, time.Hour) },
		"left":     func(*Task, *Future[int]) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := NewExecutor(1)
				unwound := false
				require.PanicsWithValue(t, "spam", func() {
					Run(t.Context(), func(task *Task) error {
						defer func() { unwound = true }()
						f := RunInExecutor(task.Loop(), e, func() (int, error) {
							time.Sleep(time.Second)
							panic("spam")
						})
						synctest.Wait() // it runs
						return wait(task, f)
					})
				})
				require.True(t, unwound)
				require.NoError(t, Run(t.Context(), func(task *Task) error {
					v, err := Await(task, RunInExecutor(task.Loop(), e, func() (int, error) { return 1, nil }))
					require.Equal(t, 1, v)
					return err
				}))
			})
		})
	}
}

// When main returns, Run drops the executors' calls that have not started, and waits
// for those that run.
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
			return sleep(task, time.Millisecond)
		})
		require.Equal(t, 2, made)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// When main has returned, Run cancels the other tasks and waits as long as they
// take.
func TestRunCancelsAndAwaitsTheOtherTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ended := 0
		spam := errors.New("spam")
		err := Run(context.Background(), func(task *Task) error {
			for i := range 5 {
				Go(task.Loop(), func(task *Task) (nothing, error) {
					require.ErrorIs(t, sleep(task, time.Hour), ErrCanceled)
					require.NoError(t, sleep(task, time.Duration(i)*time.Second))
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
		err := Run(ctx, func(task *Task) error { return sleep(task, time.Hour) })
		require.ErrorIs(t, err, ErrCanceled)
		require.Equal(t, time.Second, time.Since(began))
		// A context that is done already: main may not even begin.
		require.ErrorIs(t, Run(ctx, func(task *Task) error { return sleep(task, time.Hour) }), ErrCanceled)
	})
}

// watched is a context that is never done. It counts the functions that wait for its
// end.
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

// A context that outlives Run keeps nothing of the loop alive.
func TestRunLetsGoOfItsContext(t *testing.T) {
	ctx := &watched{Context: context.Background(), done: make(chan struct{})}
	require.NoError(t, Run(ctx, func(task *Task) error {
		require.Equal(t, 1, ctx.waiting)
		return nil
	}))
	require.Zero(t, ctx.waiting)
}

// A canceled main may run on after its cancellation, and may still use executors.
func TestCanceledRunGoesOnAsLongAsMainDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.NoError(t, Run(ctx, func(task *Task) error {
			require.ErrorIs(t, sleep(task, time.Hour), ErrCanceled)
			v, err := Await(task, RunInExecutor(task.Loop(), NewExecutor(1), func() (int, error) { return 7, nil }))
			require.Equal(t, 7, v)
			return err
		}))
	})
}

// If a task or a callback panics, so does Run, and the other tasks are unwound where
// they wait.
func TestPanicIsRunsAndUnwindsTheRest(t *testing.T) {
	for _, panics := range []func(*Task){
		func(*Task) { panic("spam") },
		func(task *Task) { task.Loop().callSoon(func() { panic("spam") }); task.Yield() },
		func(task *Task) {
			Go(task.Loop(), func(*Task) (nothing, error) { panic("spam") })
			sleep(task, time.Hour)
		},
	} {
		unwound := 0
		require.PanicsWithValue(t, "spam", func() {
			Run(context.Background(), func(task *Task) error {
				for range 3 {
					Go(task.Loop(), func(task *Task) (nothing, error) {
						defer func() { unwound++; sleep(task, time.Hour) }()
						for {
							sleep(task, time.Hour) // it ignores the error
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

// If a deferred call of a task panics while the task is unwound, so does Run, and it
// unwinds the other tasks nevertheless.
func TestPanicWhileUnwinding(t *testing.T) {
	suitetest.Guard(t, "Run does not panic")
	near, far := net.Pipe()
	unwound := 0
	require.PanicsWithValue(t, "eggs", func() {
		Run(t.Context(), func(task *Task) error {
			l := task.Loop()
			l.Attach(near)
			for range 3 {
				Go(l, func(task *Task) (nothing, error) {
					defer func() { unwound++; panic("eggs") }()
					return nothing{}, sleep(task, time.Hour)
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

// A Goexit of a task, such as that of a failing test, ends the goroutine that called
// Run, and not the program.
func TestGoexitOfATask(t *testing.T) {
	unwound, returned := false, false
	var wg sync.WaitGroup
	wg.Go(func() {
		Run(context.Background(), func(task *Task) error {
			Go(task.Loop(), func(task *Task) (nothing, error) {
				defer func() { unwound = true }()
				return nothing{}, sleep(task, time.Hour)
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

// A callback that has run, or never will, is not kept alive by the list that it was in.
func TestCallbacksAreForgotten(t *testing.T) {
	for name, add := range map[string]func(l *Loop, done *Future[nothing], f func()){
		"ready":  func(l *Loop, _ *Future[nothing], f func()) { l.callSoon(f) },
		"posted": func(l *Loop, _ *Future[nothing], f func()) { l.callSoonThreadsafe(f) },
		"due":    func(l *Loop, _ *Future[nothing], f func()) { l.callLater(0, f) },
		"stopped": func(l *Loop, done *Future[nothing], f func()) {
			timer := l.callLater(time.Hour, f)
			done.onDone(func() { timer.stop() })
		},
		"future": func(_ *Loop, done *Future[nothing], f func()) { done.onDone(f) },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(task *Task) error {
				done := NewFuture[nothing](task.Loop())
				var kept []weak.Pointer[[64]byte]
				for range 20 {
					p := new([64]byte)
					kept = append(kept, weak.Make(p))
					add(task.Loop(), done, func() { p[0] = 1 })
				}
				done.Resolve(nothing{}, nil)
				require.NoError(t, sleep(task, time.Millisecond)) // the callbacks run first
				runtime.GC()
				for _, p := range kept {
					require.Nil(t, p.Value())
				}
				runtime.KeepAlive(done)
				return nil
			})
		})
	}
}

func Example() {
	err := Run(context.Background(), func(t *Task) error {
		l := t.Loop()
		kitchen := NewExecutor(2)
		served := make(chan string, 2)
		cook := func(name string, prepare func()) *Future[string] {
			return Go(l, func(t *Task) (string, error) {
				fmt.Println("begin", name)
				meal, err := Await(t, RunInExecutor(l, kitchen, func() (string, error) {
					prepare() // a call that may block
					return name, nil
				}))
				fmt.Println("end", name)
				served <- name
				return meal, err
			})
		}
		meals, err := Await(t, Gather(l, cook("spam", func() { <-served }), cook("eggs", func() {})))
		fmt.Println(meals)
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
