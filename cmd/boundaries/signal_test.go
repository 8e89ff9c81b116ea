//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// An interrupt ends a command whose input is a silent pipe.
func TestInterruptWhileReading(t *testing.T) {
	for _, verb := range []string{"claims", "table", "scaling", "report", "map"} {
		t.Run(verb, func(t *testing.T) {
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			defer writer.Close()
			cmd := exec.Command(os.Args[0], verb, "-")
			cmd.Env = append(os.Environ(), asCommand+"=1")
			var stdout, stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = reader, &stdout, &stderr
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			require.NoError(t, cmd.Start())
			require.NoError(t, reader.Close())
			// More than a pipe holds, so that the command is reading when Write returns. A
			// signal before that would end it as any other process.
			_, err = writer.Write(bytes.Repeat([]byte("#\n"), 1<<20))
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
			require.Error(t, cmd.Wait())
			require.Equal(t, 130, cmd.ProcessState.ExitCode())
			require.Empty(t, stdout.String())
			require.Equal(t, "boundaries: "+verb+": interrupted\n", stderr.String())
		})
	}
}

// A page goes through a pipe or a device, and does not take its place.
func TestReplaceFileKeepsAPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(name, 0o600))
	reader, err := os.OpenFile(name, os.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer reader.Close()
	require.NoError(t, replaceFile(t.Context(), name, []byte("page")))
	info, err := os.Lstat(name)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	text := make([]byte, 4)
	_, err = reader.Read(text)
	require.NoError(t, err)
	require.Equal(t, "page", string(text))
}

// A stuck writer is a pipe whose reader has stopped. It calls write and never returns.
type stuck struct{ write, never func() }

func (s stuck) Write([]byte) (int, error) {
	s.write()
	s.never()
	return 0, nil
}

// An interrupt ends a command that waits for a reader of its output.
func TestInterruptWhileWriting(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("bench.txt", []byte(bench("Loop/sync=serial 1000 1 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("bench2.txt", []byte(bench("Loop/sync=serial 1000 2 ns/op")), 0o666))
	for _, args := range []string{"help", "table -h", "table bench.txt", "scaling bench.txt", "claims -v", "report -o - bench.txt", "compare bench.txt bench2.txt"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			read := make(chan bool)
			defer close(read)
			var stderr strings.Builder
			require.Equal(t, 130, statusOf(ctx, strings.Fields(args), stuck{interrupt, func() { <-read }}, &stderr), args)
			require.Equal(t, "boundaries: interrupted, and nobody reads the output\n", stderr.String())

			// Without an interrupt it waits for a reader as long as that takes.
			stderr.Reset()
			statusOf(t.Context(), strings.Fields(args), stuck{func() {}, func() { time.Sleep(time.Hour) }}, &stderr)
			require.NotContains(t, stderr.String(), "nobody reads", args)
		})
	}
	name := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(name, 0o600))
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	result := make(chan error, 1)
	go func() { result <- replaceFile(ctx, name, []byte("page")) }()
	select {
	case err := <-result:
		require.Equal(t, errUnread, err)
	case <-time.After(10 * time.Second):
		t.Error("replaceFile waits for a reader after an interrupt")
	}
	reader, err := os.OpenFile(name, os.O_RDWR, 0) // ends the wait of the open
	require.NoError(t, err)
	reader.Close()
}
