package cputime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsedCountsWorkAndNotSleep(t *testing.T) {
	used := func() time.Duration {
		used, err := Used()
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		require.NoError(t, err)
		return used
	}
	before := used()
	time.Sleep(50 * time.Millisecond)
	require.Less(t, used()-before, 40*time.Millisecond)
	began := time.Now()
	for before := used(); used()-before < 20*time.Millisecond; {
	}
	require.GreaterOrEqual(t, time.Since(began), 20*time.Millisecond*95/100, "this loop uses one processor")
}

// A child's time counts while the child is alive, if the caller names it, and after
// it has ended, but never twice.
func TestUsedCountsChildrenOnce(t *testing.T) {
	if os.Getenv("CPUTIME_TEST_CHILD") != "" {
		for used := time.Duration(0); used < 50*time.Millisecond; {
			used, _ = Used()
		}
		fmt.Println("done")
		io.Copy(io.Discard, os.Stdin)
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	before, err := Used()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestUsedCountsChildrenOnce$")
	cmd.Env = append(os.Environ(), "CPUTIME_TEST_CHILD=1")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = out.Read(make([]byte, 100))
	require.NoError(t, err)
	unnamed, err := Used()
	require.NoError(t, err)
	live, err := Used(cmd.Process.Pid)
	twice, _ := Used(cmd.Process.Pid, cmd.Process.Pid)
	in.Close()
	if errors.Is(err, errors.ErrUnsupported) {
		cmd.Wait()
		t.Skip(err)
	}
	require.NoError(t, err)
	child := live - unnamed
	require.GreaterOrEqual(t, child, 45*time.Millisecond, "the child used 50 ms, as it reads its own clock")
	require.GreaterOrEqual(t, twice-live, 45*time.Millisecond, "each child counts")
	require.Greater(t, live-before, child-time.Millisecond)
	require.NoError(t, cmd.Wait())
	ended, err := Used()
	require.NoError(t, err)
	require.Greater(t, ended-before, child-time.Millisecond)
	require.Less(t, ended-live, child, "the child counted twice")
	_, err = Used(cmd.Process.Pid)
	require.Error(t, err, "the child has ended")
}
