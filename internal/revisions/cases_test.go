package revisions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/gate"
)

// rows is how a report names the one row of these tests, with its two values.
func row(base, head string) string {
	return `Thing\S* +things/op +` + base + ` +` + head + ` `
}

// No line that a program prints on standard output counts as a key or splits a table.
func TestProgramPrints(t *testing.T) {
	const prints = `package tiny

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	fmt.Printf("seed: %d\ncpu: 97 %% busy\nUnit of work: started\nBenchmarking now\npkg: other\n", time.Now().UnixNano())
	if len(os.Args) == 0 {
		fmt.Printf("%d\n", "a comparison has no use for what vet refuses")
	}
	os.Exit(m.Run())
}

func BenchmarkThing(b *testing.B) {
	b.ReportMetric(1000, "ns/op")
	b.ReportMetric(0, "allocs/op")
	b.ReportMetric(7, "things/op")
}

func BenchmarkLog(b *testing.B) {
	fmt.Fprintln(os.Stderr, "raft: x")
	b.Log("raft: x")
	b.ReportMetric(1000, "ns/op")
	b.ReportMetric(0, "allocs/op")
}
`
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": prints})
	o := with(func(o *Options) { o.Rounds = 4 })
	status, stdout, stderr := compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Regexp(t, `Unchanged\n(.*\n)*?  Thing\S* +things/op +7\.000 +7\.000 `, stdout)
	require.Contains(t, stdout, "no confirmed regression in 2 rows\n")
	require.NotContains(t, stdout, "raft")

	o = withPerf(with(func(o *Options) { o.Rounds, o.Format, o.Bench = 4, "benchstat", "Thing" }))
	status, stdout, stderr = compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Equal(t, 4, strings.Count(stdout, "vs base"), stdout) // one table a unit
	require.Contains(t, stdout, "n=4")
	require.Regexp(t, `│ +base +│ +head +│`, stdout)
	require.Regexp(t, `Thing\S* +7\.000 .* 7\.000 `, stdout)
}

// Only the lines of results and units count. A line with an impossible figure fails, even if
// its other figures are right.
func TestResults(t *testing.T) {
	const result = "Unit hits better=higher\nBenchmarkX 1 5 ns/op 7 hits\n"
	file, kept, err := results("Unit of work: started\n" + result + "PASS\n")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"hits": "higher"}, file.Better)
	require.Equal(t, result, kept)
	for wrong, want := range map[string]string{"NaN hits": "NaN hits, want a finite number", "-5 ns/op": "-5 ns/op, want a time of 0 or more"} {
		_, _, err = results(result + "BenchmarkY 1 7 things " + wrong + "\n")
		require.EqualError(t, err, "cannot read the result:3: BenchmarkY has "+want)
		_, _, err = results("BenchmarkY 1 " + wrong + "\n")
		require.EqualError(t, err, "cannot read the result:1: BenchmarkY has "+want)
	}
}

// BenchmarkFlaky goes wrong in call number WRONG of all, as HOW says. It is slow on the side
// that has the file "slow".
const flaky = `package tiny

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"testing"
)

func BenchmarkSteady(b *testing.B) { b.ReportMetric(1, "things/op") }
func BenchmarkFlaky(b *testing.B) {
	calls, _ := os.ReadFile(os.Getenv("CALLS"))
	os.WriteFile(os.Getenv("CALLS"), append(calls, '.'), 0o666)
	switch wrong := strconv.Itoa(len(calls)) == os.Getenv("WRONG"); {
	case wrong && os.Getenv("HOW") == "failure":
		b.Fatal("lost the connection")
	case wrong && os.Getenv("HOW") == "skip":
		b.Skip("no connection")
	case wrong:
		fmt.Println("slow write: 12ms")
	}
	b.ReportMetric(2000, "ns/op")
	if _, err := os.Stat("slow"); err == nil {
		b.ReportMetric(9000, "ns/op")
	}
	log.Print("slow write: 12ms")
	b.Log("slow write: 12ms")
}

func TestMain(m *testing.M) {
	starts, _ := os.ReadFile(os.Getenv("STARTS"))
	os.WriteFile(os.Getenv("STARTS"), fmt.Appendln(starts, os.Args), 0o666)
	os.Exit(m.Run())
}
`

// Whatever fails late in the run, the report has the rounds before it.
func TestFailureInRoundFive(t *testing.T) {
	for _, test := range []struct {
		how, benchtime, wrong, want string
	}{
		{"failure", "1x", "8", `--- FAIL: BenchmarkFlaky a_test.go:17: lost the connection`},
		{"a line in the result", "2x", "17", `BenchmarkFlaky\S* printed "slow write: 12ms" to standard output in the middle of its result`},
	} {
		t.Run(test.how, func(t *testing.T) {
			newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": flaky})
			t.Setenv("CALLS", filepath.Join(t.TempDir(), "calls"))
			t.Setenv("STARTS", filepath.Join(t.TempDir(), "starts"))
			t.Setenv("WRONG", test.wrong)
			t.Setenv("HOW", test.how)
			out := t.TempDir()
			status, stdout, stderr := compare("HEAD", with(func(o *Options) { o.Rounds, o.Benchtime, o.Out = 6, test.benchtime, out }))
			require.Equal(t, 1, status, stderr)
			failed := `base, round 5 of 6, package \., BenchmarkFlaky: ` + test.want
			require.Regexp(t, `\nboundaries: `+failed, stderr)
			require.Regexp(t, `^# only 4 of 6 rounds: `+failed, stdout)
			require.Contains(t, stdout, "\n4 rounds of 2 rows\n")
			require.Regexp(t, `Steady\S* +things/op +1\.000 +1\.000 `, stdout)
			// With this seed, the order of round 2 is not that of round 1.
			require.Regexp(t, `round 1 .*Steady\n(.*\n)*round 1 .*Flaky\n(.*\n)*round 2 .*Flaky\n(.*\n)*round 2 .*Steady\n`, stderr)
			require.Contains(t, stdout, "nothing is decided")
			// The first start of each binary measures nothing.
			starts, err := os.ReadFile(os.Getenv("STARTS"))
			require.NoError(t, err)
			require.Regexp(t, `^(.* -test\.list=.*\n)+(.* -test\.bench=\^\$\]\n){2}(.* -test\.bench=\^Benchmark.*\n)+$`, string(starts))
			raw, err := os.ReadFile(filepath.Join(out, "head.txt"))
			require.NoError(t, err)
			require.Equal(t, 4, strings.Count(string(raw), "BenchmarkSteady"))
		})
	}
}

// A benchmark that skips once has a value less, and the report says so.
func TestSkipsOnce(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": flaky})
	t.Setenv("CALLS", filepath.Join(t.TempDir(), "calls"))
	t.Setenv("WRONG", "4")
	t.Setenv("HOW", "skip")
	status, stdout, stderr := compare("HEAD", with(func(o *Options) { o.Rounds = 3 }))
	require.Zero(t, status, stderr)
	require.Regexp(t, `not every round has a value of both sides: Flaky-?\d*\n`, stdout)
}

// A failure or an interrupt while suspects are measured again leaves the first stage.
func TestFailureInSecondStage(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": flaky})
	t.Setenv("CALLS", filepath.Join(t.TempDir(), "calls"))
	t.Setenv("WRONG", "10")
	t.Setenv("HOW", "failure")
	write(t, map[string]string{"slow": ""})
	status, stdout, stderr := compare("HEAD", with(func(o *Options) { o.Rounds, o.Bench = 4, "Flaky" }))
	require.Equal(t, 1, status, stderr)
	require.Regexp(t, `^# the rows that looked different were not measured again: (base|head), measuring again, round 2 of 4, package \., BenchmarkFlaky with -bench '\^BenchmarkFlaky\$': `, stdout)
	require.NotContains(t, stdout, "Regressions")

	t.Setenv("WRONG", "")
	ctx, interrupt := context.WithCancel(t.Context())
	processes := 0
	var out strings.Builder
	err := Compare(ctx, "HEAD", with(func(o *Options) {
		o.Rounds, o.Bench = 4, "Flaky"
		o.Watch = func() func() string {
			if processes++; processes == 2*4+2+1 {
				interrupt()
			}
			return func() string { return "" }
		}
	}), &out, io.Discard)
	require.EqualError(t, err, "measuring again, interrupted after 1 of 4 rounds")
	require.True(t, strings.HasPrefix(out.String(), "# measuring again, interrupted after 1 of 4 rounds\n"), out.String())
	require.Contains(t, out.String(), "\n4 rounds of 1 row\n")
}

// A test finds its data by the path of its source.
func TestDataBesideSource(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "testdata/in": "1", "a_test.go": `package tiny

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

func BenchmarkThing(b *testing.B) {
	_, file, _, _ := runtime.Caller(0)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "testdata", "in"))
	if err != nil {
		b.Fatal(err)
	}
	n, _ := strconv.Atoi(string(text))
	b.ReportMetric(float64(n), "things/op")
}
`})
	write(t, map[string]string{"testdata/in": "2"})
	t.Setenv("LINK", t.TempDir()) // the path of the source is in the binary
	status, stdout, stderr := compare("HEAD", with(func(o *Options) { o.Equal = false }))
	require.Zero(t, status, stderr)
	require.Regexp(t, row(`1\.000`, `2\.000`), stdout)
}

// A comparison works whatever the user's git settings are.
func TestGitSettings(t *testing.T) {
	thing := map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing")}
	t.Run("submodule.recurse", func(t *testing.T) {
		newRepo(t, map[string]string{"f": "x\n"})
		library, err := os.Getwd()
		require.NoError(t, err)
		newRepo(t, thing)
		git(t, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", library, "docs/theme")
		commit(t, nil)
		git(t, "config", "submodule.recurse", "true")
		before := git(t, "-C", "docs/theme", "config", "core.worktree")
		c, end := checkOut(t, quick)
		require.FileExists(t, filepath.Join(c.head.tree, "a_test.go"))
		end()
		require.Equal(t, before, git(t, "-C", "docs/theme", "config", "core.worktree"))
		require.Contains(t, git(t, "-C", "docs/theme", "status"), "nothing to commit")
	})
	t.Run("ssh", func(t *testing.T) {
		newRepo(t, thing)
		for _, test := range []struct {
			ssh, command, config string
			want                 bool
		}{{want: true}, {ssh: "mine"}, {command: "mine -v"}, {config: "mine -v"}} {
			t.Setenv("GIT_SSH", test.ssh)
			t.Setenv("GIT_SSH_COMMAND", test.command)
			git(t, "config", "core.sshCommand", test.config)
			if test.config == "" {
				git(t, "config", "--unset", "core.sshCommand")
			}
			c := &comparison{Options: quick}
			require.ErrorContains(t, c.prepare(t.Context(), "none"), `base "none"`) // when the environment is complete
			require.Equal(t, test.want, slices.Contains(c.env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes"), "%+v", test)
			require.NoError(t, c.cleanUp(t.Context()))
		}
	})
	t.Run("filters", func(t *testing.T) {
		newRepo(t, thing)
		commit(t, map[string]string{".gitattributes": "secret.txt filter=lock\n", "secret.txt": "s\n"})
		write(t, map[string]string{".git/key": ""})
		git(t, "config", "filter.lock.clean", "cat")
		git(t, "config", "filter.lock.required", "true")
		git(t, "config", "filter.lock.smudge", `test -f "$(git rev-parse --git-dir)/key" && cat`)
		for range 2 {
			c, end := checkOut(t, quick)
			require.FileExists(t, filepath.Join(c.base.tree, "secret.txt"))
			require.FileExists(t, filepath.Join(c.head.tree, "secret.txt"))
			require.Len(t, c.notes, 1)
			require.Regexp(t, `^both sides have files as they are committed, without git's filters \(secret.txt of the filter lock\), because one failed: .*$`, c.notes[0])
			require.False(t, c.head.dirty)
			end()
			git(t, "config", "filter.lock.process", "no-such-program filter-process")
		}
	})
	t.Run("hooks and monitors", func(t *testing.T) {
		newRepo(t, thing)
		marks := t.TempDir()
		hook := fmt.Sprintf("#!/bin/sh\ntouch %s/ran\nexit 1\n", marks)
		write(t, map[string]string{"hooks/post-checkout": hook, "hooks/post-index-change": hook, "hooks/reference-transaction": hook})
		for _, name := range []string{"post-checkout", "post-index-change", "reference-transaction"} {
			require.NoError(t, os.Chmod("hooks/"+name, 0o777))
		}
		git(t, "config", "core.hooksPath", "hooks")
		git(t, "config", "core.fsmonitor", "hooks/post-checkout")
		git(t, "config", "color.ui", "always")
		git(t, "config", "status.showUntrackedFiles", "no")
		git(t, "config", "diff.external", "false")
		git(t, "config", "log.showSignature", "true")
		c, end := checkOut(t, quick)
		require.FileExists(t, filepath.Join(c.head.tree, "a_test.go"))
		require.True(t, c.head.dirty, "the hooks are untracked")
		end()
		require.NoFileExists(t, filepath.Join(marks, "ran"))
	})
}

// A file that vanishes after git has listed it counts as deleted.
func TestVanishedFile(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(from, "kept"), nil, 0o666))
	require.NoError(t, overlay(t.Context(), from, to, []change{{path: "a/.swap"}, {path: "kept"}}))
	require.NoFileExists(t, filepath.Join(to, "a", ".swap"))
	require.FileExists(t, filepath.Join(to, "kept"))
}

// No variable of git leads it to another repository. Those for reaching a server are kept.
func TestGitVariables(t *testing.T) {
	for name, kept := range map[string]bool{
		"GIT_DIR": false, "GIT_WORK_TREE": false, "GIT_INDEX_FILE": false, "GIT_NAMESPACE": false, "GIT_TRACE": false, "GIT_QUARANTINE_PATH": false,
		"GIT_LITERAL_PATHSPECS": false, "GIT_SSH_COMMAND": true, "GIT_LFS_SKIP_SMUDGE": true, "GIT_CONFIG_GLOBAL": true, "GIT_CONFIG_KEY_0": true, "GIT_ASKPASS": true, "GIT_AUTHOR_NAME": true,
	} {
		t.Setenv(name, "x")
		env, err := environ(t.TempDir())
		require.NoError(t, err)
		require.Equal(t, kept, strings.Contains(strings.Join(env, "\n"), name+"=x"), name)
		require.Contains(t, env, "GIT_TERMINAL_PROMPT=0")
	}
}

// Both sides have the dependency that is committed.
func TestWorkspace(t *testing.T) {
	const mod = "module example.com/dep\n\ngo 1.21\n"
	app := map[string]string{
		"app/go.mod":    "module example.com/app\n\ngo 1.21\n\nrequire example.com/dep v0.0.0\n\nreplace example.com/dep v0.0.0 => ../dep1\n",
		"app/a_test.go": "package app\n\nimport (\n\t\"testing\"\n\n\t\"example.com/dep\"\n)\n\nfunc BenchmarkThing(b *testing.B) { b.ReportMetric(dep.Things, \"things/op\") }\n",
		"dep1/go.mod":   mod, "dep1/d.go": "package dep\n\nconst Things = 1111\n",
		"dep2/go.mod": mod, "dep2/d.go": "package dep\n\nconst Things = 2222\n",
	}
	const work = "go 1.21\n\nuse ./app\n\nreplace example.com/dep v0.0.0 => ./dep2\n"
	// requireDep requires that both sides would be built with the dependency of a folder.
	requireDep := func(t *testing.T, dep, note string) {
		t.Helper()
		c, end := checkOut(t, quick)
		for _, s := range c.sides() {
			require.NoError(t, c.enter(s))
			dir, err := c.goTool(t.Context(), s, filepath.Join(s.root, "app"), "list", "-json=false", "-f", "{{.Dir}}", "example.com/dep")
			require.NoError(t, err)
			require.Equal(t, dep, filepath.Base(strings.TrimSpace(dir)))
		}
		require.Contains(t, strings.Join(c.notes, "\n"), note)
		require.False(t, c.head.dirty)
		end()
	}
	t.Run("unknown to git", func(t *testing.T) {
		newRepo(t, app)
		write(t, map[string]string{"go.work": work})
		t.Chdir("app")
		requireDep(t, "dep1", "go.work is not committed, and both sides are built without it")
		t.Chdir("..")
		requireBadInput(t, "go.mod file not found in current directory or any parent directory; see 'go help modules' (go.work is not committed, and both sides are built without it)", "HEAD", quick)
	})
	t.Run("ignored", func(t *testing.T) {
		newRepo(t, app)
		commit(t, map[string]string{".gitignore": "go.work\n"})
		write(t, map[string]string{"go.work": work})
		t.Chdir("app")
		requireDep(t, "dep1", "go.work is not committed")
	})
	t.Run("committed", func(t *testing.T) {
		newRepo(t, app)
		commit(t, map[string]string{"go.work": work})
		t.Chdir("app")
		requireDep(t, "dep2", "")
		status, stdout, stderr := compare("HEAD~1", quick)
		require.Zero(t, status, stderr)
		require.Regexp(t, row(`1\.111k`, `2\.222k`), stdout)
		require.Contains(t, stdout, "only head has go.work")
	})
	t.Run("above the repository, and above the temporary directory", func(t *testing.T) {
		newRepo(t, app)
		top, err := os.Getwd()
		require.NoError(t, err)
		file := filepath.Join(filepath.Dir(top), "go.work")
		require.NoError(t, os.WriteFile(file, []byte("go 1.21\n\nuse ./nowhere\n"), 0o666))
		t.Cleanup(func() { os.Remove(file) })
		t.Chdir("app")
		requireDep(t, "dep1", "outside of the repository, and both sides are built without it")
	})
	t.Run("replacement outside", func(t *testing.T) {
		newRepo(t, app)
		commit(t, map[string]string{"app/go.mod": strings.Replace(app["app/go.mod"], "../dep1", "../../out", 1)})
		t.Chdir("app")
		requireBadInput(t, "a_test.go:6:2: example.com/dep@v0.0.0: replacement directory ../../out does not exist (app/go.mod replaces example.com/dep by ../../out, which is outside of the repository", "HEAD", quick)

		if runtime.GOOS != "windows" { // where git may check out a link as a text
			require.NoError(t, os.Symlink(filepath.Join("..", "..", "out"), "link"))
			commit(t, map[string]string{"go.mod": strings.Replace(app["app/go.mod"], "../dep1", "./link", 1)})
			requireBadInput(t, "(app/go.mod replaces example.com/dep by ./link, which is outside of the repository", "HEAD", quick)
			require.NoError(t, os.Remove("link"))
		}

		commit(t, map[string]string{"../go.work": "go 1.21\n\nuse (\n\t./app\n\t../out\n)\n"})
		requireBadInput(t, "(go.work uses ../out, which is outside of the repository", "HEAD", quick)
		require.NoError(t, os.Remove("../go.work"))
		commit(t, map[string]string{"go.mod": strings.Replace(app["app/go.mod"], "../dep1", "../../out", 1)})

		// It does not explain another error, in this module or in one below.
		commit(t, map[string]string{
			"a_test.go":       "package app\n\nvar x int = \"\"\n",
			"inner/a_test.go": app["app/a_test.go"],
			"inner/go.mod":    strings.Replace(app["app/go.mod"], "../dep1", "../none\n//example.com/dep => ../../../out", 1),
		})
		requireBadInput(t, "package ./app does not build: ./a_test.go:3:13: cannot use \"\" (untyped string constant) as int value in variable declaration\n", "HEAD", quick)
		t.Chdir("inner")
		requireBadInput(t, "example.com/dep@v0.0.0: replacement directory ../none does not exist\n", "HEAD", quick)
	})
	t.Run("an absolute path into the checkout", func(t *testing.T) {
		newRepo(t, app)
		top, err := os.Getwd()
		require.NoError(t, err)
		o := with(func(o *Options) { o.Packages = "./none" })
		commit(t, map[string]string{"app/go.mod": strings.Replace(app["app/go.mod"], "../dep1", `"`+filepath.ToSlash(top)+`/dep1"`, 1)})
		commit(t, map[string]string{"dep2/d.go": "package dep\n\nconst Things = 3333\n"})
		t.Chdir("app")
		requireBadInput(t, `-pkg "./none": `, "HEAD~1", o) // base has the same dep1
		write(t, map[string]string{"../dep1/d.go": "package dep\n\nconst Things = 3333\n"})
		requireBadInput(t, "app/go.mod has the absolute path "+filepath.ToSlash(top)+"/dep1, which leads to this checkout and so to head's dep1/d.go on both sides; want a relative path\n", "HEAD", o)

		commit(t, map[string]string{"go.mod": app["app/go.mod"], "../go.work": "go 1.21\n\nuse (\n\t./app // " + top + "/app\n\t" + filepath.ToSlash(top) + "/dep2\n)\n"})
		write(t, map[string]string{"a_test.go": app["app/a_test.go"] + "\n// changed\n"})
		requireBadInput(t, `-pkg "./none": `, "HEAD", o)
		write(t, map[string]string{"../dep2/d.go": "package dep\n\nconst Things = 4444\n"})
		requireBadInput(t, ": go.work has the absolute path "+filepath.ToSlash(top)+"/dep2", "HEAD", o)
	})
	t.Run("a link into the checkout", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("git may check out a link as a text")
		}
		newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), "testdata/in": "1"})
		top, err := os.Getwd()
		require.NoError(t, err)
		in := filepath.Join(top, "testdata", "in")
		require.NoError(t, os.Symlink(in, "in.txt"))
		require.NoError(t, os.Symlink(filepath.Join("testdata", "in"), "relative"))
		commit(t, nil)
		for _, want := range []string{"", "in.txt of base is a link to " + in + " in this checkout, and so to head's testdata/in"} {
			c, end, err := prepare(t, with(func(o *Options) { o.Packages = "./none" }))
			require.ErrorContains(t, err, "./none")
			require.Equal(t, want, strings.Join(c.notes, "\n"))
			end()
			write(t, map[string]string{"testdata/in": "2"})
		}
	})
	for _, committed := range []bool{false, true} {
		t.Run(fmt.Sprint("TMPDIR in the checkout, go.work committed: ", committed), func(t *testing.T) {
			newRepo(t, app)
			if committed {
				commit(t, map[string]string{"go.work": work})
			}
			t.Chdir("app")
			require.NoError(t, os.Mkdir("tmp", 0o777))
			tmp, err := filepath.Abs("tmp")
			require.NoError(t, err)
			t.Setenv("TMPDIR", tmp)
			t.Setenv("GOTMPDIR", "")
			if committed {
				// Benchstat gets no GOFLAGS of the user, and may say more than its table.
				t.Setenv("GOENV", filepath.Join(t.TempDir(), "env"))
				write(t, map[string]string{os.Getenv("GOENV"): "GOFLAGS=-modfile=none.mod\n"})
				t.Setenv("GODEBUG", "inittrace=1")
				status, stdout, stderr := compare("HEAD", withPerf(with(func(o *Options) { o.Format = "benchstat" })))
				require.Zero(t, status, stderr)
				require.Regexp(t, `Thing\S* +2\.222k .* 2\.222k `, stdout)
				require.NotContains(t, stderr, "with uncommitted changes")
			} else {
				write(t, map[string]string{"../go.work": work})
				requireDep(t, "dep1", "go.work is not committed")
			}
			left, err := os.ReadDir(tmp)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// GOFLAGS has what the user builds with. A layout adds to it.
func TestGoFlags(t *testing.T) {
	for flags, want := range map[string][]string{
		"":                                     nil,
		"-tags=x":                              nil,
		"-ldflags=-s":                          {"-s"},
		"--ldflags=-s -tags=x":                 {"-s"},
		"-tags=x '-ldflags=-s -w' -v":          {"-s -w"},
		`"-ldflags=-X 'main.v=1 2'" -trimpath`: {"-X 'main.v=1 2'"},
		"-ldflags=-s -ldflags=fmt=-w":          {"-s", "fmt=-w"},
	} {
		require.Equal(t, want, flagValues(flags, "ldflags"), flags)
	}
	c := &comparison{ldflags: []string{"-s -w"}}
	require.Equal(t, []string{"-ldflags=-randlayout=7", "-ldflags=-s -w -randlayout=7"}, c.layoutFlags(7))
	require.Empty(t, c.layoutFlags(0))

	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": `//go:build x

package tiny

import "testing"

var things = "1"

func BenchmarkThing(b *testing.B) { b.ReportMetric(float64(len(things)), "things/op") }
`})
	t.Setenv("GOFLAGS", "'-ldflags=-s -w -X example.com/tiny.things=12345' -tags=x -exec=false")
	status, stdout, stderr := compare("HEAD", with(func(o *Options) { o.Relink = true }))
	require.Zero(t, status, stderr)
	require.Regexp(t, row(`5\.000`, `5\.000`), stdout)
	require.Contains(t, stdout, "GOFLAGS has -exec, which compare does not use")
	match := regexp.MustCompile(`seeds: -seed 1; -randlayout of base (\d+),(\d+), of head (\d+),(\d+)\n`).FindStringSubmatch(stdout)
	require.NotNil(t, match, stdout)
	slices.Sort(match[1:])
	require.Len(t, slices.Compact(match[1:]), 4, "a layout each")
}

func TestRenamedModule(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), "things": "1111"})
	commit(t, map[string]string{"go.mod": strings.Replace(goMod, "tiny", "tiny/v2", 1), "things": "2222"})
	status, stdout, stderr := compare("HEAD~1", with(func(o *Options) { o.Rounds = 4 }))
	require.Equal(t, 1, status, stderr)
	require.Regexp(t, `Regressions\n  `+row(`1\.111k`, `2\.222k`), stdout)
}

func TestMovedPackage(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "old/a_test.go": fmt.Sprintf(benchmark, "Thing"), "old/things": "1111"})
	odd := filepath.Join(t.TempDir(), "a pattern [x]")
	require.NoError(t, os.Mkdir(odd, 0o777))
	t.Setenv("GOTMPDIR", odd)
	git(t, "mv", "old", "new") // and not committed
	write(t, map[string]string{"new/a_test.go": fmt.Sprintf(benchmark, "Thing") + "\n// Moved.\n", "new/things": "2222"})
	o := with(func(o *Options) { o.Rounds, o.Packages = 4, "./..." })
	status, stdout, stderr := compare("HEAD", o)
	require.Equal(t, 1, status, stderr)
	require.Regexp(t, `Regressions\n  `+row(`1\.111k`, `2\.222k`), stdout)
	require.Contains(t, stdout, "package ./old of base is package ./new of head")

	// A new package that is not like the old one is not taken for it.
	git(t, "reset", "--quiet", "--hard")
	require.NoError(t, os.RemoveAll("old"))
	write(t, map[string]string{"keep/a_test.go": "package keep\n", "other/b_test.go": "package other\n\nimport \"testing\"\n\nfunc BenchmarkOther(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n\t\tprintln()\n\t}\n}\n"})
	requireBadInput(t, "want a package with tests on both sides, but it matches 1 with tests on base and 2 on head", "HEAD", o)
}

func TestIgnoredFiles(t *testing.T) {
	newRepo(t, map[string]string{
		"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), ".gitignore": "dist\nz_generated.go\n",
		"a.go": "package tiny\n\nimport \"embed\"\n\n//go:embed all:dist\nvar FS embed.FS\n",
	})
	write(t, map[string]string{"dist/i": "x"})
	requireBadInput(t, "pattern all:dist: no matching files found (files that git ignores, such as dist/, and empty folders are not in the worktrees)", "HEAD", quick)

	commit(t, map[string]string{"a.go": "package tiny\n\nvar X = Generated\n"})
	write(t, map[string]string{"z_generated.go": "package tiny\n\nconst Generated = 1\n"})
	requireBadInput(t, "undefined: Generated (files that git ignores, such as dist/, and empty folders are not in the worktrees)", "HEAD", quick)
}

// An error about a file that a benchmark has removed names it, and blames neither git nor the user.
func TestRemovedFiles(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a": "", ".gitignore": "dist\n", "sub/testdata/in": "", "sub/a_test.go": `package tiny

import (
	"os"
	"testing"
)

func BenchmarkThing(b *testing.B) {
	if _, err := os.ReadFile("testdata/in"); err != nil {
		b.Fatal(err)
	}
	wd, _ := os.Getwd()
	os.RemoveAll(wd + os.Getenv("REMOVE"))
	b.ReportMetric(1, "things/op")
}
`})
	write(t, map[string]string{"dist/i": "x"})
	require.NoError(t, os.Remove("a"))
	for remove, want := range map[string]string{
		"/testdata": `BenchmarkThing: --- FAIL: BenchmarkThing a_test.go:10: open testdata/in: no such file or directory (sub/testdata/in is gone`,
		"":          `BenchmarkThing: the folder in which it runs: no such file or directory (sub/a_test.go is gone`,
	} {
		t.Setenv("REMOVE", remove)
		status, _, stderr := compare("HEAD", with(func(o *Options) { o.Packages = "./sub" }))
		require.Equal(t, 1, status, stderr)
		require.Contains(t, stderr, "\nboundaries: head, round 2 of 2, package ./sub, "+want+" from the worktree: a benchmark or TestMain has removed it)\n")
	}
	t.Setenv("REMOVE", "") // the folder itself
	status, _, stderr := compare("HEAD", with(func(o *Options) { o.Packages, o.Relink = "./sub", true }))
	require.Equal(t, 1, status, stderr)
	require.Contains(t, stderr, "\nboundaries: round 2 of 2: base: linking package ./sub: the folder in which it runs: no such file or directory (sub/a_test.go is gone from the worktree: a benchmark or TestMain has removed it)\n")
}

// What a TestMain does not list runs anyway, as in go test -bench.
func TestListsNothing(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), "main_test.go": `package tiny

import (
	"flag"
	"os"
	"testing"
)

const source = ` + "`" + `
func BenchmarkText(b *testing.B) {}
` + "`" + `

type t int

func (t) BenchmarkMethod(b *testing.B) {}

func Benchmarks() {}

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" || os.Getenv("SERVER") == "none" {
		os.Exit(0)
	}
	os.Exit(m.Run())
}
`})
	status, stdout, stderr := compare("HEAD", with(func(o *Options) { o.Relink = true }))
	require.Zero(t, status, stderr)
	require.Regexp(t, row(`1\.000`, `1\.000`), stdout)
	require.Equal(t, 4, strings.Count(stderr, ", Benchmark"), stderr)
	t.Setenv("SERVER", "none")
	status, _, stderr = compare("HEAD", quick)
	require.Equal(t, 2, status)
	require.Contains(t, stderr, "no sub-benchmark matches, all skip, or a TestMain or a build tag leaves them out")
	requireBadInput(t, `-bench "Text|Method|s$" matches no benchmark`, "HEAD", with(func(o *Options) { o.Bench = "Text|Method|s$" }))
}

// Neither -equal nor a benchmark of this module reaches a module in one of its folders.
func TestNestedModule(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing"), "a.go": "package tiny\n", "README.md": "",
		"nest/go.mod": goMod, "nest/in/n.go": "package tiny\n", "nest/in/n_test.go": fmt.Sprintf(benchmark, "Nest")})
	t.Setenv("LINK", "apart")
	o := with(func(o *Options) { o.Equal, o.Packages = false, "./..." })
	write(t, map[string]string{"nest/in/n.go": "package tiny\n\nvar X int\n", "nest/in/more.go": "package tiny\n"})
	const note = "./nest is a module of its own, with changes: its benchmarks, if it has any, are not in this comparison; want another one in that folder\n"
	status, stdout, stderr := compare("HEAD", o)
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "so nothing was measured (-equal measures them anyway)\n")
	require.Equal(t, 1, strings.Count(stdout, note), stdout)

	write(t, map[string]string{"README.md": "2\n", "nest/go.mod": goMod + "\n", "testdata/x/go.mod": goMod})
	c, end, err := prepare(t, o)
	require.NoError(t, err)
	require.Contains(t, c.equalReport().Equal, "want -equal if a benchmark reads one of the files that differ: README.md, testdata/x/go.mod")
	unreached, err := c.unreached(t.Context(), slices.Concat(c.pkgs, c.equal))
	require.NoError(t, err)
	require.Empty(t, unreached)
	end()
	t.Chdir("nest")
	c, end, err = prepare(t, o)
	require.NoError(t, err)
	require.NotContains(t, strings.Join(c.notes, "\n"), "a module of its own")
	require.Len(t, c.pkgs, 1)
	end()
}

func TestOtherPlatform(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing")})
	t.Setenv("GOOS", otherOS)
	requireBadInput(t, "GOOS="+otherOS+" GOARCH="+runtime.GOARCH+": want the platform of this machine, ", "HEAD", quick)
}

func TestShallowClone(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing")})
	first := strings.TrimSpace(git(t, "rev-parse", "HEAD"))
	commit(t, map[string]string{"things": "2"})
	from, err := os.Getwd()
	require.NoError(t, err)
	clone := t.TempDir()
	git(t, "clone", "--quiet", "--depth=1", "file://"+from, clone)
	t.Chdir(clone)
	requireBadInput(t, "want a branch, tag or commit of this repository; this clone is shallow: fetch the whole history (git fetch --unshallow, or fetch-depth: 0 for actions/checkout)", first, quick)
	git(t, "fetch", "--quiet", "--depth=1", "origin", first)
	requireBadInput(t, "have no common commit here; this clone is shallow", first, with(func(o *Options) { o.MergeBase = true }))
}

func TestGoErrors(t *testing.T) {
	for text, want := range map[string]string{
		"go: downloading x\n# pkg\na.go:1: bad\nmore\n":                           "a.go:1: bad",
		"a.go:1: missing go.sum entry for x; to add:\n\tgo get example.com/x\n":   "a.go:1: missing go.sum entry for x; to add: go get example.com/x",
		"init errors @0.3 ms, 0 ms clock, 0 bytes, 0 allocs\ngc 1 @0.09s 1%: 0\n": "its own error",
		"":     "its own error",
		"# a:": "its own error",
	} {
		require.EqualError(t, firstLine(text, fmt.Errorf("its own error")), want)
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct{ bench, name, want string }{
		{".", "BenchmarkX", "^BenchmarkX$"},
		{"Y", "BenchmarkX", ""},
		{"X/a/b", "BenchmarkX", "^BenchmarkX$/a/b"},
		{"X/a|Y/b|Xy?/c", "BenchmarkX", "^BenchmarkX$/a|^BenchmarkX$/c"},
		{"(X|Y)/a|b", "BenchmarkY", "^BenchmarkY$/a"},
		{"[/|]|X", "BenchmarkX", "^BenchmarkX$"},
		{`X\|Y`, "BenchmarkX", ""},
	} {
		require.Equal(t, test.want, parsePatterns(test.bench).of(test.name).String(), "%+v", test)
	}
}

// A package has moved to the folder that has most of its lines, and more of them than any other.
func TestPair(t *testing.T) {
	c := &comparison{base: side{name: "base", tree: t.TempDir()}, head: side{name: "head", tree: t.TempDir()}}
	write := func(s *side, dir string, lines ...string) {
		require.NoError(t, os.Mkdir(filepath.Join(s.tree, dir), 0o777))
		require.NoError(t, os.WriteFile(filepath.Join(s.tree, dir, "a.go"), []byte(strings.Join(lines, "\n}\n")), 0o666))
	}
	write(&c.base, "same")
	write(&c.base, "old", "aa", "bb", "bb", "dd")
	write(&c.base, "half", "ee", "ff", "gg", "hh")
	write(&c.head, "same")
	write(&c.head, "alike", "aa", "bb", "bb", "xx")
	write(&c.head, "new", "aa", "bb", "bb", "dd")
	write(&c.head, "quarter", "ee", "ff", "yy", "zz")
	c.pair([2][]string{{"same", "old", "half"}, {"same", "alike", "new", "quarter"}})
	var got []string
	for _, p := range c.pkgs {
		got = append(got, p.name+": "+p.dir[gate.Base]+" "+p.dir[gate.Head])
	}
	require.Equal(t, []string{"./same: same same", "./new: old new", "./half: half ", "./alike:  alike", "./quarter:  quarter"}, got)
	require.Equal(t, []string{"package ./old of base is package ./new of head", "package ./half is in base alone", "package ./alike is in head alone", "package ./quarter is in head alone"}, c.notes)
}

// Why a program failed is in the last lines that it wrote to standard error, unless it is a
// test binary that says more.
func TestFailure(t *testing.T) {
	status := errors.New("exit status 3")
	require.Equal(t, status, failure("", " \n", status))
	require.EqualError(t, failure("", "a\n\n b\nc\n\nd\n", status), "exit status 3: b; c; d")
	require.EqualError(t, failure("", "a\npanic: lost\nb\n", status), "panic: lost")
}

func TestGitReason(t *testing.T) {
	status := errors.New("exit status 128")
	for output, want := range map[string]string{
		"": "exit status 128", "fatal: b\n": "fatal: b", "error: a\nhint: x\nfatal: b\n": "error: a; fatal: b",
	} {
		require.EqualError(t, gitReason(output, status), want)
	}
}
