package gil

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

// Where time matters, a test runs in virtual time, so that intervals are exact.

// compute holds the lock and ticks once per gap, while running returns true.
func compute(g *GIL, gap time.Duration, running func() bool) {
	var t Thread
	g.Acquire(&t)
	for running() {
		time.Sleep(gap)
		g.Tick(&t)
	}
	g.Release(&t)
}

// A holder that often releases the lock for a moment, and takes it again before the
// waiter is awake, does not keep the waiter waiting longer.
func TestWaiterGetsTheLockFromAHolderThatBlocks(t *testing.T) {
	suitetest.Guard(t, "a holder that drops the lock never lets the waiter run")
	synctest.Test(t, func(t *testing.T) {
		var g GIL
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			var me Thread
			g.Acquire(&me)
			for range 100 {
				time.Sleep(time.Millisecond)
				g.Blocking(&me, func() {})
				g.Tick(&me)
			}
			g.Release(&me)
		})
		synctest.Wait()
		var me Thread
		began := time.Now()
		g.Acquire(&me)
		waited := time.Since(began)
		g.Release(&me)
		require.LessOrEqual(t, waited, DefaultInterval+time.Millisecond)
	})
}

func until(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().Before(end) }
}

// Invariant 1, in real time: at most one thread holds the lock.
func TestNeverTwoHolders(t *testing.T) {
	suitetest.Guard(t, "a thread waits for a lock that is free")
	for workers := 1; workers <= 9; workers++ {
		g := GIL{Interval: 50 * time.Microsecond}
		var holder atomic.Pointer[Thread]
		count := 0 // guarded by g
		var wg sync.WaitGroup
		const each = 500
		for range workers {
			wg.Go(func() {
				var me Thread
				enter := func() {
					if !holder.CompareAndSwap(nil, &me) {
						t.Error("two holders")
					}
				}
				leave := func() { holder.CompareAndSwap(&me, nil) }
				g.Acquire(&me)
				enter()
				for i := range each {
					count++
					switch {
					case i%50 == 0:
						leave()
						g.Blocking(&me, func() { time.Sleep(10 * time.Microsecond) })
						enter()
					default:
						for end := time.Now().Add(time.Microsecond); time.Now().Before(end); {
						}
						leave()
						g.Tick(&me)
						enter()
					}
				}
				leave()
				g.Release(&me)
			})
		}
		wg.Wait()
		require.Equal(t, workers*each, count)
	}
}

// Invariant 2: a waiter gets the lock after the interval, and at most one tick gap
// later.
func TestWaiterGetsTheLockWithinIntervalAndTickGap(t *testing.T) {
	for _, interval := range []time.Duration{0, 100 * time.Microsecond} {
		for _, gap := range []time.Duration{10 * time.Microsecond, 2 * time.Millisecond, 7 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				g := GIL{Interval: interval}
				want := interval
				if want == 0 {
					want = DefaultInterval
				}
				var wg sync.WaitGroup
				defer wg.Wait() // virtual time stands still when the test is over
				wg.Go(func() { compute(&g, gap, until(20*time.Millisecond)) })
				synctest.Wait()
				var me Thread
				began := time.Now()
				g.Acquire(&me)
				waited := time.Since(began)
				g.Release(&me)
				require.GreaterOrEqual(t, waited, want)
				require.LessOrEqual(t, waited, want+gap)
				require.Equal(t, waited, g.Stats().LongestWait)
			})
		}
	}
}

// Invariant 3: after a requested drop, the next holder is another thread. If the
// dropper took the lock again, there would be more drops than switches.
func TestRequestedDropSwitches(t *testing.T) {
	for workers := 2; workers <= 5; workers++ {
		synctest.Test(t, func(t *testing.T) {
			var g GIL
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() { compute(&g, 10*time.Microsecond, until(time.Second)) })
			}
			wg.Wait()
			stats := g.Stats()
			require.InDelta(t, time.Second/DefaultInterval, stats.Drops, 5)
			// The first Acquire is a switch without a drop, and so is, at
			// the end, the last Acquire of each other thread.
			require.GreaterOrEqual(t, stats.Switches, stats.Drops)
			require.LessOrEqual(t, stats.Switches, stats.Drops+workers)
		})
	}
}

// The same in real time, where the dropper runs while the waiter is asleep.
func TestDropperDoesNotTakeTheLockAgain(t *testing.T) {
	g := GIL{Interval: 100 * time.Microsecond}
	var wg sync.WaitGroup
	var dropped, again atomic.Int64
	for range 2 {
		wg.Go(func() {
			var me Thread
			g.Acquire(&me)
			for dropped.Load() < 20 {
				if g.drop.Load() {
					dropped.Add(1)
					before := g.Stats().Switches
					g.Tick(&me)
					if g.Stats().Switches < before+2 { // to the other thread and back
						again.Add(1)
					}
				}
			}
			g.Release(&me)
		})
	}
	wg.Wait()
	require.Zero(t, again.Load())
}

// A Release that nobody has asked for does not wait for the waiter that it wakes. Here
// that waiter never runs.
func TestReleaseDoesNotWaitUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if Release waits
		var g GIL
		var me, waiter Thread
		waiter.wake = make(chan struct{}, 1)
		g.Acquire(&me)
		g.waiters = []*Thread{&waiter}
		g.Release(&me)
		require.Len(t, waiter.wake, 1, "it was woken")
	})
}

// A waiter whose interval ends while the lock is free asks nobody for it.
func TestNoRequestWhileTheLockIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g GIL
		var holder, first, me Thread
		first.wake = make(chan struct{}, 1)
		g.Acquire(&holder)
		g.waiters = []*Thread{&first} // it never runs
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			g.Acquire(&me)
			g.Release(&me)
		})
		synctest.Wait()
		g.Release(&holder)
		time.Sleep(DefaultInterval)
		synctest.Wait()
		drops := g.Stats().Drops
		g.mu.Lock()
		g.waiters = g.waiters[1:]
		g.mu.Unlock()
		require.Zero(t, drops)
	})
}

// Stats does not read the counts while a thread changes them.
func TestStatsLocks(t *testing.T) {
	var g GIL
	g.mu.Lock()
	waits, ended := suitetest.Locks(func() { g.Stats() })
	g.mu.Unlock()
	<-ended
	require.True(t, waits)
}

// A short wait does not hide a longer one before it.
func TestLongestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g GIL
		var me, other Thread
		for _, d := range []time.Duration{3 * time.Millisecond, time.Millisecond} {
			g.Acquire(&other)
			time.AfterFunc(d, func() { g.Release(&other) })
			g.Acquire(&me)
			g.Release(&me)
		}
		require.Equal(t, 3*time.Millisecond, g.Stats().LongestWait)
	})
}

// Invariant 4: a lone thread is never asked for the lock, and never switches.
func TestOneThreadIsNeverAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g GIL
		compute(&g, time.Microsecond, until(50*time.Millisecond))
		compute(&g, time.Microsecond, until(time.Millisecond))
		require.Zero(t, g.Stats().Drops)
		require.Equal(t, 2, g.Stats().Switches, "one for each Thread")
	})
}

// A waiter whose interval ends does not ask for the lock if it has changed hands in
// that time: the holder has only just taken it.
func TestNoRequestAfterASwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g GIL
		// The first thread holds the lock for 3 ms. Then the second takes it
		// and computes.
		go func() {
			var me Thread
			g.Acquire(&me)
			time.Sleep(3 * time.Millisecond)
			g.Release(&me)
		}()
		synctest.Wait()
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { compute(&g, 10*time.Microsecond, until(30*time.Millisecond)) })
		synctest.Wait()
		time.Sleep(time.Millisecond)
		var me Thread
		began := time.Now() // at 1 ms; the switch is at 3 ms
		g.Acquire(&me)
		waited := time.Since(began)
		g.Release(&me)
		require.InDelta(t, 2*DefaultInterval, waited, float64(10*time.Microsecond))
		require.Equal(t, 1, g.Stats().Drops)
	})
}

// A waiter that is woken, but finds that another thread was faster, starts a new
// interval at that moment.
func TestIntervalAfterAWakeInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g GIL
		var first, faster, me Thread
		g.Acquire(&first)
		go func() {
			g.Acquire(&me)
			g.Release(&me)
		}()
		time.Sleep(3 * time.Millisecond)
		// The effect of Release by first and Acquire by faster, in one step.
		g.mu.Lock()
		g.holder, g.last = &faster, &faster
		g.stats.Switches++
		g.waiters[0].wake <- struct{}{}
		g.mu.Unlock()
		time.Sleep(DefaultInterval - 1)
		require.False(t, g.drop.Load())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.True(t, g.drop.Load())
		g.Release(&faster)
	})
}

// A waiter whose interval ends while another waiter's request stands starts a new one. So
// it gets the lock from that waiter, although no third thread asks for it.
func TestIntervalAfterAnothersRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g GIL
		var holder, me Thread
		g.Acquire(&holder)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { compute(&g, 10*time.Microsecond, until(100*time.Millisecond)) })
		synctest.Wait() // until it waits; it is the first
		time.AfterFunc(DefaultInterval+time.Millisecond, func() { g.Release(&holder) })
		began := time.Now()
		g.Acquire(&me)
		waited := time.Since(began)
		g.Release(&me)
		require.InDelta(t, 3*DefaultInterval, waited, float64(10*time.Microsecond)) // in the second, the lock changes hands
	})
}

// Waiters get the lock in order of arrival, even if all their intervals end at the
// moment of its release.
func TestWaitersInOrder(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			var g GIL
			var order []int // guarded by g
			var me Thread
			g.Acquire(&me)
			for i := range 5 {
				go func() {
					var me Thread
					g.Acquire(&me)
					order = append(order, i)
					g.Release(&me)
				}()
				synctest.Wait()
			}
			time.Sleep(DefaultInterval)
			g.Release(&me)
			synctest.Wait()
			require.Equal(t, []int{0, 1, 2, 3, 4}, order)
		})
	}
}

// Invariant 5: the lock is free during Blocking, and held again after it in every
// case.
func TestBlockingRunsWithTheLockFree(t *testing.T) {
	var g GIL
	var me, other Thread
	g.Acquire(&me)
	g.Blocking(&me, func() {
		g.Acquire(&other)
		g.Release(&other)
	})
	require.Panics(t, func() { g.Acquire(&me) }, "held again")
	require.PanicsWithValue(t, "spam", func() { g.Blocking(&me, func() { panic("spam") }) })
	g.Release(&me)
	require.Equal(t, 3, g.Stats().Switches)
}

// Four threads that block overlap; four that compute do not (the article's
// figure 4.1.3).
func TestBlockingOverlapsComputingDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			work func(*GIL, *Thread)
			want time.Duration
		}{
			{func(g *GIL, t *Thread) { g.Blocking(t, func() { time.Sleep(time.Second) }) }, time.Second},
			{func(g *GIL, t *Thread) { time.Sleep(time.Second) }, 4 * time.Second},
		} {
			var g GIL
			began := time.Now()
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					var me Thread
					g.Acquire(&me)
					test.work(&g, &me)
					g.Release(&me)
				})
			}
			wg.Wait()
			require.Equal(t, test.want, time.Since(began))
		}
	})
}

func TestMisuse(t *testing.T) {
	var g GIL
	var me, other Thread
	refused := func(message string, f func()) {
		require.PanicsWithValue(t, message, f)
		require.True(t, g.mu.TryLock(), "after "+message)
		g.mu.Unlock()
	}
	refused("gil: Release by a thread that does not hold the lock", func() { g.Release(&me) })
	g.Acquire(&me)
	refused("gil: Acquire by the thread that holds the lock", func() { g.Acquire(&me) })
	refused("gil: Release by a thread that does not hold the lock", func() { g.Release(&other) })
	g.Release(&me)
	refused("gil: Release by a thread that does not hold the lock", func() { g.Blocking(&me, func() {}) })
	require.Nil(t, g.holder, "it has not taken the lock again")
}
