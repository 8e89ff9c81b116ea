package suitetest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/internal/suite"
)

// A row whose workers wait forever fails by name, with their stacks, and the test binary
// ends by itself.
func TestExactNamesARowThatHangs(t *testing.T) {
	if os.Getenv("SUITETEST_HANG") != "" {
		patience = 500 * time.Millisecond
		hang := func(workers, n int) int {
			if workers == 2 {
				select {}
			}
			return n
		}
		Exact(t, []suite.Row[int]{{Name: "deaf", Run: hang}}, func(_, n int) int { return n }, 7)
		return
	}
	out := again(t, "SUITETEST_HANG")
	require.Contains(t, out, "deaf hangs: 2 workers have not taken 7 steps in 500ms")
	require.Contains(t, out, "TestExactNamesARowThatHangs.func1")
}

// A row that races and gives the right answer fails, and its first race is its last run.
func TestExactStopsAtADataRace(t *testing.T) {
	if os.Getenv("SUITETEST_RACE") != "" {
		racy := func(workers, n int) int {
			fmt.Println(workers, "workers run")
			last, done := 0, make(chan bool)
			for i := range workers {
				go func() { last = i; done <- true }()
			}
			for range workers {
				<-done
			}
			return min(n, last+n)
		}
		Exact(t, []suite.Row[int]{{Name: "racy", Run: racy}}, func(_, n int) int { return n }, 7)
		return
	}
	if !race.Enabled {
		t.Skip("only the race detector sees it")
	}
	out := again(t, "SUITETEST_RACE")
	require.Contains(t, out, "WARNING: DATA RACE")
	require.Contains(t, out, "9 workers run")
	require.NotContains(t, out, "2 workers run")
}

func TestOnce(t *testing.T) {
	if os.Getenv("SUITETEST_ONCE") != "" {
		Once(t)
		t.Error("runs")
		return
	}
	require.Equal(t, 1, strings.Count(again(t, "SUITETEST_ONCE", "-test.cpu=2,1,4"), "runs"))
}

// again runs the test in a process with that variable, where it fails, and returns its output.
func again(t *testing.T, variable string, flags ...string) string {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, append(flags, "-test.run=^"+t.Name()+"$")...)
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	return string(out)
}
