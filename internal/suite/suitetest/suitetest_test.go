package suitetest

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite"
)

// A row whose workers wait forever fails by name, with their stacks, and the test binary
// ends by itself.
func TestExactNamesARowThatHangs(t *testing.T) {
	if os.Getenv("SUITETEST_HANG") != "" {
		patience = 50 * time.Millisecond
		hang := func(workers, n int) int {
			if workers == 2 {
				select {}
			}
			return n
		}
		Exact(t, []suite.Row[int]{{Name: "deaf", Run: hang}}, func(_, n int) int { return n }, 7)
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "-test.run=^TestExactNamesARowThatHangs$")
	cmd.Env = append(os.Environ(), "SUITETEST_HANG=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "deaf hangs: 2 workers have not taken 7 steps in 50ms")
	require.Contains(t, string(out), "TestExactNamesARowThatHangs.func1")
}
