package cputime

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsedCountsWorkAndNotSleep(t *testing.T) {
	used := func() time.Duration {
		used, err := Used()
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		require.NoError(t, err)
		return used
	}
	before := used()
	time.Sleep(50 * time.Millisecond)
	require.Less(t, used()-before, 40*time.Millisecond)
	began := time.Now()
	for before := used(); used()-before < 20*time.Millisecond; {
	}
	require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond*95/100, "no more than the one processor of this loop")
}
