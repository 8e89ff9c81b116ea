package refcount

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cacheline"
	"boundaries/internal/suite/suitetest"
)

// A handle that has handed over in this epoch owes nothing more when it leaves. So the
// epoch does not end before the others have handed over.
func TestLeaveDoesNotPayTwice(t *testing.T) {
	freed := 0
	heap := newBuffered(func(string) { freed++ })
	a, b, c := heap.Handle(), heap.Handle(), heap.Handle()
	r := a.New("spam")
	takePart(a, b, c)
	c.Incref(r) // in c's log of this epoch
	a.Decref(r)
	a.Tick()
	a.Close()
	b.Tick()
	require.Zero(t, heap.(*bufferedHeap).epoch, "c has not handed over")
	b.Tick()
	require.Zero(t, freed)
	c.Tick() // ends the epoch: +1
	settle(b, c)
	require.Zero(t, freed)
	c.Decref(r)
	settle(b, c)
	require.Equal(t, 1, freed)
}

// A slot gets its next object only after the finalizer of the old one has returned.
func TestSlotIsFreeAfterTheFinalizer(t *testing.T) {
	for _, v := range Variants {
		if v.Immortal {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			suitetest.Guard(t, "New in a finalizer waits: the heap holds a lock while it calls the finalizer")
			var heap Heap
			var old, next Ref
			heap = v.New(func(string) {
				if next.slot == nil { // once
					require.Equal(t, 1, heap.Live(), "it lives until its finalizer has returned")
					next = heap.Handle().New("next")
				}
			})
			h := heap.Handle()
			old = h.New("old")
			h.Decref(old)
			settle(h)
			require.NotNil(t, next.slot)
			require.NotSame(t, old.slot, next.slot)
		})
	}
}

// While the finalizer runs, the generation does not show that the object dies, but its
// count does. The biased count does not notice the misuse, and the buffered count only later.
func TestMisuseWhileTheFinalizerRuns(t *testing.T) {
	for _, v := range Variants {
		if v.Immortal || v.Name == "lock-free" || v.Name == "buffered" {
			continue
		}
		for op, misuse := range map[string]func(Handle, Ref){"Incref": Handle.Incref, "Decref": Handle.Decref} {
			var heap Heap
			var r Ref
			heap = v.New(func(string) {
				require.PanicsWithValue(t, fmt.Sprintf(`refcount: %s of "spam", which had no references left`, op),
					func() { misuse(heap.Handle(), r) }, v.Name)
			})
			h := heap.Handle()
			r = h.New("spam")
			h.Decref(r)
			require.Zero(t, heap.Live(), v.Name)
		}
	}
}

// The same lock guards an object whatever its count.
func TestOneLockForEachObject(t *testing.T) {
	heap := newShardedLock(nil).(*shardedHeap)
	h := heap.Handle()
	a, b := h.New("a"), h.New("b")
	o := a.slot.(*slot[int])
	lock := heap.guard(o)
	h.Incref(a)
	require.Same(t, lock, heap.guard(o))
	require.NotSame(t, lock, heap.guard(b.slot.(*slot[int])))
}

// The words of a count, and the locks of different objects, are on different cache lines.
func TestPads(t *testing.T) {
	var o [2]slot[biasedCount]
	suitetest.Apart(t, &o[0].gen, &o[0].count.owner, &o[0].count.local, &o[0].count.shared, &o[1].arena)
	var global mutexHeap
	suitetest.Apart(t, &global.live, &global.mu)
	require.GreaterOrEqual(t, unsafe.Sizeof(global)-unsafe.Offsetof(global.mu), uintptr(cacheline.Size))
	var sharded shardedHeap
	suitetest.Apart(t, &sharded.live, &sharded.stripes[0].mu, &sharded.stripes[1].mu)
}

// merge clears the owner before it writes the word. A drop too many makes it panic in
// between. After the word says merged, the slot may have another object.
func TestOwnerIsClearedBeforeTheWord(t *testing.T) {
	owner := newLockFree(nil).Handle().(*biasedHandle)
	o := owner.New("spam").slot.(*slot[biasedCount])
	o.count.shared.Store(word{"queued", -2}.encode())
	require.Panics(t, func() { merge(o) })
	require.Nil(t, o.count.owner.Load())
}

// The end of an epoch wakes every handle that waits for the next one.
func TestTheNextEpochWakesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if all goroutines wait
		heap := newBuffered(nil)
		a, b, c := heap.Handle(), heap.Handle(), heap.Handle()
		takePart(a, b, c)
		for _, h := range []Handle{a, b} {
			go func() {
				h.Tick()
				h.(*bufferedHandle).handOver() // waits for c
				h.Close()
			}()
		}
		synctest.Wait()
		c.Tick()
		c.Close()
	})
}

// A take that is committed after the object was freed is reported.
func TestTakeOfWhatIsFreed(t *testing.T) {
	heap := newBuffered(nil)
	a, b := heap.Handle(), heap.Handle()
	r := a.New("spam")
	takePart(a, b)
	b.Decref(r)
	a.Tick()
	b.Tick() // ends this epoch
	a.Tick()
	a.Incref(r) // in a's log of the epoch after the next
	b.Tick()    // ends the next: b's drop
	takePart(b) // again, after the finalizer
	a.Tick()
	require.PanicsWithValue(t, `refcount: Incref of "spam", which had no references left`, b.Tick)
}

// The hand-over that makes room in a log may free the object that was to be logged.
func TestFreedWhileALogIsFull(t *testing.T) {
	for op, misuse := range map[string]func(Handle, Ref){"Incref": Handle.Incref, "Decref": Handle.Decref} {
		heap := newBuffered(nil)
		heap.(*bufferedHeap).logLen = 1
		h := heap.Handle()
		r, other := h.New("spam"), h.New("eggs")
		h.Decref(r)
		h.Tick()
		misuse(h, other) // fills the log
		require.PanicsWithValue(t, fmt.Sprintf(`refcount: %s of "spam", which has been freed`, op), func() { misuse(h, r) })
	}
}

// The handle that frees an object does not hold the lock of the owner's inbox: the finalizer may
// wait for another handle, which needs that lock to ask the owner to merge other counts. The
// object has no owner by then: its slot may soon have the next object, whose owner a later store
// would clear.
func TestOwnerInTheFinalizer(t *testing.T) {
	var owner *biasedHandle
	var r Ref
	freed := 0
	heap := newLockFree(func(string) {
		freed++
		require.True(t, owner.mu.TryLock(), "the lock of the owner's inbox is held")
		owner.mu.Unlock()
		require.Nil(t, r.slot.(*slot[biasedCount]).count.owner.Load())
	})
	owner = heap.Handle().(*biasedHandle)
	other := heap.Handle()
	r = owner.New("dropped by the owner")
	owner.Decref(r)
	r = owner.New("dropped by the other")
	other.Decref(r)
	owner.Tick()
	require.Empty(t, owner.inbox)
	require.False(t, owner.asked.Load())
	r = owner.New("in the inbox when the owner ends")
	last := owner.New("dropped when the owner has gone")
	other.Decref(r)
	owner.Close()
	r = last
	other.Decref(r)
	require.Equal(t, 4, freed)
}

// A handle asks an owner that has gone, while another merges the same counts on the owner's
// behalf. Only one of the two frees the object.
func TestMergedByAnother(t *testing.T) {
	freed := 0
	heap := newLockFree(func(string) { freed++ })
	owner := heap.Handle().(*biasedHandle)
	o := owner.New("spam").slot.(*slot[biasedCount])
	owner.Close()
	o.count.shared.Store(word{"queued", -1}.encode())
	owner.mu.Lock()
	waits, asked := suitetest.Locks(func() { askToMerge(o) })
	require.True(t, waits, "for the lock of the owner's inbox")
	require.Zero(t, merge(o))
	owner.mu.Unlock()
	<-asked
	require.Zero(t, freed, "the one that has merged frees the object")
}

// A handle judges the count that it has made, and not what another makes of it as soon as
// the lock is free.
func TestCountIsJudgedUnderTheLock(t *testing.T) {
	freed := 0
	a := &arena[int]{finalize: func(string) { freed++ }}
	lock := &lockThen{}
	h := &lockedHandle{handle[int]{arena: a}, func(*slot[int]) sync.Locker { return lock }}
	r := h.New("spam")
	h.Incref(r)
	lock.then = func() { h.Decref(r) }
	h.Decref(r)
	require.Equal(t, 1, freed, "by the last drop alone")

	r = h.New("eggs")
	lock.then = func() { h.Decref(r) }
	h.Incref(r)
	require.Equal(t, 1, h.Count(r))
}

// A lockThen calls a function once, as soon as it is unlocked.
type lockThen struct {
	sync.Mutex
	then func()
}

func (l *lockThen) Unlock() {
	l.Mutex.Unlock()
	if then := l.then; then != nil {
		l.then = nil
		then()
	}
}
