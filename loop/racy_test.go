package loop

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// One worker has no other to race with. The tests of package races run several
// workers, in child processes.
func TestRacyAlone(t *testing.T) {
	for _, n := range []int{0, 1, 7, 10007} {
		require.Equal(t, Total(1, n), Racy(1, n))
	}
	require.PanicsWithValue(t, "loop: 0 workers, need at least one", func() { Racy(0, 1) })
}
