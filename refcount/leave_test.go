package refcount

import (
	"testing"

	"github.com/stretchr/testify/require"
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
