//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

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
	require.NoError(t, replaceFile(name, []byte("page")))
	info, err := os.Lstat(name)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	text := make([]byte, 4)
	_, err = reader.Read(text)
	require.NoError(t, err)
	require.Equal(t, "page", string(text))
}
