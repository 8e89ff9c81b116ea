package workerpool

import (
	"sync"
	"sync/atomic"
)

// A gate is where goroutines wait for room in a full queue. As in package park,
// who waits announces it and tries once more, and a worker that has taken a task
// looks whether somebody waits. It opens the gate only when the queue is half
// empty, so that one wake is paid for by hundreds of tasks; it will be, because
// who waits has seen it full.
type gate struct {
	shut   atomic.Bool // somebody waits; written under mu
	mu     sync.Mutex
	opened chan struct{} // guarded by mu; closed by open, and made by the next wait
}

// wait announces a waiter and returns the channel that tells it to try again.
func (g *gate) wait() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut.Load() {
		g.opened = make(chan struct{})
		g.shut.Store(true)
	}
	return g.opened
}

// open lets all who wait try again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut.Load() {
		g.shut.Store(false)
		close(g.opened)
	}
}
