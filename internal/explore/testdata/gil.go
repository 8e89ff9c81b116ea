package gil

import (
	"errors"
	"fmt"

	"boundaries/internal/explore"
)

var Programs = []explore.Program{
	{Name: "two threads take it", Start: func(r *explore.Run) { start(r, "work", "work") }},
	{Name: "one thread ticks, one takes it", Start: func(r *explore.Run) { start(r, "tick", "work") }},
	{Name: "one thread blocks, one takes it", Start: func(r *explore.Run) { start(r, "block", "work") }},
	{Name: "two threads take it, one as Blocking ends", Start: func(r *explore.Run) { start(r, "block", "block") }},
}

// start makes a thread for each string, which says what the thread does while it has the
// lock.
func start(r *explore.Run, threads ...string) {
	g := &GIL{}
	counted := 0 // guarded by the lock
	for i, does := range threads {
		r.Actor(fmt.Sprint("thread ", i+1), func() {
			t := &Thread{}
			g.Acquire(t)
			counted++
			switch does {
			case "tick":
				asked, switches := g.drop.Load(), g.stats.Switches
				g.Tick(t)
				if asked && g.stats.Switches == switches {
					panic("a thread that was asked for the lock has taken it again before another")
				}
			case "block":
				g.Blocking(t, func() {})
				counted++
			}
			g.Release(t)
		})
	}
	r.End(func() error {
		want := len(threads)
		for _, does := range threads {
			if does == "block" {
				want++
			}
		}
		switch {
		case counted != want:
			return fmt.Errorf("%d of %d updates are left", counted, want)
		case g.holder != nil || len(g.waiters) > 0 || g.drop.Load():
			return errors.New("the lock is held, awaited or asked for, and all threads have ended")
		}
		return nil
	})
}
