package eventloop

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// Two posts come so closely one after the other that the second may arrive while the
// loop takes the first. Nothing is posted after them until both have run, so a post
// that the loop has missed stays missed.
func TestLastPostIsTaken(t *testing.T) {
	suitetest.Guard(t, "the loop sleeps through a post")
	lost := false
	run(t, func(task *Task) error {
		l := task.Loop()
		done := NewFuture[struct{}](l)
		l.helpers.Go(func() {
			var ran atomic.Int64
			one := func() { ran.Add(1) }
			for i := int64(1); i <= 30_000 && !lost; i++ {
				l.callSoonThreadsafe(one)
				for spin := i % 300; spin > 0; spin-- {
					ran.Load()
				}
				l.callSoonThreadsafe(one)
				began := time.Now()
				for spin := 0; ran.Load() < 2*i && !lost; spin++ {
					if spin%1000 == 999 {
						runtime.Gosched()
						lost = time.Since(began) > 5*time.Second
					}
				}
			}
			l.callSoonThreadsafe(func() { done.Resolve(struct{}{}, nil) })
		})
		_, err := Await(task, done)
		return err
	})
	if lost {
		t.Error("a post did not run for 5 s, until there was another one")
	}
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
				l.ready.push(again)
			}
		}
		l.callSoonThreadsafe(func() { before = ran })
		again()
		for before == 0 {
			if err := task.Yield(); err != nil {
				return err
			}
		}
		return nil
	})
	require.Less(t, before, 5, "runs of a callback before a post that came earlier")
}
