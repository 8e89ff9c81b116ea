package eventloop

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A post waits for the lock while the loop takes what was posted before. The lock has
// been busy for so long that sync.Mutex hands it from the loop directly to the waiting
// post. So the post is over before the loop's Unlock returns, and it must still count
// as one that the loop has yet to take.
func TestPostThatWaitsForTake(t *testing.T) {
	for range 10 {
		l := &Loop{wake: make(chan struct{}, 1)}
		l.mu.Lock()
		var both sync.WaitGroup
		both.Go(l.take)
		time.Sleep(2 * time.Millisecond)
		both.Go(func() { l.callSoonThreadsafe(func() {}) })
		time.Sleep(2 * time.Millisecond)
		l.mu.Unlock()
		l.mu.Lock() // after more than a millisecond, the loop wakes up and finds the lock taken
		time.Sleep(2 * time.Millisecond)
		l.mu.Unlock()
		both.Wait()
		require.Equal(t, len(l.posted) > 0, l.hasPosted.Load())
	}
}

// A loop does not sleep if a post came between the turn's look at the posts and the
// sleep, and a post wakes a loop that sleeps.
func TestSleepSeesPosts(t *testing.T) {
	suitetest.Guard(t, "the loop sleeps through a post")
	l := &Loop{wake: make(chan struct{}, 1)}
	l.callSoonThreadsafe(func() {})
	l.sleep()

	l = &Loop{wake: make(chan struct{}, 1)}
	go func() {
		for asleep := false; !asleep; runtime.Gosched() {
			l.mu.Lock()
			asleep = l.asleep
			l.mu.Unlock()
		}
		l.callSoonThreadsafe(func() {})
	}()
	l.sleep()
}

// A callback that makes itself ready again runs once in a turn, so a post has its turn
// next.
func TestTurnEnds(t *testing.T) {
	ran, before := 0, 0
	run(t, func(task *Task) error {
		l := task.Loop()
		var again func()
		again = func() {
			if ran++; ran < 1000 && before == 0 {
				l.callSoon(again)
			}
		}
		l.callSoonThreadsafe(func() { before = ran })
		again()
		for range 1000 {
			if err := task.Yield(); err != nil {
				return err
			}
		}
		return nil
	})
	require.Positive(t, before)
	require.Less(t, before, 5, "runs of a callback before a post that came earlier")
}
