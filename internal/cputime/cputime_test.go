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
	before, err := Used()
	if err != nil {
		t.Skip(err)
	}
	time.Sleep(20 * time.Millisecond)
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
	}
	after, err := Used()
	require.NoError(t, err)
	// Half of the 50 ms, for machines with much else to do.
	require.Greater(t, after-before, 25*time.Millisecond)
}

// A child's time counts while it lives, if it is named, and once it has ended,
// and never twice.
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
	in.Close()
	if errors.Is(err, errors.ErrUnsupported) {
		cmd.Wait()
		t.Skip(err)
	}
	require.NoError(t, err)
	child := live - unnamed
	require.GreaterOrEqual(t, child, 45*time.Millisecond, "it ran for 50 ms by its own account")
	require.Greater(t, live-before, child-time.Millisecond)
	require.NoError(t, cmd.Wait())
	ended, err := Used()
	require.NoError(t, err)
	require.Greater(t, ended-before, child-time.Millisecond)
	require.Less(t, ended-live, child, "the child counted twice")
	_, err = Used(cmd.Process.Pid)
	require.Error(t, err, "it has ended")
}
