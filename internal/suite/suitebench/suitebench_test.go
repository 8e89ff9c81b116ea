package suitebench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cputime"
	"boundaries/internal/noise"
	"boundaries/internal/race"
	"boundaries/internal/suite"
)

// BenchmarkOpened reports for how many workers its row is open. Another row was disturbed.
func BenchmarkOpened(b *testing.B) {
	runs.Add("BenchmarkOpened/sync=stolen", 1, noise.Signals{Procs: 1, Processors: 1, Wall: time.Second, Stolen: time.Second})
	Workload(b, suite.Workload{Key: "sync", Benches: []suite.Bench{{Name: "fake", Open: func(workers int) (suite.Session, error) {
		ran := 0
		return suite.Session{
			Run:   func(n int) { ran = n; time.Sleep(time.Millisecond) },
			Check: func(n int) error { return suite.Compare(n, ran) },
			Bytes: 1,
			Metrics: func(_ time.Duration, n int) []suite.Metric {
				return []suite.Metric{{Unit: "opened", Value: float64(workers)}, {Unit: "steps", Value: float64(n)}}
			},
			Close: func() error { fmt.Fprintln(os.Stderr, "closed", workers); return nil },
		}, nil
	}}}})
}

// A row at two procs runs with a session for two workers, and not with the session that
// the run at one proc left open. Each session is closed once.
func TestRowIsOpenForItsProcs(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkOpened$", "-test.cpu=1,2,3", "-test.benchtime=3x")
	var closed strings.Builder
	cmd.Stderr = &closed
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	var opened []string
	for _, match := range regexp.MustCompile(`BenchmarkOpened/sync=fake(\S*)\s.*\s(\S+) opened.*`).FindAllStringSubmatch(string(out), -1) {
		opened = append(opened, match[1]+": "+match[2])
		require.Regexp(t, ` MB/s\s.*\s3\.000 steps`, match[0])
	}
	require.Equal(t, "closed 1\nclosed 2\nclosed 3\n", closed.String())
	require.Equal(t, []string{": 1.000", "-2: 2.000", "-3: 3.000"}, opened, "%s", out)
}

// A row that is opened knows how many processors a quota leaves it.
func TestRowsKnowTheQuota(t *testing.T) {
	before, got := usable, 0
	usable = noise.Processors{Affinity: 8, Quota: 3}
	testing.Benchmark(func(b *testing.B) {
		Workload(b, suite.Workload{Key: "sync", Benches: []suite.Bench{{Name: "fake", Open: func(int) (suite.Session, error) {
			got = suite.Processors
			return suite.Session{}, errors.ErrUnsupported
		}}}})
	})
	usable, suite.Processors = before, before.N()
	require.Equal(t, 3, got)
}

// BenchmarkReopened reports how many sessions it has had. The first has a wrong answer.
func BenchmarkReopened(b *testing.B) {
	sessions := 0
	Workload(b, suite.Workload{Key: "sync", Benches: []suite.Bench{{Name: "fake", Open: func(int) (suite.Session, error) {
		sessions++
		return suite.Session{
			Run: func(int) {},
			Check: func(n int) error {
				if sessions == 1 && n > 1 {
					return errors.New("a wrong answer")
				}
				return nil
			},
			Metrics: func(time.Duration, int) []suite.Metric {
				return []suite.Metric{{Unit: "sessions", Value: float64(sessions)}}
			},
		}, nil
	}}}})
}

// A row that has failed is opened again.
func TestFailedRowIsOpenedAgain(t *testing.T) {
	out, err := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkReopened$", "-test.cpu=1", "-test.count=2", "-test.benchtime=3x").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "1 workers, 3 steps: a wrong answer")
	require.Contains(t, string(out), " 2.000 sessions")
}

// A run's time has neither what comes before Run nor the check of its answer.
func TestOnlyRunIsTimed(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0)) // which Workload sets
	synctest.Test(t, func(t *testing.T) {
		wait := func() { time.Sleep(time.Hour) }
		var steps []time.Duration
		testing.Benchmark(func(b *testing.B) {
			Workload(b, suite.Workload{Key: "sync", Benches: []suite.Bench{{Name: "fake", Open: func(int) (suite.Session, error) {
				wait()
				return suite.Session{
					Run:      func(n int) { time.Sleep(time.Duration(n) * time.Millisecond) },
					Check:    func(int) error { wait(); return nil },
					Children: func() []int { wait(); return nil },
					Metrics: func(elapsed time.Duration, n int) []suite.Metric {
						steps = append(steps, elapsed/time.Duration(n))
						return nil
					},
				}, nil
			}}}})
		})
		require.Equal(t, []time.Duration{time.Millisecond}, slices.Compact(steps))
	})
}

// The processor time of a row has that of its children, and the meter counts it as the row's
// own. Here the only child is this process, which so counts twice.
func TestTimeOfChildren(t *testing.T) {
	used := func() time.Duration {
		used, err := cputime.Used(os.Getpid())
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		return used
	}
	const twice = 40 * time.Millisecond
	work := func() {
		for began := used(); used()-began < twice; {
		}
	}
	work() // which does not count
	began := used()
	synctest.Test(t, func(t *testing.T) {
		r := testing.Benchmark(func(b *testing.B) {
			measure(b, 1, &suite.Session{
				Run: func(int) {
					work()
					time.Sleep(time.Hour) // so that it runs once
				},
				Children: func() []int { return []int{os.Getpid()} },
			})
		})
		counted := r.Extra["user+sys-ns/op"] * float64(r.N)
		require.Greater(t, counted, 0.75*float64(twice))
		require.LessOrEqual(t, counted, float64(used()-began))
	})
	logged := reflect.ValueOf(runs).FieldByName("runs")
	own := logged.Index(logged.Len() - 1).FieldByName("signals").FieldByName("Own").Int()
	require.Greater(t, float64(own), 0.75*float64(twice))
}

// The command that measures rows again repeats the arguments of the package, and none of
// package testing's, which may have their values in a word of their own.
func TestOwnArguments(t *testing.T) {
	for _, test := range []struct{ arguments, own string }{
		{"-test.bench=. -test.cpu=1,2", ""},
		{"-test.bench . -test.v -test.cpu 1,2", ""},
		{"--test.bench . --test.v=true -hold 300ns -think=2us", "-hold 300ns -think=2us"},
		{"-test.bench=. -hold 300ns", "-hold 300ns"},
	} {
		require.Equal(t, test.own, strings.Join(ownArguments(strings.Fields(test.arguments)), " "), test.arguments)
	}
}

// The head says which way the units go, whether there is cgo, with which threads cost
// more, and what the environment sets.
func TestHead(t *testing.T) {
	t.Setenv("GOGC", "off")
	var out strings.Builder
	Head{Lower: []string{"cost"}, Higher: []string{"gain"}, Keys: []string{"key: 1"}, Facts: []string{"fact: 2"}}.print(&out)
	require.Contains(t, out.String(), fmt.Sprintf("numcpu: %d\nkey: 1\n", usable.N()))
	require.Contains(t, out.String(), "\n# fact: 2\n")
	require.Contains(t, out.String(), fmt.Sprintf("\n# oversubscribed: rows of more than %d procs\n", usable.N()))
	require.Contains(t, out.String(), "\nUnit cost better=lower\nUnit gain better=higher\n")
	info, _ := debug.ReadBuildInfo()
	cgo := map[bool]string{false: "off", true: "on"}[strings.Contains(info.String(), "\tCGO_ENABLED=1\n")]
	require.Contains(t, out.String(), "\n# cgo: "+cgo+"\n")
	require.Regexp(t, `(?m)^# environment: .*GOGC="off"`, out.String())
	if _, err := os.Stat("/proc/loadavg"); err == nil {
		require.Regexp(t, `(?m)^# load: \d`, out.String())
	}
	// The tests of a build with -ldflags have these on the same line.
	require.Equal(t, race.Enabled, regexp.MustCompile(`(?m)^# build: .*-race=true`).MatchString(out.String()))
}

// Of the settings of a build, the head has cgo and what is not usual.
func TestSettings(t *testing.T) {
	usual := []debug.BuildSetting{{Key: "-buildmode", Value: "exe"}, {Key: "-compiler", Value: "gc"}, {Key: "GOAMD64", Value: "v1"}}
	require.Empty(t, settings(usual))
	require.Equal(t, []string{"cgo: on", "build: -race=true GOAMD64=v3 GOEXPERIMENT=x"}, settings(append(usual,
		debug.BuildSetting{Key: "-race", Value: "true"}, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"},
		debug.BuildSetting{Key: "GOAMD64", Value: "v3"}, debug.BuildSetting{Key: "GOEXPERIMENT", Value: "x"})))
}

// The head names the commit, and says if the tree differs from it. Outside a repository it
// names none.
func TestHeadNamesTheCommit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git to make a repository with")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	defer func(old string) { source = old }(source)
	source = dir
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	head := func() string {
		var out strings.Builder
		Head{}.print(&out)
		return regexp.MustCompile(`(?m)^# commit: .*`).FindString(out.String())
	}
	require.Empty(t, head())
	git("init", "--quiet", "--template=")
	require.NoError(t, os.WriteFile("code.go", nil, 0o600))
	git("add", ".")
	git("commit", "--quiet", "--message=x")
	commit := "# commit: " + git("rev-parse", "--short", "HEAD")
	require.Equal(t, commit, head())
	require.NoError(t, os.WriteFile("code.go", []byte("package changed\n"), 0o600))
	require.Equal(t, commit+"-dirty", head())
	source = t.TempDir() // the current directory is in a repository, and the source is not
	require.Empty(t, head())
	source = ""
	require.Empty(t, head())
}
