package races

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
)

// A race in the tests' own process would fail go test -race for everyone, and may
// crash or hang. So racy variants run in children. Safe variants do too, so that a
// test can see that the detector is silent. A child runs this test binary again. The
// environment variable childVar tells it what to do: a role, the number of workers,
// and the number of tries.
const childVar = "BOUNDARIES_TEST_RACE"

// childLimit is how long a child may take. On a quiet machine it takes a second or
// two.
const childLimit = time.Minute

// childGORACE holds a child's settings of the race detector. A user's own
// settings could end the child at its first race, or send its reports elsewhere,
// and so change what the tour shows. With exitcode=0, the exit status of a child
// says only that it ran to its end.
const childGORACE = "exitcode=0 atexit_sleep_ms=0"

// overridden returns a line that says that the user's GORACE is not used, or nothing
// if it is not set.
func overridden() string {
	if user := os.Getenv("GORACE"); user != "" {
		return fmt.Sprintf("\nGORACE=%q is not passed on to the programs below, because it may change what they show.\n", user)
	}
	return ""
}

// A childResult is what a child writes to its standard output.
type childResult struct {
	Counts      []int
	Err         string
	Unsupported bool // this platform cannot run the variant
}

// childMain does the job of a child and exits. In any other process it returns at
// once.
func childMain() {
	text := os.Getenv(childVar)
	if text == "" {
		return
	}
	var role string
	var workers, n int
	if _, err := fmt.Sscan(text, &role, &workers, &n); err != nil {
		fmt.Fprintf(os.Stderr, "%s is %q, want a role, a number of workers and a number of tries: %v\n", childVar, text, err)
		os.Exit(2)
	}
	run := jobs()[role]
	if run == nil {
		fmt.Fprintf(os.Stderr, "%s is %q, want the role of a case: there is no %s\n", childVar, text, role)
		os.Exit(2)
	}
	go func() {
		// The parent kills a child that hangs. If the parent itself is killed, this
		// pipe ends, and the child with it.
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	var result childResult
	var err error
	if result.Counts, err = run(workers, n); err != nil {
		result.Err, result.Unsupported = err.Error(), errors.Is(err, errors.ErrUnsupported)
	}
	json.NewEncoder(os.Stdout).Encode(result)
	os.Exit(0)
}

// jobs returns the jobs of children, by role.
func jobs() map[string]job {
	all := map[string]job{
		"hang": func(int, int) ([]int, error) { select {} },
		"spin": func(int, int) ([]int, error) {
			for spinning := true; spinning; {
			}
			return nil, nil
		},
		"gorace": func(int, int) ([]int, error) { return nil, errors.New(os.Getenv("GORACE")) },
	}
	for _, c := range cases() {
		for _, v := range c.variants {
			all[c.name+"/"+v.name] = v.run
		}
	}
	return all
}

// A childRun is the result of one child.
type childRun struct {
	childResult
	done    bool // the child wrote a result
	reports []report
	output  string // all that it wrote
	pid     int
	err     error // its own, or how it ended
}

var errHangs = errors.New("did not end")

// childCommand returns the command that runs this binary again.
func childCommand(tb testing.TB, ctx context.Context, value string) *exec.Cmd {
	tb.Helper()
	exe, err := os.Executable()
	require.NoError(tb, err)
	// If childMain does not see that this is a child, the process runs no test.
	// Otherwise it would start children itself, without end.
	cmd := exec.CommandContext(ctx, exe, "-test.run=^$")
	cmd.WaitDelay = 5 * time.Second // its own children may hold its output
	cmd.Env = append(os.Environ(), childVar+"="+value, "GORACE="+childGORACE, fmt.Sprint("GOMAXPROCS=", runtime.GOMAXPROCS(0)))
	return cmd
}

// runChild runs a child to its end, or kills it at the limit.
func runChild(tb testing.TB, role string, workers, n int, limit time.Duration) childRun {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), limit)
	defer cancel()
	cmd := childCommand(tb, ctx, fmt.Sprintf("%s %d %d", role, workers, n))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_, err := cmd.StdinPipe() // stays open until the child has ended
	require.NoError(tb, err)
	err = cmd.Run()
	run := childRun{output: stdout.String() + stderr.String(), reports: parseReports(stderr.String())}
	if cmd.Process != nil {
		run.pid = cmd.Process.Pid
	}
	run.done = json.Unmarshal(stdout.Bytes(), &run.childResult) == nil
	name := fmt.Sprintf("child %s (pid %d, %d workers, %d tries)", role, run.pid, workers, n)
	switch {
	case ctx.Err() != nil && tb.Context().Err() == nil:
		run.err = fmt.Errorf("%s %w within %v and was killed", name, errHangs, limit)
	case err != nil:
		run.err = fmt.Errorf("%s ended: %w", name, err)
	case run.Unsupported:
		run.err = fmt.Errorf("%w: %s", errors.ErrUnsupported, run.Err)
	case run.Err != "":
		run.err = fmt.Errorf("%s failed: %s", name, run.Err)
	case !run.done:
		run.err = fmt.Errorf("%s ended without a result", name)
	}
	return run
}

// try makes a child try a variant n times on that many workers, and adds the
// outcomes. The error wraps errors.ErrUnsupported if this platform cannot run the
// variant.
func (h histogram) try(tb testing.TB, v variant, workers, n int) error {
	tb.Helper()
	run := runChild(tb, h.name+"/"+v.name, workers, n, childLimit)
	if run.err != nil {
		return fmt.Errorf("%w\n%s", run.err, run.output)
	}
	if !v.racy && len(run.reports) > 0 {
		return fmt.Errorf("the race detector reports\n%s", run.output)
	}
	return h.add(run.Counts)
}

// A child that hangs is killed and named, whether it waits or spins.
func TestChildThatHangs(t *testing.T) {
	for _, role := range []string{"hang", "spin"} {
		run := runChild(t, role, 2, 7, 300*time.Millisecond)
		require.ErrorIs(t, run.err, errHangs)
		require.False(t, run.done)
		require.EqualError(t, run.err, fmt.Sprintf("child %s (pid %d, 2 workers, 7 tries) did not end within 300ms and was killed", role, run.pid))
		if process, err := os.FindProcess(run.pid); err == nil && runtime.GOOS != "windows" {
			require.Error(t, process.Signal(syscall.Signal(0)), "child %d lives", run.pid)
		}
	}
}

// A child whose parent is gone ends, whether it waits or spins.
func TestChildWithoutParent(t *testing.T) {
	for _, role := range []string{"hang", "spin"} {
		cmd := childCommand(t, t.Context(), role+" 2 7")
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		in.Close() // as the end of the parent does
		cmd.Wait()
		require.Equal(t, 3, cmd.ProcessState.ExitCode(), role)
	}
}

// A child with an invalid role or number says so and ends.
func TestChildThatIsToldNonsense(t *testing.T) {
	for _, value := range []string{"spam 2 7", "spam", "loop/racy 2 spam"} {
		cmd := childCommand(t, t.Context(), value)
		out, _ := cmd.CombinedOutput()
		require.Equal(t, 2, cmd.ProcessState.ExitCode(), value)
		require.True(t, strings.HasPrefix(string(out), fmt.Sprintf("%s is %q, want ", childVar, value)), "%s", out)
	}
}

// A user's GORACE does not change what children show, and the tour says so.
func TestGORACEOfTheUser(t *testing.T) {
	t.Setenv("GORACE", "")
	require.Empty(t, overridden())
	for _, user := range []string{
		"halt_on_error=1 exitcode=0", "exitcode=7", "log_path=stdout", "log_path=" + t.TempDir() + "/log", "atexit_sleep_ms=60000",
	} {
		t.Setenv("GORACE", user)
		require.Equal(t, fmt.Sprintf("\nGORACE=%q is not passed on to the programs below, because it may change what they show.\n", user), overridden())
		require.ErrorContains(t, runChild(t, "gorace", 2, 7, childLimit).err, "failed: "+childGORACE)
		run := runChild(t, "loop/racy", 2, 20_000, childLimit)
		require.NoError(t, run.err, user)
		require.True(t, run.done, user)
		if race.Enabled {
			require.NotEmpty(t, run.reports, "GORACE=%q: %s", user, run.output)
			require.True(t, run.reports[0].whole(), "%s", run.output)
			require.Equal(t, "loop/racy.go", run.reports[0][0].file)
		}
	}
}
