package refcount

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A single worker, and workers with objects of their own, have no other to race
// with. The tests of package races run the other cases, in child processes.
func TestRacyAlone(t *testing.T) {
	for _, n := range []int{0, 1, 7, 10007} {
		require.Equal(t, Hot.Want(1, n), Racy(Hot, 1, n))
		require.Equal(t, Own.Want(3, n), Racy(Own, 3, n))
	}
	require.PanicsWithValue(t, "refcount: 0 workers, need at least one", func() { Racy(Hot, 0, 1) })
	freed := 0
	heap := NewRacy(func(string) { freed++ })
	h := heap.Handle()
	r := h.New("spam")
	h.Incref(r)
	require.Equal(t, 2, h.Count(r))
	h.Decref(r)
	h.Decref(r)
	require.Equal(t, 1, freed)
}
