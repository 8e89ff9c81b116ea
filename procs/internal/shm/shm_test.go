//go:build unix

package shm

import (
	"io/fs"
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

// Two maps of a file are the same memory, which stays when the file is closed.
func TestMemoryIsShared(t *testing.T) {
	file, memory, err := New(9000)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 9000), memory)
	again, err := Map(file, 9000)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	memory[8999]++
	require.Equal(t, memory, again)
	require.NoError(t, Unmap(memory))
	require.Equal(t, byte(1), again[8999])
	require.NoError(t, Unmap(again))
	require.Error(t, Unmap(again), "it is mapped still")
}

// Memory that cannot be made is an error that says why, and no file stays open.
func TestMemoryThatFails(t *testing.T) {
	free := func() uintptr { // the lowest descriptor that is not open
		file, err := os.Open(os.DevNull)
		require.NoError(t, err)
		defer file.Close()
		return file.Fd()
	}
	file, memory, err := New(1)
	require.NoError(t, err)
	require.NoError(t, Unmap(memory))
	require.NoError(t, file.Close())
	before := free()
	for size, want := range map[int]string{-1: "making -1 bytes of shared memory: ", 0: "mapping 0 bytes of shared memory: "} {
		_, _, err := New(size)
		require.ErrorContains(t, err, want)
		require.Equal(t, before, free(), want)
	}
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 0
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	_, _, err = New(1)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	require.ErrorContains(t, err, "making shared memory: ")
	t.Setenv("TMPDIR", "/none")
	_, err = unlinkedFile()
	require.ErrorIs(t, err, fs.ErrNotExist)
}
