//go:build unix

package command

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain is the program that TestSignals starts, which sends itself a signal, or that of
// TestPipes, or that of TestHangup: it gets a hangup and, if it ignores that, an interrupt,
// and says which of the two ended its context. Two signals at once could arrive in any
// order.
func TestMain(m *testing.M) {
	if number, err := strconv.Atoi(os.Getenv("BOUNDARIES_TEST_SIGNAL")); err == nil {
		Main("program", func(ctx context.Context) error {
			_ = syscall.Kill(os.Getpid(), syscall.Signal(number))
			select {
			case <-ctx.Done():
				return Interrupted(context.Cause(ctx).Error())
			case <-time.After(10 * time.Second):
				return errors.New("no signal")
			}
		})
	}
	if name := os.Getenv("BOUNDARIES_TEST_PIPE"); name != "" {
		Main("program", func(ctx context.Context) error { return writeToNobody(ctx, name) })
	}
	if os.Getenv("BOUNDARIES_TEST_HANGUP") == "" {
		os.Exit(m.Run())
	}
	Main("program", func(ctx context.Context) error {
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
		if signal.Ignored(syscall.SIGHUP) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
		}
		<-ctx.Done()
		var sent atomic.Int32
		go func() { // the signals that follow change nothing
			for {
				_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
				sent.Add(1)
			}
		}()
		for sent.Load() < 10 {
			runtime.Gosched()
		}
		return Interrupted(context.Cause(ctx).Error())
	})
}

// Each signal that asks a program to stop ends its context, and not the program.
func TestSignals(t *testing.T) {
	for signal, want := range map[syscall.Signal]string{syscall.SIGINT: "interrupt", syscall.SIGTERM: "terminated"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "BOUNDARIES_TEST_SIGNAL="+strconv.Itoa(int(signal)))
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Equal(t, "program: "+want+" signal received\n", string(out))
		require.Equal(t, 130, cmd.ProcessState.ExitCode())
	}
}

// writeToNobody writes to a pipe that nobody reads: that of a descriptor, or one that it
// makes. If that does not end the context, an interrupt does.
func writeToNobody(ctx context.Context, name string) error {
	file := map[string]*os.File{"stdout": os.Stdout, "stderr": os.Stderr}[name]
	if file == nil {
		reader, writer, err := os.Pipe()
		if err != nil {
			return err
		}
		reader.Close()
		file = writer
	}
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGPIPE)
	if _, err := file.WriteString("text"); !errors.Is(err, syscall.EPIPE) {
		return Exit(3, "%s: %w", name, err)
	}
	<-caught
	if file != os.Stdout && file != os.Stderr {
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	}
	select {
	case <-ctx.Done():
		return Interrupted(context.Cause(ctx).Error())
	case <-time.After(10 * time.Second):
		return errors.New("it goes on")
	}
}

// A program ends when nobody reads what it prints, but not when another pipe breaks.
func TestPipes(t *testing.T) {
	for name, want := range map[string]string{"stdout": "context canceled", "stderr": "", "another": "interrupt signal received"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "BOUNDARIES_TEST_PIPE="+name)
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		reader.Close()
		var stderr strings.Builder
		cmd.Stderr = &stderr
		switch name {
		case "stdout":
			cmd.Stdout = writer
		case "stderr":
			cmd.Stderr = writer
		}
		require.Error(t, cmd.Run())
		writer.Close()
		require.Equal(t, 130, cmd.ProcessState.ExitCode(), "%s: %s", name, &stderr)
		require.Contains(t, stderr.String(), want, name)
	}
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
