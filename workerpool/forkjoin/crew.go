package forkjoin

import (
	"runtime"
	"sync"
	"sync/atomic"

	"boundaries/internal/park"
)

// A crew is the goroutines of a pool's workers but the first, which is whoever
// calls Run.
type crew struct {
	lot     *park.Lot
	stop    atomic.Bool
	running sync.WaitGroup
}

// init starts the workers; work is to call await until stop is set.
func (c *crew) init(workers int, work func(worker int)) {
	c.lot = park.New(workers)
	for id := 1; id < workers; id++ {
		c.running.Go(func() { work(id) })
	}
}

// end ends the workers and waits for them.
func (c *crew) end() {
	c.stop.Store(true)
	c.lot.WakeAll()
	c.running.Wait()
}

// published is called after a task could be found, in case somebody sleeps.
func (c *crew) published() {
	if c.lot.Idle() {
		c.lot.Wake()
	}
}

// spins is how often a worker looks for work before it sleeps, about as long as
// it takes to wake one, and every how many looks it lets others run.
const (
	spins   = 2048
	yieldIn = 64
)

// A helper can run what others have forked.
type helper interface {
	help() bool  // runs a task of another worker, if it finds one
	found() bool // tells whether there may be one
}

// await helps until over is set. It sleeps when there has been nothing to do for
// a while, and is woken by published, or by whoever sets over.
func (c *crew) await(worker int, h helper, over *atomic.Bool) {
	for idle := 1; !over.Load(); idle++ {
		switch {
		case h.help():
			idle = 0
		case idle%spins == 0:
			c.lot.Park(worker, func() bool { return over.Load() || h.found() })
		case idle%yieldIn == 0:
			runtime.Gosched()
		}
	}
}
