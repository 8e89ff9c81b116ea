//go:build unix

package revisions

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A benchmark whose run number SLOW_RUN takes as long as SLOW says, and starts a process
// whose heart beats into a file.
const slowBenchmark = `package tiny

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

func BenchmarkSlow(*testing.B) {
	os.MkdirTemp(os.Getenv("HEART"), "run")
	runs, _ := os.ReadDir(os.Getenv("HEART"))
	if strconv.Itoa(len(runs)) == os.Getenv("SLOW_RUN") {
		os.MkdirTemp("", "left-behind")
		exec.Command("sh", "-c", "while sleep 0.02; do echo >> $HEART/beats; done").Start()
		slow, _ := time.ParseDuration(os.Getenv("SLOW"))
		time.Sleep(slow)
	}
}
`

// newHeart returns a function that says how often the heart beat since.
func newHeart(t *testing.T) func() int64 {
	dir := t.TempDir()
	t.Setenv("HEART", dir)
	last := int64(0)
	return func() int64 {
		info, err := os.Stat(filepath.Join(dir, "beats"))
		if err != nil {
			return 0
		}
		since := info.Size() - last
		last = info.Size()
		return since
	}
}

func start(t *testing.T, stderr io.Writer) (cmd *exec.Cmd, stdout *bytes.Buffer) {
	t.Helper()
	stdout = new(bytes.Buffer)
	before := state()
	t.Cleanup(func() { require.Equal(t, before, state(), "the checkout has changed") })
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asCommand+"=HEAD")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	return cmd, stdout
}

// requireInterrupted sends a signal to the group, as a terminal does it, and
// once more: that must not change anything.
func requireInterrupted(t *testing.T, cmd *exec.Cmd, sig syscall.Signal) {
	t.Helper()
	sent := time.Now()
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, sig))
	time.Sleep(10 * time.Millisecond)
	_ = syscall.Kill(-cmd.Process.Pid, sig)
	require.Error(t, cmd.Wait())
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
	// A second, and more where the machine is busy.
	require.Less(t, time.Since(sent), 5*time.Second)
}

func TestInterrupt(t *testing.T) {
	for _, test := range []struct {
		name      string
		signal    syscall.Signal
		slowRun   string
		completed int
	}{
		{"Ctrl-C in the second round", syscall.SIGINT, "3", 1},
		{"SIGHUP between the sides of the second round", syscall.SIGHUP, "4", 1},
		{"SIGTERM between the sides of the first round", syscall.SIGTERM, "2", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.signal == syscall.SIGHUP && signal.Ignored(test.signal) {
				t.Skip("the test runs under nohup, and the command would honor that")
			}
			newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": slowBenchmark})
			beats := newHeart(t)
			t.Setenv("SLOW_RUN", test.slowRun)
			t.Setenv("SLOW", "1m")
			var stderr bytes.Buffer
			cmd, stdout := start(t, &stderr)
			require.Eventually(t, func() bool { return beats() > 0 }, time.Minute, 10*time.Millisecond)
			requireInterrupted(t, cmd, test.signal)
			beats()
			time.Sleep(200 * time.Millisecond)
			require.Zero(t, beats(), "a process is still running")

			rounds := fmt.Sprintf("interrupted after %d of 2 rounds\n", test.completed)
			require.Regexp(t, "\nboundaries: "+rounds+"$", stderr.String())
			if test.completed == 0 {
				require.Empty(t, stdout.String())
				return
			}
			require.Regexp(t, `^# `+rounds+`base: (.*\n)+Not judged\n  Slow\S* +sec/op `, stdout.String())
			require.Regexp(t, `\npartial: interrupted after 1 of 2 rounds; nothing is decided\n$`, stdout.String())
		})
	}
}

// Here the signal comes when git or go has done its work and has not returned yet, which
// is when there is most to clean up.
func TestInterruptPreparation(t *testing.T) {
	for _, test := range []struct{ name, program, args string }{
		{"look at the repository", "git", "*rev-parse*"},
		{"make a worktree", "git", "*worktree*add*"},
		{"check out", "git", "*reset*"},
		{"list the packages", "go", "list*"},
		{"build", "go", "test*"},
	} {
		t.Run(test.name, func(t *testing.T) {
			newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": slowBenchmark})
			program, err := exec.LookPath(test.program)
			require.NoError(t, err)
			bin := t.TempDir()
			script := fmt.Sprintf("#!/bin/sh\n%q \"$@\"\nstatus=$?\ncase \"$*\" in\n%s) touch %q/reached; sleep 0.5;;\nesac\nexit $status\n",
				program, test.args, bin)
			require.NoError(t, os.WriteFile(filepath.Join(bin, test.program), []byte(script), 0o777))
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			var stderr bytes.Buffer
			cmd, stdout := start(t, &stderr)
			reached := func() bool {
				_, err := os.Stat(filepath.Join(bin, "reached"))
				return err == nil
			}
			require.Eventually(t, reached, time.Minute, 10*time.Millisecond)
			requireInterrupted(t, cmd, syscall.SIGINT)
			require.Empty(t, stdout.String())
			require.Equal(t, "boundaries: interrupted after 0 of 2 rounds\n", stderr.String())
		})
	}
}

// A second Ctrl-C may hit the command that cleans up just as it starts.
func TestInterruptCleanUp(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": slowBenchmark})
	program, err := exec.LookPath("git")
	require.NoError(t, err)
	bin := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in\n*worktree*remove*) mkdir %q/hit 2>/dev/null && kill -INT $$;;\nesac\nexec %q \"$@\"\n", bin, program)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o777))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, end := checkOut(t, quick)
	end()
	require.DirExists(t, filepath.Join(bin, "hit"))
}

func TestBenchmarkLeavesProcessRunning(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": slowBenchmark})
	beats := newHeart(t)
	t.Setenv("SLOW_RUN", "1")
	t.Setenv("SLOW", "200ms")
	status, _, stderr := compare("HEAD", quick)
	require.Zero(t, status, stderr)
	require.NotZero(t, beats())
	time.Sleep(200 * time.Millisecond)
	require.Zero(t, beats(), "a process is still running")
}

func TestReaderGoesAway(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": slowBenchmark})
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	cmd, _ := start(t, writer)
	require.Error(t, cmd.Wait())
	require.Equal(t, 130, cmd.ProcessState.ExitCode())
}

// A command that says nothing because its output finds no room fails for that reason.
func TestNoRoom(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": "package tiny\n"})
	c, end := checkOut(t, quick)
	_, _, err := c.exec(t.Context(), c.top, "sh", "-c", "mv '"+c.tmp+"' '"+c.tmp+".moved'; exit 1")
	require.ErrorContains(t, err, "room-")
	require.NoError(t, os.Rename(c.tmp+".moved", c.tmp))
	end()
}

// A pipe in the place of a committed file is an error, and nobody waits for its writer.
func TestPipeInPlaceOfAFile(t *testing.T) {
	from := t.TempDir()
	pipe := filepath.Join(from, "a")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	result := make(chan error, 1)
	to := t.TempDir()
	go func() { result <- overlay(t.Context(), from, to, []change{{path: "a"}}) }()
	select {
	case err := <-result:
		require.EqualError(t, err, pipe+" is neither a file nor a link, want one of them")
	case <-time.After(10 * time.Second):
		t.Error("overlay waits for a writer of the pipe")
		writer, err := os.OpenFile(pipe, os.O_RDWR, 0) // ends the wait
		require.NoError(t, err)
		require.NoError(t, writer.Close())
		<-result
	}
}
