package procs

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// One holder at a time, and nobody is forgotten: a waiter that nobody wakes
// would give up at its limit.
func TestLock(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 5, 9} {
		var l lock
		var forgotten atomic.Int64
		count := 0 // guarded by l
		var wg sync.WaitGroup
		const each = 300
		for worker := range workers {
			wg.Go(func() {
				for range each {
					began := time.Now()
					abandoned, ok := l.acquire(uint32(worker+1), 5*time.Second)
					if !ok || abandoned || time.Since(began) > 4*time.Second {
						forgotten.Add(1)
						return
					}
					now := count
					runtime.Gosched()
					count = now + 1
					l.release()
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

// Two sleep. The first to be woken cannot know of the second, and must wake it.
func TestLockWakesOneAfterTheOther(t *testing.T) {
	var l lock
	l.acquire(1, 0)
	var wg sync.WaitGroup
	for waiter := range 2 {
		wg.Go(func() {
			began := time.Now()
			_, ok := l.acquire(uint32(waiter+2), 5*time.Second)
			if !ok || time.Since(began) > 4*time.Second {
				t.Error("nobody woke a waiter")
			}
			time.Sleep(time.Millisecond)
			l.release()
		})
	}
	time.Sleep(50 * time.Millisecond) // both are asleep, or the test shows nothing
	l.release()
	wg.Wait()
}

// The holder dies while others wait: the first of them, and no other, learns it.
func TestAbandonedLock(t *testing.T) {
	const dead, waiters = 77, 4
	for range 20 {
		var l lock
		_, ok := l.acquire(dead, 0)
		require.True(t, ok)
		_, ok = l.acquire(1, time.Millisecond)
		require.False(t, ok, "it is held")
		require.False(t, l.abandon(1), "it is another's")
		var told atomic.Int64
		var wg sync.WaitGroup
		for worker := range waiters {
			wg.Go(func() {
				abandoned, ok := l.acquire(uint32(worker+1), 5*time.Second)
				if !ok {
					t.Error("nobody woke a waiter")
					return
				}
				if abandoned {
					told.Add(1)
				}
				l.release()
			})
		}
		for l.word.Load()&lockWaiters == 0 {
			runtime.Gosched()
		}
		require.True(t, l.abandon(dead))
		require.False(t, l.abandon(dead), "again")
		futexWake(&l.word, everybody) // as bury does
		wg.Wait()
		require.EqualValues(t, 1, told.Load())
		abandoned, ok := l.acquire(1, 0)
		require.True(t, ok)
		require.False(t, abandoned, "that is over")
	}
}

func TestNobodySleepsWithAReason(t *testing.T) {
	var b bell
	began := time.Now()
	b.sleep(5*time.Second, func() bool { return true })
	require.Less(t, time.Since(began), 4*time.Second)
}

// Between the look and the sleep the bell is rung, and another sleeper comes.
func TestNobodySleepsThroughARing(t *testing.T) {
	var b bell
	began := time.Now()
	b.sleep(5*time.Second, func() bool {
		b.ring()
		b.sleep(time.Nanosecond, func() bool { return false })
		return false
	})
	require.Less(t, time.Since(began), 4*time.Second)
}

// Nor is somebody's death missed between the look and the sleep.
func TestNobodySleepsThroughAnAlarm(t *testing.T) {
	var b bell
	began := time.Now()
	b.sleep(5*time.Second, func() bool {
		b.alarm()
		return false
	})
	require.Less(t, time.Since(began), 4*time.Second)
}

// A ringer dies between saying that it wakes the sleeper and doing so.
func TestAlarmWakesWhomTheDeadDidNot(t *testing.T) {
	var b bell
	began := time.Now()
	var sleeper sync.WaitGroup
	sleeper.Go(func() { b.sleep(5*time.Second, func() bool { return false }) })
	for b.word.Load() == 0 {
		runtime.Gosched()
	}
	time.Sleep(50 * time.Millisecond) // it is asleep, or the test shows nothing
	b.word.Add(somebodySleeps)
	b.alarm()
	sleeper.Wait()
	require.Less(t, time.Since(began), 4*time.Second)
}

// Every ring is heard by whoever sleeps, whether it comes before or after.
func TestBell(t *testing.T) {
	const rounds, sleepers = 2000, 3
	var b bell
	var reason atomic.Uint64
	var seen atomic.Int64
	var wg sync.WaitGroup
	for range sleepers {
		wg.Go(func() {
			for round := range uint64(rounds) {
				for reason.Load() <= round {
					began := time.Now()
					b.sleep(5*time.Second, func() bool { return reason.Load() > round })
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
		b.ring()
		for seen.Load() < (round+1)*sleepers && !t.Failed() {
			runtime.Gosched()
		}
	}
	wg.Wait()
}
