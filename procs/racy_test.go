package procs

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
				}
				require.NoError(t, p.Close())
			}
		})
	}
}

// A child that is killed, or that does nothing, is an error that names it.
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
		var e *Error
		require.True(t, errors.As(err, &e), "%v", err)
		require.Equal(t, pid, e.Pid)
		_, err = p.Run(1)
		require.ErrorIs(t, err, errBroken)
	}
	t.Setenv(testServe, "nothing")
	p := start(t, Sums[0], 2, Word)
	p.Patience = 100 * time.Millisecond
	_, err := p.Run(1000)
	require.ErrorContains(t, err, "no answer for 100ms")
}
