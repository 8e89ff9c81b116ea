package futex

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

// Nobody waits for longer than its limit.
func TestLimits(t *testing.T) {
	var l Lock
	var b Bell
	l.Acquire(77, 0)
	ended := make(chan string)
	go func() {
		if _, ok := l.Acquire(1, time.Millisecond); ok {
			t.Error("another process holds the lock")
		}
		ended <- "Acquire"
		b.Sleep(time.Millisecond, func() bool { return false })
		ended <- "Sleep"
	}()
	for _, want := range []string{"Acquire", "Sleep"} {
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s goes on after its limit", want)
		}
	}
}

// At any time there is one holder, and no waiter is forgotten: one that nobody
// wakes would give up at its limit.
func TestLock(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 5, 9} {
		var l Lock
		var forgotten atomic.Int64
		count := 0 // guarded by l
		var wg sync.WaitGroup
		const each = 300
		for worker := range workers {
			wg.Go(func() {
				for range each {
					began := time.Now()
					abandoned, ok := l.Acquire(uint32(worker+1), 5*time.Second)
					if !ok || abandoned || time.Since(began) > 4*time.Second {
						forgotten.Add(1)
						return
					}
					now := count
					runtime.Gosched()
					count = now + 1
					l.Release()
					runtime.Gosched()
				}
			})
		}
		wg.Wait()
		require.Zero(t, forgotten.Load())
		require.Equal(t, workers*each, count)
		require.Zero(t, l.word.Load())
	}
}

// Two waiters sleep. The first to be woken cannot know of the second, and must
// wake it.
func TestLockWakesOneAfterTheOther(t *testing.T) {
	var l Lock
	l.Acquire(1, 0)
	var wg sync.WaitGroup
	for waiter := range 2 {
		wg.Go(func() {
			began := time.Now()
			_, ok := l.Acquire(uint32(waiter+2), 5*time.Second)
			if !ok || time.Since(began) > 4*time.Second {
				t.Error("nobody woke a waiter")
			}
			time.Sleep(time.Millisecond)
			l.Release()
		})
	}
	time.Sleep(50 * time.Millisecond) // until both sleep, or the test shows nothing
	l.Release()
	wg.Wait()
}

// The holder dies while others wait. The next holder is told, and no other.
func TestAbandonedLock(t *testing.T) {
	const dead, waiters = 77, 4
	for range 20 {
		var l Lock
		_, ok := l.Acquire(dead, 0)
		require.True(t, ok)
		require.False(t, l.Abandon(1), "process 1 does not hold it")
		var told atomic.Int64
		var wg sync.WaitGroup
		for worker := range waiters {
			wg.Go(func() {
				abandoned, ok := l.Acquire(uint32(worker+1), 5*time.Second)
				if !ok {
					t.Error("nobody woke a waiter")
					return
				}
				if abandoned {
					told.Add(1)
				}
				l.Release()
			})
		}
		for !l.Waited() {
			runtime.Gosched()
		}
		require.True(t, l.Abandon(dead))
		require.False(t, l.Abandon(dead), "a second time")
		l.WakeAll()
		wg.Wait()
		require.EqualValues(t, 1, told.Load())
		abandoned, ok := l.Acquire(1, 0)
		require.True(t, ok)
		require.False(t, abandoned, "one holder was told already")
	}
}

// A sleeper that has a reason does not sleep.
func TestNobodySleepsWithAReason(t *testing.T) {
	var b Bell
	began := time.Now()
	b.Sleep(5*time.Second, func() bool { return true })
	require.Less(t, time.Since(began), 4*time.Second)
}

// The bell rings between a sleeper's look and its sleep, and another sleeper
// comes.
func TestNobodySleepsThroughARing(t *testing.T) {
	var b Bell
	began := time.Now()
	b.Sleep(5*time.Second, func() bool {
		b.Ring()
		b.Sleep(0, func() bool { return true })
		return false
	})
	require.Less(t, time.Since(began), 4*time.Second)
}

// A death between a sleeper's look and its sleep is not missed.
func TestNobodySleepsThroughAnAlarm(t *testing.T) {
	var b Bell
	began := time.Now()
	b.Sleep(5*time.Second, func() bool {
		b.Alarm()
		return false
	})
	require.Less(t, time.Since(began), 4*time.Second)
}

// A ringer dies after it has counted its ring and before it wakes the sleeper.
func TestAlarmRepairsAHalfDoneRing(t *testing.T) {
	var b Bell
	began := time.Now()
	var sleeper sync.WaitGroup
	sleeper.Go(func() { b.Sleep(5*time.Second, func() bool { return false }) })
	for b.word.Load() == 0 {
		runtime.Gosched()
	}
	time.Sleep(50 * time.Millisecond) // until it sleeps, or the test shows nothing
	b.word.Add(somebodySleeps)
	b.Alarm()
	sleeper.Wait()
	require.Less(t, time.Since(began), 4*time.Second)
}

// Every sleeper hears every ring, whether it falls asleep before or after it.
func TestBell(t *testing.T) {
	const rounds, sleepers = 2000, 3
	var b Bell
	var reason atomic.Uint64
	var seen atomic.Int64
	var wg sync.WaitGroup
	for range sleepers {
		wg.Go(func() {
			for round := range uint64(rounds) {
				for reason.Load() <= round {
					began := time.Now()
					b.Sleep(5*time.Second, func() bool { return reason.Load() > round })
					if time.Since(began) > 4*time.Second {
						t.Error("nobody rang")
						return
					}
				}
				seen.Add(1)
			}
		})
	}
	for round := range int64(rounds) {
		reason.Add(1)
		b.Ring()
		for seen.Load() < (round+1)*sleepers && !t.Failed() {
			runtime.Gosched()
		}
	}
	wg.Wait()
}
