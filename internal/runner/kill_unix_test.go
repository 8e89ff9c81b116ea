//go:build unix

package runner

import (
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"boundaries/internal/linkonce"
	"boundaries/internal/noise"
	"boundaries/internal/scaling"
	"boundaries/internal/suite/suitetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const inChild = "BOUNDARIES_TEST_RUN"

// TestMain is the process that TestKilled kills, if it was started as that.
func TestMain(m *testing.M) {
	if dir := os.Getenv(inChild); dir != "" {
		c := config(dir)
		c.Rounds = 1000
		if err := Run(context.Background(), c); err != nil {
			println(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	status := suitetest.RunOnce(m)
	linkonce.Remove()
	os.Exit(status)
}

// A killed run leaves a file that -resume can continue, and nothing else.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	c := config(tiny(t, threeRows+`
func BenchmarkSlow(b *testing.B) {
	if b.N > 0 && os.Getenv("BEAT") != "" && len(os.Args) > 1 {
		if f, err := os.OpenFile(os.Getenv("BEAT"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666); err == nil {
			fmt.Fprintln(f, os.Getpid())
			f.Close()
		}
		time.Sleep(300 * time.Millisecond)
	}
}
`))
	beat := filepath.Join(t.TempDir(), "beat")
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), inChild+"="+filepath.Dir(c.Out), "BEAT="+beat)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	beats := func() []string {
		text, _ := os.ReadFile(beat)
		return strings.Fields(string(text))
	}
	require.Eventually(t, func() bool { return len(beats()) >= 6 }, 2*time.Minute, 5*time.Millisecond, "it never came to the third round: %s", &stderr)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()

	last, err := strconv.Atoi(beats()[len(beats())-1])
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return syscall.Kill(last, 0) != nil }, 10*time.Second, 10*time.Millisecond, "what it ran runs on")
	assert.Eventually(t, func() bool {
		left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
		return len(left) == 0
	}, 10*time.Second, 10*time.Millisecond, "files are left behind")
	f := parse(t, c)
	assert.Empty(t, f.Problems)
	assert.NotEmpty(t, scaling.Workloads(f))
}

// A test binary for another platform, as GOOS or GOARCH makes it, is named as that.
func TestOtherPlatform(t *testing.T) {
	path := filepath.Join(t.TempDir(), "0.test.exe")
	require.NoError(t, os.WriteFile(path, []byte("MZ"), 0o777))
	r := &runner{temp: t.TempDir(), started: func(int) {}}
	_, err := r.exec(t.Context(), "", path)
	assert.ErrorContains(t, err, "this machine cannot run the test binary; want its own GOOS and GOARCH, "+runtime.GOOS)
}

// The keeper hears of each command when it starts and when it has ended.
func TestTheKeeperHears(t *testing.T) {
	var heard []int
	r := &runner{temp: t.TempDir(), started: func(pid int) { heard = append(heard, pid) }}
	pid, err := r.exec(t.Context(), "", "sh", "-c", "echo $$")
	require.NoError(t, err)
	want, err := strconv.Atoi(strings.TrimSpace(pid))
	require.NoError(t, err)
	assert.Equal(t, []int{want, 0}, heard)
}

// Programs and what they leave are where the go command would have them, until the end.
func TestTemporaryFolder(t *testing.T) {
	folder, settings := t.TempDir(), filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(settings, []byte("GOTMPDIR="+folder+"\n"), 0o666)) // as go env -w does
	for variable, value := range map[string]string{"GOTMPDIR": folder, "GOENV": settings} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv("GOTMPDIR", "")
			t.Setenv(variable, value)
			r := &runner{}
			end, err := r.keep()
			require.NoError(t, err)
			assert.Equal(t, folder, filepath.Dir(r.temp))
			got, err := r.exec(t.Context(), "", "sh", "-c", "echo $GOTMPDIR; echo $TMPDIR; echo $TMP; echo $TEMP")
			require.NoError(t, err)
			assert.Equal(t, strings.Repeat(r.temp+"\n", 4), got)
			left, err := os.ReadDir(r.temp)
			require.NoError(t, err)
			assert.Empty(t, left, "the outputs of all runs would fill the disk")
			end()
			assert.NoDirExists(t, r.temp)
		})
	}
}

// A command that says nothing because its output finds no room fails for that reason.
func TestNoRoom(t *testing.T) {
	r := &runner{temp: t.TempDir(), started: func(int) {}}
	_, err := r.exec(t.Context(), "", "false")
	assert.ErrorContains(t, err, "exit status 1")
	_, err = r.exec(t.Context(), "", "sh", "-c", "rm -r '"+r.temp+"'; exit 1")
	assert.ErrorContains(t, err, "room-")
}

// A file that cannot take its head is not left behind: the next run would find that it
// exists already.
func TestNoRoomForTheHead(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limit := before
	limit.Cur = 1 << 20 // more than the go command's log of the test has
	c := config(t.TempDir())
	c.Command = strings.Repeat("x", 1<<20)
	r := &runner{Config: c, facts: map[string]bool{}}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	err := r.open()
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
	require.ErrorIs(t, err, syscall.EFBIG)
	require.NoFileExists(t, c.Out)
}

// Two runs do not write to one file at once.
func TestTwoAtOnce(t *testing.T) {
	c := config(t.TempDir())
	first, second := &runner{Config: c, facts: map[string]bool{}}, &runner{Config: c, facts: map[string]bool{}, done: map[string]bool{}}
	require.NoError(t, first.open())
	second.Resume = true
	assert.EqualError(t, second.open(), "another run is writing "+c.Out+"; wait for its end, or name another file")
	require.NoError(t, first.file.Close())
	require.NoError(t, second.open())
	assert.NoError(t, second.file.Close())
}

// An interrupt that also ends the git that the head asks is an interrupt, and not another source.
func TestInterruptWhileOpening(t *testing.T) {
	c := config(t.TempDir())
	c.Resume = true // of a file that does not fit
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, context.Canceled, Run(ctx, c))
}

// A run that differs in what changes its figures does not continue a file.
func TestResumeOfAnotherRun(t *testing.T) {
	c := config(t.TempDir())
	t.Chdir(filepath.Dir(c.Out)) // git is quick where there is no repository
	open := func(c Config) error {
		r := &runner{Config: c, facts: map[string]bool{}, done: map[string]bool{}, usable: noise.Usable()}
		err := r.open()
		assert.NoError(t, r.file.Close())
		return err
	}
	require.NoError(t, open(c))
	c.Resume = true
	require.NoError(t, open(c))
	for name, change := range map[string]func(*Config){
		"-bench":     func(c *Config) { c.Bench = "A" },
		"-cpu":       func(c *Config) { c.CPU = []int{1} },
		"-benchtime": func(c *Config) { c.Benchtime = "2x" },
		"-seed":      func(c *Config) { c.Seed++ },
		"packages":   func(c *Config) { c.Packages = append(slices.Clone(c.Packages), "./more") },
	} {
		changed := c
		change(&changed)
		assert.ErrorContains(t, open(changed), "was begun with -bench", name)
	}
	before, later := text(t, c), ""
	for key, name := range map[string]string{"usable": "usable processors", "processor": "processor", "go": "go", "commit": "commit", "environment": "environment"} {
		changed := regexp.MustCompile("(?m)^# "+key+": .*\n").ReplaceAllString(before, "") + "# " + key + ": another\n"
		require.NoError(t, os.WriteFile(c.Out, []byte(changed), 0o666))
		assert.ErrorContains(t, open(c), "was begun with "+name+` "another", and now it is "`)
		if strings.Contains(before, "# "+key+": ") {
			later += "# " + key + ": another\n"
		}
	}
	require.NoError(t, os.WriteFile(c.Out, []byte(before+later), 0o666))
	assert.NoError(t, open(c), "the first line of a key counts")
	require.NoError(t, os.WriteFile(c.Out, []byte(strings.ReplaceAll(before, "\n", "\r\n")), 0o666))
	assert.NoError(t, open(c), "git may change the ends of lines")
	seed, err := SeedOf(c.Out)
	assert.NoError(t, err)
	assert.Equal(t, c.Seed, seed)
}

// The head says how many procs can run at once, which a quota may limit, and the host.
func TestHead(t *testing.T) {
	c := config(t.TempDir())
	c.Host = "one"
	r := &runner{Config: c, facts: map[string]bool{}, usable: noise.Processors{Affinity: 1 << 20, Quota: 12345.5, From: "/a"}}
	require.NoError(t, r.open())
	require.NoError(t, r.file.Close())
	for _, want := range []string{"numcpu: 12345\n", "# oversubscribed: rows of more than 12345 procs\n", "# usable: 12345 of 1048576, because /a grants 12345.50\n", "# host: one\n"} {
		assert.Contains(t, text(t, c), want)
	}
}

// A file is not lost with a run that continues it and fails, and a new one is.
func TestDiscard(t *testing.T) {
	for resume, kept := range map[bool]bool{true: true, false: false} {
		c := config(t.TempDir())
		r := &runner{Config: c, facts: map[string]bool{}}
		require.NoError(t, r.open())
		r.Resume = resume
		r.discard()
		_ = r.file.Close()
		_, err := os.Stat(c.Out)
		assert.Equal(t, kept, err == nil)
	}
}

// A row whose repeat fails keeps its first result.
func TestRepeatThatFails(t *testing.T) {
	r := scripted(t, []string{"A"}, "1.50")
	path := r.binaries[0].path
	script, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(script, "[ $n = 1 ] || exit 1\n"...), 0o777))
	require.NoError(t, r.rounds(t.Context()))
	assert.Contains(t, text(t, r.Config), "BenchmarkA 1 1 ns/op\n# disturbed: A 1.50 times (a neighbor)\n")
	assert.NotContains(t, text(t, r.Config), "BenchmarkA 1 2 ns/op")
	assert.Contains(t, text(t, r.Config), "# complete: 1 rounds, 1 runs repeated because")
}

// What a run says about all rows is in the file once, above the first result. A run without a
// result, or with one that does not count, does not keep it from there.
func TestFactsOfARunWithoutAResult(t *testing.T) {
	r := scripted(t, []string{"A"}, "1")
	const said = "# weather: fine\nUnit\tx/op  better=higher \n"
	measure := func(line string) (result, error) {
		require.NoError(t, os.WriteFile(r.binaries[0].path, []byte("#!/bin/sh\nprintf 'numcpu: 1\n"+said+line+"\n'"), 0o777))
		return r.measure(t.Context(), unit{r.binaries[0], "A", 1})
	}
	for line, want := range map[string]string{"": "no result", "BenchmarkA 1 NaN ns/op": "want a finite number"} {
		_, err := measure(line)
		require.ErrorContains(t, err, want)
	}
	for i, want := range []string{said, said, ""} {
		got, err := measure("BenchmarkA 1 1 ns/op")
		require.NoError(t, err)
		require.Equal(t, want, got.facts)
		if i == 1 { // the first one does not count
			require.NoError(t, r.writeResult(got))
		}
	}
}

// The progress counts what the file has already, round by round.
func TestProgressOfAResumedRun(t *testing.T) {
	r := scripted(t, []string{"A", "B"}, strings.Fields(strings.Repeat("0 ", 9))...)
	r.Rounds = 3
	r.done["1 tiny A"], r.done["1 tiny B"], r.done["2 tiny A"] = true, true, true
	var done []int
	began := time.Now()
	r.Report = func(p Progress) {
		assert.Equal(t, 6, p.Total)
		measured := time.Duration(len(done))
		assert.Equal(t, measured > 0 && p.Row != "", p.Left > 0)
		assert.LessOrEqual(t, p.Left*measured, time.Since(began)*time.Duration(6-p.Done), "as long for each as until now")
		done = append(done, p.Done)
	}
	require.NoError(t, r.rounds(t.Context()))
	assert.Equal(t, []int{3, 4, 5, 6}, done)
}

// scripted returns a runner of a binary with these rows, which is a shell script. Its
// nth run was disturbed that many times. The file that results go to is r.Out.
func scripted(t *testing.T, rows []string, times ...string) *runner {
	dir := t.TempDir()
	path := filepath.Join(dir, "0.test.exe")
	require.NoError(t, os.WriteFile(path, []byte(`#!/bin/sh
n=$(($(cat n 2>/dev/null) + 1))
echo $n >n
echo "numcpu: 1"
echo "# weather: fine"
for row in `+strings.Join(rows, " ")+`; do
	echo "Benchmark$row 1 $n ns/op"
done
set -- `+strings.Join(times, " ")+`
shift $((n - 1))
echo "# steady: 0 of 1 rows ran undisturbed"
echo "# disturbed: A $1 times (a neighbor)"
`), 0o777))
	controlSteps = 1000
	c := config(dir)
	c.CPU, c.Rounds = []int{1}, 1
	r := &runner{Config: c, temp: t.TempDir(), started: func(int) {}, usable: noise.Usable(), done: map[string]bool{}, failed: map[string]bool{}, facts: map[string]bool{}, fastest: map[int]time.Duration{},
		binaries: []*binary{{path, dir, "tiny", rows}}}
	require.NoError(t, r.open())
	t.Cleanup(func() { _ = r.file.Close() })
	return r
}

// Of two disturbed runs the calmer one counts.
func TestCalmerRunCounts(t *testing.T) {
	for _, times := range [][]string{{"1.50", "1.30"}, {"1.30", "1.50"}} {
		r := scripted(t, []string{"A"}, times...)
		require.NoError(t, r.rounds(t.Context()))
		assert.Contains(t, text(t, r.Config), "# disturbed: A 1.30 times (a neighbor)\n")
		assert.NotContains(t, text(t, r.Config), "A 1.50 times")
		assert.Equal(t, 1, strings.Count(text(t, r.Config), "# weather: fine\n"), "a fact of the run that does not count")
	}
}

// The fixed computation of two procs is compared with that of two procs, and not with that
// of one, which may be faster.
func TestFastestOfAsMany(t *testing.T) {
	if noise.Usable().N() < 2 {
		t.Skip("needs two processors")
	}
	r := scripted(t, []string{"A-2"}, "1")
	path := r.binaries[0].path
	script, err := os.ReadFile(path)
	require.NoError(t, err)
	foreign := regexp.MustCompile(`(?m)^echo "# (steady|disturbed).*`).ReplaceAll(script, nil) // it does not judge itself
	require.NoError(t, os.WriteFile(path, foreign, 0o777))
	r.CPU, r.binaries[0].rows, r.fastest[1] = []int{2}, []string{"A"}, 1
	require.NoError(t, r.rounds(t.Context()))
	assert.Contains(t, r.fastest, 2)
	assert.Equal(t, time.Duration(1), r.fastest[1])
	assert.NotRegexp(t, `\d{4}\.\d\d times as slow`, text(t, r.Config)) // a busy machine is a few times as slow
}

// A run that does not judge itself is judged from outside, by the fastest of those before.
func TestJudgedFromOutside(t *testing.T) {
	r := scripted(t, []string{"A"}, "1")
	require.NoError(t, os.WriteFile(r.binaries[0].path, []byte("#!/bin/sh\necho BenchmarkA 1 1 ns/op\n"), 0o777))
	r.Rounds = 5
	require.NoError(t, r.rounds(t.Context()))
	r.fastest[1] /= 50
	require.NoError(t, r.rounds(t.Context()))
	assert.Positive(t, r.repeated)
	assert.Regexp(t, `(?m)^# disturbed: A .* times \(a processor .* times as slow`, text(t, r.Config))
}

// In a file of several packages each result stands below its own package.
func TestSeveralPackages(t *testing.T) {
	r := scripted(t, nil)
	r.Rounds, r.binaries = 3, nil
	for _, pkg := range []string{"p", "q"} {
		path := filepath.Join(r.temp, pkg+".test.exe")
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho goos: linux\necho goarch: amd64\necho pkg: "+pkg+"\necho BenchmarkA 1 1 ns/op\necho '# steady: 1 of 1 rows ran undisturbed'\n"), 0o777))
		r.binaries = append(r.binaries, &binary{path, r.temp, pkg, []string{"A"}})
	}
	require.NoError(t, r.rounds(t.Context()))
	got := map[string]int{}
	for _, row := range parse(t, r.Config).Rows {
		if row.Name == "A" {
			got[row.Pkg] = len(row.Rounds)
		}
	}
	assert.Equal(t, map[string]int{"p": 3, "q": 3}, got)
}

// On a machine that is always disturbed, few runs are repeated.
func TestRepeatsAreFew(t *testing.T) {
	rows := strings.Fields("A B C D E F G H")
	r := scripted(t, rows, strings.Fields(strings.Repeat("1.50 ", 99))...)
	r.Rounds = 3
	require.NoError(t, r.rounds(t.Context()))
	assert.Equal(t, 1+3*len(rows)/repeats, r.repeated)
}

// An interrupt loses no result: neither those that wait to be measured again, nor the
// one that is being measured again.
func TestInterruptWhileRepeating(t *testing.T) {
	for reports, want := range map[int]int{2: 1, 3: 2, 4: 2} {
		ctx, cancel := context.WithCancel(t.Context())
		r := scripted(t, []string{"A", "B"}, "1.50", "1.50", "1.50", "1.50")
		r.Report = func(Progress) {
			if reports--; reports == 0 {
				cancel()
			}
		}
		require.ErrorIs(t, r.rounds(ctx), context.Canceled)
		got := runs(parse(t, r.Config))
		assert.Equal(t, want, got["A"]+got["B"])
	}
}

// No process of a command's group outlives the command, or an interrupt.
func TestGroupEnds(t *testing.T) {
	r := scripted(t, nil)
	for then, want := range map[string]error{"exit 0": nil, "wait": context.Canceled} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		fifo := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, syscall.Mkfifo(fifo, 0o600))
		ended, returned := make(chan error, 1), make(chan error, 1)
		go func() {
			file, err := os.Open(fifo) // returns when the command opens it
			if want != nil {
				cancel()
			}
			if err == nil {
				_, err = io.Copy(io.Discard, file) // until no process has it open for writing
			}
			ended <- err
		}()
		go func() {
			_, err := r.exec(ctx, "", "sh", "-c", "exec 3>'"+fifo+"'; sleep 60 & "+then)
			returned <- err
		}()
		for _, end := range []struct {
			of   <-chan error
			want error
		}{{returned, want}, {ended, nil}} {
			select {
			case err := <-end.of:
				require.Equal(t, end.want, err, then)
			case <-time.After(10 * time.Second):
				t.Fatal("a process that the command has started runs on: " + then)
			}
		}
	}
}

// -resume of a pipe is an error, and nobody waits for its writer.
func TestResumeOfAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	ended := make(chan error, 2)
	go func() {
		_, err := SeedOf(pipe)
		ended <- err
	}()
	go func() { ended <- (&runner{Config: Config{Out: pipe, Resume: true}}).open() }()
	for range 2 {
		select {
		case err := <-ended:
			require.EqualError(t, err, "-resume: "+pipe+" is no file; want one that boundaries run wrote")
		case <-time.After(10 * time.Second):
			require.Fail(t, "it waits for the writer of a pipe")
		}
	}
}
