package workerpool

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A deque is the work-stealing deque of Chase and Lev (Dynamic circular work-stealing
// deque, SPAA 2005), with the order of operations of Lê, Pop, Cohen and Zappa Nardelli
// (PPoPP 2013); Go's atomics are stronger than that order needs. The owner pushes and pops
// at the bottom, and thieves steal at the top. The tasks are in [top, bottom). The owner
// uses an index again after it has popped it, but never one below top. Every slot is used
// again.
//
// In the papers, a thief reads a task, then claims its index, and discards the task if
// the claim fails. In Go, that read would be a data race with the owner's next push to
// the slot. Here a thief loads the ring, claims an index, reads the task from that
// ring, and adds 1 to read. The owner uses a slot again only if every claimed task has
// been read, and otherwise makes a larger ring. So the slots are plain memory, and a
// push of many tasks is plain stores and one atomic store.
type deque struct {
	_    cacheline.Pad
	top  atomic.Uint64 // the oldest task; only ever advances, by a claim
	read atomic.Uint64 // where top would be if it counted only the claims whose task has been read
	_    cacheline.Pad

	bottom atomic.Uint64          // one past the newest task; only the owner stores it
	tasks  atomic.Pointer[[]Task] // the ring, whose length is a power of two; only the owner stores it

	// clear is used only by the owner. Every task below this index has been
	// claimed and read, so the owner may write the slots of [bottom, clear+len).
	clear uint64
	_     cacheline.Pad
}

// init makes the deque empty, with start as its first index and a ring of length room.
// Only tests pass any start but 0.
func (d *deque) init(start uint64, room int) {
	d.top.Store(start)
	d.read.Store(start)
	d.bottom.Store(start)
	d.clear = start
	tasks := make([]Task, room)
	d.tasks.Store(&tasks)
}

// len returns how many tasks there are, or were a moment ago.
func (d *deque) len() int {
	top := d.top.Load() // before bottom, because top only advances toward it
	return max(0, int(int64(d.bottom.Load()-top)))
}

// push adds tasks; only the owner calls it. It synchronizes before the pop or steal of
// each task.
func (d *deque) push(tasks ...Task) {
	b := d.bottom.Load()
	ring := *d.tasks.Load()
	if int64(b-d.clear)+int64(len(tasks)) > int64(len(ring)) {
		ring = d.makeRoom(b, len(tasks))
	}
	for i, task := range tasks {
		ring[(b+uint64(i))&uint64(len(ring)-1)] = task
	}
	d.bottom.Store(b + uint64(len(tasks)))
}

// makeRoom returns a ring with room for n more tasks.
func (d *deque) makeRoom(b uint64, n int) []Task {
	// Load read before top. It is never ahead of top. So if it equals a top that is
	// loaded later, no thief was between its claim and its read when top was
	// loaded. In the other order, thieves that claim later could raise read to the
	// loaded top although an earlier thief has yet to read.
	read, top := d.read.Load(), d.top.Load()
	ring := *d.tasks.Load()
	if read == top {
		d.clear = top
		if int64(b-top)+int64(n) <= int64(len(ring)) {
			return ring
		}
	}
	size := 2 * len(ring)
	for int64(b-top)+int64(n) > int64(size) {
		size *= 2
	}
	grown := make([]Task, size)
	for i := top; i != b; i++ {
		grown[i&uint64(size-1)] = ring[i&uint64(len(ring)-1)]
	}
	// Thieves that have loaded the old ring read from it, and the owner does not
	// write to it again. In the new ring, no thief reads below top.
	d.tasks.Store(&grown)
	d.clear = top
	return grown
}

// pop removes the newest task, or returns nil; only the owner calls it.
func (d *deque) pop() Task {
	b := d.bottom.Load() - 1
	// The owner claims the task at b by its store to bottom and only then
	// loads top. In the other order, a thief could advance top past b in
	// between, and both would have the task.
	d.bottom.Store(b)
	top := d.top.Load()
	left := int64(b - top)
	if left < 0 {
		d.bottom.Store(b + 1)
		return nil
	}
	ring := *d.tasks.Load()
	slot := &ring[b&uint64(len(ring)-1)]
	task := *slot
	if left > 0 {
		*slot = nil // do not keep the task alive after it has run
		return task
	}
	// It is the last task, and thieves may want it too.
	if d.top.CompareAndSwap(top, top+1) {
		d.read.Add(1)
	} else {
		task = nil
	}
	d.bottom.Store(b + 1)
	return task
}

// steal removes the oldest task. It returns nil if there is none or if another
// goroutine was faster; in the latter case again is true. The slot keeps the task
// alive until the slot is used again.
func (d *deque) steal() (task Task, again bool) {
	top := d.top.Load()
	if int64(d.bottom.Load()-top) <= 0 {
		return nil, false
	}
	ring := *d.tasks.Load() // after bottom, so that this ring has the task
	if !d.top.CompareAndSwap(top, top+1) {
		return nil, true
	}
	task = ring[top&uint64(len(ring)-1)]
	d.read.Add(1)
	return task, false
}
