package park

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

func never() bool { return false }

// A publisher's look at idle does not wait for workers that fall asleep in their seats.
func TestPads(t *testing.T) {
	l := New(2)
	suitetest.Apart(t, &l.idle, &l.waking, &l.seats[0].asleep, &l.seats[1].asleep)
}

func TestWakeWakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(3)
		require.False(t, l.Idle())
		l.Wake() // wakes nobody and leaves no token behind
		var woken atomic.Int32
		for worker := range 3 {
			go func() {
				l.Park(worker, never)
				woken.Add(1)
			}()
		}
		synctest.Wait()
		require.Zero(t, woken.Load())
		for n := range 3 {
			require.True(t, l.Idle())
			l.Wake()
			synctest.Wait()
			require.EqualValues(t, n+1, woken.Load())
		}
		require.False(t, l.Idle())
	})
}

// While a worker that Rouse has woken is on its way out of Park, Rouse wakes no other.
func TestRouseWakesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(2)
		l.Rouse() // wakes nobody and keeps nobody from being woken
		require.False(t, l.waking.Load())
		var woken atomic.Int32
		for worker := range 2 {
			go func() {
				l.Park(worker, never)
				woken.Add(1)
			}()
		}
		synctest.Wait()
		l.Rouse()
		synctest.Wait()
		require.EqualValues(t, 1, woken.Load())
		require.False(t, l.waking.Load())

		l.waking.Store(true) // the test plays a worker on its way
		l.Rouse()
		synctest.Wait()
		require.EqualValues(t, 1, woken.Load())
		l.waking.Store(false)
		l.Rouse()
		synctest.Wait()
		require.EqualValues(t, 2, woken.Load())
		require.False(t, l.waking.Load() || l.Idle())
	})
}

func TestWakeWorkerAndWakeAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(3)
		var woken [3]atomic.Bool
		for worker := range 3 {
			go func() {
				l.Park(worker, never)
				woken[worker].Store(true)
			}()
		}
		synctest.Wait()
		require.True(t, l.WakeWorker(1))
		require.False(t, l.WakeWorker(1))
		synctest.Wait()
		require.True(t, woken[1].Load())
		require.False(t, woken[0].Load() || woken[2].Load())
		l.WakeAll()
		synctest.Wait()
		require.True(t, woken[0].Load() && woken[2].Load())
		require.False(t, l.Idle())
	})
}

// A worker that WakeWorker wakes need not look for work, so Rouse does not rely on it.
func TestWakeWorkerDoesNotHoldUpRouse(t *testing.T) {
	l := New(2)
	for i := range l.seats { // the test plays two workers asleep
		l.idle.Add(1)
		l.seats[i].asleep.Store(true)
	}
	require.True(t, l.WakeWorker(0))
	l.Rouse()
	require.Len(t, l.seats[1].wake, 1)
}

// A worker that is ready does not sleep, and leaves neither a count nor a token.
func TestReadyDoesNotSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		for range 10 {
			l.Park(0, func() bool {
				require.True(t, l.Idle(), "announced before ready is called")
				require.True(t, l.seats[0].asleep.Load())
				return true
			})
			require.False(t, l.Idle())
		}
		// Woken during the call of ready: Park takes the token.
		l.Park(0, func() bool { return l.WakeWorker(0) })
		require.False(t, l.Idle())
		require.Empty(t, l.seats[0].wake)
	})
}

// Work is published and consumed item by item. This test hangs if a wake is lost.
func TestNoWakeIsLost(t *testing.T) {
	t.Run("Wake", func(t *testing.T) { noWakeIsLost(t, (*Lot).Wake) })
	t.Run("Rouse", func(t *testing.T) { noWakeIsLost(t, (*Lot).Rouse) })
}

func noWakeIsLost(t *testing.T, wake func(*Lot)) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	for workers := 1; workers <= 3; workers++ {
		l := New(workers)
		var work, done atomic.Int64
		var stop atomic.Bool
		var all sync.WaitGroup
		for worker := range workers {
			all.Go(func() {
				ready := func() bool { return stop.Load() || work.Load() > 0 }
				for !stop.Load() {
					if n := work.Load(); n > 0 && work.CompareAndSwap(n, n-1) {
						done.Add(1)
						continue
					}
					l.Park(worker, ready)
				}
			})
		}
		for i := range int64(n) {
			work.Add(1)
			if l.Idle() {
				wake(l)
			}
			for done.Load() <= i {
				runtime.Gosched()
			}
		}
		stop.Store(true)
		l.WakeAll()
		all.Wait()
		require.False(t, l.Idle())
	}
}

// A worker that finds work by itself does not end the wake of another, which is on its way.
func TestOwnFindEndsNoWake(t *testing.T) {
	l := New(2)
	l.waking.Store(true)
	l.Park(0, func() bool { return true })
	require.True(t, l.waking.Load())
}
