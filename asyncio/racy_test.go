package asyncio

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// One question has no other to race with. Tests of races ask more of them, in child
// processes.
func TestRacyAlone(t *testing.T) {
	db := open(t, 0)
	for n := range 2 {
		require.Equal(t, Want(1, n), Racy(db, n))
	}
	require.PanicsWithValue(t, "asyncio: -1 questions, need none or more", func() { Racy(nil, -1) })
}
