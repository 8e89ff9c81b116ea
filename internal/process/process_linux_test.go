package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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
	defer k.End()
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
