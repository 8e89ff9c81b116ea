//go:build unix

package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// When EndGroup returns, no process of the group can write any more.
func TestEndGroup(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	cmd := exec.Command("sh", "-c", "sleep 1000 & sleep 1000 & sleep 1000 & exit 0")
	cmd.ExtraFiles = []*os.File{write}
	OwnGroup(cmd)
	require.NoError(t, cmd.Run())
	require.NoError(t, write.Close())
	EndGroup(cmd)
	raw, err := read.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Read(func(fd uintptr) bool {
		_, err = syscall.Read(int(fd), make([]byte, 1))
		return true
	}))
	require.NoError(t, err, "a process has the pipe open")
}

// What ends the group of this process does not end the keeper.
func TestTheKeeperHasItsOwnSession(t *testing.T) {
	k, err := Keep(t.TempDir(), nil)
	require.NoError(t, err)
	defer k.End()
	group, err := syscall.Getpgid(k.cmd.Process.Pid)
	require.NoError(t, err)
	require.Equal(t, k.cmd.Process.Pid, group)
}

// The keeper kills the group that runs, and removes the folder and a worktree in it, also
// one that has files of its own.
func TestTheKeeperCleansUp(t *testing.T) {
	repository, folder := t.TempDir(), filepath.Join(t.TempDir(), "a folder")
	git := func(args ...string) {
		out, err := exec.Command("git", append([]string{"-C", repository, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	git("init", "--quiet")
	git("commit", "--quiet", "--allow-empty", "--message", "first")
	k, err := Keep(folder, nil)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "no worktree", ".git"), 0o700))
	git("worktree", "add", "--quiet", "--detach", filepath.Join(folder, "a tree"))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a tree", "file"), nil, 0o600))
	cmd := exec.Command("sleep", "10")
	OwnGroup(cmd)
	require.NoError(t, cmd.Start())
	k.Started(cmd.Process.Pid)
	k.End()
	require.ErrorContains(t, cmd.Wait(), "killed")
	require.NoDirExists(t, folder)
	require.NoDirExists(t, filepath.Join(repository, ".git", "worktrees"))
}
