package cputime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsedCountsWorkAndNotSleep(t *testing.T) {
	before, err := Used()
	if err != nil {
		t.Skip(err)
	}
	time.Sleep(20 * time.Millisecond)
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
	}
	after, err := Used()
	require.NoError(t, err)
	// Half of the 50 ms, for machines with much else to do.
	require.Greater(t, after-before, 25*time.Millisecond)
}
