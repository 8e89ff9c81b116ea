package refcount

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"

	"boundaries/internal/explore"
)

var Programs = slices.Concat(programs("atomic", newAtomic), programs("lock-free", newLockFree), late, shared, epochs)

// An oracle is a heap, and knows what was freed.
type oracle struct {
	Heap
	freed map[string]*int // not written by actors
}

func newOracle(heap func(finalize func(string)) Heap) *oracle {
	o := &oracle{freed: map[string]*int{"spam": new(int), "eggs": new(int)}}
	o.Heap = heap(func(name string) { *o.freed[name]++ })
	return o
}

// freedOnce returns an error unless each of the objects was freed once and nothing is
// left.
func (o *oracle) freedOnce(names ...string) func() error {
	return func() error {
		for _, name := range names {
			if n := *o.freed[name]; n != 1 {
				return fmt.Errorf("%s was freed %d times", name, n)
			}
		}
		if n := o.Live(); n != 0 {
			return fmt.Errorf("%d objects are left", n)
		}
		return nil
	}
}

// try takes a reference if it can, uses it, and drops it.
func try(h Handle, r Ref) {
	if h.TryIncref(r) {
		h.Decref(r)
	}
}

// tooMany names a program that has more than 20,000 classes of orders with biased counts.
const tooMany = "the owner drops the last, two strangers try"

// programs are for heaps that free at once, or when the owner ticks or closes. The
// owner makes spam and has one reference, or gives it to a stranger.
func programs(kind string, heap func(finalize func(string)) Heap) []explore.Program {
	var all []explore.Program
	add := func(name string, refs int, shared bool, objects []string, actors ...func(h Handle, spam Ref)) {
		bound := 0
		if kind == "lock-free" && name == tooMany {
			bound = 1
		}
		all = append(all, explore.Program{Name: kind + ": " + name, Preemptions: bound, Start: func(r *explore.Run) {
			o := newOracle(heap)
			var handles []Handle
			for range actors {
				handles = append(handles, o.Handle())
			}
			spam := handles[0].New("spam")
			if shared {
				handles[0].Shared(spam)
			}
			for range refs - 1 {
				handles[0].Incref(spam)
			}
			for i, do := range actors {
				name := fmt.Sprint("stranger ", i)
				if i == 0 {
					name = "owner"
				}
				r.Actor(name, func() {
					do(handles[i], spam)
					handles[i].Close()
				})
			}
			r.End(o.freedOnce(objects...))
		}})
	}
	one, two := []string{"spam"}, []string{"spam", "eggs"}
	drop := func(h Handle, spam Ref) { h.Decref(spam) }
	tick := func(h Handle, spam Ref) { h.Tick() }
	next := func(h Handle, spam Ref) {
		h.Decref(spam)
		eggs := h.New("eggs")
		h.Incref(eggs)
		h.Decref(eggs)
		h.Decref(eggs)
	}
	nextShared := func(h Handle, spam Ref) {
		h.Decref(spam)
		eggs := h.New("eggs")
		h.Shared(eggs)
		h.Decref(eggs)
	}
	add("the owner drops the last, a stranger tries", 1, false, one, drop, try)
	add("the owner drops the last of a shared object, a stranger tries", 1, true, one, drop, try)
	add("the owner drops the last and uses the slot again, a stranger tries", 1, true, two, nextShared, try)
	add(tooMany, 1, true, one, drop, try, try)
	add("the owner drops one and ends, a stranger drops one", 2, false, one, drop, drop)
	add("the owner drops one and ends, two strangers drop one each", 3, false, one, drop, drop, drop)
	add("the owner ends, two strangers drop one each", 2, false, one, tick, drop, drop)
	add("the owner drops one and ends, a stranger takes one and drops two", 2, false, one, drop, func(h Handle, spam Ref) {
		h.Incref(spam)
		h.Decref(spam)
		h.Decref(spam)
	})
	add("the owner takes, drops and ticks, a stranger drops one", 2, false, one, func(h Handle, spam Ref) {
		h.Incref(spam)
		h.Decref(spam)
		h.Tick()
		h.Decref(spam)
	}, drop)
	add("the owner drops one and ends, one stranger drops one, one tries", 2, true, one, drop, drop, try)
	add("the owner drops one and uses the slot again, a stranger drops one", 2, false, two, next, drop)
	add("the owner drops one, a stranger drops one and uses the slot again", 2, false, two, drop, next)
	add("the owner ticks, one stranger drops one, one drops one and uses the slot again", 2, false, two, tick, drop, next)
	return all
}

// late is for the biased heap. One stranger drops a reference that local counts, and the
// count becomes negative. Before it asks the owner to merge, the other stranger takes one
// more and gives it to the owner, so that the count is 0 again; the object is freed, and
// its slot has the next one.
var late = []explore.Program{{Name: "lock-free: a request to merge comes when the slot has the next object", Start: func(r *explore.Run) {
	o := newOracle(newLockFree)
	owner, one, other := o.Handle(), o.Handle(), o.Handle()
	spam := owner.New("spam")
	owner.Incref(spam) // for one
	owner.Incref(spam) // for other
	var given, gone atomic.Bool
	wait := func(until *atomic.Bool) {
		for !until.Load() {
			runtime.Gosched()
		}
	}
	r.Actor("owner", func() {
		wait(&given)
		owner.Decref(spam)
		owner.Decref(spam)
		wait(&gone)
		owner.Tick()
		eggs := owner.New("eggs")
		owner.Incref(eggs)
		owner.Decref(eggs)
		owner.Decref(eggs)
		owner.Close()
	})
	r.Actor("one", func() {
		one.Decref(spam)
		one.Close()
	})
	r.Actor("other", func() {
		other.Incref(spam) // for the owner
		given.Store(true)
		other.Decref(spam)
		gone.Store(true)
		other.Close()
	})
	r.End(o.freedOnce("spam", "eggs"))
}}, {Name: "lock-free: a stranger tries and finds the next object, another drops that", Start: func(r *explore.Run) {
	o := newOracle(newLockFree)
	owner, one, other := o.Handle(), o.Handle(), o.Handle()
	spam := owner.New("spam")
	owner.Decref(spam)
	eggs := owner.New("eggs") // for one
	owner.Shared(eggs)
	r.Actor("one", func() { one.Decref(eggs) })
	r.Actor("other", func() {
		if other.TryIncref(spam) {
			panic("spam was freed")
		}
	})
	r.End(func() error {
		owner.Close()
		return o.freedOnce("spam", "eggs")()
	})
}}, {Name: "lock-free: the owner ticks while two ask it to merge", Start: func(r *explore.Run) {
	o := newOracle(newLockFree)
	owner := o.Handle().(*biasedHandle)
	r.Actor("owner", func() { owner.Tick() })
	for _, name := range []string{"spam", "eggs"} {
		h, ref := o.Handle(), owner.New(name)
		r.Actor("of "+name, func() { h.Decref(ref) })
	}
	r.End(func() error {
		if queued := len(owner.inbox); queued > 0 != owner.asked.Load() {
			return fmt.Errorf("%d objects are queued, and the owner will look: %v", queued, owner.asked.Load())
		}
		owner.Close()
		return o.freedOnce("spam", "eggs")()
	})
}}}

// shared is of an object that stays alive.
var shared = []explore.Program{{Name: "lock-free: one shares while another takes", Start: func(r *explore.Run) {
	o := newOracle(newLockFree)
	owner, one, other := o.Handle(), o.Handle(), o.Handle()
	spam := owner.New("spam")
	r.Actor("one", func() { one.Shared(spam) })
	r.Actor("other", func() { other.Incref(spam) })
	r.End(func() error {
		if word := spam.slot.(*slot[biasedCount]).count.shared.Load(); word != unit|isWeak {
			return fmt.Errorf("the word is %d, want one reference of a shared object", word)
		}
		return nil
	})
}}}

// epochs are for the buffered heap.
var epochs = []explore.Program{
	{Name: "buffered: a reference is taken in one epoch and dropped in the epoch before", Start: func(r *explore.Run) {
		o := newOracle(newBuffered)
		a, b := o.Handle(), o.Handle()
		spam := a.New("spam")
		var given atomic.Bool
		r.Actor("taker", func() {
			a.Tick()
			a.Incref(spam)
			given.Store(true)
			a.Decref(spam)
			a.Close()
		})
		r.Actor("dropper", func() {
			b.Tick()
			for !given.Load() {
				runtime.Gosched()
			}
			b.Decref(spam)
			b.Tick()
			b.Close()
		})
		r.End(o.freedOnce("spam"))
	}},
	{Name: "buffered: logs of one entry", Start: func(r *explore.Run) {
		o := newOracle(short)
		a, b := o.Handle(), o.Handle()
		spam := a.New("spam")
		a.Incref(spam)
		r.Actor("one", func() {
			a.Incref(spam)
			a.Decref(spam)
			a.Decref(spam)
			a.Close()
		})
		r.Actor("other", func() {
			b.Incref(spam)
			b.Decref(spam)
			b.Decref(spam)
			b.Close()
		})
		r.End(o.freedOnce("spam"))
	}},
	{Name: "buffered: what is owed while one hands over and leaves", Start: func(r *explore.Run) {
		o := newOracle(newBuffered)
		b := o.Heap.(*bufferedHeap)
		handles := []*bufferedHandle{b.Handle().(*bufferedHandle), b.Handle().(*bufferedHandle)}
		handles[1].join()
		r.Actor("one", func() {
			handles[0].Tick()
			handles[0].Close()
		})
		r.Actor("auditor", func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			owed, members := 0, 0
			for _, h := range handles {
				if h.member {
					members++
					if h.epoch < b.epoch {
						owed++
					}
					if h.epoch < b.epoch-1 {
						panic("an epoch has ended without a member that owes its logs")
					}
				}
			}
			if b.owed != owed || b.members != members {
				panic(fmt.Sprintf("%d of %d members owe their logs, and %d of %d are counted", owed, members, b.owed, b.members))
			}
		})
	}},
	{Name: "buffered: the last drop is committed, and a try", Start: func(r *explore.Run) {
		o := newOracle(newBuffered)
		a, b := o.Handle(), o.Handle()
		spam := a.New("spam")
		r.Actor("owner", func() {
			a.Decref(spam)
			a.Close()
		})
		r.Actor("stranger", func() {
			if b.TryIncref(spam) {
				b.Incref(spam)
				b.Decref(spam)
				b.Decref(spam)
			}
			b.Close()
		})
		r.End(o.freedOnce("spam"))
	}},
}

func short(finalize func(string)) Heap {
	h := newBuffered(finalize).(*bufferedHeap)
	h.logLen = 1
	return h
}
