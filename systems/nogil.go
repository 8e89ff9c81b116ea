package systems

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"boundaries/internal/cacheline"
)

// startNogil starts Sam Gross's nogil, PEP 703: no GIL, and two threads write the
// same memory only if an object really passes from one to the other.
//
//   - Biased counts (Choi, Shull and Torrellas, PACT 2018): the thread that makes
//     an object counts its references in local, in plain memory. The other threads
//     count in refs.
//   - Immortal objects (PEP 683): None, True, False, the small integers, names
//     and constants have no count.
//   - Deferred counts: a reference from a stack to a function is not counted. A
//     function is freed when all threads have stopped and no stack holds it: here,
//     at the end of the run.
//   - A lock in every list and dict, for writers.
//   - Optimistic reads: a reader loads an item, takes a reference if it can do so
//     without a lock, and checks that the item is still there.
//   - A heap for each thread. A thread puts what it frees into its own heap and
//     gives surplus slots to threads that have none left. CPython's allocator
//     returns memory to the heap that it came from.
//
// Each row without= switches one of these off, but keeps its checks in the code.
//
// Biased counting is in package refcount as well, in lock_free.go. The two share
// no code, because common code would add a call to every count. An object here is
// one cache line, all systems use its count, and it may be immortal or deferred;
// an object there is three lines and is neither. The protocols also end
// differently: objects here hold other objects, so end must empty the inbox before
// it closes it.
//
// Cost: a check of the owner for every reference. For an object that threads do
// share, a locked instruction for every reference that a thread other than the owner
// counts, and at the end a message to the owner.
// Progress: an owner's counts and the optimistic reads are wait-free until they
// meet a writer, and the rest is blocking.
func startNogil(p *Program, threads int) interpreter { return newNogil(p, threads, nogilPieces{}) }

func startNogilWithoutImmortal(p *Program, threads int) interpreter {
	return newNogil(p, threads, nogilPieces{withoutImmortal: true})
}

func startNogilWithoutDeferred(p *Program, threads int) interpreter {
	return newNogil(p, threads, nogilPieces{withoutDeferred: true})
}

func startNogilWithoutBiased(p *Program, threads int) interpreter {
	return newNogil(p, threads, nogilPieces{withoutBiased: true})
}

func startNogilWithoutOptimisticReads(p *Program, threads int) interpreter {
	return newNogil(p, threads, nogilPieces{withoutOptimisticReads: true})
}

func newNogil(p *Program, threads int, pieces nogilPieces) interpreter {
	s := p.build(threads)
	var all []*nogilThread
	in := newInterpreter(s, threads, func() thread {
		all = append(all, newNogilThread(s, pieces))
		return all[len(all)-1]
	})
	all[0].adopt()
	in.end = func() int { return newNogilThread(s, pieces).finalize(all) }
	return in
}

// nogilPieces says which of its pieces an interpreter lacks.
type nogilPieces struct {
	withoutImmortal, withoutDeferred, withoutBiased, withoutOptimisticReads bool
}

// A nogilThread owns the objects that it makes until their counts are merged. It is
// never reused after end, so no other thread gets its address.
type nogilThread struct {
	machine
	nogilPieces
	own heap

	_     cacheline.Pad
	asked atomic.Bool // inbox is not empty: the eval breaker
	mu    sync.Mutex
	inbox []*object // guarded by mu; each stands for one reference, to be dropped
	gone  bool      // guarded by mu; inbox is closed
	_     cacheline.Pad
}

func newNogilThread(s *space, pieces nogilPieces) *nogilThread {
	return &nogilThread{machine: machine{space: s}, nogilPieces: pieces}
}

// immortal and deferred stand for the owner of immortal and of deferred objects.
// Neither ever runs.
var immortal, deferred = new(nogilThread), new(nogilThread)

// The field refs of an object is the number of references that its owner does not
// count, times unit, plus a state. States only rise.
const (
	isDefault = 0 // only the owner may take a first reference
	isWeak    = 1 // other threads may try to take one
	isQueued  = 2 // the object is in its owner's inbox, or has been
	isMerged  = 3 // there is no owner: refs has all references
	stateMask = 3
	unit      = 4
)

// adopt converts the plain counts of the space's objects to the counts of a nogil
// interpreter whose first thread is t.
func (t *nogilThread) adopt() {
	for _, o := range t.made {
		refs := o.refs
		switch o.kind {
		case kindNone, kindBool, kindInt, kindName:
			if !t.withoutImmortal {
				o.refs = isDefault
				o.owner.Store(immortal)
				continue
			}
		case kindFunction:
			if !t.withoutDeferred {
				o.refs = refs * unit
				o.owner.Store(deferred)
				continue
			}
		}
		t.first(o, refs)
	}
}

// first gives a new object its first references. No other thread has the object
// yet. If t itself freed the slot, its words are right already, and first skips
// the stores: an atomic store costs as much as a locked instruction.
func (t *nogilThread) first(o *object, refs int64) {
	if t.withoutBiased {
		// tryIncref may look at a slot that is being used again.
		atomic.StoreInt64(&o.refs, refs*unit|isMerged)
		return
	}
	o.local = uint32(refs)
	if atomic.LoadInt64(&o.refs) != isDefault {
		atomic.StoreInt64(&o.refs, isDefault)
	}
	if o.owner.Load() != t {
		o.owner.Store(t)
	}
}

func (t *nogilThread) tick() {
	if counting {
		t.counts.ticks++
	}
	if t.asked.Load() {
		t.drain()
	}
}

// incref and decref count a reference from a stack, unless the object is immortal
// or deferred.

func (t *nogilThread) incref(o *object) {
	owner := o.owner.Load()
	if owner == t {
		if counting {
			t.counts.increfs++
		}
		o.local++
	} else if owner != immortal && owner != deferred {
		t.increfShared(o)
	} else if counting {
		t.counts.uncounted++
	}
}

func (t *nogilThread) decref(o *object) {
	owner := o.owner.Load()
	if owner == t {
		if counting {
			t.counts.decrefs++
		}
		o.local--
		if o.local == 0 {
			t.mergeZero(o)
		}
	} else if owner != immortal && owner != deferred {
		if counting {
			t.counts.decrefs++
		}
		t.decrefShared(o)
	} else if counting {
		t.counts.uncounted++
	}
}

// hold and drop count a reference from a container. It is counted even if the
// object is deferred.

func (t *nogilThread) hold(o *object) {
	if o.owner.Load() == deferred {
		if counting {
			t.counts.increfs++
		}
		atomic.AddInt64(&o.refs, unit)
	} else {
		t.incref(o)
	}
}

func (t *nogilThread) drop(o *object) {
	if o.owner.Load() == deferred {
		if counting {
			t.counts.decrefs++
		}
		atomic.AddInt64(&o.refs, -unit) // finalize checks whether this was the last one
	} else {
		t.decref(o)
	}
}

func (t *nogilThread) increfShared(o *object) {
	if counting {
		t.counts.increfs++
		t.counts.shared++
	}
	if atomic.AddInt64(&o.refs, unit) == unit|isMerged {
		panic("systems: a thread took a reference to an object that had none left")
	}
}

// decrefShared drops a reference of an object that t does not own.
func (t *nogilThread) decrefShared(o *object) {
	if counting {
		t.counts.shared++
	}
	for {
		word := atomic.LoadInt64(&o.refs)
		next := word - unit
		queue := word == isDefault || word == isWeak
		if queue {
			// The other threads have dropped all the references that they
			// took, so this one is counted in local. The owner drops it
			// when it drains its inbox. Do not subtract it from refs too:
			// that would drop it twice.
			next = isQueued
		} else if word == isMerged {
			panic("systems: a thread dropped a reference of an object that had none left")
		}
		if !atomic.CompareAndSwapInt64(&o.refs, word, next) {
			continue
		}
		if queue {
			t.enqueue(o)
		} else if next == isMerged {
			t.freeOfOthers(o)
		}
		return
	}
}

// mergeZero frees the object, or merges its counts if other threads have
// references. The owner calls it when local has reached zero.
func (t *nogilThread) mergeZero(o *object) {
	// {default, 0}: no other thread has a reference, and none can get one,
	// because tryIncref refuses this word. A load suffices: the last drop of
	// every other thread synchronizes before it. Word and owner stay as they
	// are, so the next object in the slot is t's again.
	if atomic.LoadInt64(&o.refs) == isDefault {
		t.free(o)
		return
	}
	if merge(o, 0) == 0 {
		t.free(o)
	}
}

// merge adds local and extra to refs and returns the number of references that are
// left. The caller is the owner, or holds the lock of an owner that has gone.
func merge(o *object, extra int64) int64 {
	local := int64(o.local)
	// Clear the owner before the word says merged. After that, another thread
	// may drop the last reference and reuse the slot for a new object, whose
	// owner this store would destroy (CPython gh-119999). Until then, the
	// references in refs or the queued drop keep the object alive.
	o.owner.Store(nil)
	for {
		word := atomic.LoadInt64(&o.refs)
		count := word>>2 + local + extra
		if count < 0 {
			panic("systems: a thread dropped a reference of an object that had none left")
		}
		if atomic.CompareAndSwapInt64(&o.refs, word, count*unit|isMerged) {
			return count
		}
	}
}

// enqueue hands a reference that is counted in local to the owner, which drops it.
func (t *nogilThread) enqueue(o *object) {
	owner := o.owner.Load()
	if owner == nil {
		// The owner has merged meanwhile, or is about to. The reference is
		// then counted in refs and can be dropped there.
		t.decrefShared(o)
		return
	}
	owner.mu.Lock()
	if owner.gone {
		count := merge(o, -1)
		owner.mu.Unlock()
		if count == 0 {
			t.freeOfOthers(o)
		}
		return
	}
	owner.inbox = append(owner.inbox, o)
	owner.asked.Store(true)
	owner.mu.Unlock()
}

// drain drops the references in the inbox.
func (t *nogilThread) drain() {
	t.mu.Lock()
	queued := t.inbox
	t.inbox = nil
	t.asked.Store(false)
	t.mu.Unlock()
	for _, o := range queued {
		// The owner's own last drop may have merged the counts already.
		// Then local is 0, and the reference is counted in refs.
		if merge(o, -1) == 0 {
			t.free(o)
		}
	}
}

// end closes the inbox, but only when it finds it empty while it holds the lock.
// The inbox must be empty by then, because a reference that is left there would
// never be dropped. After that, a thread that would enqueue a reference to t merges
// the counts itself, under t.mu, so t must not touch any count. It would touch one
// if it drained the inbox after closing it, because freeing a container drops its
// items.
func (t *nogilThread) end() {
	for {
		t.mu.Lock()
		t.gone = len(t.inbox) == 0
		gone := t.gone
		t.mu.Unlock()
		if gone {
			return
		}
		t.drain()
	}
}

// tryIncref takes a reference to an object that the caller read from a container
// without locking it. The object may have been freed by now, and its slot may hold
// another object, so tryIncref touches the count and nothing else. It refuses the
// word {default, 0}, because the owner may be about to free the object without
// looking at the word again.
func (t *nogilThread) tryIncref(o *object) bool {
	owner := o.owner.Load()
	switch owner {
	case t:
		// Only t frees what t owns, and t has freed nothing since it read o.
		// So this is not a slot that t has given away.
		if counting {
			t.counts.increfs++
		}
		o.local++
		return true
	case immortal, deferred:
		if counting {
			t.counts.uncounted++
		}
		return true
	}
	for {
		word := atomic.LoadInt64(&o.refs)
		if word == isDefault || word == isMerged || word < 0 {
			return false
		}
		if atomic.CompareAndSwapInt64(&o.refs, word, word+unit) {
			if counting {
				t.counts.increfs++
				t.counts.shared++
			}
			return true
		}
	}
}

// declareWeak lets tryIncref succeed where it would refuse a living object. The
// caller holds a reference.
func declareWeak(o *object) {
	for {
		word := atomic.LoadInt64(&o.refs)
		if word&stateMask != isDefault || atomic.CompareAndSwapInt64(&o.refs, word, word|isWeak) {
			return
		}
	}
}

// get reads an item of a container that is not locked. It returns nil unless it is
// sure that the item was there at one moment.
func (t *nogilThread) get(container *object, a *array, place int) *object {
	item := (*unsafe.Pointer)(unsafe.Pointer(&a.items[place]))
	o := (*object)(atomic.LoadPointer(item))
	if !t.tryIncref(o) {
		return nil
	}
	// From now on the reference keeps o alive. But the slot may have been reused
	// for another object before the reference was taken. If o is the item now,
	// it is a right answer.
	if (*object)(atomic.LoadPointer(item)) == o && container.array.Load() == a {
		return o
	}
	t.decref(o)
	return nil
}

func (t *nogilThread) getItem(list, index *object) *object {
	if counting {
		t.counts.listReads++
	}
	if !t.isIndex(list, index) {
		return nil
	}
	i := index.value()
	if !t.withoutOptimisticReads {
		a := list.array.Load()
		if uint64(i) < uint64(len(a.items)) {
			if o := t.get(list, a, int(i)); o != nil {
				return o
			}
		}
	}
	if counting {
		t.counts.locked++
	}
	t.lock(list)
	o := list.array.Load().item(i)
	if o != nil {
		t.incref(o)
		if owner := o.owner.Load(); owner != immortal && owner != deferred && !t.withoutOptimisticReads {
			declareWeak(o) // for the next read, which need not lock
		}
	}
	t.unlock(list)
	if o == nil {
		t.fail("list index out of range")
	}
	return o
}

func (t *nogilThread) getKey(dict, name *object) *object {
	if counting {
		t.counts.dictReads++
	}
	if !t.hasNames(dict) {
		return nil
	}
	if !t.withoutOptimisticReads {
		a := dict.array.Load()
		if place := a.keys.find(name); place >= 0 {
			if o := t.get(dict, a, place); o != nil {
				return o
			}
		}
	}
	if counting {
		t.counts.locked++
	}
	t.lock(dict)
	o := dict.array.Load().value(name)
	if o != nil {
		t.incref(o)
		if owner := o.owner.Load(); owner != immortal && owner != deferred && !t.withoutOptimisticReads {
			declareWeak(o) // for the next read, which need not lock
		}
	}
	t.unlock(dict)
	if o == nil {
		t.fail("a name has no value")
	}
	return o
}

// put is atomic for the readers that do not lock. In CPython it is a release store,
// which costs nothing extra on amd64. Go has only the sequentially consistent store,
// which is an exchange there.
func (t *nogilThread) put(place **object, o *object) {
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(place)), unsafe.Pointer(o))
}

func (t *nogilThread) take(k kind) *object {
	if counting {
		t.counts.allocations++
	}
	if len(t.own.free) == 0 {
		t.refill()
	}
	o := t.own.pop(k)
	t.first(o, 1)
	return o
}

func (t *nogilThread) give(o *object) { t.own.give(o) }

// freeOfOthers frees an object that another thread may have made. If t then has many
// free slots, it gives away the ones that it freed first. Their owner may still be
// t.
func (t *nogilThread) freeOfOthers(o *object) {
	t.free(o)
	free := t.own.free
	if len(free) < 2*chunk {
		return
	}
	t.space.mu.Lock()
	t.surplus = append(t.surplus, free[:chunk]...)
	t.space.mu.Unlock()
	t.own.free = free[chunk:]
}

// refill takes slots that other threads have given away, or lets the heap grow if
// there are none.
func (t *nogilThread) refill() {
	t.space.mu.Lock()
	rest := max(0, len(t.surplus)-chunk)
	t.own.free = append(t.own.free, t.surplus[rest:]...)
	t.surplus = t.surplus[:rest]
	t.space.mu.Unlock()
	if len(t.own.free) == 0 {
		t.own.grow()
	}
}

func (t *nogilThread) lock(o *object)   { o.mu.Lock() }
func (t *nogilThread) unlock(o *object) { o.mu.Unlock() }

func (t *nogilThread) lockBoth(a, b *object)   { lockBoth(a, b) }
func (t *nogilThread) unlockBoth(a, b *object) { unlockBoth(a, b) }

// finalize ends the interpreter and returns the number of objects that are left. All
// other threads have ended: this is the only time that the world stops.
func (t *nogilThread) finalize(threads []*nogilThread) int {
	t.space.release(t.drop)
	// The stacks are empty, so a deferred object that no container holds is free.
	for _, o := range t.made {
		if o.kind != kindFree && o.owner.Load() == deferred && atomic.LoadInt64(&o.refs) == 0 {
			o.owner.Store(nil)
			t.free(o)
		}
	}
	for _, o := range t.made {
		if o.kind != kindFree && o.owner.Load() == immortal {
			t.free(o)
		}
	}
	live := t.live + t.own.live
	for _, thread := range threads {
		live += thread.own.live
	}
	return live
}
