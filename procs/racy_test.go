package procs

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
)

// Sums are exact in round after round, and that of the racy children if there is
// one of them.
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
					require.EqualValues(t, workers, p.Lanes[0].Queue.Claimed.Load(), "they meet in each run")
				}
				require.NoError(t, p.Close())
			}
		})
	}
}

// A child that is killed between two rounds is replaced, and the error names it.
func TestSumsAfterADeath(t *testing.T) {
	for _, v := range Sums {
		p := start(t, v, 1, Word)
		for range 3 {
			c := p.Lanes[0].Child()
			require.NoError(t, c.Kill())
			<-c.Ended
			sum, err := p.Run(1000)
			require.Equal(t, 1000, sum, "%v", err)
			require.Equal(t, c.Pid(), childtest.Errors(err)[0].Pid)
			sum, err = p.Run(1000)
			require.NoError(t, err)
			require.Equal(t, 1000, sum)
		}
	}
}

// A child that does nothing is an error.
func TestSumsWithoutAChild(t *testing.T) {
	t.Setenv(childtest.Serve, "nothing")
	p := start(t, Sums[0], 2, Word)
	p.Patience = 100 * time.Millisecond
	_, err := p.Run(1000)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	_, err = p.Run(1)
	require.ErrorIs(t, err, children.ErrBroken)
}
