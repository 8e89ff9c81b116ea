package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// The work of these tests is that of the go command.
func TestMain(m *testing.M) { suitetest.RunOnce(m) }

const root = "../.."

func readList(t *testing.T) []mutant {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(root, listFile))
	require.NoError(t, err)
	all, err := parse(string(list))
	require.NoError(t, err)
	return all
}

// A change of the code that removes the text of a mutant must change the mutant too.
func TestNoMutantIsStale(t *testing.T) {
	for _, m := range readList(t) {
		if _, ok := m.apply(root); !ok {
			t.Errorf("mutant %s: %s does not hold this text exactly once:\n%s", m.name, m.file, m.old)
		}
	}
}

func TestBaselineHasEveryMutant(t *testing.T) {
	baseline, err := readBaseline(filepath.Join(root, baselineFile))
	require.NoError(t, err)
	all := readList(t)
	for _, m := range all {
		require.Contains(t, []string{killed, survived}, baseline[m.name], m.name)
	}
	require.Len(t, baseline, len(all))
}

// Docs/proof.md names each bug of the repository's history that a mutant brings back, and
// the test that finds it.
func TestHistory(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/proof.md"))
	require.NoError(t, err)
	bugs := 0
	for _, m := range readList(t) {
		if m.history == "" {
			continue
		}
		bugs++
		commit, bug, _ := strings.Cut(m.history, " ")
		row := fmt.Sprintf("| %s | `%s` | `%s` | `%s %s` |", strings.TrimSuffix(bug, "."), commit, m.name, strings.TrimPrefix(m.pkg, "./"), m.test)
		require.Contains(t, string(page), row)
	}
	require.GreaterOrEqual(t, bugs, 10)
}

func TestListsThatAreRefused(t *testing.T) {
	const entry = "mutant a\nfile f.go\nfails x\ntest . TestF\n- old\n+ new\n"
	all, err := parse("# comment\n\n" + entry)
	require.NoError(t, err)
	require.Equal(t, []mutant{{name: "a", file: "f.go", old: "old", new: "new", fails: "x", pkg: ".", test: "TestF", flags: []string{}}}, all)
	for line := range strings.Lines(entry) {
		if line[0] != 'm' && line[0] != '+' {
			_, err := parse(strings.Replace(entry, line, "", 1))
			require.EqualError(t, err, `mutant "a" is incomplete, or another one has its name`, line)
		}
	}
	for list, want := range map[string]string{
		"file f.go":                    `line 1: "file f.go" precedes the first mutant`,
		"mutant a\nfiles f.go":         `line 2: unknown key "files"`,
		"mutant a\ntest TestF":         `line 2: want a package and a test, got "TestF"`,
		"mutant a\nfile f.go\n- old\n": `mutant "a" is incomplete, or another one has its name`,
		entry + entry:                  `mutant "a" is incomplete, or another one has its name`,
	} {
		_, err := parse(list)
		require.EqualError(t, err, want)
	}
}

// Mutants of a module of one function end in each of the states.
func TestStates(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module several times")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command")
	}
	module := t.TempDir()
	for file, text := range map[string]string{
		"go.mod":  "module m\n\ngo 1.26\n",
		"f.go":    "package m\n\nfunc f() int { return 1 } // once\n",
		"race.go": "//go:build race\n\npackage m\n\nimport _ \"m/none\"\n",
		"f_test.go": `package m

import (
	"os"
	"testing"
)

func TestF(t *testing.T) {
	if f() == 2 || f() == 4 && os.Getenv("BOUNDARIES_OVERLAY") != "" {
		t.Error("2")
	}
}

func TestFails(t *testing.T) { t.Error("always") }

func TestSkips(t *testing.T) { t.Skip("always") }
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(module, file), []byte(text), 0o666))
	}
	r := newRunner(module, t.TempDir(), 3*time.Second)
	for _, test := range []struct{ old, new, test, want string }{
		{"return 1", "return 2", "TestF", killed},
		{"return 1", "panic(0)", "TestF", killed},
		{"return 1", "return 3", "TestF", survived},
		{"return 1", "return 4", "TestF", killed}, // which a test that builds copies of the code finds
		{"return 1", "select {}", "TestF", timedOut},
		{"return 1", "return x", "TestF", doesNotBuild},
		{"return 9", "return 2", "TestF", stale},
		{"n", "m", "TestF", stale},
		{"return 1", "return 2", "TestNone", noControl},
		{"return 1", "return 2", "TestFails", noControl},
		{"return 1", "return 2", "TestSkips", noControl},
	} {
		state, output := r.run(t.Context(), mutant{file: "f.go", old: test.old, new: test.new, pkg: ".", test: test.test})
		require.Equal(t, test.want, state, "%s in %s:\n%s", test.new, test.test, output)
	}
	// The control of a test with -race is a binary with -race, which does not run here.
	r.clean[".-race"] = "missing"
	state, output := r.run(t.Context(), mutant{file: "f.go", old: "return 1", new: "return 2", pkg: ".", test: "TestF", flags: []string{"-race"}})
	require.Equal(t, noControl, state, output)
	state, output = r.run(t.Context(), mutant{file: "f.go", old: "return 1", new: "return 2", pkg: ".", test: "TestF", flags: []string{"-test.skip=."}})
	require.Equal(t, noControl, state, output)
	binary, output := r.build(t.Context(), mutant{pkg: ".", flags: []string{"-race"}}, "race.test.exe")
	require.Empty(t, binary, output)
	// A test that outlasts even the timeout of its binary is killed, which is no failure of its own.
	r.timeout = -9 * time.Second // the package testing takes it for none, and a second remains
	state, output = r.run(t.Context(), mutant{file: "f.go", old: "return 1", new: "for {\n}", pkg: ".", test: "TestF"})
	require.Equal(t, timedOut, state, output)
	code, err := os.ReadFile(filepath.Join(module, "f.go"))
	require.NoError(t, err)
	require.Contains(t, string(code), "return 1", "the tree is as it was")
}

// -update keeps the states of mutants that did not run, and -changed runs few. Without -update,
// states that are not those of the baseline are an error. These mutants are stale, so nothing
// is built.
func TestChosenMutants(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	require.NoError(t, os.MkdirAll(filepath.Dir(listFile), 0o777))
	var list, baseline strings.Builder
	for i := range mostChanged + 1 {
		fmt.Fprintf(&list, "mutant m%d\nfile f.go\nfails x\ntest . TestF\n- old\n", i)
		fmt.Fprintf(&baseline, "m%d KILLED\n", i)
	}
	for file, text := range map[string]string{listFile: list.String(), "f.go": ""} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
	}
	for _, args := range []string{"init", "commit --allow-empty -m 1", "add f.go", "commit -m 2"} {
		out, err := exec.Command("git", strings.Fields("-c user.name=x -c user.email=x "+args)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	for args, want := range map[string]int{"-update m1": 1, "-update -changed": mostChanged, "-update": mostChanged + 1} {
		require.NoError(t, os.WriteFile(baselineFile, []byte(baseline.String()), 0o666))
		require.NoError(t, run(t.Context(), strings.Fields(args), io.Discard))
		states, err := readBaseline(baselineFile)
		require.NoError(t, err)
		count := map[string]int{}
		for _, state := range states {
			count[state]++
		}
		require.Equal(t, want, count[stale], args)
		require.Equal(t, mostChanged+1-want, count[killed], args)
	}
	expected := strings.Replace(baseline.String(), killed, stale, 1)
	require.NoError(t, os.WriteFile(baselineFile, []byte(expected), 0o666))
	require.NoError(t, run(t.Context(), []string{"m0"}, io.Discard))
	var out strings.Builder
	require.EqualError(t, run(t.Context(), []string{"m0", "m1"}, &out), "1 mutants differ from "+baselineFile)
	require.Regexp(t, `^STALE .* m0 .* \. TestF\nSTALE .* m1 .* \. TestF  \(expected "KILLED"\)\n2 mutants:  KILLED 0 .* STALE 2 .*\n$`, out.String())
	require.EqualError(t, run(t.Context(), []string{"m0", "m9"}, io.Discard), `no mutant is named "m9"; `+listFile+` lists them`)

	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)

	// An interrupted run writes no baseline.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, []string{"-update"}, io.Discard), context.Canceled)
	states, err := os.ReadFile(baselineFile)
	require.NoError(t, err)
	require.Equal(t, expected, string(states))

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-h"}, &out))
	require.Contains(t, out.String(), "-changed")
	t.Setenv("GIT_DIR", "none")
	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-changed"}, &out))
	require.Contains(t, out.String(), "so no mutant runs: ")
	require.NoError(t, os.Remove(baselineFile))
	require.ErrorIs(t, run(t.Context(), nil, io.Discard), os.ErrNotExist)
	require.NoError(t, os.WriteFile(listFile, []byte("x"), 0o666))
	require.ErrorContains(t, run(t.Context(), nil, io.Discard), listFile+`: line 1: "x" precedes`)
}
