package workerpool

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A deque is the work-stealing deque of Chase and Lev (Dynamic circular
// work-stealing deque, SPAA 2005; in the order of operations of Lê, Pop, Cohen
// and Zappa Nardelli, PPoPP 2013, which Go's atomics more than provide). Its
// owner pushes and pops at the bottom, anybody steals at the top. Tasks are in
// [top, bottom); an index never comes back, a slot does.
//
// The papers let a thief read a task and then claim its index, and throw away
// what it has read if the claim fails; in Go that read would be a data race with
// the owner's next push to the slot. Here a thief claims first and reads then,
// from the ring that it found before it claimed, and counts what it has read.
// The owner writes to a slot again only if all who have claimed have also read,
// and otherwise grows. So the slots are plain memory, and a push of many tasks
// is plain stores and one atomic one.
type deque struct {
	_    cacheline.Pad
	top  atomic.Uint64 // the oldest task; moved on by a successful claim, never back
	read atomic.Uint64 // how far top would be if claims counted only when read
	_    cacheline.Pad

	bottom atomic.Uint64          // behind the newest task; stored by the owner only
	tasks  atomic.Pointer[[]Task] // the ring; stored by the owner only, its length a power of two

	// The owner's own: every index below clear has been claimed and read, so
	// that the slots of [bottom, clear+len) may be written.
	clear uint64
	_     cacheline.Pad
}

// init makes an empty deque whose first index is start, of which only a test
// wants another than 0.
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
	top := d.top.Load() // before bottom: it only moves towards it
	return max(0, int(int64(d.bottom.Load()-top)))
}

// push is for the owner, and synchronizes before the pop or steal of each task.
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

// makeRoom returns a ring that n tasks can be pushed to.
func (d *deque) makeRoom(b uint64, n int) []Task {
	// In this order: read is never ahead of top, so if an earlier read
	// equals a later top, nobody was between his claim and his reading when
	// top was loaded. A later read could be as far as an earlier top with
	// the help of younger claims, while an older one is still reading.
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
	// Thieves who found the old ring read from it; it is not written again.
	// The new one has only been read below top by nobody.
	d.tasks.Store(&grown)
	d.clear = top
	return grown
}

// pop is for the owner, and returns its newest task, or nil.
func (d *deque) pop() Task {
	b := d.bottom.Load() - 1
	// The owner says what it wants, then looks at top; a thief moves top, then
	// a second thief looks at bottom. Were the store not ordered before the
	// load, owner and thief could both have the task at b.
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
		*slot = nil // do not keep alive what has run
		return task
	}
	// The last: thieves may be after it.
	if d.top.CompareAndSwap(top, top+1) {
		d.read.Add(1)
	} else {
		task = nil
	}
	d.bottom.Store(b + 1)
	return task
}

// steal returns the oldest task. It returns nil if there is none, and again if
// another was faster, which again tells. The slot keeps the task alive until it
// is used again.
func (d *deque) steal() (task Task, again bool) {
	top := d.top.Load()
	if int64(d.bottom.Load()-top) <= 0 {
		return nil, false
	}
	ring := *d.tasks.Load() // after bottom, so that it has the task
	if !d.top.CompareAndSwap(top, top+1) {
		return nil, true
	}
	task = ring[top&uint64(len(ring)-1)]
	d.read.Add(1)
	return task, false
}
