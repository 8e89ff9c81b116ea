package suitebench

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cputime"
	"boundaries/internal/suite"
)

// The tests start this program as a user starts a benchmark of the suite.
func TestMain(m *testing.M) {
	flag.Parse()
	tests := flag.Lookup("test.run").Value.String()
	status := Main(m, Head{Benchtime: "5x", Package: "./here"})
	if flag.Lookup("test.bench").Value.String() == "" && flag.Lookup("test.run").Value.String() != tests {
		fmt.Println("Main changes -run without -bench, so no test has run")
		status = 1
	}
	os.Exit(status)
}

// A row runs for as long as the flag says, and without the flag for as long as the head says.
// It reports its procs only where a test asks for them. The command that measures a disturbed
// row again names the package, and has what the user gave.
func TestBenchtime(t *testing.T) {
	const child = "SUITEBENCH_CHILD"
	if os.Getenv(child) != "" {
		t.Fatal("-bench runs the tests, and they run themselves again")
	}
	t.Setenv(child, "1")
	for wants, flags := range map[string][]string{
		`5\s(?s:.*) -cpu 1 './here'\n`:                               nil,
		`3\s(?s:.*) -cpu 1 '-benchtime' '3x' './here' '-args' 'a'\n`: {"-test.benchtime=3x", "a"},
	} {
		out, err := exec.Command(os.Args[0], append([]string{"-test.bench=^BenchmarkOpened$", "-test.cpu=1"}, flags...)...).Output()
		require.NoError(t, err, "%s", out)
		require.Regexp(t, `BenchmarkOpened/sync=fake\s+`+wants, string(out))
		require.NotRegexp(t, "BenchmarkOpened/.* procs", string(out))
	}
}

// BenchmarkFails has rows that fail before and after their runs, and one that this platform
// cannot run.
func BenchmarkFails(b *testing.B) {
	bad := errors.New("bad")
	session := suite.Session{Run: func(int) {}, Check: func(int) error { return nil }}
	closing := session
	closing.Close = func() error { return bad }
	row := func(name string, s suite.Session, err error) suite.Bench {
		return suite.Bench{Name: name, Open: func(int) (suite.Session, error) { return s, err }}
	}
	Workload(b, suite.Workload{Key: "sync", Benches: []suite.Bench{
		row("opening", session, bad),
		row("closing", closing, nil),
		row("unsupported", session, fmt.Errorf("no epoll: %w", errors.ErrUnsupported)),
	}})
}

// A row that cannot be opened or closed fails. One that is not supported is skipped, and says
// why.
func TestRowsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		says  string
		fails bool
	}{
		"opening":     {": bad\n", true},
		"closing":     {": closing: closing: bad\n", true},
		"unsupported": {": no epoll: unsupported operation\n", false},
	} {
		out, err := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkFails$/^sync="+name+"$",
			"-test.cpu=1", "-test.benchtime=1x", "-test.v").CombinedOutput()
		require.Equal(t, test.fails, err != nil, "%s", out)
		require.Contains(t, string(out), test.says)
	}
}

// The processor time of a row is that of a step.
func TestProcessorTimeOfAStep(t *testing.T) {
	used := func() time.Duration {
		used, err := cputime.Used()
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		return used
	}
	began := used()
	synctest.Test(t, func(t *testing.T) {
		r := testing.Benchmark(func(b *testing.B) {
			measure(b, 1, &suite.Session{Run: func(n int) {
				for began := used(); used()-began < 10*time.Millisecond; {
				}
				time.Sleep(time.Duration(n) * time.Second / 10) // so that it runs twice
			}})
		})
		require.Greater(t, r.N, 5)
		require.LessOrEqual(t, r.Extra["user+sys-ns/op"]*float64(r.N), float64(used()-began))
	})
}
