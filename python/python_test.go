//go:build unix

// Package python_test runs the scripts of this folder. It runs run.sh with whatever
// Python there is, and with programs that only pretend to be interpreters.
package python_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"boundaries/internal/noise"
	"boundaries/internal/race"
)

var scripts = []string{"loop", "fib", "spawn", "procsfib", "queues", "deadlock", "aio"}

// BenchmarkNothing is there to make package testing print its keys.
func BenchmarkNothing(*testing.B) {}

// python returns the interpreter that is on the path, or skips the test.
func python(t *testing.T) string {
	t.Helper()
	path, reason := works()
	if reason != "" {
		t.Skip(reason)
	}
	return path
}

var works = sync.OnceValues(func() (path, reason string) {
	path, err := exec.LookPath("python3")
	if err != nil {
		return "", "no python3"
	}
	out, err := exec.Command(path, "-c", "import multiprocessing.synchronize, sys; print(sys.executable)").CombinedOutput()
	if err != nil {
		return "", fmt.Sprintf("python3 does not work: %v\n%s", err, out)
	}
	// What is on the path may be a script that looks for the interpreter at every start.
	if real := filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "python3"); exec.Command(real, "-c", "").Run() == nil {
		path = real
		os.Setenv("PATH", filepath.Dir(real)+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	return path, ""
})

// driver returns run.sh with variables, one short round unless they say more.
func driver(t *testing.T, variables ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), "sh", "run.sh")
	cmd.Env = append(os.Environ(), append([]string{"ROUNDS=1", "BENCHTIME=1ms"}, variables...)...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// changed copies this folder with pieces of one file replaced.
func changed(t *testing.T, file string, oldNew ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range append([]string{"run.sh", "bench.py"}, files(scripts)...) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if name == file {
			for i := 0; i < len(oldNew); i += 2 {
				require.Contains(t, string(text), oldNew[i])
			}
			text = []byte(strings.NewReplacer(oldNew...).Replace(string(text)))
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return dir
}

// alone returns a script that runs without run.sh. An interpreter that does not say whether
// its GIL is on computes for a while to find out, so the script is told. A script that hangs is
// killed.
func alone(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, python(t), append([]string{"-B"}, args...)...)
	cmd.WaitDelay = time.Second // its children may keep its output open
	cmd.Env = append(os.Environ(), "BOUNDARIES_PYTHON="+system())
	return cmd
}

// system is what bench.py calls the interpreter.
var system = sync.OnceValue(func() string {
	out, err := exec.Command("python3", "-B", "-c", "import bench; print(bench.system())").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
})

func files(scripts []string) (names []string) {
	for _, script := range scripts {
		names = append(names, script+".py")
	}
	return names
}

// results parses what benchstat would.
func results(t *testing.T, out []byte) []*benchfmt.Result {
	t.Helper()
	var all []*benchfmt.Result
	r := benchfmt.NewReader(bytes.NewReader(out), "stdout")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			all = append(all, rec.Clone())
		case *benchfmt.SyntaxError:
			t.Errorf("%v in\n%s", rec, out)
		}
	}
	require.NoError(t, r.Err())
	return all
}

// The rows are Go's: benchstat and boundaries read them beside the suite's,
// because every key that splits tables is the same. PYTHONSAFEPATH, which keeps the folder
// of a script out of the path, changes nothing.
func TestRows(t *testing.T) {
	cmd, stdout, stderr := driver(t, "PYTHONS="+python(t), "THREADS=1 3", "PYTHONSAFEPATH=1")
	require.NoError(t, cmd.Run(), stderr)
	require.Empty(t, stderr.String())

	exe, err := os.Executable()
	require.NoError(t, err)
	bench, err := exec.Command(exe, "-test.run=^$", "-test.bench=^BenchmarkNothing$", "-test.benchtime=1x").Output()
	require.NoError(t, err)
	want := map[string]string{"numcpu": fmt.Sprint(noise.Usable().N()), "pkg": "boundaries"}
	for _, key := range []string{"goos", "goarch", "cpu"} {
		if value := results(t, bench)[0].GetConfig(key); value != "" {
			want[key] = value
		}
	}

	for _, fact := range noise.Facts() {
		if fact.Key == "cpuinfo" { // the name that Linux has for the processor, which Python prints
			want["cpu"] = fact.Value
		}
	}

	all := results(t, stdout.Bytes())
	var names []string
	for _, r := range all {
		got := map[string]string{}
		for _, c := range r.Config {
			if c.File {
				got[c.Key] = string(c.Value)
			}
		}
		require.Equal(t, want, got)
		var units []string
		for _, v := range r.Values {
			units = append(units, v.OrigUnit)
			if v.OrigUnit == "" {
				units[len(units)-1] = v.Unit
			}
			require.GreaterOrEqual(t, v.Value, 0.0)
		}
		wantUnits := []string{"ns/op", "user+sys-ns/op"}
		switch name := r.Name.String(); {
		case strings.HasPrefix(name, "PyLoop"):
			wantUnits = append(wantUnits, "lost-updates/op")
		case strings.HasPrefix(name, "PyDeadlock"):
			wantUnits = append(wantUnits, "hung/op")
			// A fork inherits the lock as it is held, forever.
			require.Equal(t, strings.Contains(name, "start=fork"), r.Values[2].Value == 1, name)
		}
		require.Equal(t, wantUnits, units, r.Name)
		names = append(names, r.Name.String())
	}
	system := regexp.MustCompile(`(?m)^# system: ([a-z]+-[0-9]+\.[0-9]+\.[0-9a-z]+-(?:nogil|gil))$`).FindStringSubmatch(stdout.String())
	require.NotNil(t, system, stdout)
	require.Equal(t, strings.Split(strings.ReplaceAll(
		`PyLoop/system=S PyLoop/system=S-3 PyFib/system=S PyFib/system=S-3 `+
			`PySpawn/start=thread/system=S PySpawn/start=process/system=S PySpawn/start=fork/system=S `+
			`PyProcsFib/system=S PyProcsFib/system=S-3 `+
			`PyQueue/payload=8B/start=thread/system=S PyQueue/payload=8B/start=process/system=S PyPickle/payload=8B/system=S `+
			`PyQueue/payload=64KiB/start=thread/system=S PyQueue/payload=64KiB/start=process/system=S PyPickle/payload=64KiB/system=S `+
			`PyDeadlock/start=fork/system=S PyDeadlock/start=spawn/system=S PyAsyncIO/system=S`, "=S", "="+system[1]), " "), names)
	for _, unit := range []string{"\nUnit user+sys-ns/op better=lower\n", "\nUnit lost-updates/op better=lower\n", "\nUnit hung/op better=lower\n"} {
		require.Contains(t, stdout.String(), unit)
	}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		require.Regexp(t, `(?m)^# processor: family \d+, model \d+, stepping \d+$`, stdout.String())
	}
}

// A wrong answer ends the script with a line that names the row, and without the row.
func TestWrongAnswers(t *testing.T) {
	python(t)
	for _, test := range []struct{ script, file, right, wrong, says string }{
		{"loop", "loop", "ans += 2", "ans += 1", "PyLoop: 1 threads, 1 steps: the total is 2, want 3"},
		{"loop", "loop", "ans += 2", "ans += 3", "PyLoop: 1 threads, 1 steps: the total is 4, want 3"},
		{"fib", "fib", "fib(n-2)", "fib(n-1)", "PyFib: 1 threads, 1 steps: the sum is 524288, want 10946"},
		{"fib", "fib", "range(n)", "range(n - 1)", "PyFib: 1 threads, 1 steps: the sum is 0, want 10946"},
		{"fib", "bench", "results[worker] = work", "work", "a thread ended early"},
		{"spawn", "spawn", "    pass", "    sys.exit(1)", "PySpawn: a child ended with status 1"},
		{"spawn", "spawn", "target=nothing)\n        bench.start(one)\n        one.join()\n",
			"target=time.sleep, args=(1,))\n        bench.start(one)\n", "PySpawn: some threads or children have not ended"},
		{"spawn", "spawn", "    pass", "    time.sleep(0.01)", ""}, // slow is not wrong
		{"procsfib", "fib", "fib(n-2)", "fib(n-1)", "PyProcsFib: 1 children, 1 steps: the sum is 524288, want 10946"},
		{"procsfib", "procsfib", "n = pipe.recv()", "sys.exit()", "PyProcsFib: a child has died"},
		{"procsfib", "procsfib", "bench.reported_gil()))", "'off'))", "PyProcsFib: the GIL of a child is not on, or off, as that of its parent"},
		{"queues", "queues", "item += 1", "item += 2", "PyQueue: after 1 steps the item is 2"},
		{"queues", "queues", "item[0] += 1", "item[0] += 0", "PyQueue: after 1 steps the item is 0"},
		{"queues", "queues", "pickle.loads(pickle.dumps(item))", "pickle.loads(pickle.dumps(7))", "PyPickle: after 1 steps the item has changed"},
		{"deadlock", "deadlock", `pipe.send("has the lock")`, `pipe.send("begun")`, "PyDeadlock: the child says 'begun' and 'begun'"},
		{"aio", "aio", "int(line) + 1", "int(line)", "PyAsyncIO: 0 of 1 answers are right"},
	} {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			dir := changed(t, test.file+".py", test.right, test.wrong)
			cmd := alone(t, filepath.Join(dir, test.script+".py"), "1", "1")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			if test.says == "" {
				require.NoError(t, err, &stderr)
				return
			}
			require.Error(t, err)
			require.Contains(t, stderr.String(), test.says+"\n", err)
			switch test.script {
			case "spawn", "queues", "deadlock": // other rows were right
			default:
				require.Empty(t, results(t, stdout.Bytes()))
			}
		})
	}
}

// The quotas of the control group and of every group above it count, as they do in
// internal/noise.
func TestProcessors(t *testing.T) {
	const mount1 = "31 23 0:28 / /cg rw - tmpfs tmpfs rw\n32 31 0:29 / /cg/set rw - cgroup cgroup rw,cpuset\n33 31 0:30 / /cg/my\\040cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
	const mount2 = "30 23 0:26 / /cg rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
	var names, want []string
	args := []string{"-B", "-c", "import sys, bench\nfor root in sys.argv[1:]: print(bench.processors(4, root))"}
	for name, test := range map[string]struct {
		group, mounts string
		files         map[string]string
		want          string
	}{
		"none":                           {"", "", nil, "4"},
		"version 2":                      {"0::/a/b\n", mount2, map[string]string{"cg/a/b/cpu.max": "100000 100000\n"}, "1"},
		"version 2, no limit":            {"0::/a/b\n", mount2, map[string]string{"cg/a/b/cpu.max": "max 100000\n"}, "4"},
		"version 2, the parent":          {"0::/a/b\n", mount2, map[string]string{"cg/a/b/cpu.max": "300000 100000\n", "cg/a/cpu.max": "250000 100000\n"}, "2"},
		"version 2, half a processor":    {"0::/\n", mount2, map[string]string{"cg/cpu.max": "50000 100000\n"}, "1"},
		"version 2, more than there are": {"0::/\n", mount2, map[string]string{"cg/cpu.max": "1600000 100000\n"}, "4"},
		"another namespace":              {"0::/../x\n", mount2, map[string]string{"cg/cpu.max": "200000 100000\n"}, "2"},
		"version 1":                      {"5:cpuset:/\n4:cpu,cpuacct:/a\n0::/\n", mount1, map[string]string{"cg/my cpu/a/cpu.cfs_quota_us": "150000\n", "cg/my cpu/a/cpu.cfs_period_us": "50000\n"}, "3"},
		"version 1, no limit":            {"4:cpu,cpuacct:/a\n", mount1, map[string]string{"cg/my cpu/a/cpu.cfs_quota_us": "-1\n", "cg/my cpu/a/cpu.cfs_period_us": "50000\n"}, "4"},
		"version 1, the top":             {"4:cpu,cpuacct:/a\n", mount1, map[string]string{"cg/my cpu/cpu.cfs_quota_us": "100000\n", "cg/my cpu/cpu.cfs_period_us": "50000\n"}, "2"},
		"in a container": {"4:cpu:/docker/12\n", "33 31 0:30 /docker/12 /cg ro - cgroup cgroup rw,cpu\n",
			map[string]string{"cg/cpu.cfs_quota_us": "150000\n", "cg/cpu.cfs_period_us": "100000\n"}, "1"},
		"a name alike": {"4:cpu:/docker/123\n", "33 31 0:30 /docker/12 /cg ro - cgroup cgroup rw,cpu\n",
			map[string]string{"cg/cpu.cfs_quota_us": "200000\n", "cg/cpu.cfs_period_us": "100000\n"}, "2"},
		"nonsense": {"x\n1:cpu\n0::/a\n", "- -\n\n30 - cgroup2\n" + mount2, map[string]string{"cg/a/cpu.max": "many 0\n", "cg/cpu.max": "1 2 3\n"}, "4"},
	} {
		root := t.TempDir()
		write := func(name, text string) {
			name = filepath.Join(root, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
			require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		}
		write("proc/self/cgroup", test.group)
		write("proc/self/mountinfo", test.mounts)
		for name, text := range test.files {
			write(name, text)
		}
		names, want, args = append(names, name), append(want, test.want), append(args, root)
	}
	out, err := exec.CommandContext(t.Context(), python(t), args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, want, strings.Fields(string(out)), "of %q", names)
}

// A figure keeps about four digits, a version tells its stage and its build, an item is as
// large as its row says, an answer takes a millisecond, and a platform has the name that Go
// gives it.
func TestTexts(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), python(t), "-B", "-c", `
import collections, os, sys, aio, bench, queues
print(*[bench.decimals(value) for value in (0, 0.25, 99.9, 123.45, 1234.5, 1 / 3e7)])
Version = collections.namedtuple("Version", "major minor micro releaselevel serial")
for level, serial, sys.abiflags in ("alpha", 1, "t"), ("beta", 2, "d"), ("candidate", 3, ""), ("final", 0, ""):
    sys.implementation.version = Version(3, 14, 0, level, serial)
    print(bench.version())
for payload, size in queues.PAYLOADS:
    item = queues.item_of(size)
    print(payload, 8 * (1 if item == 0 else len(item)))
class Loop(object):
    def call_later(self, seconds, write, answer): print(aio.IN_FLIGHT, seconds, answer)
database = aio.Database(Loop())
database.connection_made(sys.stdout)
database.data_received(b"7\n")
sys.platform = "freebsd14"
for machine in "amd64", "x86_64", "aarch64", "i686", "riscv64":
    os.uname = lambda: collections.namedtuple("Uname", "machine")(machine)
    print(*[value for key, value in bench.facts() if key in ("goos", "goarch")])
`).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "0.0000 0.2500 99.9000 123.5 1234 3.333e-08\n3.14.0a1t\n3.14.0b2\n3.14.0rc3\n3.14.0\n8B 8\n64KiB 65536\n64 0.001 b'8\\n'\n"+
		"freebsd amd64\nfreebsd amd64\nfreebsd arm64\nfreebsd 386\nfreebsd riscv64\n",
		strings.ReplaceAll(string(out), "\r", ""))
}

// Threads start when all are ready, and each has its share.
func TestTogether(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), python(t), "-B", "-c", `
import threading, bench
for _ in range(50):
    shares = [bench.share(i, 5, 23) for i in range(5)]
    wall, used, results = bench.together(lambda share: (share, threading.active_count()), shares)
    # The first of them finds the others, and the caller, alive.
    assert max(alive for _, alive in results) == 6, results
    assert [share for share, _ in results] == [5, 5, 5, 4, 4], results
    assert wall > 0 and used > 0
`).CombinedOutput()
	require.NoError(t, err, string(out))
}

// No row uses more processors than there are, nor one with a GIL more than one,
// and children's time is counted.
func TestProcessorTime(t *testing.T) {
	rows := map[string]*benchfmt.Result{}
	for _, script := range []string{"loop", "fib", "procsfib"} {
		out, err := alone(t, script+".py", "60", "1", "3").Output()
		require.NoError(t, err)
		for _, r := range results(t, out) {
			name := r.Name.String()
			row, rest, _ := strings.Cut(name, "/system=")
			rows[row+rest[strings.LastIndex(rest, "gil")+3:]] = r // PyFib, PyFib-3
			procs := runtime.NumCPU()
			if !strings.Contains(rest, "nogil") && (script == "loop" || script == "fib") {
				procs = 1
			}
			wall, used := r.Values[0].OrigValue, r.Values[1].OrigValue
			require.Positive(t, used)
			require.LessOrEqual(t, used, 1.05*float64(procs)*wall, name)
		}
	}
	used := func(row string) float64 {
		require.Contains(t, rows, row)
		return rows[row].Values[1].OrigValue
	}
	require.Greater(t, used("PyProcsFib"), used("PyFib")/3)

	dir := changed(t, "spawn.py", "    pass", // some 10 ms
		"    sum(range(1000000)); print(type(multiprocessing.current_process()).__name__, flush=True)")
	out, err := alone(t, filepath.Join(dir, "spawn.py"), "1").Output()
	require.NoError(t, err)
	for _, r := range results(t, out) {
		require.Greater(t, r.Values[1].OrigValue, 5e6, r.Name)
	}
	// What a row starts is what its name says.
	started := map[string]string{"thread": "_MainProcess", "process": "SpawnProcess", "fork": "ForkProcess"}
	var steps []string // of the next row
	for line := range strings.Lines(string(out)) {
		row, ok := strings.CutPrefix(line, "BenchmarkPySpawn/start=")
		if !ok {
			steps = append(steps, strings.TrimSpace(line))
			continue
		}
		row, _, _ = strings.Cut(row, "/")
		require.Equal(t, []string{started[row]}, slices.Compact(steps), row)
		steps = nil
	}
	dir = changed(t, "deadlock.py", "    pipe.send(\"begun\")", "    pipe.send(\"begun\")\n    sum(range(1000000))")
	out, err = alone(t, filepath.Join(dir, "deadlock.py"), "1").Output()
	require.NoError(t, err)
	for _, r := range results(t, out) {
		require.Greater(t, r.Values[1].OrigValue, 5e6, r.Name)
	}
}

// An interpreter that can tell says whether its GIL is on. For any other, the clock
// decides.
func TestGIL(t *testing.T) {
	interpreter := python(t)
	for _, test := range []struct{ name, before, want string }{
		{"3.13 or later, off", "sys._is_gil_enabled = lambda: False", "False sys._is_gil_enabled() -nogil"},
		{"3.13 or later, on", "sys._is_gil_enabled = lambda: True", "True sys._is_gil_enabled() -gil"},
		{"the nogil fork, off", "sys.flags = Flags(True)", "False sys.flags.nogil -nogil"},
		{"the nogil fork, on", "sys.flags = Flags(False)", "True sys.flags.nogil -gil"},
		{"does not say, off", "bench.two_at_once = lambda: True", "False a thread ran beside one that computes -nogil"},
		{"does not say, on", "bench.two_at_once = lambda: False", "True a thread did not run beside one that computes -gil"},
		{"not CPython", "bench.two_at_once = None; sys.implementation.name = 'pypy'", "True assumed -gil"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), interpreter, "-B", "-c", `
import sys, bench
class Flags(object):
    def __init__(self, nogil): self.nogil = nogil
if hasattr(sys, "_is_gil_enabled"): del sys._is_gil_enabled
`+test.before+`
on, how = bench.gil()
print(on, how, bench.system()[bench.system().rindex("-"):])`).CombinedOutput()
			require.NoError(t, err, string(out))
			require.Equal(t, test.want+"\n", string(out))
		})
	}
	// Really, by the interpreter that is here; several times, as the test must undo
	// what it does, and as on a machine so busy that the other thread is slow to begin.
	out, err := exec.CommandContext(t.Context(), interpreter, "-B", "-c", `
import sys, threading, time, bench
class Slow(threading.Thread):
    def run(self):
        end = time.perf_counter() + 0.05
        while time.perf_counter() < end: pass
        super(Slow, self).run()
interval = sys.getswitchinterval()
on = getattr(sys, "_is_gil_enabled", lambda: True)()
assert bench.two_at_once() == (not on)
threading.Thread = Slow
assert [bench.two_at_once() for _ in range(2)] == [not on] * 2
assert sys.getswitchinterval() == interval`).CombinedOutput()
	require.NoError(t, err, string(out))
}

// fakeInterpreter writes a program that answers bench.py as an interpreter of
// that system, and every other script with the shell commands.
func fakeInterpreter(t *testing.T, dir, name, commands string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(`#!/bin/sh
script=$(basename "$2" .py)
case $script in
bench) printf 'numcpu: 2\n# system: %s-1.0.0-gil\n' `+name+` ;;
*) `+commands+` ;;
esac
`), 0o700))
	return path
}

const row = `echo "BenchmarkPy$script/system=$BOUNDARIES_PYTHON 1 $3 ns/op"`

// One round of each, then the next of each: a machine that drifts affects all alike.
func TestInterpretersAlternate(t *testing.T) {
	dir := t.TempDir()
	a := fakeInterpreter(t, dir, "a", row)
	b := fakeInterpreter(t, dir, "b", "case $PYTHONPATH in */python:/spam) "+row+" ;; esac") // the user's folders are searched, too
	cmd, stdout, stderr := driver(t, "PYTHONS="+a+" "+b+" "+a, "ROUNDS=3", "BENCHTIME=7ms", "PYTHONPATH=/spam")
	require.NoError(t, cmd.Run(), stderr)
	require.Equal(t, "python: "+a+": skipped, because it is a second a-1.0.0-gil\n", stderr.String())
	require.Equal(t, 1, strings.Count(stdout.String(), "numcpu: 2\n"))
	require.Equal(t, 1, strings.Count(stdout.String(), "# system: a-1.0.0-gil\n"))
	require.Equal(t, 1, strings.Count(stdout.String(), "# benchtime: 7ms, rounds: 3\n"))
	require.Equal(t, 1, strings.Count(stdout.String(), "# oversubscribed: rows of more threads than 2\n"))
	var want, got []string
	for range 3 {
		for _, system := range []string{"a-1.0.0-gil", "b-1.0.0-gil"} {
			for _, script := range scripts {
				want = append(want, "Py"+script+"/system="+system)
			}
		}
	}
	for _, r := range results(t, stdout.Bytes()) {
		got = append(got, r.Name.String())
		require.Equal(t, 7.0, r.Values[0].OrigValue)
	}
	require.Equal(t, want, got)
}

// An interpreter that cannot run is named once, in one line with its own reason. It
// costs the others nothing, wherever it stands, and the exit status is the same.
func TestUnusableInterpreters(t *testing.T) {
	dir := t.TempDir()
	good := fakeInterpreter(t, dir, "good", row)
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700))
		return path
	}
	shim := script("shim", "echo 'pyenv: python3.9: command not found' >&2; echo >&2; echo 'The command exists in:' >&2; exit 127")
	fatal := script("fatal", "echo 'Fatal Python error: Disabling the GIL is not supported by this build' >&2; echo 'state: unknown' >&2; exit 1")
	traceback := script("traceback", "printf 'Traceback (most recent call last):\n  File x\nImportError: No module named time\n' >&2; exit 1")
	unusable, lines := "", ""
	for _, test := range []struct{ interpreter, says string }{
		{"no-such-python", "it is not found"},
		{shim, "it cannot run: pyenv: python3.9: command not found"},
		{fatal, "it cannot run: Fatal Python error: Disabling the GIL is not supported by this build"},
		{traceback, "it cannot run: ImportError: No module named time"},
		{script("status", "exit 3"), "it cannot run: exit status 3"},
		{script("killed", "kill -9 $$"), "it cannot run: killed by signal 9"},
		{script("silent", "exit 0"), "it does not run bench.py as a Python would"},
		{script("other", "echo 'cpu: AMD EPYC'"), "it does not run bench.py as a Python would"},
		{good + " -X gil=1", "it has an option; set PYTHON_GIL=1 instead"},
		{good + " -Xgil=0", "it has an option; set PYTHON_GIL=0 instead"},
		{good + " -O -W error", "it has an option; set the variable of the option instead, such as PYTHON_GIL=1"},
	} {
		unusable += " " + test.interpreter
		lines += "python: " + test.interpreter + ": skipped, because " + test.says + "\n"
	}
	second := fakeInterpreter(t, dir, "second", row)
	for _, pythons := range []string{unusable + " " + second, second + unusable} {
		cmd, stdout, stderr := driver(t, "PYTHONS="+pythons)
		require.NoError(t, cmd.Run())
		require.Equal(t, lines, stderr.String())
		require.True(t, strings.HasPrefix(stdout.String(), "numcpu: 2\n"), stdout)
		require.Len(t, results(t, stdout.Bytes()), len(scripts))
	}
	exit2 := func(cmd *exec.Cmd) { require.EqualError(t, cmd.Run(), "exit status 2") }
	cmd, stdout, stderr := driver(t, "PYTHONS="+unusable)
	exit2(cmd)
	require.Empty(t, stdout.String())
	const none = "python: no interpreter: name some, as in PYTHONS=\"python3 python3.14t\"\n"
	require.Equal(t, lines+none, stderr.String())
	cmd, _, stderr = driver(t, "PYTHONS=")
	exit2(cmd)
	require.Equal(t, none, stderr.String())
}

// A Python that is too old says so, and does not show a traceback.
func TestTooOld(t *testing.T) {
	dir := changed(t, "bench.py", "OLDEST = (3, 6)", "OLDEST = (9, 9)")
	out, err := exec.Command(python(t), "-B", filepath.Join(dir, "bench.py")).CombinedOutput()
	require.Error(t, err)
	require.Regexp(t, `^this is Python \d+\.\d+\.\d+, and 9\.9 or later is needed\n$`, string(out))
}

// A script that fails or is killed is named once, and the others go on.
func TestFailingScripts(t *testing.T) {
	dir := t.TempDir()
	good := fakeInterpreter(t, dir, "good", row)
	killed := fakeInterpreter(t, dir, "killed", `[ $script != fib ] || kill -9 $$; `+row)
	failing := fakeInterpreter(t, dir, "failing", `exit 3`)

	cmd, stdout, stderr := driver(t, "PYTHONS="+strings.Join([]string{killed, failing, good}, " "), "ROUNDS=2")
	require.Error(t, cmd.Run())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	want := "python: " + killed + ": fib.py: killed by signal 9\n"
	for _, script := range scripts {
		want += "python: " + failing + ": " + script + ".py: exit status 3\n"
	}
	require.Equal(t, want, stderr.String())
	count := map[string]int{}
	for _, r := range results(t, stdout.Bytes()) {
		count[r.Name.String()[strings.Index(r.Name.String(), "="):]]++
	}
	require.Equal(t, map[string]int{"=good-1.0.0-gil": 2 * len(scripts), "=killed-1.0.0-gil": 2*len(scripts) - 2}, count)
}

// An impossible value is one line and exit status 2.
func TestBadVariables(t *testing.T) {
	for _, test := range []struct{ variable, says string }{
		{"ROUNDS=0", `ROUNDS is "0", want a number from 1 to 999999`},
		{"ROUNDS=two", `ROUNDS is "two", want a number from 1 to 999999`},
		{"ROUNDS=08", `ROUNDS is "08", want a number from 1 to 999999`},
		{"ROUNDS=1000000", `ROUNDS is "1000000", want a number from 1 to 999999`},
		{"BENCHTIME=1s", `BENCHTIME is "1s", want milliseconds, such as 500ms`},
		{"BENCHTIME=", `BENCHTIME is "", want milliseconds, such as 500ms`},
		{"THREADS=1 x", `THREADS is "x", want numbers from 1, such as "1 2"`},
		{"THREADS=*", `THREADS is "*", want numbers from 1, such as "1 2"`},
		{"THREADS=", `THREADS is "", want numbers from 1, such as "1 2"`},
	} {
		cmd, stdout, stderr := driver(t, "PYTHONS=no-such-python", test.variable)
		require.Error(t, cmd.Run(), test.variable)
		require.Equal(t, 2, cmd.ProcessState.ExitCode())
		require.Empty(t, stdout.String())
		require.Contains(t, stderr.String(), "python: "+test.says+"\n")
		require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr)
	}
}

// When the reader goes away, as head does, that ends the run.
func TestReaderGoesAway(t *testing.T) {
	cmd, _, stderr := driver(t, "PYTHONS="+python(t), "ROUNDS=999")
	cmd.Stdout = nil
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Benchmark") {
	}
	require.NoError(t, stdout.Close())
	began := time.Now()
	require.Error(t, cmd.Wait())
	require.Equal(t, 141, cmd.ProcessState.ExitCode())
	require.Less(t, time.Since(began), 20*time.Second)
	require.Empty(t, stderr.String())
}

// The child of queues.py ends with it, whatever ends it. It has the script's stderr, and so
// Wait waits for it, too.
func TestQueuesLeaveNoChild(t *testing.T) {
	for _, killed := range []bool{false, true} {
		cmd := alone(t, "queues.py", "1", "1")
		cmd.Stderr, cmd.WaitDelay = new(bytes.Buffer), 30*time.Second
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(stdout)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "Benchmark") {
		}
		if killed {
			require.NoError(t, cmd.Process.Kill())
		}
		require.NoError(t, stdout.Close())
		began := time.Now()
		require.Error(t, cmd.Wait())
		require.Less(t, time.Since(began), 20*time.Second)
	}
}

// The alarm ends a stuck script, and leaves a row the time that BENCHTIME asks for.
func TestLongRow(t *testing.T) {
	dir := changed(t, "bench.py", "PATIENCE = 120", "PATIENCE = 1")
	stuck := alone(t, "-c", `import bench, time; bench.bench("", 1, lambda n: time.sleep(10))`, "1")
	stuck.Dir = dir
	require.NoError(t, stuck.Start())
	// 1.9 s in three runs
	long := alone(t, "-c", `import bench, time; bench.bench("", 1, lambda n: (n / 1000, time.sleep(n / 1000) or 0, []))`, "1500")
	long.Dir = dir
	out, err := long.CombinedOutput()
	require.NoError(t, err, string(out))
	require.EqualError(t, stuck.Wait(), "signal: alarm clock")
}

// begun is the file that a changed script makes where it says MARK. A script runs in its
// own folder.
const begun = "begun"

// begins copies this folder with a piece of a script replaced, and returns a function that
// waits until the script is there.
func begins(t *testing.T, file string, oldNew ...string) (dir string, wait func()) {
	t.Helper()
	for i := range oldNew {
		oldNew[i] = strings.Replace(oldNew[i], "MARK", `open("`+begun+`", "w").close()`, 1)
	}
	dir = changed(t, file, oldNew...)
	return dir, func() {
		t.Helper()
		require.Eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(dir, begun))
			return err == nil
		}, 60*time.Second, 10*time.Millisecond)
	}
}

// An interrupt ends the script and its children within a second or so. A terminal
// sends it to all of them, a supervisor only to run.sh.
func TestInterruptLeavesNothing(t *testing.T) {
	interpreter := python(t)
	if _, err := exec.LookPath("ps"); err != nil {
		t.Skip("no ps")
	}
	for _, test := range []struct {
		script string
		signal syscall.Signal
		status int
		oldNew []string // the change that makes the moment
	}{
		{"loop", syscall.SIGINT, 130, []string{"    for i in range(n)", "    MARK\n    for i in range(10**9)"}},
		{"fib", syscall.SIGTERM, 143, []string{"    for _ in range(n)", "    MARK\n    for _ in range(10**6)"}},
		{"fib", syscall.SIGHUP, 129, []string{"    for _ in range(n)", "    MARK\n    for _ in range(10**6)"}},
		{"spawn", syscall.SIGINT, 130, []string{"    pass", "    MARK; time.sleep(60)", `("thread", threading.Thread)`, ""}},
		{"procsfib", syscall.SIGTERM, 143, []string{"fib.work(n)", "MARK or fib.work(10**6)"}},
		{"queues", syscall.SIGTERM, 143, []string{"    for payload", "    inbox.put('used'); outbox.get()\n    for payload",
			"    for _ in range(n):\n        inbox", "    MARK\n    for _ in range(10**9):\n        inbox"}},
		{"deadlock", syscall.SIGINT, 130, []string{"PATIENCE = 0.25", "PATIENCE = 60", "    hung = not", "    MARK\n    hung = not"}},
		{"aio", syscall.SIGINT, 130, []string{"    answers =", "    MARK\n    answers ="}},
		{"aio", syscall.SIGTERM, 143, []string{"    connections = loop", "    mine.recv(); MARK; time.sleep(60); connections = loop"}},
	} {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(test.signal) {
				t.Skip("this process and those it starts ignore the signal, as nohup makes them")
			}
			dir, wait := begins(t, test.script+".py", test.oldNew...)
			// The scripts before this one end at once.
			only := filepath.Join(dir, "python")
			require.NoError(t, os.WriteFile(only, []byte(`#!/bin/sh
case $2 in
*/bench.py) printf 'numcpu: 2\n# system: `+system()+`\n' ;;
*/`+test.script+`.py) exec `+interpreter+` "$@" ;;
esac
`), 0o700))
			cmd, _, stderr := driver(t, "PYTHONS="+only, "BENCHTIME=60000ms", "THREADS=2")
			cmd.Dir = dir
			cmd.WaitDelay = 20 * time.Second // for the output, which a child left behind keeps open
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			require.NoError(t, cmd.Start())
			defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what a failure leaves
			wait()
			to := cmd.Process.Pid
			if test.signal == syscall.SIGINT {
				to = -to
			}
			sent := time.Now()
			require.NoError(t, syscall.Kill(to, test.signal))
			require.Error(t, cmd.Wait())
			require.Equal(t, test.status, cmd.ProcessState.ExitCode())
			for running(t, cmd.Process.Pid) {
				require.Less(t, time.Since(sent), 20*time.Second, "left behind")
				time.Sleep(10 * time.Millisecond)
			}
			require.Empty(t, stderr.String())
		})
	}
}

// So does an interrupt of one script, and one that has no time to tell its child.
func TestEndOfOneScript(t *testing.T) {
	python(t)
	if _, err := exec.LookPath("ps"); err != nil {
		t.Skip("no ps")
	}
	for _, test := range []struct {
		file   string
		oldNew []string
	}{
		{"loop.py", []string{"    for i in range(n)", "    MARK\n    for i in range(10**9)"}},
		{"aio.py", []string{"import bench\n", "import bench, os\nbench.PATIENCE = 0.2\n", "    connections = loop", "    mine.recv()\n    MARK\n    os._exit(1)\n    connections = loop"}},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			dir, wait := begins(t, test.file, test.oldNew...)
			cmd := alone(t, test.file)
			cmd.Dir = dir
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			require.NoError(t, cmd.Start())
			defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what a failure leaves
			wait()
			began := time.Now()
			if test.file == "loop.py" {
				require.NoError(t, cmd.Process.Signal(os.Interrupt))
			}
			require.Error(t, cmd.Wait())
			require.Less(t, time.Since(began), 20*time.Second)
			for running(t, cmd.Process.Pid) {
				require.Less(t, time.Since(began), 20*time.Second, "left behind")
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

// A script that is ended between its child's start and the child's first word does
// not leave a child that misses the word and says so.
func TestEndWhileAChildStarts(t *testing.T) {
	dir := changed(t, "aio.py", "    bench.start(", `    import os, signal
    from multiprocessing import util
    launch = util.spawnv_passfds
    def launched(*a):
        pid = launch(*a)
        if "spawn_main" in str(a): # and not the resource tracker
            os.kill(os.getpid(), signal.SIGTERM)
        return pid
    util.spawnv_passfds = launched
    bench.start(`)
	cmd := alone(t, filepath.Join(dir, "aio.py"))
	said, err := cmd.CombinedOutput() // until the child has closed its end too
	require.Error(t, err)
	require.Empty(t, string(said))
	require.Equal(t, 143, cmd.ProcessState.ExitCode())
}

// running reports whether a process of the group lives. A process that has ended and
// for which no parent has waited is still in the group, so kill(2) does not tell.
func running(t *testing.T, group int) bool {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pgid=,stat=").Output()
	require.NoError(t, err)
	return regexp.MustCompile(fmt.Sprintf(`(?m)^ *%d +[^Z ]`, group)).Match(out)
}

// The historical interpreters know little of the language.
func TestPlainSyntax(t *testing.T) {
	newer := map[string]*regexp.Regexp{
		"an f-string":  regexp.MustCompile(`[ (=]f["']`),
		"a walrus":     regexp.MustCompile(`:=`),
		"asyncio.run":  regexp.MustCompile(`\basyncio\.run\(`),
		"match":        regexp.MustCompile(`(?m)^\s*match .*:$`),
		"a dependency": regexp.MustCompile(`(?m)^\s*(?:import|from) (?:numpy|psutil|pyperf)`),
	}
	files, err := filepath.Glob("*.py")
	require.NoError(t, err)
	require.Len(t, files, 1+len(scripts))
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for what, pattern := range newer {
			require.NotRegexp(t, pattern, string(text), "%s: %s", file, what)
		}
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	if race.Enabled {
		fmt.Println("the scripts are Python and shell, in which the race detector sees nothing")
		return
	}
	// The tests that run side by side mostly wait.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	// What the caller's environment says is not what a test says.
	for _, name := range []string{"PYTHONS", "ROUNDS", "THREADS", "BENCHTIME", "BOUNDARIES_PYTHON"} {
		os.Unsetenv(name)
	}
	// A shell without job control makes the jobs in its background ignore an interrupt, and
	// their children inherit that. They do not inherit a signal that is caught.
	if signal.Ignored(os.Interrupt) {
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	}
	os.Exit(m.Run())
}
