package procs

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
)

// Every sum is exact, round after round. That of the racy children is if there is
// only one of them.
func TestSums(t *testing.T) {
	for _, v := range Sums {
		t.Run(v.Name, func(t *testing.T) {
			for _, workers := range []int{1, 2, 5} {
				if v.Name == "racy" && workers > 1 {
					continue
				}
				p := start(t, v, workers, Word)
				for _, n := range []int{0, 1, 7, 1000, 100_003, 1, 100_003} {
					sum, err := p.Run(n)
					require.NoError(t, err)
					require.Equal(t, n, sum, "%d children", workers)
				}
				require.NoError(t, p.Close())
			}
		})
	}
}

// If a child is killed or does nothing, the error names it.
func TestSumsWithoutAChild(t *testing.T) {
	for _, v := range Sums {
		p := start(t, v, 3, Word)
		_, err := p.Run(1000)
		require.NoError(t, err)
		pid := p.Pids()[2]
		child, err := os.FindProcess(pid)
		require.NoError(t, err)
		require.NoError(t, child.Kill())
		for slices.Contains(p.Pids(), pid) {
			time.Sleep(time.Millisecond)
		}
		_, err = p.Run(1000)
		var e *children.Error
		require.True(t, errors.As(err, &e), "%v", err)
		require.Equal(t, pid, e.Pid)
		_, err = p.Run(1)
		require.ErrorIs(t, err, children.ErrBroken)
	}
	t.Setenv(childtest.Serve, "nothing")
	p := start(t, Sums[0], 2, Word)
	p.Patience = 100 * time.Millisecond
	_, err := p.Run(1000)
	require.ErrorContains(t, err, "no answer for 100ms")
}

// A child is killed after it has added everything. The one that replaces it does
// not add it again.
func TestSumsAfterADeath(t *testing.T) {
	for _, v := range Sums {
		p := start(t, v, 1, Word)
		for range 3 {
			_, err := p.Run(1000)
			require.NoError(t, err)
		}
		c := p.Lanes[0].Child()
		require.NoError(t, c.Kill())
		<-c.Ended
		p.Variant.Run = func(*children.Pool, int) (int, error) { return 0, nil } // it was not missed
		_, err := p.Run(0)
		require.Len(t, childtest.Errors(err), 1)
		p.Variant.Run = addUp
		for range 3 {
			sum, err := p.Run(1000)
			require.NoError(t, err)
			require.Equal(t, 1000, sum)
			time.Sleep(10 * time.Millisecond)
			require.EqualValues(t, 1000, p.Lanes[0].Queue.Slots[0], "afterwards")
		}
	}
}
