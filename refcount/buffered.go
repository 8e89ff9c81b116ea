package refcount

import (
	"sync"

	"boundaries/internal/fork"
)

// A bufferedHeap writes down what is taken and dropped, each handle in logs of
// its own, and lets one goroutine at a time bring the counts up to date. It pays
// with memory for the logs, with the time of whoever commits them, and with the
// age of every count: an object is freed an epoch or more after its last drop.
// Taking and dropping are wait-free until a log is full; then its handle waits
// for all others. Blocking.
//
// This is the second design of the Gilectomy (2016 to 2017), which had a thread
// for the commits; here whoever ends an epoch commits it. Buffering counts goes
// back to Deutsch and Bobrow (CACM 1976), and the epochs are those of Bacon et
// al. ("Java without the Coffee Breaks", PLDI 2001).
//
// An epoch ends when every handle has handed over its logs once. A commit adds
// all that was taken in the epoch and subtracts what was dropped in the epoch
// before. Why not what was dropped in this one: a handle hands over, takes a
// reference, and gives it to another goroutine, which drops it and only then
// hands over. The drop is in this epoch and the take is in the next. It cannot
// be later than the next, because each goroutine saw the take before it dropped,
// and so before its handle ended this epoch.
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
	pending []refLog        // what was dropped in the epoch before
	spare   []refLog        // empty
	retired [2][]*slot[int] // freed in the last commit but one, and in the last
}

// A refLog names objects in the order of the operations.
type refLog []*slot[int]

// defaultLogLen is the number of entries of a log, 32 KiB. A goroutine that waits for a
// commit sleeps, and to wake it costs as much as some thousand entries.
const defaultLogLen = 1 << 12

func newBuffered(finalize func(string)) Heap {
	b := &bufferedHeap{arena: arena[int]{finalize: finalize}, logLen: defaultLogLen}
	b.committed.L = &b.mu
	return b
}

func (b *bufferedHeap) Handle() Handle {
	return &bufferedHandle{handle: handle[int]{arena: &b.arena}, heap: b}
}

// A bufferedHandle takes part in the epochs from its first use to Close or
// leave. While it does, nothing is freed unless it hands over: it must Tick, use
// references, or leave before it waits for long.
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
		h.at("Incref", r) // it may have waited
	}
	h.taken = append(h.taken, o)
}

func (h *bufferedHandle) Decref(r Ref) {
	o := h.at("Decref", r)
	h.join()
	if len(h.dropped) == cap(h.dropped) {
		h.handOver()
		h.at("Decref", r) // it may have waited
	}
	h.dropped = append(h.dropped, o)
}

// TryIncref takes the reference in the count itself. Written into the log it
// could come too late: what was dropped before may be committed before.
func (h *bufferedHandle) TryIncref(r Ref) bool {
	o := h.find(r)
	h.heap.mu.Lock()
	defer h.heap.mu.Unlock()
	if o.gen.Load() != r.gen {
		return false // a commit frees under the lock: there is no count of 0 in between
	}
	o.count++
	return true
}

// Count returns the count that was committed last. It lags.
func (h *bufferedHandle) Count(r Ref) int {
	o := h.at("Count", r)
	h.heap.mu.Lock()
	defer h.heap.mu.Unlock()
	return o.count
}

// Tick hands over, unless that has been done in this epoch. It does not wait.
func (h *bufferedHandle) Tick() {
	h.check("Tick")
	h.join()
	b := h.heap
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.epoch < b.epoch {
		h.put()
	}
}

// Close hands over what is left and takes no further part in the epochs. The
// last to close or leave commits everything.
func (h *bufferedHandle) Close() {
	h.closed = true
	h.leave()
}

// handOver makes room in both logs. It waits while the logs of this epoch are
// handed over already, so that no handle is ahead of the others by more than two.
func (h *bufferedHandle) handOver() {
	b := h.heap
	b.mu.Lock()
	defer b.mu.Unlock()
	for h.epoch == b.epoch {
		b.committed.Wait()
	}
	h.put()
}

// put hands over in this epoch, and commits it if that ends it. mu is held.
func (h *bufferedHandle) put() {
	b := h.heap
	b.taken = append(b.taken, h.taken)
	b.dropped = append(b.dropped, h.dropped)
	h.taken, h.dropped = b.empty(), b.empty()
	h.epoch = b.epoch
	b.owed--
	if b.owed == 0 {
		b.commit()
	}
}

// join makes the handle take part. It owes the epoch that it joins.
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

// leave hands over whatever there is and makes the handle take no further part.
func (h *bufferedHandle) leave() {
	if !h.member {
		return
	}
	b := h.heap
	b.mu.Lock()
	defer b.mu.Unlock()
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

// commit ends an epoch. mu is held.
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
	var dead []*slot[int]
	for _, log := range b.pending {
		for _, o := range log {
			o.count--
			if o.count == 0 {
				b.retire(o)
				dead = append(dead, o)
			} else if o.count < 0 {
				o.overReleased()
			}
		}
		b.spare = append(b.spare, log[:0])
	}
	// A log may still name an object that this commit has freed, if somebody
	// has dropped a reference too many. Every log written before now is
	// committed within two epochs: until then the slot stays empty, so that
	// the count falls below zero and the object is named.
	for _, o := range b.retired[0] {
		b.reuse(o)
	}
	b.retired[0], b.retired[1] = b.retired[1], dead
	b.taken, b.pending, b.dropped = nil, b.dropped, nil
	b.epoch++
	b.owed = b.members
	b.committed.Broadcast()
}

// empty returns a log to write. mu is held.
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
