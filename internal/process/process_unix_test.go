//go:build unix

package process

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

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
	EndGroup(&exec.Cmd{}) // which has not started
	raw, err := read.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Read(func(fd uintptr) bool {
		_, err = syscall.Read(int(fd), make([]byte, 1))
		return true
	}))
	require.NoError(t, err, "a process has the pipe open")
}

// end ends a keeper, which takes it a moment.
func end(t *testing.T, k *Keeper) {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() {
		t.Error("the keeper waits, although its input has ended")
		_ = k.cmd.Process.Kill()
	})
	k.End()
	late.Stop()
}

// Without a shell there is no keeper.
func TestNoKeeper(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Keep(t.TempDir(), nil)
	require.ErrorIs(t, err, exec.ErrNotFound)
}

// A signal to this process's group does not reach the keeper.
func TestTheKeeperHasItsOwnSession(t *testing.T) {
	k, err := Keep(t.TempDir(), nil)
	require.NoError(t, err)
	defer end(t, k)
	group, err := syscall.Getpgid(k.cmd.Process.Pid)
	require.NoError(t, err)
	require.Equal(t, k.cmd.Process.Pid, group)
}

// The keeper kills the group that was started last, if it has not ended, and no other.
func TestTheKeeperKillsTheLast(t *testing.T) {
	runtime.LockOSThread() // see OwnGroup
	defer runtime.UnlockOSThread()
	for _, test := range []struct{ started, ends []string }{
		{[]string{"first", "second"}, []string{"terminated", "killed"}},
		{[]string{"first", "none"}, []string{"terminated"}},
	} {
		folder := filepath.Join(t.TempDir(), "folder")
		require.NoError(t, os.Mkdir(folder, 0o700))
		k, err := Keep(folder, append(os.Environ(), "KEEPER=1"))
		require.NoError(t, err)
		require.Contains(t, k.cmd.Env, "KEEPER=1")
		var commands []*exec.Cmd
		for _, name := range test.started {
			if name == "none" {
				k.Started(0)
				continue
			}
			cmd := exec.Command("sleep", "10")
			OwnGroup(cmd)
			require.NoError(t, cmd.Start())
			k.Started(cmd.Process.Pid)
			commands = append(commands, cmd)
		}
		end(t, k)
		require.NoDirExists(t, folder)
		for i, cmd := range commands {
			if test.ends[i] == "terminated" {
				require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			}
			require.ErrorContains(t, cmd.Wait(), test.ends[i], test.started)
		}
	}
}

// The keeper kills the group that runs, and removes the folder and the worktrees in it,
// even a worktree with untracked files and one that git has not finished.
func TestTheKeeperCleansUp(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} {
		// Setenv first: it puts the variable back after the test.
		t.Setenv(name, "")
		require.NoError(t, os.Unsetenv(name))
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	repository, folder := t.TempDir(), filepath.Join(t.TempDir(), "a folder")
	worktrees := filepath.Join(repository, ".git", "worktrees")
	git := func(args ...string) {
		out, err := exec.Command("git", append([]string{"-C", repository, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	git("init", "--quiet", "--template=")
	git("commit", "--quiet", "--allow-empty", "--message", "first")
	k, err := Keep(folder, nil)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "no worktree", ".git"), 0o700))
	for _, name := range []string{"a tree", "half"} {
		git("worktree", "add", "--quiet", "--detach", filepath.Join(folder, name))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a tree", "file"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(worktrees, "half", "locked"), []byte("initializing"), 0o600))
	cmd := exec.Command("sleep", "10")
	OwnGroup(cmd)
	runtime.LockOSThread() // see OwnGroup
	defer runtime.UnlockOSThread()
	require.NoError(t, cmd.Start())
	k.Started(cmd.Process.Pid)
	end(t, k)
	require.ErrorContains(t, cmd.Wait(), "killed")
	require.NoDirExists(t, folder)
	require.NoDirExists(t, worktrees)
}

// A folder has no room if a file in it cannot have a megabyte.
func TestRoom(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, Room(folder))
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limit := before
	limit.Cur = 1<<20 - 1
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	err := Room(folder)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
	require.ErrorIs(t, err, syscall.EFBIG)
	require.ErrorContains(t, Room(filepath.Join(folder, "none")), "want room there")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}
