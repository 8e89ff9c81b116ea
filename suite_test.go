package boundaries_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"

	"boundaries/asyncio"
	"boundaries/internal/fibsize"
	"boundaries/internal/noise"
	"boundaries/internal/race"
	"boundaries/internal/suite"
	"boundaries/internal/suite/all"
	"boundaries/internal/suite/suitebench"
	"boundaries/internal/suite/suitetest"
	"boundaries/loop"
)

// The tests of the main command run it: this binary, with the flags that go test
// would give it.

// run runs this binary's benchmarks and returns what it printed.
func run(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	suitetest.Once(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, &stdout, &stderr)
	}
	if stderr.Len() > 0 {
		t.Errorf("%v: standard error: %s", args, &stderr)
	}
	return stdout.Bytes()
}

// results runs this binary's benchmarks and returns the results. The head must
// say of each unit whether more or less is better.
func results(t *testing.T, env []string, args ...string) []*benchfmt.Result {
	t.Helper()
	out := run(t, append(env, suitebench.ReportProcs+"=1"), args...)
	var all []*benchfmt.Result
	r := benchfmt.NewReader(bytes.NewReader(out), "stdout")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			all = append(all, rec.Clone())
			for _, v := range rec.Values {
				if v.Unit != "procs" && r.Units().GetBetter(v.Unit) == 0 {
					t.Errorf("%s: no line says whether more %s is better", rec.Name, v.Unit)
				}
			}
		case *benchfmt.SyntaxError:
			t.Errorf("%v: %v", args, rec)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("%v: no results in\n%s", args, out)
	}
	return all
}

// procsOf splits the number of procs off a benchmark's name.
func procsOf(name benchfmt.Name) (row string, procs int) {
	base, parts := name.Parts()
	row, procs = string(base), 1
	for _, part := range parts {
		if s, ok := strings.CutPrefix(string(part), "-"); ok {
			procs, _ = strconv.Atoi(s)
			continue
		}
		row += string(part)
	}
	return row, procs
}

// value returns a figure of a row in the unit that was printed.
func value(t *testing.T, r *benchfmt.Result, unit string) float64 {
	t.Helper()
	for _, v := range r.Values {
		if v.Unit == unit || v.OrigUnit == unit {
			if v.OrigUnit != "" {
				return v.OrigValue
			}
			return v.Value
		}
	}
	t.Errorf("%s: no %s", r.Name, unit)
	return 0
}

// withChildren reports whether a row starts child processes.
func withChildren(row string) bool {
	for _, w := range all.Workloads() {
		if w.Children && strings.HasPrefix(row, w.Name+"/") {
			return true
		}
	}
	return false
}

// The main command has every row of the list of workloads, except those that this platform
// skips. Every row runs with as many procs as its name says, and some rows at every list of
// -cpu and every -benchtime. Where all rows run for a time, their processor time must be
// possible as well: a row with a worker too many uses about twice the time that its
// processors have. Less than that says nothing, because the clocks of a busy machine drift
// by a few percent and Go's own threads run beside the workers.
func TestCPUListIsHonored(t *testing.T) {
	suitetest.Once(t)
	t.Parallel()
	var every []string
	for _, w := range all.Workloads() {
		for _, row := range w.Benches {
			every = append(every, w.Name+"/"+w.Key+"="+row.Name)
		}
	}
	for i, test := range []struct {
		bench     string
		cpu       string
		procs     []int
		benchtime string
	}{
		{".", "1", []int{1}, "3ms"},         // says which rows this platform skips
		{"ProcsFib$", "2", []int{2}, "3ms"}, // beside two busy children the parent uses little
		{"Await$", "1,2", []int{1, 2}, ""},
		{"Loop$", ",3, 64,", []int{3, 64}, "1x"},
		{"Loop$|Fib$", "4,1,2", []int{4, 1, 2}, "7x"},
	} {
		if race.Enabled && !strings.HasSuffix(test.benchtime, "x") {
			test.benchtime = "1x" // processor time is that of the race detector
		}
		if race.Enabled && i == 0 {
			test.cpu, test.procs = "2", []int{2} // one worker alone has no race
		}
		t.Run("bench="+test.bench+"/cpu="+test.cpu+"/benchtime="+test.benchtime, func(t *testing.T) {
			args := []string{"-test.bench=" + test.bench, "-test.cpu=" + test.cpu}
			if test.benchtime != "" {
				args = append(args, "-test.benchtime="+test.benchtime)
			}
			all := results(t, nil, args...)
			if i == 0 && runtime.GOOS != "linux" {
				every = slices.DeleteFunc(every, func(row string) bool {
					return !slices.ContainsFunc(all, func(r *benchfmt.Result) bool { name, _ := procsOf(r.Name); return name == row })
				})
			}
			match := regexp.MustCompile(test.bench)
			var rows []string
			for _, row := range every {
				if workload, _, _ := strings.Cut(row, "/"); match.MatchString(workload) {
					rows = append(rows, row)
				}
			}
			var got, want []string
			for _, r := range all {
				row, _ := procsOf(r.Name)
				got = append(got, row)
			}
			for _, row := range rows {
				want = append(want, slices.Repeat([]string{row}, len(test.procs))...)
			}
			if !slices.Equal(got, want) {
				i := 0
				for i < min(len(got), len(want)) && got[i] == want[i] {
					i++
				}
				t.Fatalf("result %d is of row %q, want %q: each workload in the list of package all needs its line in bench_test.go, in the same order",
					i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
			}
			for i, r := range all {
				row, procs := procsOf(r.Name)
				if want := test.procs[i%len(test.procs)]; procs != want {
					t.Errorf("%s: want -%d", r.Name, want)
				}
				if got := value(t, r, "procs"); got != float64(procs) {
					t.Errorf("%s ran with %v procs", r.Name, got)
				}
				if strings.HasSuffix(test.benchtime, "x") {
					continue
				}
				wall, used := value(t, r, "ns/op"), value(t, r, "user+sys-ns/op")
				if wall*float64(r.Iters) < float64(2100*time.Microsecond) {
					t.Errorf("%s: %d steps of %v ns are less than 2.1 ms", r.Name, r.Iters, wall)
				}
				processors := min(procs, runtime.NumCPU())
				if withChildren(row) {
					processors = runtime.NumCPU() // the parent works beside them
				}
				if used <= 0 || used > 1.5*float64(processors)*wall {
					// On a machine with many times more threads than processors, a run
					// of a few milliseconds may exceed the limit. A longer run decides.
					again := results(t, nil, "-test.bench=^Benchmark"+strings.ReplaceAll(regexp.QuoteMeta(row), "/", "$/^")+"$",
						"-test.cpu="+strconv.Itoa(procs), "-test.benchtime=50ms")[0]
					used, limit := value(t, again, "user+sys-ns/op"), 1.5*float64(processors)*value(t, again, "ns/op")
					if used <= 0 || used > limit {
						t.Errorf("%s: %v user+sys-ns/op, want at most %v", again.Name, used, limit)
					}
				}
			}
		})
	}
}

func TestGOMAXPROCSOfTheEnvironment(t *testing.T) {
	for _, procs := range []int{1, 3} {
		env := []string{fmt.Sprintf("GOMAXPROCS=%d", procs)}
		for _, r := range results(t, env, "-test.bench=Loop/sync=atomic", "-test.benchtime=1x") {
			if _, got := procsOf(r.Name); got != procs || value(t, r, "procs") != float64(procs) {
				t.Errorf("GOMAXPROCS=%d: %s ran with %v procs", procs, r.Name, value(t, r, "procs"))
			}
		}
	}
}

// Rows of a payload say how many bytes pass in a second.
func TestBytesOfPayloads(t *testing.T) {
	if race.Enabled {
		t.Skip("package procs tests what the rows do, and the rest is arithmetic")
	}
	for payload, size := range map[string]float64{"8B": 8, "64KiB": 64 << 10} {
		for _, r := range results(t, nil, "-test.bench=Procs/payload="+payload+"/sync=(serial|pipe)", "-test.benchtime=100x", "-test.cpu=1") {
			ns := value(t, r, "ns/op")
			rounding := 0.005 * ns / 1e3 // package testing prints two decimals
			if got := value(t, r, "MB/s") * ns / 1e3; math.Abs(got-size) > 0.1*size+rounding {
				t.Errorf("%s: %v bytes a step", r.Name, got)
			}
		}
	}
}

// The facts are printed once. Only a fact that must split tables is a key.
func TestFacts(t *testing.T) {
	keys := map[string]bool{"numcpu": true, "goos": true, "goarch": true, "pkg": true, "cpu": true}
	for _, r := range results(t, nil, "-test.bench=Loop/sync=private", "-test.cpu=1") {
		if r.GetConfig("numcpu") != strconv.Itoa(noise.Usable().N()) {
			t.Errorf("numcpu: %s", r.GetConfig("numcpu"))
		}
		for _, c := range r.Config {
			if c.File && !keys[c.Key] {
				t.Errorf("key %s would split tables", c.Key)
			}
		}
	}
	out := string(run(t, nil, "-test.bench=Loop/sync=private", "-test.cpu=1"))
	for _, fact := range []string{"\n# go: go", "\n# date: 20", "\n# benchtime: 100ms\n", "\n# processors: ", "\n# steady: "} {
		if strings.Count(out, fact) != 1 {
			t.Errorf("%q is not there once:\n%s", fact, out)
		}
	}
	env := []string{fibsize.Variable + "=9", asyncio.Address + "=127.0.0.1:1"}
	out = string(run(t, env, "-test.bench=^BenchmarkFib$/sync=private", "-test.cpu=1", "-test.benchtime=3x"))
	for _, fact := range []string{"# benchtime: 3x\n", "\nfib: 9\n", "\n# database: the Redis at 127.0.0.1:1\n", "\nBenchmarkFib/sync=private/fib=9 "} {
		if !strings.Contains(out, fact) {
			t.Errorf("-benchtime 3x or the environment is not honored: no %q in\n%s", fact, out)
		}
	}
	if out := string(run(t, nil, "-test.run=TestWrongAnswerFails")); strings.Contains(out, "#") {
		t.Errorf("facts without a benchmark:\n%s", out)
	}
}

// An invalid value of an environment variable is one line on standard error and exit
// status 2. Packages asyncio and fibsize test what the line says about each value.
func TestBadEnvironment(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const redis = "the host:port of a Redis, such as 127.0.0.1:6379: "
	for _, test := range []struct{ variable, value, want, reason string }{
		{asyncio.Address, "127.0.0.1", redis, "missing port"},
		{asyncio.Address, "127.0.0.1:65536", redis, "the port is"},
		{asyncio.Address, "a.b.invalid:1", redis, "looking up the host"},
		{fibsize.Variable, "51", "an integer from 1 to 50", ""},
	} {
		cmd := exec.CommandContext(t.Context(), exe, "-test.bench=AsyncIO", "-test.benchtime=1x")
		cmd.Env = append(os.Environ(), test.variable+"="+test.value)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Run()
		want := fmt.Sprintf("%s is %q, want %s", test.variable, test.value, test.want)
		got := stderr.String()
		if cmd.ProcessState.ExitCode() != 2 || !strings.HasPrefix(got, want) || !strings.Contains(got[len(want):], test.reason) ||
			strings.Index(got, "\n") != len(got)-1 || stdout.Len() > 0 {
			t.Errorf("%s=%s: status %d, %q, %q", test.variable, test.value, cmd.ProcessState.ExitCode(), &stdout, &stderr)
		}
	}
}

// A row that fails, here because nothing listens where the Redis should be, is one line, and
// the exit status is 1.
func TestStatusOfAFailedRow(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.bench=AsyncIO/latency=0/sync=serial", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), asyncio.Address+"=127.0.0.1:1")
	out, _ := cmd.CombinedOutput()
	if status := cmd.ProcessState.ExitCode(); status != 1 || strings.Count(string(out), "connecting to the database: ") != 1 {
		t.Errorf("status %d, want 1:\n%s", status, out)
	}
}

// -bench without -run runs no test. With -run, the tests that it names run.
func TestNoTestRunsBesideBenchmarks(t *testing.T) {
	bench := []string{"-test.v", "-test.bench=Loop/sync=private", "-test.benchtime=1x", "-test.cpu=1,2"}
	if out := string(run(t, nil, bench...)); strings.Contains(out, "=== RUN") {
		t.Errorf("-bench ran a test:\n%s", out)
	}
	out := string(run(t, nil, append(bench, "-test.run=TestWrongAnswerFails")...))
	if strings.Count(out, "=== RUN") != 2 {
		t.Errorf("-bench and -run should have run one test, once per -cpu value:\n%s", out)
	}
}

// The test reports how much longer a child takes than the smallest Go program,
// started the same way. It does not judge that, because judging takes a quiet
// machine.
func TestStartOfAnEmptyProgram(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("builds a program, and the times are not those of the race detector")
	}
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty+".go", []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", empty, empty+".go").CombinedOutput(); err != nil {
		t.Skipf("building an empty program: %v\n%s", err, out)
	}
	var process suite.Session
	for _, w := range all.Workloads() {
		for _, row := range w.Benches {
			if w.Name == "Spawn" && row.Name == "process" {
				var err error
				if process, err = row.Open(1); err != nil {
					t.Fatal(err)
				}
				defer process.Close()
			}
		}
	}
	const rounds = 51
	var times [2][]time.Duration
	for range rounds {
		for i, start := range []func() error{
			func() error {
				cmd := exec.Command(empty)
				cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
				return cmd.Run()
			},
			func() error {
				process.Run(1)
				return process.Check(1)
			},
		} {
			began := time.Now()
			if err := start(); err != nil {
				t.Fatal(err)
			}
			times[i] = append(times[i], time.Since(began))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	t.Logf("an empty program takes %v, a child %v: %.2f times as long (medians of %d)",
		times[0][rounds/2], times[1][rounds/2], float64(times[1][rounds/2])/float64(times[0][rounds/2]), rounds)
}

func TestWrongAnswerFails(t *testing.T) {
	failed := false
	testing.Benchmark(func(b *testing.B) {
		suitebench.Workload(b, suite.New("Loop", "sync", "loop", loop.Variants[:1],
			func(_, n int) int64 { return loop.Total(0, n) + 1 }, nil))
		failed = b.Failed()
	})
	if !failed {
		t.Error("a wrong answer did not fail the benchmark")
	}
}
