package forkjoin

import (
	"runtime"
	"sync"
	"sync/atomic"

	"boundaries/internal/park"
)

// A crew is the goroutines of a pool's workers. The first worker has none: it is the
// caller of Run.
type crew struct {
	lot     *park.Lot
	stop    atomic.Bool
	running sync.WaitGroup
}

// init starts the workers. work returns after stop is set.
func (c *crew) init(workers int, work func(worker int)) {
	c.lot = park.New(workers)
	for id := 1; id < workers; id++ {
		c.running.Go(func() { work(id) })
	}
}

// end stops the workers and waits until they have returned.
func (c *crew) end() {
	c.stop.Store(true)
	c.lot.WakeAll()
	c.running.Wait()
}

// published wakes a sleeping worker, if there is one, after a task has become visible. While
// a worker that it has woken is on its way, it wakes no other: that worker calls passOn.
func (c *crew) published() {
	if c.lot.Idle() {
		c.lot.Rouse()
	}
}

// passOn wakes another worker if there are tasks for it. A worker calls it when it takes a
// task, or has been woken and need not wait anymore. The worker that woke it may have
// published other tasks too.
func (c *crew) passOn(h helper) {
	if c.lot.Idle() && h.found() {
		c.lot.Rouse()
	}
}

// A worker looks for work spins times before it sleeps. These looks take about as long as
// a wake. The worker yields after every yieldIn looks.
const (
	spins   = 2048
	yieldIn = 64
)

// A helper can run tasks that other workers have forked.
type helper interface {
	help() bool  // runs a task of another worker and returns true, or finds none
	found() bool // reports whether there may be a task for help
}

// await helps other workers until over is set. After a while without work it sleeps.
// published wakes it, and so does the goroutine that sets over.
func (c *crew) await(worker int, h helper, over *atomic.Bool) {
	woken := false // and has not looked for a task since
	for idle := 1; !over.Load(); idle++ {
		woken = false
		switch {
		case h.help():
			idle = 0
		case idle%spins == 0:
			c.lot.Park(worker, func() bool { return over.Load() || h.found() })
			woken = true
		case idle%yieldIn == 0:
			runtime.Gosched()
		}
	}
	if woken {
		c.passOn(h)
	}
}
