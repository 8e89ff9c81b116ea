package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
	"boundaries/internal/linkonce"
	"boundaries/internal/scaling"
	"boundaries/internal/suite/suitetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tiny is a module with the benchmarks of that body. The variable LOG names a file that
// each process of it appends a line to.
func tiny(t *testing.T, body string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
	write("go.mod", "module tiny\n\ngo 1.26\n")
	write("tiny_test.go", `package tiny

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var _ = time.Now

func TestMain(m *testing.M) {
	flag.Parse()
	if len(os.Args) == 0 {
		fmt.Printf("%d\n", "a run has no use for what vet refuses")
	}
	fmt.Println("# host: db1")
	fmt.Println("goos: plan9")
	fmt.Println("numcpu: 77")
	fmt.Println("Unit x/op better=lower")
	fmt.Println("# go: of the binary")
	status := m.Run()
	if time := os.Getenv("DISTURBED"); time != "" {
		fmt.Println("# steady: 0 of 1 rows ran undisturbed")
		fmt.Println("# disturbed: " + os.Getenv("DISTURBED"))
	} else {
		fmt.Println("# steady: 1 of 1 rows ran undisturbed")
	}
	if os.Getenv("ENDS") == "status 0" {
		status = 0
	}
	os.Exit(status)
}

func TestNotOfARun(t *testing.T) { t.Error("a run measures") }

`+body)
	t.Chdir(dir)
	t.Setenv("GOWORK", "off")
	// Most of the time of these tests would be the linker's and the control's.
	t.Setenv("PATH", linkonce.Path())
	t.Setenv("GOFLAGS", "'-ldflags=-s -w' -n -json") // the last two are for other commands of the user
	t.Setenv("GOGC", "off")
	controlSteps = 1000
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("GOTMPDIR", os.Getenv("TMPDIR")) // so that no run asks the go command for it
	return dir
}

const threeRows = `
func init() { fmt.Println("Benchmark of a tiny program") }

func BenchmarkA(b *testing.B) {
	b.Run("k=x", func(b *testing.B) { b.ReportMetric(3, "x/op") })
	b.Run("k=x/without=y", func(b *testing.B) {})
}

func BenchmarkB(b *testing.B) {
	fmt.Printf("\nfib: %d\ncpu: 97 %% busy\npkg: raft\n# host: db%[1]d\n", time.Now().UnixNano())
}
`

func config(dir string) Config {
	return Config{Out: filepath.Join(dir, "out.txt"), Packages: []string{"."}, Bench: ".", CPU: []int{1, 2}, Rounds: 3, Benchtime: "1x", Seed: 19,
		Command: "boundaries run -o out.txt", Timeout: time.Minute}
}

func text(t *testing.T, c Config) string {
	t.Helper()
	text, err := os.ReadFile(c.Out)
	require.NoError(t, err)
	return string(text)
}

func parse(t *testing.T, c Config) *benchfile.File {
	t.Helper()
	f, err := benchfile.ReadFrom(strings.NewReader(text(t, c)), "out.txt")
	require.NoError(t, err)
	return f
}

// runs returns how many lines each row has.
func runs(f *benchfile.File) map[string]int {
	n := map[string]int{}
	for _, r := range f.Rows {
		n[r.FullName()] = len(r.Rounds)
	}
	return n
}

var complete = map[string]int{"A/k=x": 3, "A/k=x-2": 3, "A/k=x/without=y": 3, "A/k=x/without=y-2": 3, "B": 3, "B-2": 3,
	"Control/at=first": 3, "Control/at=first-2": 3, "Control/at=last": 3, "Control/at=last-2": 3}

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	c := config(tiny(t, threeRows))
	var seen []Progress
	c.Report = func(p Progress) { seen = append(seen, p) }
	require.NoError(t, Run(t.Context(), c))
	f := parse(t, c)
	assert.Equal(t, complete, runs(f))
	assert.Empty(t, f.Problems)
	assert.Equal(t, []int{1, 2, 3}, f.Rows[3].Rounds)
	assert.Equal(t, "tiny", f.Rows[3].Pkg)
	assert.Equal(t, "lower", f.Better["x/op"])
	assert.Empty(t, f.Ignored, "what a benchmark logs is not in the file")
	assert.Empty(t, f.Machine.Fact("host"))
	assert.NotContains(t, text(t, c), "\nfib: ")
	assert.NotEqual(t, 77, f.Machine.NumCPU(), "the usable processors are said once, by us")
	assert.Equal(t, "boundaries run -o out.txt", f.Machine.Fact("command"))
	assert.Regexp(t, `^go1`, f.Machine.Fact("go"))
	seed, err := SeedOf(c.Out)
	require.NoError(t, err)
	assert.Equal(t, c.Seed, seed)
	assert.NotEmpty(t, f.Machine.Fact("processor"))
	assert.Contains(t, text(t, c), "# complete: 3 rounds")

	// Each round has another order, which depends only on the seed.
	var orders []string
	for _, round := range regexp.MustCompile(`(?s)# round: \d(.*?)at=last`).FindAllString(text(t, c), -1) {
		orders = append(orders, strings.Join(regexp.MustCompile(`Benchmark[AB]\S*`).FindAllString(round, -1), " "))
	}
	require.Len(t, orders, 3)
	assert.False(t, orders[0] == orders[1] && orders[1] == orders[2], orders[0])
	before := orders[0]
	require.NoError(t, os.Remove(c.Out))
	c.Rounds = 1
	require.NoError(t, Run(t.Context(), c))
	assert.Equal(t, before, strings.Join(regexp.MustCompile(`Benchmark[AB]\S*`).FindAllString(text(t, c), -1), " "))

	last := seen[len(seen)-1]
	assert.Equal(t, last.Total, last.Done)
	left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is left behind")
	assert.ErrorContains(t, Run(t.Context(), c), "exists already")
}

func TestInterruptedAndResumed(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	c := config(tiny(t, threeRows))
	ctx, cancel := context.WithCancel(t.Context())
	c.Report = func(p Progress) {
		if p.Done == 8 {
			cancel()
		}
	}
	require.ErrorIs(t, Run(ctx, c), context.Canceled)
	assert.Contains(t, text(t, c), "# interrupted: ")
	assert.Len(t, scaling.Workloads(parse(t, c)), 3)
	before := runs(parse(t, c))
	sum := before["A/k=x"] + before["A/k=x-2"] + before["A/k=x/without=y"] + before["A/k=x/without=y-2"] + before["B"] + before["B-2"]
	assert.Equal(t, 8, sum)

	c.Report, c.Resume = nil, true
	t.Run("other settings", func(t *testing.T) {
		t.Setenv("GORACE", "halt_on_error=1")
		assert.ErrorContains(t, Run(t.Context(), c), `GORACE=\"halt_on_error=1\""; want the same, or a new file`)
	})
	source, err := os.ReadFile("tiny_test.go")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("tiny_test.go", append(source, "\nfunc BenchmarkC(b *testing.B) {}\n"...), 0o666))
	assert.ErrorContains(t, Run(t.Context(), c), "out.txt was begun with other test binaries")
	require.NoError(t, os.WriteFile("tiny_test.go", source, 0o666))

	// The file of a run that was killed in the middle of a line.
	file, err := os.OpenFile(c.Out, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString("BenchmarkB 1 0.1 ns/o")
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, Run(t.Context(), c))
	got := runs(parse(t, c))
	for row, n := range complete {
		if !strings.HasPrefix(row, "Control") {
			assert.Equal(t, n, got[row], row)
		}
	}
	for _, r := range parse(t, c).Rows {
		if !strings.HasPrefix(r.Name, "Control") {
			assert.ElementsMatch(t, []int{1, 2, 3}, r.Rounds, r.Name)
		}
	}
	assert.Empty(t, parse(t, c).Problems)
	assert.NotContains(t, text(t, c), "\x00", "a gap where the cut line was")
	assert.Equal(t, 1, strings.Count(text(t, c), "Unit x/op better=lower\n"), "the file has it")
	require.Equal(t, 1, strings.Count(text(t, c), "# binaries: "))
	// A file that does not say what it was begun with.
	head, rest, _ := strings.Cut(text(t, c), "# binaries: ")
	require.NoError(t, os.WriteFile(c.Out, []byte(head+"# other: "+rest), 0o666))
	require.NoError(t, Run(t.Context(), c))
	assert.NotContains(t, text(t, c), "# binaries: ")
	require.NoError(t, os.WriteFile(c.Out, []byte(head), 0o666)) // killed while it built
	c.Rounds = 1
	require.NoError(t, Run(t.Context(), c))
	assert.Contains(t, text(t, c), "# binaries: ")

	c.Bench = "B"
	assert.ErrorContains(t, Run(t.Context(), c), `was begun with -bench "." -cpu 1,2`)
	c.Out = filepath.Join(t.TempDir(), "other.txt")
	assert.ErrorIs(t, Run(t.Context(), c), os.ErrNotExist)
	require.NoError(t, os.WriteFile(c.Out, []byte("BenchmarkB 1 1 ns/op\n"), 0o666))
	assert.ErrorContains(t, Run(t.Context(), c), "want a file that boundaries run wrote")
}

func TestDisturbedRunsAreRepeated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	c := config(tiny(t, threeRows))
	c.CPU = []int{1}
	t.Setenv("DISTURBED", "A/k=x 1.50 times (others used 0.50 processors)")
	require.NoError(t, Run(t.Context(), c))
	f := parse(t, c)
	for _, row := range []string{"A/k=x", "B"} {
		assert.Equal(t, 3, runs(f)[row], "whichever run counts, it is one a round")
	}
	assert.Len(t, f.Disturbed, 9, "what stayed disturbed is named")
	assert.Equal(t, 1.5, f.Disturbed[0].Times)
	assert.Regexp(t, `, [1-9]\d* runs repeated`, text(t, c))
}

func TestFailures(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	c := config(tiny(t, `
func BenchmarkGood(b *testing.B) {}

func BenchmarkPrints(b *testing.B) { fmt.Print("a line,\nand more ") }

func BenchmarkAlone(b *testing.B) {
	b.Run("first", func(*testing.B) {
		switch os.Getenv("ALONE") {
		case "before a row":
			panic("alone")
		case "without an error":
			os.Exit(0)
		}
	})
	if os.Getenv("ALONE") == "after one" {
		panic("alone")
	}
}

func BenchmarkZebra(*testing.B) {}

func BenchmarkNamed(b *testing.B) {
	if os.Getenv("ALONE") != "" {
		b.Run("a", func(*testing.B) {})
		b.Run("a-2", func(*testing.B) {})
	}
}

func BenchmarkParent(b *testing.B) {
	b.Run("a", func(*testing.B) {})
	if _, err := os.Stat("flag"); err == nil && os.Getenv("ENDS") == "status 0" {
		b.Fatal("after its row")
	}
}

func BenchmarkBad(b *testing.B) {
	if _, err := os.Stat("`+"flag"+`"); err == nil {
		switch os.Getenv("ENDS") {
		case "panic":
			panic("lost")
		case "exit":
			fmt.Fprint(os.Stderr, "connecting\ncannot reach the server\n")
			os.Exit(3)
		case "late":
			time.Sleep(time.Minute)
		case "print":
			fmt.Print("a log ")
			return
		case "metric":
			b.ReportMetric(float64(b.N-b.N)/float64(b.N-b.N), "x/op")
			return
		case "fails late", "skips late":
			if b.N > 1 && os.Getenv("ENDS") == "skips late" {
				b.Skip()
			} else if b.N > 1 {
				b.Fatal("too late")
			}
			return
		}
		b.Fatal("a wrong answer")
	}
	os.WriteFile("flag", nil, 0o666)
}
`))
	err := Run(t.Context(), c)
	var problems command.Problems
	require.ErrorAs(t, err, &problems)
	assert.Len(t, problems, 3, "once for each number of procs, and not in every round: %v", err)
	assert.ErrorContains(t, err, `BenchmarkPrints printed "and more " to standard output in the middle of its result`)
	assert.ErrorContains(t, err, "Bad: --- FAIL: BenchmarkBad tiny_test.go:")
	assert.ErrorContains(t, err, ": a wrong answer")
	assert.Equal(t, 3, runs(parse(t, c))["Good-2"])
	assert.Zero(t, runs(parse(t, c))["Bad"])

	// A benchmark that ends the process hides no other.
	for ends, want := range map[string]string{"before a row": "alone", "after one": "alone", "without an error": "unexpected call to os.Exit(0) during test"} {
		t.Setenv("ALONE", ends)
		c := c
		c.Out = filepath.Join(t.TempDir(), "alone.txt")
		c.Bench = "Good|Alone|Zebra"
		err := Run(t.Context(), c)
		assert.ErrorContains(t, err, "tiny, BenchmarkAlone: panic: "+want, ends)
		assert.Equal(t, 3, runs(parse(t, c))["Zebra"], ends)
	}
	// Two rows of one name would be one in the file.
	named := c
	named.Out, named.Bench = filepath.Join(t.TempDir(), "named.txt"), "Named"
	assert.EqualError(t, Run(t.Context(), named), "two rows would be called Named/a-2: BenchmarkNamed/a at -cpu 2 and BenchmarkNamed/a-2 at -cpu 1; want another -cpu, or a -bench that leaves out one of them")
	assert.NoFileExists(t, named.Out, "the next run would find it")
	t.Setenv("ALONE", "")

	// An interrupt does not hide a failure, and an interrupt after the last row does not count.
	for round, want := range map[int]error{2: context.Canceled, 3: nil} {
		ctx, cancel := context.WithCancel(t.Context())
		c := c
		c.Out = filepath.Join(t.TempDir(), "cut.txt")
		c.Report = func(p Progress) {
			if p.Round == round && (round == 2 || p.Row == "") {
				cancel()
			}
		}
		require.NoError(t, os.Remove("flag"))
		err := Run(ctx, c)
		assert.ErrorContains(t, err, ": a wrong answer")
		assert.Equal(t, want != nil, errors.Is(err, context.Canceled), "%d: %v", round, err)
		assert.Equal(t, want != nil, strings.Contains(text(t, c), "# interrupted: "))
	}

	for ends, want := range map[string]string{
		"panic": "Bad: panic: lost", "exit": "Bad: exit status 3: cannot reach the server",
		"late": "Bad: it took longer than -timeout 2s", "print": `Bad: BenchmarkBad printed "a log `,
		"metric":     "Bad: the result:1: BenchmarkBad has NaN x/op, want a finite number",
		"status 0":   "Bad: --- FAIL: BenchmarkBad tiny_test.go:",
		"fails late": "Bad: --- FAIL: BenchmarkBad tiny_test.go:", "skips late": "Bad: the result:1: BenchmarkBad has the iteration count 0, want 1 or more",
	} {
		t.Setenv("ENDS", ends)
		c := c
		c.Out, c.Bench, c.CPU, c.Rounds, c.Timeout, c.Benchtime = filepath.Join(t.TempDir(), "f.txt"), "Bad", []int{1}, 1, 2*time.Second, "2x"
		require.NoError(t, os.Remove("flag"))
		err := Run(t.Context(), c)
		require.Error(t, err, ends)
		assert.True(t, strings.HasPrefix(err.Error(), want), "%s: %v", ends, err)
		assert.NotContains(t, err.Error(), "left out", ends)
		assert.NoFileExists(t, c.Out, "it would have the control rows alone, and the next run would find it")
	}

	t.Setenv("ENDS", "status 0")
	parent := c
	parent.Out, parent.Bench, parent.CPU = filepath.Join(t.TempDir(), "parent.txt"), "Bad|Parent", []int{1}
	require.NoError(t, os.Remove("flag"))
	assert.ErrorContains(t, Run(t.Context(), parent), "Parent/a: --- FAIL: BenchmarkParent tiny_test.go:", "the row was printed")

	c.Out, c.Bench = filepath.Join(t.TempDir(), "none.txt"), "Bad"
	t.Setenv("ENDS", "")
	require.ErrorAs(t, Run(t.Context(), c), &problems, "the only benchmark fails")
	c.Bench = "Nothing"
	assert.EqualError(t, Run(t.Context(), c), `no benchmark of . matches "Nothing", or all skip`)
	assert.NoFileExists(t, c.Out)
	c.Packages = []string{"./none"}
	assert.ErrorContains(t, Run(t.Context(), c), "none")
	c.Packages = []string{"example.com/none"}
	assert.ErrorContains(t, Run(t.Context(), c), "to add it: go get example.com/none")
	require.NoError(t, os.WriteFile("bad_test.go", []byte("package tiny\n\nvar x int = \"\"\n"), 0o666))
	c.Packages = []string{"."}
	assert.ErrorContains(t, Run(t.Context(), c), "bad_test.go:3")
}

func TestControl(t *testing.T) {
	before, want := sink.Load(), uint64(0)
	for _, x := range []uint64{1, 2} { // of each worker
		for range 500 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		want += x
	}
	assert.Positive(t, compute(2, 1000))
	assert.Equal(t, want, sink.Load()-before, "the workers share the steps")
	// Each has a proc, whatever GOMAXPROCS is.
	suitetest.HasProcs(t, 3, func() { compute(3, 300_000) })
}
