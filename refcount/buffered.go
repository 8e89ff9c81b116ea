package refcount

import (
	"sync"

	"boundaries/internal/fork"
)

// A bufferedHeap logs the references that are taken and dropped. Each handle has
// its own logs, and one goroutine at a time commits all logs to the counts.
//
// This is the second design of the Gilectomy (2016 to 2017). There a separate
// thread committed the logs; here the handle that ends an epoch commits them. Buffered
// counts go back to Deutsch and Bobrow (CACM 1976), and the epochs are those of Bacon et
// al. ("Java without the Coffee Breaks", PLDI 2001).
//
// An epoch ends when every handle has handed over its logs once. A commit adds the
// takes of this epoch and subtracts the drops of the epoch before. It must not
// subtract the drops of this epoch: handle A may hand over, take a reference, and
// give it to the goroutine of handle B, which drops it and only then hands over. The
// drop is then in this epoch and the take in the next. The take cannot be any later: A
// took the reference before B handed over, and so before this epoch ended, and A hands
// over in the next.
//
// Cost: the memory of the logs, the time of the goroutine that commits, and late
// frees: an object is freed an epoch or more after its last drop.
// Progress: blocking; take and drop are wait-free until a log is full, and then its
// handle may have to wait for all others.
type bufferedHeap struct {
	arena[int] // counts guarded by mu
	logLen     int

	mu        sync.Mutex
	committed sync.Cond // of mu; broadcast when epoch rises
	epoch     int       // guarded by mu
	members   int       // guarded by mu; handles that take part in epochs
	owed      int       // guarded by mu; members that have not handed over in this epoch

	// All guarded by mu.
	taken   []refLog        // handed over in this epoch
	dropped []refLog        // handed over in this epoch
	pending []refLog        // drops of the epoch before
	spare   []refLog        // empty logs
	dead    []*slot[int]    // objects without references, to be finalized by unlock
	retired [3][]*slot[int] // freed slots; each commit reuses the first and moves up the others
}

// A refLog names objects in the order of the operations.
type refLog []*slot[int]

// defaultLogLen is the number of entries of a log, which takes 32 KiB. A goroutine
// that waits for a commit sleeps, and waking it costs as much as about a thousand
// entries.
const defaultLogLen = 1 << 12

func newBuffered(finalize func(string)) Heap {
	b := &bufferedHeap{arena: arena[int]{finalize: finalize}, logLen: defaultLogLen}
	b.committed.L = &b.mu
	return b
}

func (b *bufferedHeap) Handle() Handle {
	return &bufferedHandle{handle: handle[int]{arena: &b.arena}, heap: b}
}

// A bufferedHandle is a member of the epochs from its first Incref, Decref or Tick until
// Close or leave. No epoch ends, and so no object is freed, before every member has handed
// over. So a member must use references or call Tick again and again, and must call Close
// or leave before its goroutine waits for long.
//
// A handle that has finalizers to run leaves first, and its next Incref, Decref or Tick
// makes it a member again. If it handed over because a log was full, it is a member again
// before that operation returns.
type bufferedHandle struct {
	handle[int]
	heap   *bufferedHeap
	member bool
	epoch  int // the last one in which it handed over, if member

	taken, dropped refLog // of fixed capacity
}

func (h *bufferedHandle) New(name string) Ref {
	h.check("New")
	o, r := h.arena.take(name)
	h.heap.mu.Lock()
	defer h.heap.mu.Unlock()
	o.count = 1
	return r
}

func (h *bufferedHandle) Incref(r Ref) {
	o := h.at("Incref", r)
	h.join()
	if len(h.taken) == cap(h.taken) {
		h.handOver()
		h.at("Incref", r) // again: handOver may have waited
	}
	h.taken = append(h.taken, o)
}

func (h *bufferedHandle) Decref(r Ref) {
	o := h.at("Decref", r)
	h.join()
	if len(h.dropped) == cap(h.dropped) {
		h.handOver()
		h.at("Decref", r) // again: handOver may have waited
	}
	h.dropped = append(h.dropped, o)
}

// TryIncref takes the reference in the count itself. A take in the log could be
// committed too late, after a drop that preceded it.
func (h *bufferedHandle) TryIncref(r Ref) bool {
	o := h.find(r)
	h.heap.mu.Lock()
	defer h.heap.mu.Unlock()
	if o.gen.Load() != r.gen || o.count == 0 {
		return false // freed, or about to be finalized by unlock
	}
	o.count++
	return true
}

// Count returns the count as of the last commit, which may be old.
func (h *bufferedHandle) Count(r Ref) int {
	o := h.at("Count", r)
	h.heap.mu.Lock()
	defer h.heap.mu.Unlock()
	return o.count
}

// Tick hands over, unless the handle has done so in this epoch. It does not wait.
func (h *bufferedHandle) Tick() {
	h.check("Tick")
	h.join()
	b := h.heap
	b.mu.Lock()
	defer b.unlock()
	if h.epoch < b.epoch {
		h.put()
	}
}

// Close hands over the rest of the logs and takes no further part in the epochs. The
// last handle to close or leave commits everything.
func (h *bufferedHandle) Close() {
	h.closed = true
	h.leave()
}

// handOver makes room in both logs. If the handle has already handed over in this
// epoch, it waits for the next, so that no handle is more than two logs ahead of
// the others.
func (h *bufferedHandle) handOver() {
	defer h.join() // again, if put has left
	b := h.heap
	b.mu.Lock()
	defer b.unlock()
	for h.epoch == b.epoch {
		b.committed.Wait()
	}
	h.put()
}

// put hands over in this epoch and, if that ends the epoch, commits it. If unlock then has
// finalizers to run, put also leaves: a finalizer may wait for a goroutine that waits for
// the end of the next epoch. mu is held.
func (h *bufferedHandle) put() {
	b := h.heap
	b.taken = append(b.taken, h.taken)
	b.dropped = append(b.dropped, h.dropped)
	h.taken, h.dropped = b.empty(), b.empty()
	h.epoch = b.epoch
	b.owed--
	if b.owed == 0 {
		b.commit()
		if len(b.dead) > 0 {
			h.quit()
		}
	}
}

// join makes the handle a member, which must hand over in the current epoch.
func (h *bufferedHandle) join() {
	if h.member {
		return
	}
	b := h.heap
	b.mu.Lock()
	defer b.mu.Unlock()
	h.member = true
	h.epoch = b.epoch - 1
	h.taken, h.dropped = b.empty(), b.empty()
	b.members++
	b.owed++
}

// leave hands over the rest of the logs and ends the membership.
func (h *bufferedHandle) leave() {
	if !h.member {
		return
	}
	h.heap.mu.Lock()
	defer h.heap.unlock()
	h.quit()
}

// quit is leave for a member that holds mu.
func (h *bufferedHandle) quit() {
	b := h.heap
	h.member = false
	b.members--
	b.taken = append(b.taken, h.taken)
	b.dropped = append(b.dropped, h.dropped)
	h.taken, h.dropped = nil, nil
	if h.epoch < b.epoch {
		b.owed--
	}
	if b.owed == 0 {
		b.commit()
	}
	for b.members == 0 && len(b.dropped)+len(b.pending) > 0 {
		b.commit()
	}
}

// commit ends an epoch and moves the objects without references to dead. mu is held.
func (b *bufferedHeap) commit() {
	for _, log := range b.taken {
		for _, o := range log {
			o.count++
			if o.count == 1 {
				o.resurrected()
			}
		}
		b.spare = append(b.spare, log[:0])
	}
	for _, log := range b.pending {
		for _, o := range log {
			o.count--
			if o.count == 0 {
				b.dead = append(b.dead, o)
			} else if o.count < 0 {
				o.overReleased()
			}
		}
		b.spare = append(b.spare, log[:0])
	}
	// If a handle drops one reference too many, a log may name an object that has
	// been freed. That log is handed over in the epoch of the free or in the next,
	// and its drops are subtracted one epoch later. So the third commit after the
	// free has subtracted all such drops. Until then the slot stays empty, so that
	// the count falls below zero and the panic names the right object.
	for _, o := range b.retired[0] {
		b.reuse(o)
	}
	b.retired = [3][]*slot[int]{b.retired[1], b.retired[2], nil}
	b.taken, b.pending, b.dropped = nil, b.dropped, nil
	b.epoch++
	b.owed = b.members
	b.committed.Broadcast()
}

// unlock releases mu and then frees the dead objects. Their finalizers run without
// mu, because a finalizer may wait for a goroutine that uses the heap.
func (b *bufferedHeap) unlock() {
	dead := b.dead
	b.dead = nil
	b.mu.Unlock()
	each(dead, func(o *slot[int]) {
		b.retire(o)
		b.mu.Lock()
		b.retired[2] = append(b.retired[2], o)
		b.mu.Unlock()
	})
}

// empty returns an empty log. mu is held.
func (b *bufferedHeap) empty() refLog {
	last := len(b.spare) - 1
	if last < 0 {
		return make(refLog, 0, b.logLen)
	}
	log := b.spare[last]
	b.spare = b.spare[:last]
	return log
}

func runBuffered(share Share, workers, n int) Answer {
	t := newTrial(share, workers, n)
	t.begin(newBuffered(t.finalize))
	objects := slots[int](t.refs)
	fork.Run("refcount", workers, n, func(worker, n int) {
		h := t.handles[worker].(*bufferedHandle)
		o := objects[worker]
		h.join()
		steps := 0
		for ; steps < n; steps++ {
			if len(h.taken) == cap(h.taken) {
				h.handOver()
			}
			h.taken = append(h.taken, o)
			if len(h.dropped) == cap(h.dropped) {
				h.handOver()
			}
			h.dropped = append(h.dropped, o)
		}
		t.took(steps)
		h.leave()
	})
	return t.end()
}
