//go:build unix

package command

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain is the program that TestHangup starts: it gets a hangup and, if it ignores that,
// an interrupt, and says which of the two ended its context. Two signals at once could
// arrive in any order.
func TestMain(m *testing.M) {
	if os.Getenv("BOUNDARIES_TEST_HANGUP") == "" {
		os.Exit(m.Run())
	}
	Main("program", func(ctx context.Context) error {
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
		if signal.Ignored(syscall.SIGHUP) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
		}
		<-ctx.Done()
		go func() { // the signals that follow change nothing
			for {
				_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
			}
		}()
		return Interrupted(context.Cause(ctx).Error())
	})
}

// A hangup ends a program, but not under nohup, which ignores it.
func TestHangup(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("the test runs under nohup itself")
	}
	for trap, want := range map[string]string{"trap - HUP": "hangup", "trap '' HUP": "interrupt"} {
		cmd := exec.Command("sh", "-c", trap+`; exec "$0"`, os.Args[0])
		cmd.Env = append(os.Environ(), "BOUNDARIES_TEST_HANGUP=1")
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Equal(t, 130, cmd.ProcessState.ExitCode(), "%s", out)
		require.Equal(t, "program: "+want+" signal received\n", string(out))
	}
}
