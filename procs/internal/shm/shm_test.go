//go:build unix

package shm

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

// Only this user may open shared memory, it has no name, and no other program
// inherits it.
func TestMemoryIsPrivate(t *testing.T) {
	for name, open := range map[string]func() (*os.File, error){"nameless": namelessFile, "unlinked": unlinkedFile} {
		file, err := open()
		require.NoError(t, err, name)
		info, err := file.Stat()
		require.NoError(t, err, name)
		require.Equal(t, os.FileMode(0o600), info.Mode(), name)
		require.Zero(t, info.Sys().(*syscall.Stat_t).Nlink, name)
		flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFD, 0)
		require.NoError(t, err, name)
		require.NotZero(t, flags&unix.FD_CLOEXEC, name)
		require.NoError(t, file.Close(), name)
	}
}
