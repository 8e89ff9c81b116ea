package revisions

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/gate"
	"boundaries/internal/process"
)

// A benchmark that never ends, computing or waiting.
const stuck = `package tiny

import (
	"os"
	"strconv"
	"testing"
)

func BenchmarkStuck(b *testing.B) {
	read, write, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer write.Close()
	os.WriteFile(os.Getenv("PID"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o666)
	if os.Getenv("STUCK") == "waiting" {
		read.Read(make([]byte, 1))
	}
	for spin := true; spin; {
	}
}
`

// After a SIGKILL of a comparison that measures, nothing is left: no test binary, no file,
// and no worktree.
func TestKilled(t *testing.T) {
	for _, how := range []string{"computing", "waiting"} {
		t.Run(how, func(t *testing.T) {
			newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": stuck})
			file := filepath.Join(t.TempDir(), "pid")
			t.Setenv("PID", file)
			t.Setenv("STUCK", how)
			var stderr bytes.Buffer
			cmd, _ := start(t, &stderr)
			pid := 0
			require.Eventually(t, func() bool {
				text, _ := os.ReadFile(file)
				if !strings.HasSuffix(string(text), "\n") {
					return false
				}
				pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
				return pid > 0
			}, time.Minute, 10*time.Millisecond)
			require.NoError(t, cmd.Process.Kill())
			require.Error(t, cmd.Wait())
			// An init that does not reap leaves a zombie, which computes nothing.
			require.Eventually(t, func() bool {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
				return err != nil || bytes.Contains(stat, []byte(") Z "))
			}, 10*time.Second, 10*time.Millisecond, "the test binary is still there")
			require.True(t, strings.HasSuffix(stderr.String(), "\nround 1 of 2: base: package ., BenchmarkStuck\n"), stderr.String())

			require.Eventually(t, func() bool {
				left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "boundaries-*"))
				return err == nil && len(left) == 0
			}, 10*time.Second, 10*time.Millisecond, "files are left behind")
			require.NoDirExists(t, ".git/worktrees")
			require.ErrorIs(t, syscall.Kill(-cmd.Process.Pid, 0), syscall.ESRCH)
		})
	}
}

// If the output of a benchmark ends too soon and the folder has no room, that is the
// reason, and not the missing result. The test runs in a process of its own, because the
// limit would also hold for the file in which the go command logs what a test reads.
func TestNoRoomForTheResult(t *testing.T) {
	const variable = "BOUNDARIES_TEST_NO_ROOM"
	if os.Getenv(variable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNoRoomForTheResult$")
		cmd.Env = append(os.Environ(), variable+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	c := &comparison{tmp: t.TempDir(), noLinks: true}
	var err error
	c.keeper, err = process.Keep(c.tmp, nil)
	require.NoError(t, err)
	defer c.keeper.End()
	script := filepath.Join(c.tmp, "tiny.test")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho BenchmarkTiny"), 0o755))
	tiny := task{&pkg{binary: [2]string{script, script}}, "Tiny", "^BenchmarkTiny$"}
	_, err = c.processOnce(t.Context(), tiny, gate.Base)
	require.NoError(t, err)

	signal.Ignore(syscall.SIGXFSZ)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: 4096}))
	_, err = c.processOnce(t.Context(), tiny, gate.Base)
	require.ErrorIs(t, err, syscall.EFBIG)
	require.ErrorContains(t, err, "want room there")
}
