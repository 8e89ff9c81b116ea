package workerpool

import (
	"sync"
	"sync/atomic"
)

// A gate is where submissions wait for room in a full queue. A submitter outside the
// pool waits there itself. A worker must not wait, because it may be the one that
// has to make room, so it leaves its task with the gate.
//
// As in package park, each side stores before it looks: a submission shuts the gate
// and then tries once more, and a worker takes a task and then looks whether the gate
// is shut. If only submitters wait, the worker opens the gate when the queue is half
// empty, so that hundreds of tasks share the cost of a wake. It then runs its task
// and yields, so that the submitters run. Spilled tasks go to the queue as soon as
// there is room. While the gate is shut, no task of a worker overtakes them.
type gate struct {
	shut    atomic.Bool // a submitter or a spilled task waits; written under mu
	spills  atomic.Bool // spilled is not empty; written under mu
	mu      sync.Mutex
	opened  chan struct{} // guarded by mu; made when shut is set, closed when it is reset
	waited  bool          // guarded by mu; a submitter has called wait since the gate was shut
	spilled []Task        // guarded by mu; submitted by tasks, oldest first
}

// wait announces a waiting submitter and returns the channel that tells it to try
// again.
func (g *gate) wait() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.close()
	g.waited = true
	return g.opened
}

// spill keeps a worker's task until open moves it to the queue.
func (g *gate) spill(task Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.spilled = append(g.spilled, task)
	g.spills.Store(true)
	g.close()
}

// close shuts the gate. mu is held.
func (g *gate) close() {
	if !g.shut.Load() {
		g.opened = make(chan struct{})
		g.shut.Store(true)
	}
}

// open moves the spilled tasks to the queue and then lets all waiting submitters try
// again. If the queue is full before all spilled tasks have moved, the gate stays shut.
// It reports whether a submitter may go on.
func (g *gate) open(put func(Task) bool) (woken bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut.Load() {
		return false
	}
	for len(g.spilled) > 0 {
		if !put(g.spilled[0]) {
			return false
		}
		g.spilled[0] = nil
		g.spilled = g.spilled[1:]
	}
	g.spills.Store(false)
	g.shut.Store(false)
	close(g.opened)
	woken, g.waited = g.waited, false
	return woken
}
