package revisions

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/command"
	"boundaries/internal/gate"
	"boundaries/internal/linkonce"
	"boundaries/internal/noise"
	"boundaries/internal/race"
)

// asCommand makes the test binary compare with the revision it names.
const asCommand = "BOUNDARIES_TEST_BASE"

func TestMain(m *testing.M) {
	if base := os.Getenv(asCommand); base != "" {
		command.Main("boundaries", func(ctx context.Context) error {
			return Compare(ctx, base, quick, os.Stdout, os.Stderr)
		})
	}
	status := m.Run()
	linkonce.Remove()
	os.Exit(status)
}

// withPerf sets the version of golang.org/x/perf that this module requires.
func withPerf(o Options) Options {
	_, file, _, _ := runtime.Caller(0)
	mod, err := os.ReadFile(filepath.Join(filepath.Dir(file), "..", "..", "go.mod"))
	if err != nil {
		panic(err)
	}
	o.Perf = regexp.MustCompile(`golang.org/x/perf (v\S+)`).FindStringSubmatch(string(mod))[1]
	return o
}

// The benchmarks of these tests report values that a test chooses, so two rounds of one
// build are enough.
var quick = Options{Bench: ".", Benchtime: "1x", Packages: ".", Rounds: 2, Gate: gate.Default, Equal: true, Seed: 1}

func with(change func(o *Options)) Options {
	o := quick
	change(&o)
	return o
}

const (
	goMod = "module example.com/tiny\n\ngo 1.21\n"
	// No clock decides in these tests. The file "things" has what the benchmark reports, so
	// that one test binary does for many revisions.
	benchmark = `package tiny

import (
	"os"
	"strconv"
	"testing"
)

func Benchmark%s(b *testing.B) {
	things := 1.0
	if text, err := os.ReadFile("things"); err == nil {
		things, _ = strconv.ParseFloat(string(text), 64)
	}
	b.ReportMetric(1000, "ns/op")
	b.ReportMetric(0, "B/op")
	b.ReportMetric(0, "allocs/op")
	b.ReportMetric(things, "things/op")
}
`
)

// newRepo makes a repository of the files, with one commit, and goes there. The
// test fails if a comparison in it leaves anything behind.
func newRepo(t *testing.T, files map[string]string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs test binaries")
	}
	if race.Enabled {
		t.Skip("a comparison is one goroutine, and what it builds has no race detector")
	}
	for _, program := range []string{"git", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} {
		// Setenv first: it puts the variable back after the test.
		t.Setenv(name, "")
		require.NoError(t, os.Unsetenv(name))
	}
	for _, setting := range []string{
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
		// -ldflags halves the time of the linker. The other flags are for other commands of the user.
		"GOFLAGS='-ldflags=-s -w' -n -x -work -json", "GOGC=off",
	} {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	t.Setenv("PATH", linkonce.Path())
	tmp, top := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("GOTMPDIR", tmp) // so that no comparison asks the go command for it
	t.Chdir(top)
	git(t, "init", "--quiet", "--template=")
	commit(t, files)
	t.Cleanup(func() {
		left, err := os.ReadDir(tmp)
		require.NoError(t, err)
		require.Empty(t, left)
		require.NoDirExists(t, filepath.Join(top, ".git", "worktrees"))
		list, err := exec.Command("git", "-C", top, "worktree", "list").Output()
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(list), "\n"), "%s", list)
	})
}

func commit(t *testing.T, files map[string]string) {
	t.Helper()
	write(t, files)
	git(t, "add", "--all")
	git(t, "-c", "maintenance.auto=false", "commit", "--quiet", "--message=x")
}

func write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
	}
}

func git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// state returns what a comparison must not change: every file of the repository that
// holds the current directory, git's own included.
func state() string {
	top, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for ; ; top = filepath.Dir(top) {
		if _, err := os.Lstat(filepath.Join(top, ".git")); err == nil {
			break
		} else if top == filepath.Dir(top) {
			return "" // not every test is in a repository
		}
	}
	var text strings.Builder
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var content []byte
		if info.Mode().IsRegular() {
			content, err = os.ReadFile(path)
		}
		fmt.Fprintf(&text, "%v %s %x\n", info.Mode(), path, sha256.Sum256(content))
		return err
	})
	if err != nil {
		panic(err)
	}
	return text.String()
}

func compare(base string, o Options) (status int, stdout, stderr string) {
	var out, errOut strings.Builder
	before := state()
	defer func() {
		if after := state(); after != before {
			panic(fmt.Sprintf("the checkout was:\n%s\nand is now:\n%s", before, after))
		}
	}()
	err := Compare(context.Background(), base, o, &out, &errOut)
	status = command.Report("boundaries", &errOut, err)
	return status, out.String(), errOut.String()
}

// prepare prepares a comparison with HEAD, up to an error. The caller calls end, which
// removes what the comparison made.
func prepare(t *testing.T, o Options) (c *comparison, end func(), err error) {
	t.Helper()
	before := state()
	c = &comparison{Options: o, stderr: io.Discard, random: newRandom(o.Seed), patterns: parsePatterns(o.Bench)}
	c.base.name, c.head.name = "base", "head"
	return c, func() {
		t.Helper()
		require.NoError(t, c.cleanUp(t.Context()))
		require.Equal(t, before, state())
	}, c.prepare(t.Context(), "HEAD")
}

// checkOut prepares a comparison up to where it has checked out both sides: it would not run
// on this platform.
func checkOut(t *testing.T, o Options) (c *comparison, end func()) {
	t.Helper()
	t.Setenv("GOOS", otherOS)
	c, end, err := prepare(t, o)
	t.Setenv("GOOS", "")
	require.ErrorContains(t, err, "want the platform of this machine")
	return c, end
}

var otherOS = map[bool]string{true: "linux", false: "windows"}[runtime.GOOS == "windows"]

func TestCompare(t *testing.T) {
	newRepo(t, map[string]string{
		"go.mod":          goMod,
		"sub/sub_test.go": fmt.Sprintf(benchmark, "Thing"),
		"sub/things":      "1111",
		"untested/a.go":   "package untested\n",
	})
	git(t, "tag", "v1")
	commit(t, map[string]string{
		"sub/things":      "2222",
		"new/new_test.go": fmt.Sprintf(benchmark, "New"),
	})

	t.Run("every package", func(t *testing.T) {
		out := t.TempDir()
		status, stdout, stderr := compare("v1", with(func(o *Options) { o.Packages, o.Rounds, o.Out = "./...", 4, out }))
		require.Equal(t, 1, status, stderr)
		require.Regexp(t, `Regressions\n  \./sub Thing\S* +things/op +1\.111k +2\.222k +\+100\.0 %`, stdout)
		require.Regexp(t, `Only in head\n  \./new New`, stdout)
		require.Contains(t, stdout, "seeds: -seed 1\n")
		require.Regexp(t, `round 1 of 4: base: package \./sub, BenchmarkThing\n(.*\n)*round 1 of 4: head: package \./sub(.*\n)*round 2 of 4: about .* left\n`+
			`round 2 of 4: head: package \./sub, BenchmarkThing\nround 2 of 4: base: `, stderr)
		// A benchmark that only one side has runs once.
		require.Equal(t, 1, strings.Count(stderr, "BenchmarkNew"))
		require.Contains(t, stderr, "boundaries: 1 row of 1 has a confirmed regression\n")
		kept, err := os.ReadFile(filepath.Join(out, "head.txt"))
		require.NoError(t, err)
		for _, rows := range []string{`sub\nBenchmarkThing`, `new\nBenchmarkNew`} {
			require.Regexp(t, `(?m)^pkg: \./`+rows, string(kept), "a file names the package of each row")
		}
	})
	t.Run("in a subdirectory, from a hook, strictly", func(t *testing.T) {
		index := filepath.Join(t.TempDir(), "index")
		t.Setenv("GIT_INDEX_FILE", index)
		t.Setenv("GIT_DIR", ".git")
		t.Chdir("sub")
		over := noise.Usable().N() + 1
		status, stdout, stderr := compare("v1", with(func(o *Options) { o.Bench, o.CPU, o.Strict = "Thing", fmt.Sprint("1,", over), true }))
		require.Equal(t, 3, status, stderr) // two rounds decide nothing
		require.Contains(t, stdout, fmt.Sprintf("rows of more than %d procs are oversubscribed", over-1))
		require.Regexp(t, `Thing +things/op +1\.111k +2\.222k .*needs \d+ rounds`, stdout)
		require.Regexp(t, fmt.Sprintf(`Thing-%d +things/op +1\.111k +2\.222k `, over), stdout)
		require.Contains(t, stdout, "no confirmed regression in 2 rows; 2 undecided, which -rounds")
		require.NoFileExists(t, index)
	})
	t.Run("merge base", func(t *testing.T) {
		git(t, "checkout", "--quiet", "-b", "other", "v1")
		commit(t, map[string]string{"sub/things": "5555"})
		git(t, "checkout", "--quiet", "-")
		git(t, "tag", "other", "refs/heads/other")
		status, stdout, stderr := compare("other", with(func(o *Options) { o.Packages, o.MergeBase = "./sub", true }))
		require.Zero(t, status, stderr)
		require.Contains(t, stdout, "other is a tag and a branch, and base is the tag; want refs/heads/other for the branch")
		require.Regexp(t, `1\.111k +2\.222k`, stdout)
		require.Contains(t, stdout, "base: "+strings.TrimSpace(git(t, "rev-parse", "v1"))[:12])
		require.Contains(t, stdout, "head: "+strings.TrimSpace(git(t, "rev-parse", "HEAD"))[:12])
	})
}

// Benchmarks on a synthetic machine with 1 % of noise. Row 2 takes longer where the file
// "slower" is.
const synthetic = `package tiny

import (
	"fmt"
	"math"
	"os"
	"testing"
)

func BenchmarkRow(b *testing.B) {
	for row := range 4 {
		b.Run(fmt.Sprint("row=", row), func(b *testing.B) {
			calls, _ := os.ReadFile(os.Getenv("CALLS"))
			os.WriteFile(os.Getenv("CALLS"), append(calls, '.'), 0o666)
			noise := math.Sin(float64(len(calls)*len(calls)) * 12.9898)
			ns := 1000 * (1 + 0.01*noise)
			if _, err := os.Stat("slower"); err == nil && row == 2 {
				ns *= 1.2
			}
			b.ReportMetric(ns, "ns/op")
			b.ReportMetric(0, "allocs/op")
		})
	}
}

func BenchmarkRowToo(b *testing.B) { b.ReportMetric(1000, "ns/op") }
`

func TestDecision(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": "module example.com/tiny\n\ngo 1.22\n", "a_test.go": synthetic})
	t.Setenv("CALLS", filepath.Join(t.TempDir(), "calls"))
	o := with(func(o *Options) { o.Rounds, o.Bench = 6, "Row$" })

	write(t, map[string]string{"slower": ""})
	o.Out = filepath.Join(t.TempDir(), "kept", "here")
	status, stdout, stderr := compare("HEAD", o)
	require.Equal(t, 1, status, stderr)
	require.Regexp(t, `Regressions\n  Row/row=2-?\d* +sec/op .*\n\nUnchanged\n`, stdout)
	require.Contains(t, stdout, "1 row of 4 has a confirmed regression\n")
	require.Contains(t, stderr, "measuring 1 benchmark again, where a value looks different\n")

	for file, want := range map[string]string{
		"base.txt": "BenchmarkRow/row=0", "head.txt": "BenchmarkRow/row=0", "base-again.txt": "BenchmarkRow/row=2", "head-again.txt": "BenchmarkRow/row=2",
		"report.txt": stdout, "report.md": "### Benchmarks: 1 row of 4 has a confirmed regression\n", "report.json": `"verdict": "regression"`,
	} {
		text, err := os.ReadFile(filepath.Join(o.Out, file))
		require.NoError(t, err)
		require.Contains(t, string(text), want, file)
		require.Regexp(t, kept, string(text), file)
		if strings.HasSuffix(file, "-again.txt") {
			require.NotContains(t, string(text), "row=0")
		}
	}

	require.Regexp(t, kept, (&gate.Report{Decision: &gate.Decision{}, Base: "base: 1", Head: "head: 1", Partial: "only 1 round"}).Text())
	o.Gate.Threshold = 0.5
	status, stdout, stderr = compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "no confirmed regression in 4 rows\n")
	require.FileExists(t, filepath.Join(o.Out, "head.txt"))
	require.NoFileExists(t, filepath.Join(o.Out, "head-again.txt"), "it is of the comparison before")

	// A benchmark of which no row is selected runs once.
	status, stdout, stderr = compare("HEAD", with(func(o *Options) { o.Bench = "Row/row=1" }))
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "2 rounds of 1 row\n")
	require.Equal(t, 2, strings.Count(stderr, "BenchmarkRowToo"), "once on each side")
}

func TestEqualBinaries(t *testing.T) {
	newRepo(t, map[string]string{
		"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), "README.md": "1\n",
		"sub/sub_test.go": fmt.Sprintf(benchmark, "Sub"), "far/far.go": "package far\n",
		"a.go": "package tiny\n", "near/near.go": "package near\n", "near/near_test.go": "//go:build none\n\npackage near\n",
	})
	t.Setenv("LINK", "apart") // what comes later has other paths in its binaries
	o := with(func(o *Options) { o.Equal, o.Relink = false, true })
	status, stdout, stderr := compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "base and head are identical: one commit, without changes")
	require.NotContains(t, stderr, "round")

	// A page is no part of a benchmark. Here each side links its own binary.
	t.Setenv("LINK", "always")
	write(t, map[string]string{"README.md": "2\n", "a.md": "", "b.md": "", "c.md": ""})
	status, stdout, stderr = compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "the test binaries of base and head are equal, so nothing was measured (-equal measures them anyway); want -equal if a benchmark reads one of the files that differ: README.md, a.md, b.md and 1 more\n")

	// Packages that differ are measured, and the report names those that no benchmark reaches.
	t.Setenv("LINK", "")
	o.Packages, o.Relink = "./...", false
	write(t, map[string]string{"sub/sub_test.go": strings.Replace(fmt.Sprintf(benchmark, "Sub"), "1000", "2000", 1), "far/far.go": "package far\n\nvar X int\n", "near/near_test.go": "//go:build never\n\npackage near\n", "a.go": "package tiny\n\n// A comment.\n"})
	status, stdout, stderr = compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "not measured, because the test binaries are equal: .\n")
	require.Contains(t, stdout, "Changed packages that no benchmark reaches\n  ./far\n\n", "a benchmark reaches the package of the comment, and of ./near only a test has changed")
	require.NotContains(t, stderr, "BenchmarkThing")

	write(t, map[string]string{"testdata/in.md": "2"})
	status, stdout, stderr = compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "they may read testdata/in.md, which differs")
	require.Contains(t, stderr, "BenchmarkThing")

	// A package that one side does not have is no reason to fail.
	require.NoError(t, os.RemoveAll("testdata"))
	require.NoError(t, os.RemoveAll("sub"))
	status, stdout, stderr = compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Regexp(t, `Only in base\n  Sub.*\n(.*\n)*the rows that both sides have are of packages whose test binaries are equal, so nothing was compared`, stdout)
	require.Contains(t, stdout, "not measured, because the test binaries are equal: .\n")
}

// A benchmark whose name lists the state of the files beside it.
const showsState = `package tiny

import (
	"os"
	"strings"
	"testing"
)

func BenchmarkState(b *testing.B) {
	var state []string
	for _, name := range []string{"edited", "staged", "deleted", "untracked", "run", "link", "dir", "file", "ignored"} {
		text := "none"
		if info, err := os.Lstat("testdata/" + name); err == nil && info.IsDir() {
			text = "dir"
		} else if err == nil && info.Mode()&os.ModeSymlink != 0 {
			text, _ = os.Readlink("testdata/" + name)
		} else if err == nil {
			data, _ := os.ReadFile("testdata/" + name)
			text = string(data)
			if info.Mode()&0o100 != 0 {
				text += "+x"
			}
		}
		state = append(state, name+"="+text)
	}
	b.Run(strings.Join(state, ","), func(*testing.B) {})
	b.Run("both", func(*testing.B) {})
}
`

func TestUncommittedChanges(t *testing.T) {
	newRepo(t, map[string]string{
		"go.mod":             goMod,
		".gitignore":         "ignored\n",
		"a_test.go":          showsState,
		"testdata/edited":    "1",
		"testdata/staged":    "1",
		"testdata/deleted":   "1",
		"testdata/run":       "1",
		"testdata/dir/inner": "1",
		"testdata/file":      "1",
	})
	write(t, map[string]string{
		"testdata/edited":      "2",
		"testdata/staged":      "2",
		"testdata/untracked":   "2",
		"testdata/ignored":     "2",
		"testdata/nested/file": "2",
	})
	git(t, "add", "testdata/staged")
	require.NoError(t, os.Remove("testdata/deleted"))
	require.NoError(t, os.Chmod("testdata/run", 0o755))
	require.NoError(t, os.Symlink("run", "testdata/link"))
	// A directory becomes a file and a file a directory.
	require.NoError(t, os.RemoveAll("testdata/dir"))
	require.NoError(t, os.Remove("testdata/file"))
	write(t, map[string]string{"testdata/dir": "2", "testdata/file/inner": "2"})

	// A git command may write the new time into the index.
	require.NoError(t, os.Chtimes(".gitignore", time.Time{}, time.Now().Add(-time.Hour)))
	status, stdout, stderr := compare("HEAD", quick) // which looks whether the checkout is as before
	require.Zero(t, status, stderr)

	require.Regexp(t, `head: [0-9a-f]{12} "x" with uncommitted changes\n`, stderr)
	require.Contains(t, stdout, "State/edited=1,staged=1,deleted=1,untracked=none,run=1,link=none,dir=dir,file=1,ignored=none")
	require.Contains(t, stdout, "State/edited=2,staged=2,deleted=none,untracked=2,run=1+x,link=run,dir=2,file=dir,ignored=none")
}

// The user may tell git not to look at a file. Head has such a file as it is in the checkout.
func TestHiddenChanges(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), "assumed": "1", "skipped": "1", "both": "1", "gone": "1", "sparse": "1"})
	git(t, "update-index", "--assume-unchanged", "assumed", "both", "gone")
	git(t, "update-index", "--skip-worktree", "skipped", "both", "sparse")
	require.NoError(t, os.Remove("sparse"))
	for _, want := range [][]string{nil, {"assumed", "both", "gone", "skipped"}} {
		c, end := checkOut(t, quick)
		require.Equal(t, want, c.changed)
		require.Equal(t, want != nil, c.head.dirty)
		for _, file := range []string{"assumed", "skipped", "both", "sparse"} {
			text, err := os.ReadFile(filepath.Join(c.head.tree, file))
			require.NoError(t, err)
			require.Equal(t, map[bool]string{false: "1", true: "2"}[slices.Contains(want, file)], string(text), file)
		}
		end()
		write(t, map[string]string{"assumed": "2", "skipped": "2", "both": "2"})
		require.NoError(t, os.RemoveAll("gone"))
	}
}

// What an earlier comparison kept in the checkout is no change, and no other file is left out.
func TestResultsInCheckout(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing")})
	top, err := os.Getwd()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(top, link))
	for _, out := range []string{".", filepath.Join(link, "out")} {
		for file, dirty := range map[string]bool{"head-again.txt": false, "notes.txt": true} {
			write(t, map[string]string{filepath.Join(out, file): "# head: 1\n# seed: 1\n"})
			c, end := checkOut(t, with(func(o *Options) { o.Out = out }))
			require.Equal(t, dirty, c.head.dirty, "%s in %s", file, out)
			end()
			require.NoError(t, os.Remove(filepath.Join(out, file)))
		}
	}
	for _, file := range resultFiles {
		write(t, map[string]string{file: "base: a note\n"})
		requireBadInput(t, file+", and this one would overwrite or remove it; want another directory", "HEAD", with(func(o *Options) { o.Out = "." }))
		require.NoError(t, os.Remove(file))
	}
}

// In a conflict, a file that the other side has deleted is in the checkout, and so in head.
func TestConflictWithADeletion(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), "testdata/in": "1"})
	branch := strings.TrimSpace(git(t, "rev-parse", "--abbrev-ref", "HEAD"))
	git(t, "checkout", "--quiet", "-b", "deletes")
	git(t, "rm", "--quiet", "testdata/in")
	git(t, "commit", "--quiet", "--message=x")
	git(t, "checkout", "--quiet", branch)
	commit(t, map[string]string{"testdata/in": "2"})
	require.Error(t, exec.Command("git", "merge", "deletes").Run())
	c, end, err := prepare(t, with(func(*Options) {}))
	defer end()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(c.head.tree, "testdata", "in"))
	require.NoError(t, err)
	require.Equal(t, "2", string(text))
}

// Two rows with the same name count as one row, and the report says so, once.
func TestTwoRowsOfOneName(t *testing.T) {
	const code = "package tiny\n\nimport \"testing\"\n\nfunc BenchmarkK(b *testing.B) {\n\tb.Run(\"k\", func(*testing.B) {})\n\tb.Run(\"k-2\", func(*testing.B) {})\n}\n"
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": code})
	for cpu, want := range map[string]int{"1,2": 1, "1": 0} {
		_, stdout, stderr := compare("HEAD", with(func(o *Options) { o.CPU, o.Equal = cpu, true }))
		require.Equal(t, want, strings.Count(stdout, "print K/k-2, as k at -cpu 2 and k-2 at -cpu 1 both print k-2"), "%s%s", stdout, stderr)
	}
}

func TestBadInput(t *testing.T) {
	newRepo(t, map[string]string{
		"go.mod":           goMod,
		"a_test.go":        fmt.Sprintf(benchmark, "Thing"),
		"untested/a.go":    "package untested\n",
		"bad/bad_test.go":  "package bad\n\nfunc BenchmarkX(b *testing.B) {}\n",
		"bare/noted_in.md": "no Go here\n",
		"nest/go.mod":      "module example.com/nest\n\ngo 1.21\n",
		"nest/a_test.go":   fmt.Sprintf(benchmark, "Nest"),
	})
	git(t, "tag", "first")
	commit(t, map[string]string{
		"bad/bad_test.go": fmt.Sprintf(benchmark, "Good"),
		"new/new_test.go": fmt.Sprintf(benchmark, "New"),
	})
	here, err := os.Getwd()
	require.NoError(t, err)
	for _, test := range []struct{ base, pkg, bench, want string }{
		{"nosuchrev", ".", ".", `base "nosuchrev": want a branch, tag or commit`},
		{"", ".", ".", `base "": want a branch, tag or commit`},
		{"a\nb", ".", ".", `base "a\nb": want a branch, tag or commit`},
		{"HEAD:go.mod", ".", ".", `base "HEAD:go.mod": want a branch, tag or commit`},
		{"^HEAD", ".", ".", `base "^HEAD": want a branch, tag or commit`},
		{"-x", ".", ".", `base "-x": want a branch, tag or commit`},
		{"--branches", ".", ".", `base "--branches": want a branch, tag or commit`},
		{"HEAD", ".", "Nothing", `-bench "Nothing" matches no benchmark, neither on base nor on head`},
		{"HEAD", "./nowhere", ".", `-pkg "./nowhere": want packages of a Go module: stat base/nowhere: directory not found` + "\n"},
		{"HEAD", "./bare", ".", `-pkg "./bare": want packages of a Go module: no Go files in base/bare` + "\n"},
		{"HEAD", "./bare/...", ".", `-pkg "./bare/...": want a package with tests`},
		{"HEAD", "./untested", ".", "but it matches 0 with tests on base and 0 on head"},
		{"first", "./new", ".", `-pkg "./new": want packages of a Go module: stat base/new: directory not found; only head has it: if the package has moved, want -pkg ./... in a folder above both places`},
		{"first", "./new/...", ".", "pattern ./new/...: lstat ./new/: no such file or directory; only head has it: if"},
		{"first", "example.com/tiny/new", ".", "; only head has it: if"},
		{"HEAD", "..", ".", `-pkg ".." leads out of the checkout, and base and head have folders of their own: want a path from this folder, such as ./...` + "\n"},
		{"HEAD", "../...", ".", `-pkg "../..." leads out of the checkout`},
		{"HEAD", here + "/untested", ".", "leads out of the checkout"},
		{"HEAD", "./nest", ".", "; ./nest is a module of its own: want this command in that folder\n"},
		{"HEAD", "./nest/...", ".", "; ./nest is a module of its own: want this command in that folder\n"},
		{"HEAD", "fmt", ".", "but it matches 0 with tests on base and 0 on head"},
		{"first", "./bad", ".", "package ./bad does not build: ./bad_test.go:3:20: undefined: testing"},
	} {
		t.Run(fmt.Sprintf("%s %s %s", test.base, test.pkg, test.bench), func(t *testing.T) {
			requireBadInput(t, test.want, test.base, Options{Bench: test.bench, Packages: test.pkg, Rounds: 1})
		})
	}
	t.Run("only base has the package", func(t *testing.T) {
		require.NoError(t, os.RemoveAll("new"))
		requireBadInput(t, "with uncommitted changes: -pkg \"./new\": want packages of a Go module: no Go files in head/new; only base has it: if", "HEAD", with(func(o *Options) { o.Packages = "./new" }))
	})
	t.Run("only head has a file", func(t *testing.T) {
		write(t, map[string]string{"local.mod": goMod})
		t.Setenv("GOFLAGS", "-modfile=local.mod")
		requireBadInput(t, "open local.mod: no such file or directory (only head has local.mod)\n", "HEAD", quick)
		require.NoError(t, os.Remove("local.mod"))
	})
	t.Run("head does not build", func(t *testing.T) {
		write(t, map[string]string{"a_test.go": "package tiny\n\nvar x int = \"\"\n"})
		requireBadInput(t, "with uncommitted changes: package . does not build: ./a_test.go:3:13: cannot use", "HEAD", quick)
	})
	t.Run("nowhere for programs", func(t *testing.T) {
		t.Setenv("GOTMPDIR", "")
		t.Setenv("GOENV", filepath.Join(t.TempDir(), "env"))
		write(t, map[string]string{os.Getenv("GOENV"): "GOTMPDIR=" + filepath.Join(t.TempDir(), "none") + "\n"})
		requireBadInput(t, "making a temporary directory: ", "HEAD", quick)
	})
	t.Run("nowhere for temporary files", func(t *testing.T) {
		t.Setenv("GOTMPDIR", "")
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
		t.Setenv("TMP", filepath.Join(t.TempDir(), "none"))
		requireBadInput(t, "making a temporary directory: ", "HEAD", quick)
	})
	t.Run("a folder that git does not know", func(t *testing.T) {
		require.NoError(t, os.Mkdir("unknown", 0o777))
		t.Chdir("unknown")
		requireBadInput(t, "base does not have the current folder, unknown/; head does not have", "HEAD", quick)
	})
	t.Run("not a repository", func(t *testing.T) {
		t.Chdir(t.TempDir())
		requireBadInput(t, "want to be in a git checkout: git rev-parse: fatal: not a git repository", "HEAD", quick)
	})
}

func TestBadRepository(t *testing.T) {
	newRepo(t, map[string]string{"a_test.go": fmt.Sprintf(benchmark, "Thing")})
	requireBadInput(t, "want packages of a Go module: go: go.mod file not found", "HEAD", quick)

	t.Chdir(t.TempDir())
	git(t, "init", "--quiet")
	requireBadInput(t, "want a checkout with a commit", "HEAD", quick)
}

func TestSubmodule(t *testing.T) {
	newRepo(t, map[string]string{
		"go.mod":      goMod + "\nrequire lib v0.0.0\n\nreplace lib => ./lib\n",
		"a_test.go":   "package tiny\n\nimport _ \"lib\"\n",
		".gitmodules": "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib\n",
	})
	requireBadInput(t, "lib@v0.0.0: replacement directory ./lib does not exist (submodules are not checked out)", "HEAD", quick)
}

func requireBadInput(t *testing.T, want, base string, o Options) {
	t.Helper()
	status, stdout, stderr := compare(base, o)
	require.Equal(t, 2, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, want)
	require.True(t, strings.HasPrefix(stderr, "boundaries: "), stderr)
	require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
}

// BenchmarkThing of head fails as FAIL says.
const failing = `package tiny

import (
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func BenchmarkThing(b *testing.B) {
	switch os.Getenv("FAIL") {
%s	}
}

var _, _ = log.Fatal, sync.NewCond

func TestMain(m *testing.M) {
	if fail := os.Getenv("FAIL"); strings.HasPrefix(fail, "-test") && slices.Contains(os.Args, fail) {
		time.Sleep(time.Minute)
	}
	status := m.Run()
	if os.Getenv("FAIL") == "status 0" {
		status = 0
	}
	os.Exit(status)
}
`

func TestFailingBenchmark(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"wrong answer", `b.Fatal("got 3, want 4")`, `--- FAIL: BenchmarkThing a_test.go:\d+: got 3, want 4$`},
		{"status 0", `b.Log("looking"); b.Fatal("lost")`, `--- FAIL: BenchmarkThing a_test.go:\d+: looking; a_test.go:\d+: lost$`},
		{"no data", `_, err := os.Open("data"); b.Fatal(err)`, `--- FAIL: BenchmarkThing a_test.go:\d+: open data: .* \(files that git ignores, such as sub/data, and empty folders are not in the worktrees\)$`},
		{"panic", `panic("lost")`, "panic: lost( .*)?$"},
		{"exit", "os.Exit(0)", `panic: unexpected call to os.Exit\(0\) during test`},
		{"exit with a status", `fmt.Fprintln(os.Stderr, "starting\nlooking\nconnecting\nno such host"); os.Exit(3)`, "exit status 3: looking; connecting; no such host$"},
		{"log.Fatal", `log.Fatal("no such host")`, "exit status 1: .* no such host$"},
		{"fatal error", `var m sync.Mutex; m.Unlock()`, "fatal error: sync: unlock of unlocked mutex$"},
		{"killed", `p, _ := os.FindProcess(os.Getpid()); p.Kill(); select {}`, "signal: killed$"},
		{"output in a result", `fmt.Print("\nBenchmarkThing \tnoise\n")`, `BenchmarkThing printed "noise" to standard output in the middle of its result`},
		{"output before a result", `for _, x := range "ab" { b.Run(string(x), func(*testing.B) { fmt.Print("done ") }) }`, `BenchmarkThing/b\S* printed "done " to standard output in the middle of its result`},
		{"damage to the worktree", `os.Remove("../.git"); b.Fatal("no reason")`, "--- FAIL: BenchmarkThing a_test.go:\\d+: no reason$"},
		{"never ends", `time.Sleep(time.Minute)`, `still running after 2s, and killed \(-timeout\)$`},
		{"no result", "b.Skip()", ""},
	}
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Steady"), "sub/a_test.go": fmt.Sprintf(benchmark, "Thing")})
	cases := ""
	for _, test := range tests {
		cases += fmt.Sprintf("\tcase %q:\n\t\t%s\n", test.name, test.body)
	}
	write(t, map[string]string{"sub/a_test.go": fmt.Sprintf(failing, cases)})
	write(t, map[string]string{"sub/data": ""})
	write(t, map[string]string{".git/info/exclude": "data\n"})
	o := with(func(o *Options) { o.Packages = "./sub" })
	// Package testing goes on as soon as a panicking benchmark's deferred calls have run, so
	// its process may end with status 0 before the panic ends it. Then round 2 tells.
	const where = `head, round [12] of 2, package \./sub, BenchmarkThing: `
	c, end, err := prepare(t, o)
	require.NoError(t, err)
	env := c.env
	for _, test := range tests {
		if test.name == "no result" || test.name == "damage to the worktree" {
			continue // they are for a whole comparison
		}
		c.env = append(slices.Clone(env), "FAIL="+test.name)
		c.Timeout = 0
		if test.name == "never ends" {
			c.Timeout = 2 * time.Second
		}
		require.Regexp(t, `^`+where+test.want, c.run(t.Context(), c.screening()).Error(), test.name)
	}
	// The starts that run no benchmark have the same limit.
	c.Timeout = 100 * time.Millisecond
	c.env = append(slices.Clone(env), "FAIL=-test.bench=^$")
	require.Regexp(t, `^round 1 of 2: (base|head): starting package \./sub without a benchmark: still running after 100ms, and killed \(-timeout\)$`, c.run(t.Context(), c.screening()).Error())
	c.env = append(slices.Clone(env), "FAIL=-test.list=^Benchmark")
	require.ErrorContains(t, c.build(t.Context()), ": listing the benchmarks of package ./sub: still running after 100ms, and killed (-timeout)")
	end()

	t.Setenv("FAIL", "damage to the worktree")
	status, stdout, stderr := compare("HEAD", o)
	require.Equal(t, 1, status)
	require.Empty(t, stdout)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	require.Regexp(t, `^boundaries: `+where+`--- FAIL: BenchmarkThing a_test.go:\d+: no reason$`, lines[len(lines)-1])

	t.Setenv("FAIL", "no result")
	status, stdout, stderr = compare("HEAD", o)
	require.Equal(t, 2, status, stderr)
	require.Regexp(t, `Only in base\n  Thing`, stdout)
	require.Regexp(t, `\nboundaries: nothing could be compared: no row has a unit on both sides \(rows only in base: 1, only in head: 0\)\n$`, stderr)
	firstBenchmark := &gate.Decision{Added: []gate.Row{{Name: "Thing"}}}
	require.NoError(t, Judge(&gate.Report{Decision: firstBenchmark}, false))
	o.Bench = "Thing/Nothing"
	status, _, stderr = compare("HEAD", o)
	require.Equal(t, 2, status, stderr)
	require.Regexp(t, `\nboundaries: -bench "Thing/Nothing" gives no result, neither on base nor on head: no sub-benchmark matches, all skip, or a TestMain or a build tag leaves them out \(files that git ignores, such as sub/data, and empty folders are not in the worktrees\)\n$`, stderr)
}

// A benchmark runs up to three times while something disturbs the machine.
func TestDisturbed(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing")})
	watched := 0
	o := with(func(o *Options) {
		o.Watch = func() func() string {
			watched++
			return func() string {
				if watched == 1 || watched > 3 {
					return "another program computes"
				}
				return ""
			}
		}
	})
	status, stdout, stderr := compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Equal(t, 2+1+3+3, watched)
	require.Equal(t, 5, strings.Count(stderr, "again, because the machine was disturbed: another program computes\n"))
	require.Contains(t, stdout, "2 runs were disturbed three times in a row, and count anyway")
	require.Contains(t, stdout, "needs 4 rounds", "a round has one value of each side")
}
