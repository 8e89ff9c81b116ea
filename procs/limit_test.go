//go:build linux

package procs

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
	"boundaries/procs/internal/childtest"
)

// With too few descriptors for all children, Start returns an error and ends the
// children that it has started.
func TestTooFewDescriptors(t *testing.T) {
	suitetest.Once(t)
	childtest.OwnProgram(t)
	start(t, named("pipe"), 1, Word).Close() // opens the program
	before := childtest.Descriptors(t)
	next, err := os.Open(os.DevNull)
	require.NoError(t, err)
	highest := next.Fd()
	require.NoError(t, next.Close())
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	few := limit
	defer func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)) }()
	for _, name := range []string{"lock-free", "pipe"} {
		for more := range uint64(20) {
			few.Cur = uint64(highest) + more
			require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
			_, err := named(name).Start(8, Word)
			require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
			require.ErrorIs(t, err, syscall.EMFILE)
			require.Empty(t, childtest.Children(t))
			require.Equal(t, before, childtest.Descriptors(t))
		}
	}
}
