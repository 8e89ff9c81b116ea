package systems

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runNogil is Sam Gross's nogil and PEP 703: no GIL, and no write to anything
// that another thread writes unless objects do go from one to the other. It pays
// a look at the owner for every reference, and for what is shared after all a
// locked instruction and, at the end, a message to the owner. An owner's counts
// and the optimistic reads are wait-free until they meet a writer; the rest is
// blocking.
//
//   - Biased counts (Choi, Shull and Torrellas, PACT 2018): the thread that makes
//     an object counts its references in local, in plain memory, and the others
//     count in refs. See package refcount, lock_free.go, for the states of refs.
//   - Immortal objects (PEP 683): None, True, False, the small integers, names
//     and constants have no count.
//   - Deferred counts: a reference from a stack to a function is not counted. A
//     function is freed when all threads have stopped and no stack has it; here
//     that is at the end of the run.
//   - A lock in every list and dict, for those who write.
//   - Optimistic reads: a reader loads an item, takes a reference to it if that
//     can be done without a lock, and looks again whether the item is still there.
//   - A heap for each thread. What a thread frees goes to its own, and what is
//     too much there to whoever has nothing left: CPython's gives memory back to
//     where it came from.
//
// The rows without= switch one of these off, and leave its tests in the code.
func runNogil(p *Program, workers, n int) Answer { return nogilRun(p, workers, n, nogilPieces{}) }

func runNogilWithoutImmortal(p *Program, workers, n int) Answer {
	return nogilRun(p, workers, n, nogilPieces{withoutImmortal: true})
}

func runNogilWithoutDeferred(p *Program, workers, n int) Answer {
	return nogilRun(p, workers, n, nogilPieces{withoutDeferred: true})
}

func runNogilWithoutBiased(p *Program, workers, n int) Answer {
	return nogilRun(p, workers, n, nogilPieces{withoutBiased: true})
}

func runNogilWithoutOptimisticReads(p *Program, workers, n int) Answer {
	return nogilRun(p, workers, n, nogilPieces{withoutOptimisticReads: true})
}

func nogilRun(p *Program, workers, n int, pieces nogilPieces) Answer {
	fork.Check("systems", workers, n)
	s := p.build(workers)
	threads := make([]*nogilThread, workers)
	for i := range threads {
		threads[i] = newNogilThread(s, pieces)
	}
	threads[0].adopt()
	var value atomic.Int64
	fork.Run("systems", workers, n, func(worker, n int) {
		t := threads[worker]
		value.Add(t.run(worker, n))
		t.close()
	})
	return Answer{value.Load(), newNogilThread(s, pieces).finalize(threads)}
}

// nogilPieces says which of its pieces an interpreter lacks.
type nogilPieces struct {
	withoutImmortal, withoutDeferred, withoutBiased, withoutOptimisticReads bool
}

// A nogilThread owns the objects that it has made until their counts are merged,
// and is never used again after close, so that no other thread has its address.
type nogilThread struct {
	machine
	nogilPieces
	own heap

	_     cacheline.Pad
	asked atomic.Bool // inbox is not empty: the eval breaker
	mu    sync.Mutex
	inbox []*Object // guarded by mu; each holds one reference, to be dropped
	gone  bool      // guarded by mu; nothing is put into inbox any more
	_     cacheline.Pad
}

func newNogilThread(s *space, pieces nogilPieces) *nogilThread {
	return &nogilThread{machine: machine{space: s}, nogilPieces: pieces}
}

// immortal and deferred own the objects that are so. Neither ever runs.
var immortal, deferred = new(nogilThread), new(nogilThread)

// refs of an object is the number of references that its owner does not count,
// times unit, plus a state. States only rise.
const (
	isDefault = 0 // nobody but the owner may take a first reference
	isWeak    = 1 // others may try to take one
	isQueued  = 2 // the object is in its owner's inbox, or has been
	isMerged  = 3 // there is no owner: refs has all references
	stateMask = 3
	unit      = 4
)

// adopt makes the objects of the space, which have plain counts, those of a
// nogil interpreter whose first thread is t.
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

// first gives an object that nobody else has its first references. A slot that t
// freed itself is as it has to be, and a store would cost as much as a lock.
func (t *nogilThread) first(o *Object, refs int64) {
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

// incref and decref count a reference from a stack.

func (t *nogilThread) incref(o *Object) {
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

func (t *nogilThread) decref(o *Object) {
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

// hold and drop count a reference from a container, which is counted even of a
// deferred object.

func (t *nogilThread) hold(o *Object) {
	if o.owner.Load() == deferred {
		if counting {
			t.counts.increfs++
		}
		atomic.AddInt64(&o.refs, unit)
	} else {
		t.incref(o)
	}
}

func (t *nogilThread) drop(o *Object) {
	if o.owner.Load() == deferred {
		if counting {
			t.counts.decrefs++
		}
		atomic.AddInt64(&o.refs, -unit) // finalize looks whether that was the last
	} else {
		t.decref(o)
	}
}

func (t *nogilThread) increfShared(o *Object) {
	if counting {
		t.counts.increfs++
		t.counts.shared++
	}
	if atomic.AddInt64(&o.refs, unit) == unit|isMerged {
		panic("systems: a reference is taken to an object that had none left")
	}
}

// decrefShared drops a reference of an object that another thread owns, or none.
func (t *nogilThread) decrefShared(o *Object) {
	if counting {
		t.counts.shared++
	}
	for {
		word := atomic.LoadInt64(&o.refs)
		next := word - unit
		queue := word == isDefault || word == isWeak
		if queue {
			// All that others have taken is dropped, so this reference is in
			// local. The queue takes it over as it is: to subtract it here as
			// well would drop it twice.
			next = isQueued
		} else if word == isMerged {
			panic("systems: a reference is dropped of an object that had none left")
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

// mergeZero is called by the owner when local has come to zero.
func (t *nogilThread) mergeZero(o *Object) {
	// {default, 0}: nobody else has a reference, and nobody can get one, for
	// tryIncref refuses this word. The load suffices: what others wrote to the
	// word, the last drop of each, synchronizes before it. Word and owner stay
	// as they are, and the next object in the slot is t's again.
	if atomic.LoadInt64(&o.refs) == isDefault {
		t.free(o)
		return
	}
	if merge(o, 0) == 0 {
		t.free(o)
	}
}

// merge adds local and extra to refs, and returns the number of references that
// are left. It is called by the owner, or under the lock of one that has gone.
func merge(o *Object, extra int64) int64 {
	local := int64(o.local)
	// Before the word says merged: from then on another may drop the last
	// reference and give the slot to a new object, whose owner this store would
	// destroy (CPython gh-119999). Until then, the references in refs or the
	// queued drop keep the object.
	o.owner.Store(nil)
	for {
		word := atomic.LoadInt64(&o.refs)
		count := word>>2 + local + extra
		if count < 0 {
			panic("systems: a reference is dropped of an object that had none left")
		}
		if atomic.CompareAndSwapInt64(&o.refs, word, count*unit|isMerged) {
			return count
		}
	}
}

// enqueue hands a reference that was counted in local to the owner, to be dropped
// there.
func (t *nogilThread) enqueue(o *Object) {
	owner := o.owner.Load()
	if owner == nil {
		// The owner has merged meanwhile, or is about to: the reference is in
		// refs, and can be dropped there.
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
		// The counts may be merged already, by the owner's own last drop: then
		// local is 0, and the reference is in refs.
		if merge(o, -1) == 0 {
			t.free(o)
		}
	}
}

// close empties the inbox until it finds it empty while it holds the lock, and so
// closes it: who would put a reference into it merges the counts himself. It must
// be empty by then, for a reference that is left would never be dropped; and t must
// touch no count after that, as it would to drop what a container held that was
// queued: what t owns, others merge.
func (t *nogilThread) close() {
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
// which it has not locked, so that the object may have been freed, or be another
// by now: it may touch the count and nothing else. It refuses a word of
// {default, 0}, whose owner may be about to free it without another look.
func (t *nogilThread) tryIncref(o *Object) bool {
	owner := o.owner.Load()
	switch owner {
	case t:
		// What t owns, only t frees, and it has freed nothing since it read o:
		// this is no slot that it has given away.
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
func declareWeak(o *Object) {
	for {
		word := atomic.LoadInt64(&o.refs)
		if word&stateMask != isDefault || atomic.CompareAndSwapInt64(&o.refs, word, word|isWeak) {
			return
		}
	}
}

// get reads an item of an array of a container that is not locked, and fails if
// the item was not surely there at one moment.
func (t *nogilThread) get(container *Object, a *array, place int) *Object {
	item := (*unsafe.Pointer)(unsafe.Pointer(&a.items[place]))
	o := (*Object)(atomic.LoadPointer(item))
	if !t.tryIncref(o) {
		return nil
	}
	// The reference keeps o what it is. Was it the item when it was taken, or
	// had the slot been given to another object by then? If it is the item
	// now, it is a right answer now.
	if (*Object)(atomic.LoadPointer(item)) == o && container.array.Load() == a {
		return o
	}
	t.decref(o)
	return nil
}

func (t *nogilThread) getItem(list, index *Object) *Object {
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
		if owner := o.owner.Load(); owner != immortal && owner != deferred {
			declareWeak(o)
		}
	}
	t.unlock(list)
	if o == nil {
		t.fail("list index out of range")
	}
	return o
}

func (t *nogilThread) getKey(dict, name *Object) *Object {
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
		if owner := o.owner.Load(); owner != immortal && owner != deferred {
			declareWeak(o)
		}
	}
	t.unlock(dict)
	if o == nil {
		t.fail("a name has no value")
	}
	return o
}

// put is atomic for the sake of those who read without the lock. In CPython it is
// a release store, which costs nothing on amd64; Go has only the exchange.
func (t *nogilThread) put(place **Object, o *Object) {
	atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(place)), unsafe.Pointer(o))
}

func (t *nogilThread) take(k kind) *Object {
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

func (t *nogilThread) give(o *Object) { t.own.give(o) }

// freeOfOthers frees an object that t may not have made. The slots that t freed
// longest ago it gives away, if it has many; they may still have t as their owner.
func (t *nogilThread) freeOfOthers(o *Object) {
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

// refill takes what others have given away, or else lets the heap grow.
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

func (t *nogilThread) lock(o *Object)   { o.mu.Lock() }
func (t *nogilThread) unlock(o *Object) { o.mu.Unlock() }

func (t *nogilThread) lockBoth(a, b *Object)   { lockBoth(a, b) }
func (t *nogilThread) unlockBoth(a, b *Object) { unlockBoth(a, b) }

func (t *nogilThread) native(k *kernel, x, n int64) int64 { return k.run(x, n) }

// finalize ends the interpreter when all its threads have ended, and returns the
// number of objects that are left. This is the one time that the world stops.
func (t *nogilThread) finalize(threads []*nogilThread) int {
	t.space.release(t.drop)
	// No stack has anything: what no container has is free. The globals, the only
	// container that is deferred, were made before the functions that they hold.
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
