package suitetest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cacheline"
	"boundaries/internal/cputime"
	"boundaries/internal/gil"
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

// A test that waits forever ends by itself, and says what hangs: after 20 s without work, of
// virtual time here.
func TestGuard(t *testing.T) {
	endsAHang(t, "SUITETEST_GUARD", func(t *testing.T) { Guard(t, "it waits") }, "panic: TestGuard: it waits")
}

// So does a test that calls no Guard, in a package that is Watched. All goroutines are shown.
func TestWatched(t *testing.T) {
	if _, err := cputime.Used(); err != nil {
		t.Skip(err)
	}
	endsAHang(t, "SUITETEST_WATCHED", func(*testing.T) { endHang() }, "panic: suitetest: a test hangs: ")
}

func endsAHang(t *testing.T, variable string, guard func(t *testing.T), says string) {
	if os.Getenv(variable) != "" {
		synctest.Test(t, func(t *testing.T) {
			guard(t)
			for began, _ := cputime.Used(); ; { // it works at first
				if now, err := cputime.Used(); err != nil || now-began > 110*time.Millisecond {
					break
				}
			}
			for range 100 {
				time.Sleep(time.Second)
				fmt.Println("a second")
			}
		})
		return
	}
	Once(t)
	out := again(t, variable)
	require.Contains(t, out, says)
	require.Equal(t, variable == "SUITETEST_WATCHED", strings.Contains(out, "testing.(*M).Run"), out)
	want := 20
	if race.Enabled {
		want *= 3
	}
	if _, err := cputime.Used(); err == nil {
		want += 5 // it worked before the first look
	}
	require.InDelta(t, want, strings.Count(out, "a second"), 1)
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

// Files finds a variant without a file, a file without a variant, without its function or
// without what it costs.
func TestFilesFindsWhatIsWrong(t *testing.T) {
	if folder := os.Getenv("SUITETEST_FOLDER"); folder != "" {
		Files(t, folder, []string{"right", "right/without=wrong", "free", "idle", "gone"})
		return
	}
	folder := t.TempDir()
	t.Setenv("SUITETEST_FOLDER", folder)
	for name, code := range map[string]string{
		"right.go":     "// runRight\n//\n// Cost: all\n// Progress: blocking\nfunc runRight() {}",
		"free.go":      "// startFree\n//\n// Progress: wait-free\nfunc startFree() {}",
		"idle.go":      "// Cost: all\n// Progress: blocking\nfunc idle() {}",
		"orphan.go":    "func runOrphan() {}",
		"help.go":      "func help() {}",
		"test_test.go": "func runTest() {}",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("package fake\n\n"+code+"\n"), 0o600))
	}
	out := again(t, "SUITETEST")
	for _, want := range []string{
		"free.go: no line of a doc matches", "idle.go has no function run", "orphan.go has runOrphan, but no variant", "variant gone has no file",
	} {
		require.Contains(t, out, want)
	}
	require.Equal(t, 4, strings.Count(out, "suitetest_test.go:"), out)
}

type fakeRow struct {
	Name     string
	Run, New func()
}

func runFake() {}
func newFake() {}

// Each check fails if what it checks is wrong, even by a little.
func TestChecksFail(t *testing.T) {
	var words [3 * cacheline.Size]byte
	apart, near := &words[cacheline.Size], &words[1]
	exact := func(wrong func(workers, n int) bool) func(t *testing.T) {
		return func(t *testing.T) {
			row := func(workers, n int) int {
				if wrong(workers, n) {
					return n - 1
				}
				return n
			}
			Exact(t, []suite.Row[int]{{Name: "row", Run: row}}, func(_, n int) int { return n }, 3, 7, 10)
		}
	}
	misuse := func(message string, accepted func(workers, n int) bool) func(t *testing.T) {
		return func(t *testing.T) {
			Misuse(t, "fake", []suite.Row[int]{{Name: "row", Run: func(workers, n int) int {
				if accepted(workers, n) {
					return n
				}
				if workers < 1 {
					panic(fmt.Sprintf("fake: %d workers, need at least one", workers))
				}
				panic(fmt.Sprintf(message, n))
			}}})
		}
	}
	const steps = "fake: %d steps, need none or more"
	none := func(int, int) bool { return false }
	checks := map[string]func(t *testing.T){
		"Apart":           func(t *testing.T) { Apart(t, apart, near) },
		"Apart-backward":  func(t *testing.T) { Apart(t, near, apart) },
		"Apart-last":      func(t *testing.T) { Apart(t, &words[0], &words[2*cacheline.Size], &words[3*cacheline.Size-1]) },
		"Gap":             func(t *testing.T) { Gap(t, "gap", 1, cacheline.Size) },
		"Wired-Run":       func(t *testing.T) { Wired(t, []fakeRow{{"fake", newFake, newFake}}) },
		"Wired-New":       func(t *testing.T) { Wired(t, []fakeRow{{"fake", runFake, runFake}}) },
		"Wired-last":      func(t *testing.T) { Wired(t, []fakeRow{{"fake", runFake, newFake}, {"other", runFake, nil}}) },
		"Exact-9":         exact(func(workers, _ int) bool { return workers == 9 }),
		"Exact-size":      exact(func(_, n int) bool { return n == 7 }),
		"Exact-last":      exact(func(workers, n int) bool { return workers == 9 && n == 10 }),
		"Exact-alone":     exact(func(workers, n int) bool { return workers == 1 && n == 10 }),
		"Exact-first":     exact(func(workers, n int) bool { return workers == 3 && n == 3 }),
		"Exact-overlap":   exact(func(workers, n int) bool { return workers == 3 && n == 10 }),
		"Misuse-none":     misuse(steps, func(workers, _ int) bool { return workers == 0 }),
		"Misuse-negative": misuse(steps, func(workers, _ int) bool { return workers < 0 }),
		"Misuse-steps":    misuse(steps, func(_, n int) bool { return n < 0 }),
		"Misuse-message":  misuse("other: %d steps", none),
		"Workers":         func(t *testing.T) { Workers(t, []suite.Row[int]{{Name: "row", Run: func(_, n int) int { return n }}}) },
		"Workers-few": func(t *testing.T) {
			runtime.GC() // the first starts goroutines of its own
			Workers(t, []suite.Row[int]{{Name: "row", Run: starts(3)}})
		},
		"HasProcs":      func(t *testing.T) { HasProcs(t, 2, func() {}) },
		"HasProcs-back": func(t *testing.T) { HasProcs(t, 2, func() { runtime.GOMAXPROCS(2) }) },
		"Ticks":         func(t *testing.T) { Ticks(t, new(gil.GIL), new(gil.Thread), func() {}) },
	}
	if os.Getenv("SUITETEST_WRONG") != "" {
		for name, check := range checks {
			t.Run(name, check)
		}
		return
	}
	out := again(t, "SUITETEST_WRONG")
	for name := range checks {
		require.Contains(t, out, "--- FAIL: TestChecksFail/"+name+" ")
	}
	Apart(t, apart, &words[0], &words[2*cacheline.Size])
	Gap(t, "gap", 0, cacheline.Size)
	Wired(t, []fakeRow{{"fake", runFake, nil}, {"f-a/k=e", runFake, newFake}})
	misuse(steps, none)(t)
	Workers(t, []suite.Row[int]{{Name: "row", Run: starts(1)}, {Name: "serial", Run: starts(9)}})
	procs := runtime.GOMAXPROCS(0)
	HasProcs(t, 2, func() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) })
	require.Equal(t, procs, runtime.GOMAXPROCS(0))
}

// starts returns a run that starts that many goroutines fewer than it has workers.
func starts(fewer int) func(workers, n int) int {
	return func(workers, n int) int {
		var group sync.WaitGroup
		for range workers - fewer {
			group.Go(func() {})
		}
		group.Wait()
		return n
	}
}

// runs is a testing.M that counts how often it runs.
type runs int

func (r *runs) Run() int { *r++; return 7 }

// RunOnce runs the tests with the first value of -cpu. So does RunPlain, except with -race.
func TestRunOnce(t *testing.T) {
	cpu := flag.Lookup("test.cpu").Value
	defer cpu.Set(cpu.String())
	require.NoError(t, cpu.Set("3,1"))
	var once, plain runs
	require.Equal(t, 7, RunOnce(&once))
	require.EqualValues(t, 1, once)
	require.Equal(t, "3", cpu.String())
	want := 1
	if race.Enabled {
		want = 0
	}
	require.Equal(t, 7*want, RunPlain(&plain))
	require.EqualValues(t, want, plain)
}

// Exact has 4 procs at least, and puts them back.
func TestExactHasProcs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for before, during := range map[int]int{1: 4, 5: 5} {
		runtime.GOMAXPROCS(before)
		procs := func(int, int) int { return runtime.GOMAXPROCS(0) }
		Exact(t, []suite.Row[int]{{Name: "row", Run: procs}}, func(int, int) int { return during }, 0)
		require.Equal(t, before, runtime.GOMAXPROCS(0))
	}
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
