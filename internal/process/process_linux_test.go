package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A command dies with the thread that has started it.
func TestCommandDiesWithItsThread(t *testing.T) {
	cmd := exec.Command("sleep", "5")
	OwnGroup(cmd)
	first := errors.New("the first thread, which ends with the process")
	started, end := make(chan error), make(chan struct{})
	defer close(end)
	start := func() {
		runtime.LockOSThread() // the thread ends with this goroutine
		if syscall.Gettid() == os.Getpid() {
			defer runtime.UnlockOSThread()
			started <- first
			<-end
			return
		}
		started <- cmd.Start()
	}
	go start()
	err := <-started
	if err == first {
		go start()
		err = <-started
	}
	require.NoError(t, err)
	require.ErrorContains(t, cmd.Wait(), "killed")
}

// The keeper ignores what ends other commands.
func TestTheKeeperIgnoresSignals(t *testing.T) {
	k, err := Keep(t.TempDir(), nil)
	require.NoError(t, err)
	defer end(t, k)
	want := uint64(0)
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE} {
		want |= 1 << (s - 1)
	}
	require.Eventually(t, func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", k.cmd.Process.Pid))
		require.NoError(t, err)
		_, after, _ := strings.Cut(string(status), "SigIgn:")
		var ignored uint64
		_, err = fmt.Sscanf(after, "%x", &ignored)
		return err == nil && ignored&want == want
	}, 10*time.Second, time.Millisecond)
}

// What a benchmark has made read-only goes, too, though nobody but root can remove it as it is.
func TestReadOnlyFolders(t *testing.T) {
	const nobody = 65534
	root := os.Geteuid() == 0
	for name, remove := range map[string]func(folder string) error{
		"this process": func(folder string) error {
			removed := make(chan error)
			go func() {
				runtime.LockOSThread() // the thread ends with this goroutine
				if root {
					if err := syscall.Setfsuid(nobody); err != nil {
						removed <- err
						return
					}
				}
				removed <- RemoveAll(folder)
			}()
			return <-removed
		},
		"the keeper": func(folder string) error {
			cmd := exec.Command("sh", "-c", keeperScript, "boundaries-keeper", folder)
			if root {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			}
			return cmd.Run()
		},
	} {
		folder := filepath.Join(t.TempDir(), "made")
		for parent := filepath.Dir(filepath.Dir(filepath.Dir(folder))); root && parent != "/"; parent = filepath.Dir(parent) {
			if info, err := os.Stat(parent); err != nil || info.Mode()&1 == 0 {
				t.Skipf("nobody cannot reach %s", parent)
			}
		}
		require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(folder)), 0o755))
		inner := filepath.Join(folder, "mod", "inner")
		require.NoError(t, os.MkdirAll(inner, 0o777))
		require.NoError(t, os.WriteFile(filepath.Join(inner, "file"), nil, 0o444))
		for _, path := range []string{inner, filepath.Dir(inner), folder, filepath.Dir(folder)} {
			if root {
				require.NoError(t, os.Chown(path, nobody, nobody))
			}
			if path != filepath.Dir(folder) {
				require.NoError(t, os.Chmod(path, 0o555))
			}
		}
		require.NoError(t, os.Chmod(inner, 0))
		require.NoError(t, remove(folder), name)
		require.NoDirExists(t, folder, name)
	}
}
