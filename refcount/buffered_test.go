package refcount

import (
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// takePart makes all handles members of the epoch before any hands over.
func takePart(handles ...Handle) {
	for _, h := range handles {
		h.(*bufferedHandle).join()
	}
}

// Handle a hands over, takes a reference and gives it to b, which drops it and hands
// over in the same epoch. The drop is committed together with the take or later.
func TestDropIsNotCommittedBeforeItsTake(t *testing.T) {
	freed := 0
	heap := newBuffered(func(string) { freed++ })
	a, b := heap.Handle(), heap.Handle()
	r := a.New("spam")
	takePart(a, b)

	a.Tick()
	a.Incref(r) // in a's log of the next epoch
	b.Decref(r) // in b's log of this one
	b.Tick()    // ends this one
	require.Equal(t, 1, a.Count(r))
	a.Tick()
	b.Tick() // ends the next: +1, and then the drop
	require.Equal(t, 1, a.Count(r))
	require.Zero(t, freed)
	a.Decref(r)
	settle(a, b)
	require.Equal(t, 1, freed)
}

// A slot is not reused while a log may still name its object. Otherwise one drop too
// many would hit the slot's next object.
func TestDropTooManyDoesNotFallOnTheNextObject(t *testing.T) {
	freed := ""
	heap := newBuffered(func(name string) { freed += name })
	a, b := heap.Handle(), heap.Handle()
	r := a.New("spam")
	takePart(a, b)

	a.Decref(r)
	a.Tick()
	b.Tick() // ends this epoch
	b.Decref(r)
	a.Tick()
	b.Tick()    // ends the next: a's drop
	takePart(b) // again, after the finalizer
	require.Equal(t, "spam", freed)
	a.New("eggs")
	a.Tick()
	require.PanicsWithValue(t, `refcount: Decref of "spam", which had no references left`, b.Tick)
	require.Equal(t, "spam", freed)
}

// The same if the log with the drop too many is handed over last.
func TestDropTooManyHandedOverLast(t *testing.T) {
	heap := newBuffered(nil)
	a, b := heap.Handle(), heap.Handle()
	r := a.New("spam")
	takePart(a, b)
	a.Decref(r)
	a.Tick()
	b.Tick() // ends this epoch
	b.Tick()
	b.Decref(r) // in b's log of the epoch after the next
	a.Tick()    // ends the next: a's drop
	a.Tick()
	b.Tick() // ends the epoch after the next
	a.New("eggs")
	a.Tick()
	require.PanicsWithValue(t, `refcount: Decref of "spam", which had no references left`, b.Tick)
}

// The same if the drop too many is logged while the finalizer runs, by a handle that
// has already handed over in the epoch that follows.
func TestDropTooManyDuringTheFinalizer(t *testing.T) {
	var a, b, c Handle
	var r Ref
	heap := newBuffered(func(string) {
		logged := make(chan struct{})
		go func() {
			a.Tick()
			a.Decref(r)
			close(logged)
		}()
		<-logged
	})
	a, b, c = heap.Handle(), heap.Handle(), heap.Handle()
	r = a.New("spam")
	takePart(a, b, c)
	a.Decref(r)
	a.Tick()
	c.Tick()
	b.Tick() // ends this epoch
	a.Tick()
	c.Tick()
	b.Tick()    // ends the next: a's drop, and the finalizer
	takePart(b) // again, after the finalizer
	c.Tick()
	b.Tick() // ends the one after: a has handed over already
	a.Tick()
	c.Tick()
	b.Tick()
	a.New("eggs") // not in the slot of spam
	a.Tick()
	c.Tick()
	require.PanicsWithValue(t, `refcount: Decref of "spam", which had no references left`, b.Tick)
}

// Only a commit frees objects, and it does so one epoch late.
func TestFreedLate(t *testing.T) {
	freed := 0
	heap := newBuffered(func(string) { freed++ })
	h := heap.Handle()
	r := h.New("spam")
	h.Decref(r)
	require.Zero(t, freed)
	h.Tick()
	require.Zero(t, freed, "only the takes of the epoch are committed")
	h.Tick()
	require.Equal(t, 1, freed)
}

// A handle that does not hand over delays all frees until it leaves.
func TestAHandleHoldsUpTheEpoch(t *testing.T) {
	freed := 0
	heap := newBuffered(func(string) { freed++ })
	a, idle := heap.Handle(), heap.Handle()
	r := a.New("spam")
	idle.Tick() // becomes a member
	a.Decref(r)
	for range 10 {
		a.Tick()
	}
	require.Zero(t, freed)
	idle.Close()
	a.Tick()
	a.Tick()
	require.Equal(t, 1, freed)
}

func TestLogsAreBounded(t *testing.T) {
	suitetest.Guard(t, "the only handle waits for the others to hand over")
	heap := newBuffered(nil).(*bufferedHeap)
	h := heap.Handle().(*bufferedHandle)
	r := h.New("spam")
	for range 10*defaultLogLen + 1 {
		h.Incref(r)
		h.Decref(r)
	}
	require.Equal(t, defaultLogLen, cap(h.taken))
	require.Equal(t, defaultLogLen, cap(h.dropped))
	require.Positive(t, heap.epoch)
	require.Equal(t, []int{2, 1}, []int{len(heap.spare), len(heap.pending)}, "logs are used again")
	h.Decref(r)
	h.Close()
	require.Zero(t, heap.Live())
}
