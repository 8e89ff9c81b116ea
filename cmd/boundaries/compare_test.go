package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/linkonce"
	"boundaries/internal/race"
)

func TestCompareBadArguments(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("a.txt", []byte(bench("A 1 1 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("b.txt", []byte(bench("B 1 1 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("copy.txt", []byte(bench("A 1 1 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("empty.txt", nil, 0o666))
	require.NoError(t, os.WriteFile("none.txt", []byte("PASS\n--- FAIL: BenchmarkA\n"), 0o666))
	for _, test := range []struct{ args, want string }{
		{"a b c", `want one BASE, or two files, after the flags, but got 3: ["a" "b" "c"]`},
		{"-selftest HEAD", `want no argument with -selftest, after the flags, but got 1: ["HEAD"]`},
		{"-selftest -o=out -benchtime=1x -rounds=1", `-o does nothing with -selftest`},
		{"-selftest -equal -benchtime=1x -rounds=1", `-equal does nothing with -selftest`},
		{"-selftest -pkg=./x -benchtime=1x -rounds=1", `-pkg does nothing with -selftest and its built-in benchmarks; want -bench too, or no -pkg`},
		{"-bench=A/* HEAD", `invalid value "A/*" for flag -bench: error parsing regexp: missing argument to repetition operator: `},
		{"-bench=A|B/( HEAD", `invalid value "A|B/(" for flag -bench: error parsing regexp: missing closing ): `},
		{"-format=html HEAD", `invalid value "html" for flag -format: want text, markdown, json or benchstat`},
		{"-threshold=0 HEAD", `invalid value "0" for flag -threshold: want a percentage above 0`},
		{"-threshold=much HEAD", `invalid value "much" for flag -threshold: want a percentage above 0`},
		{"-timeout=3 HEAD", `invalid value "3" for flag -timeout: `},
		{"-timeout=-3s HEAD", `invalid value "-3s" for flag -timeout: want a duration such as 10m, or 0`},
		{"-seed=-1 HEAD", `invalid value "-1" for flag -seed: `},
		{"a.txt c.txt", `open c.txt: `},
		{"a.txt b.txt", `no row of a.txt is in b.txt: they begin with A and B; want two files of the same benchmarks`},
		{"a.txt a.txt", `a.txt has the same content as a.txt; want each file once`},
		{"a.txt copy.txt", `copy.txt has the same content as a.txt; want each file once`},
		{"a.txt empty.txt", `empty.txt: the file is empty; want the output of go test -bench`},
		{"empty.txt empty.txt", `empty.txt: the file is empty; want the output of go test -bench`},
		{"none.txt a.txt", `none.txt:2: --- FAIL: BenchmarkA; want the output of go test -bench`},
		{"-bench=A a.txt b.txt", `-bench does nothing with two files`},
		{"-o=out a.txt b.txt", `-o does nothing with two files`},
		{"-selftest -format=json", `-format does nothing with -selftest`},
		{"-format=benchstat a.txt b.txt", `-format benchstat: want a BASE`},
		{"-selftest -merge-base", `-merge-base does nothing with -selftest`},
		{"-selftest -strict", `-strict does nothing with -selftest`},
		{"-benchtime=1x a.txt b.txt", `-benchtime does nothing with two files`},
		{"-cpu=1 a.txt b.txt", `-cpu does nothing with two files`},
		{"-equal a.txt b.txt", `-equal does nothing with two files`},
		{"-merge-base a.txt b.txt", `-merge-base does nothing with two files`},
		{"-pkg=x a.txt b.txt", `-pkg does nothing with two files`},
		{"-relink a.txt b.txt", `-relink does nothing with two files`},
		{"-rounds=3 a.txt b.txt", `-rounds does nothing with two files`},
		{"-seed=3 a.txt b.txt", `-seed does nothing with two files`},
		{"-timeout=3s a.txt b.txt", `-timeout does nothing with two files`},
	} {
		status, stdout, stderr := boundaries(t, append([]string{"compare"}, strings.Fields(test.args)...)...)
		require.Equal(t, 2, status, test.args)
		require.Empty(t, stdout)
		require.True(t, strings.HasPrefix(stderr, "boundaries: compare: "+test.want), stderr)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}

// A row without a common unit is no comparison.
func TestCompareNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("a.txt", []byte(bench("A 1 1 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("b.txt", []byte(bench("A 1 1 x/op")), 0o666))
	status, _, stderr := boundaries(t, "compare", "a.txt", "b.txt")
	require.Equal(t, 2, status)
	require.Equal(t, "boundaries: compare: nothing could be compared: no row has a unit on both sides (rows only in base: 0, only in head: 0)\n", stderr)

	// Nor are rows of one name that do different jobs.
	require.NoError(t, os.WriteFile("a.txt", []byte("fib: 5\n"+bench("FibBoxed/system=gil 1 1 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("b.txt", []byte(bench("FibBoxed/system=gil 1 9 ns/op")), 0o666))
	status, _, stderr = boundaries(t, "compare", "a.txt", "b.txt")
	require.Equal(t, 2, status)
	require.Equal(t, "boundaries: compare: no row of a.txt is in b.txt: they begin with FibBoxed/system=gil/fib=5 and FibBoxed/system=gil; want two files of the same benchmarks\n", stderr)

	// Each problem of a file has a line.
	require.NoError(t, os.WriteFile("a.txt", []byte(bench("A 1 1 ns/op")), 0o666))
	require.NoError(t, os.WriteFile("b.txt", []byte(bench("A 1 1 ns/op")+"BenchmarkB 1 NaN ns/op\nBenchmarkC 1 NaN ns/op\n"), 0o666))
	status, _, stderr = boundaries(t, "compare", "a.txt", "b.txt")
	require.Equal(t, 2, status)
	require.Regexp(t, `^(boundaries: compare: b.txt:\d+: Benchmark. has NaN ns/op, .*\n){2}$`, stderr)
}

// The help has the answers to what users ask often.
func TestCompareHelp(t *testing.T) {
	status, stdout, _ := boundaries(t, "compare", "-h")
	require.Zero(t, status)
	require.Contains(t, stdout, "files that git ignores")
	require.Contains(t, stdout, "Unit NAME better=higher")
	require.Contains(t, stdout, "Less than 32 B/op, or 64 KiB a run, with 0 allocs/op")
	_, run, _ := boundaries(t, "run", "-h")
	for _, help := range []string{stdout, run} {
		require.Contains(t, help, "\n  -seed n\n")
		require.NotRegexp(t, `seed n.*\(default \d`, help, "the seed of this run is not the default")
	}
}

func TestCompareFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	results := func(values ...int) string {
		text := "goos: linux\ngoarch: amd64\npkg: p\ncpu: x\n"
		for i, v := range values {
			text += fmt.Sprintf("port: 4711\nBenchmarkA-2 1 %d ns/op\nBenchmarkB-2 1 %d ns/op\n", v+i, 1000+i)
		}
		return text
	}
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o666)) }
	write("old.txt", results(1000, 1000, 1000, 1000, 1000, 1000))
	write("again.txt", results(1000, 1000, 1000, 1000, 1000, 1001))
	write("slow.txt", results(1200, 1200, 1200, 1200, 1200, 1200))
	write("few.txt", results(1200, 1200))
	write("failed.txt", results(1000, 1000, 1000, 1000, 1000, 1000)+"--- FAIL: BenchmarkC\n    a_test.go:7: got 3, want 4\nFAIL\n")
	write("slowcut.txt", results(1200, 1200, 1200, 1200, 1200, 1200)+"BenchmarkC 1 NaN ns/op\n")
	write("cut.txt", results(1000, 1000, 1000, 1000, 1000, 1000)+"BenchmarkC 1 NaN ns/op\n")
	for _, test := range []struct {
		args   string
		status int
		stdout string
		stderr string
	}{
		{"old.txt slow.txt", 1, "\n1 row of 2 has a confirmed regression\n", "boundaries: compare: 1 row of 2 has a confirmed regression\n"},
		{"slow.txt old.txt", 0, "\nno confirmed regression in 2 rows; 1 with a gain\n", ""},
		{"old.txt again.txt", 0, "\nno confirmed regression in 2 rows\n", ""},
		{"-threshold=25% old.txt slow.txt", 0, "\nno confirmed regression in 2 rows\n", ""},
		{"few.txt slow.txt", 0, "\nno confirmed regression in 2 rows; 2 undecided", ""},
		{"-strict few.txt slow.txt", 3, "\nno confirmed regression in 2 rows; 2 undecided", "boundaries: compare: no confirmed regression in 2 rows; 2 undecided"},
		{"-format=markdown old.txt slow.txt", 1, "**Regressions**", "confirmed regression"},
		{"old.txt cut.txt", 2, "\nno confirmed regression in 2 rows\n", "want a finite number"},
		{"cut.txt old.txt", 2, "\nno confirmed regression in 2 rows\n", "want a finite number"},
		{"old.txt slowcut.txt", 1, "\n1 row of 2 has a confirmed regression\n", "want a finite number"},
		{"failed.txt old.txt", 1, "\nno confirmed regression in 2 rows\n", "got 3, want 4"},
		{"old.txt failed.txt", 1, "\nno confirmed regression in 2 rows\n", "got 3, want 4"},
	} {
		status, stdout, stderr := boundaries(t, append([]string{"compare"}, strings.Fields(test.args)...)...)
		require.Equal(t, test.status, status, "%s: %s", test.args, stderr)
		require.Contains(t, stdout, test.stdout, test.args)
		require.Contains(t, stderr, test.stderr, test.args)
	}
	_, stdout, _ := boundaries(t, "compare", "-format=json", "old.txt", "slow.txt")
	require.True(t, json.Valid([]byte(stdout)), stdout)
	require.Contains(t, stdout, `"summary": "1 row of 2 has a confirmed regression"`)
	require.Contains(t, stdout, `"command": "boundaries compare -format=json old.txt slow.txt"`)
}

// The verb on a repository: what it decides is tested in internal/revisions.
func TestCompareRevisions(t *testing.T) {
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
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GOFLAGS", "'-ldflags=-s -w'")
	t.Setenv("GOGC", "off")
	t.Setenv("PATH", linkonce.Path())
	t.Setenv("GOTMPDIR", t.TempDir()) // so that no comparison asks the go command for it
	t.Chdir(t.TempDir())
	git := func(args ...string) {
		out, err := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	thing := func(n int) {
		require.NoError(t, os.WriteFile("a_test.go", fmt.Appendf(nil, "package tiny\n\nimport \"testing\"\n\nfunc BenchmarkThing(b *testing.B) { b.ReportMetric(1, \"ns/op\"); b.ReportMetric(%d, \"allocs/op\") }\n\nfunc BenchmarkOther(*testing.B) {}\n", n), 0o666))
	}
	git("init", "--quiet")
	require.NoError(t, os.WriteFile("go.mod", []byte("module example.com/tiny\n\ngo 1.21\n"), 0o666))
	thing(1)
	git("add", "--all")
	git("commit", "--quiet", "--message=x")
	git("checkout", "--quiet", "-b", "other")
	git("commit", "--quiet", "--allow-empty", "--message=y")
	git("checkout", "--quiet", "-")

	// Flags reach the comparison.
	for _, test := range []struct {
		args   string
		status int
		want   string
	}{
		{"HEAD", 0, `base and head are identical`},
		{"-merge-base -pkg=./none other", 2, `base: \w+ "x": -pkg "./none": want packages of a Go module`},
		{"-timeout=1ns HEAD", 1, `listing the benchmarks of package \.: still running after 1ns`},
		{"-equal -bench=Other -benchtime=1x -rounds=1 -seed=7 HEAD", 0, `\n1 round of 1 row\n(.*\n)*seeds: -seed 7; -randlayout of base \d+, of head \d+\n`},
	} {
		status, stdout, stderr := boundaries(t, append([]string{"compare"}, strings.Fields(test.args)...)...)
		require.Equal(t, test.status, status, "%s: %s", test.args, stderr)
		require.Regexp(t, test.want, stdout+stderr, test.args)
	}

	thing(2) // an allocation more
	out := filepath.Join(t.TempDir(), "out")
	status, stdout, stderr := boundaries(t, "compare", "-benchtime=1x", "-relink=false", "-rounds=6", "-cpu=1,1", "-bench=Thi(n)g", "-o="+out, "HEAD")
	require.Equal(t, 1, status, stderr)
	require.Regexp(t, `Regressions\n  Thing +allocs/op +1\.000 +2\.000 `, stdout, "at one proc")
	require.Contains(t, stdout, `repeat: boundaries compare -benchtime=1x -relink=false -rounds=6 -cpu=1,1 '-bench=Thi(n)g' -o=`)

	// A number that -cpu repeats does not count twice.
	kept, err := os.ReadFile(filepath.Join(out, "head.txt"))
	require.NoError(t, err)
	require.Len(t, regexp.MustCompile(`(?m)^BenchmarkThing\s+1\s`).FindAllString(string(kept), -1), 6)
	require.NotContains(t, string(kept), "BenchmarkOther")

	// What it kept can be compared as files.
	status, stdout, stderr = boundaries(t, "compare", filepath.Join(out, "base.txt"), filepath.Join(out, "head.txt"))
	require.Equal(t, 1, status, stderr)
	require.Regexp(t, `Regressions\n  Thing\S* +allocs/op `, stdout)
}
