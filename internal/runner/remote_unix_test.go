//go:build unix

package runner

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// near is a machine that a shell script reaches, which is this one. Its user's shell is one
// that does not know what sh knows.
func near(t *testing.T) Remote {
	t.Helper()
	ssh := filepath.Join(t.TempDir(), "ssh")
	require.NoError(t, os.WriteFile(ssh, []byte("#!/bin/sh\n[ \"$1\" = near ] && shift || exit\ncase $1 in 'sh -c '*) eval \"exec $1\" ;; esac\n"), 0o777))
	// The hosts of a run share the words of the command, and append to them at once.
	return Remote{Host: "near", SSH: append(make([]string, 0, 9), ssh)}
}

func TestRemoteOutput(t *testing.T) {
	on := near(t)
	name := filepath.Join(t.TempDir(), "input")
	require.NoError(t, os.WriteFile(name, []byte("input"), 0o666))
	input, err := os.Open(name)
	require.NoError(t, err)
	defer input.Close()
	out, err := on.output(t.Context(), input, "cat; echo")
	require.NoError(t, err)
	assert.Equal(t, "input", out)
	_, err = on.output(t.Context(), nil, "echo no >&2; echo route >&2; exit 255")
	require.EqualError(t, err, "no route")
	_, err = on.output(t.Context(), nil, "exit 255")
	require.EqualError(t, err, "exit status 255")
	assert.Empty(t, on.SSH[:2][1], "it wrote into the words of the other hosts")
	ctx, cancel := context.WithCancel(t.Context())
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	go func() {
		defer cancel()
		reader, err := os.Open(fifo) // returns when the command opens it
		assert.NoError(t, err)
		assert.NoError(t, reader.Close())
	}()
	_, err = on.output(ctx, nil, "exec sleep 100 >'"+fifo+"'")
	require.Equal(t, context.Canceled, err)
}

// What does not unpack leaves nothing on the other machine, and what does can be executed.
func TestUnpack(t *testing.T) {
	on, here, there := near(t), t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", there)
	require.NoError(t, os.WriteFile(filepath.Join(here, "a"), nil, 0o666))
	send := func(script string) (folder string, err error) {
		require.NoError(t, exec.Command("sh", "-c", "cd '"+here+"' && "+script+" >archive").Run())
		archive, err := os.Open(filepath.Join(here, "archive"))
		require.NoError(t, err)
		defer archive.Close()
		return on.output(t.Context(), archive, unpack("boundaries-run-1"))
	}
	_, err := send("echo no archive")
	require.Error(t, err)
	left, err := os.ReadDir(there)
	require.NoError(t, err)
	require.Empty(t, left)
	folder, err := send("tar -cz a")
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(folder, "a"))
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&0o100)
}

// An interrupt that comes when the copy is complete leaves nothing either.
func TestRemoveAfterAnInterrupt(t *testing.T) {
	on, dir := near(t), t.TempDir()
	t.Setenv("TMPDIR", dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "boundaries-run-1"), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	on.patience = 10 * time.Second
	on.remove(ctx, there("boundaries-run-1"))
	require.NoDirExists(t, filepath.Join(dir, "boundaries-run-1"))
}

// A connection that ssh keeps for later has the command's output open. The run does not wait
// for it.
func TestRemoteKeepsOutput(t *testing.T) {
	on, fifo := near(t), filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	keeps := "(read line <'" + fifo + "') >&2 & "
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	var both sync.WaitGroup
	both.Go(func() {
		out, err := on.output(t.Context(), nil, keeps+"echo text")
		assert.NoError(t, err)
		assert.Equal(t, "text", out)
	})
	both.Go(func() { assert.NoError(t, on.run(t.Context(), file, keeps+"echo text")) })
	done := make(chan struct{})
	go func() { both.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("it waits")
	}
	writer, err := os.OpenFile(fifo, os.O_RDWR, 0) // ends the two that keep
	require.NoError(t, err)
	defer writer.Close()
	_, err = writer.WriteString("\n\n")
	require.NoError(t, err)
	<-done
}

// A command on another machine has its input open until the context ends. The file has its
// standard output. If it fails, the error is the last line of its standard error.
func TestRemoteRun(t *testing.T) {
	on := near(t)
	var said []string
	on.Stderr = func(line string) { said = append(said, line) }
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	require.EqualError(t, on.run(t.Context(), file, "echo result; echo boundaries: round 1 >&2; echo boundaries: run: bad >&2; exit 1"), "run: bad")
	assert.Equal(t, []string{"round 1", "run: bad"}, said)
	require.EqualError(t, on.run(t.Context(), file, "echo bad >&2; echo >&2; exit 1"), "bad")
	require.EqualError(t, on.run(t.Context(), file, "echo round 2 >&2; printf killed >&2; exit 1"), "killed")
	assert.Equal(t, []string{"bad", "", "round 2", "killed"}, said[2:])
	ctx, cancel := context.WithCancel(t.Context())
	on.Stderr = func(line string) {
		pid, err := strconv.Atoi(line)
		assert.NoError(t, err)
		group, err := syscall.Getpgid(pid)
		assert.NoError(t, err)
		assert.Equal(t, pid, group, "a Ctrl-C would end it before it has cleaned up")
		cancel()
	}
	require.ErrorIs(t, on.run(ctx, file, "echo $$ >&2; read line; echo the end; exit 130"), context.Canceled)
	require.NoError(t, on.run(ctx, file, "exit 0"), "it had ended already")
	// The run does not wait for a command that goes on after its input has ended.
	on.Stderr = func(string) { cancel() }
	on.patience = time.Millisecond
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	require.ErrorIs(t, on.run(ctx, file, "echo ready >&2; sleep 3 >&- 2>&-; echo late"), context.Canceled)
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	assert.Equal(t, "result\nthe end\n", string(text))
	assert.Empty(t, on.SSH[:2][1], "it wrote into the words of the other hosts")
}

// A disk that is full is why a run fails, and not the broken pipe of the command that it ends.
func TestRemoteRunWithoutRoom(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	require.ErrorIs(t, near(t).run(t.Context(), full, "while echo text; do :; done; exit 1"), syscall.ENOSPC)
}

// A line is a line in however many pieces it comes.
func TestLines(t *testing.T) {
	var got []string
	l := &lines{each: func(line string) { got = append(got, line) }}
	for _, piece := range []string{"boundaries: rou", "nd 1\r\nround 2\n\nthe ", "rest"} {
		n, err := l.Write([]byte(piece))
		require.NoError(t, err)
		require.Equal(t, len(piece), n)
	}
	assert.Equal(t, []string{"round 1", "round 2", ""}, got)
}

func TestPlatform(t *testing.T) {
	for kernel, want := range map[string]string{
		"Linux x86_64": "linux/amd64", "Linux aarch64": "linux/arm64", "Linux armv7l": "linux/arm", "Linux armv6l": "linux/arm", "Linux i686": "linux/386",
		"Linux riscv64": "linux/riscv64", "Linux ppc64le": "linux/ppc64le", "Linux s390x": "linux/s390x", "Linux loongarch64": "linux/loong64",
		"Darwin arm64": "darwin/arm64", "FreeBSD amd64": "freebsd/amd64", "OpenBSD i386": "openbsd/386", "NetBSD amd64": "netbsd/amd64",
	} {
		goos, goarch, err := platform(kernel)
		require.NoError(t, err, kernel)
		assert.Equal(t, want, goos+"/"+goarch)
	}
	for _, kernel := range []string{"", "SunOS sun4v", "Linux vax", "MINGW64_NT x86_64"} {
		_, _, err := platform(kernel)
		assert.ErrorContains(t, err, "want a system and a processor that Go builds for", kernel)
	}
}

func TestParsePrebuilt(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	require.NoError(t, err)
	got, err := ParsePrebuilt("a/b=0.test.exe,c=/x/1.test.exe")
	require.NoError(t, err)
	assert.Equal(t, []Prebuilt{{"a/b", filepath.Join(here, "0.test.exe")}, {"c", "/x/1.test.exe"}}, got)
	_, err = ParsePrebuilt("a=0.test.exe,b")
	assert.EqualError(t, err, `want package=file, got "b"`)
}

// What is written to the input does not end a run, and the end of the input does.
func TestEndsWith(t *testing.T) {
	reader, writer := io.Pipe()
	ctx, cancel := EndsWith(t.Context(), reader)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = reader.Close() }) // so that no Write waits
	for range 3 {
		_, err := writer.Write([]byte("text"))
		require.NoError(t, err)
	}
	assert.NoError(t, ctx.Err())
	require.NoError(t, writer.Close())
	<-ctx.Done()
}
