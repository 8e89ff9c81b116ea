package refcount

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// takePart makes all of them take part in the epoch before any has handed over.
func takePart(handles ...Handle) {
	for _, h := range handles {
		h.(*bufferedHandle).join()
	}
}

// A hands over, takes a reference and gives it to B, which drops it and hands
// over in the same epoch. The drop is committed with the take or after it.
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

// A slot is not used again while a log may still name its object: a drop too
// many would fall on the next one.
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
	b.Tick() // ends the next: a's drop
	require.Equal(t, "spam", freed)
	a.New("eggs")
	a.Tick()
	require.PanicsWithValue(t, `refcount: Decref of "spam", which had no references left`, b.Tick)
	require.Equal(t, "spam", freed)
}

// The same with the drop too many in a log that is handed over last.
func TestDropTooManyHandedOverLast(t *testing.T) {
	heap := newBuffered(nil)
	a, b := heap.Handle(), heap.Handle()
	r := a.New("spam")
	takePart(a, b)
	a.Decref(r)
	a.Tick()
	b.Tick() // ends this epoch
	b.Tick()
	b.Decref(r) // in b's log of the one after the next
	a.Tick()    // ends the next: a's drop
	a.Tick()
	b.Tick() // ends the one after
	a.New("eggs")
	a.Tick()
	require.PanicsWithValue(t, `refcount: Decref of "spam", which had no references left`, b.Tick)
}

// Nobody but a commit frees, and a commit frees an epoch late.
func TestFreedLate(t *testing.T) {
	freed := 0
	heap := newBuffered(func(string) { freed++ })
	h := heap.Handle()
	r := h.New("spam")
	h.Decref(r)
	require.Zero(t, freed)
	h.Tick()
	require.Zero(t, freed, "committed, but only what was taken")
	h.Tick()
	require.Equal(t, 1, freed)
}

// A handle that does not hand over holds up what others have dropped, until it
// leaves.
func TestAHandleHoldsUpTheEpoch(t *testing.T) {
	freed := 0
	heap := newBuffered(func(string) { freed++ })
	a, idle := heap.Handle(), heap.Handle()
	r := a.New("spam")
	idle.Tick() // takes part
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
	require.LessOrEqual(t, len(heap.spare)+len(heap.pending), 3)
	h.Decref(r)
	h.Close()
	require.Zero(t, heap.Live())
}
