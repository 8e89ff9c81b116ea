package boundaries_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"boundaries/internal/linkonce"
	"boundaries/internal/race"
	"boundaries/internal/suite/all"
	"boundaries/internal/suite/suitetest"

	"github.com/stretchr/testify/require"
)

// Every variant of every workload has its file, its line in a table, and a doc
// that says what it costs and what progress it guarantees.
func TestEveryVariantHasFileLineAndDoc(t *testing.T) {
	names := map[string][]string{} // by folder
	for _, w := range all.Workloads() {
		for _, row := range w.Benches {
			names[w.Folder] = append(names[w.Folder], row.Name)
		}
	}
	for folder, names := range names {
		t.Run(folder, func(t *testing.T) { suitetest.Files(t, folder, names) })
	}
}

// A worker of a row gil that never looks at the eval breaker keeps the lock for its whole
// share: the answer is right, and the row lacks what it is about.
func TestEveryGILTicks(t *testing.T) {
	for _, w := range all.Workloads() {
		file := filepath.Join(w.Folder, "gil.go")
		tree, err := parser.ParseFile(token.NewFileSet(), inOverlay(t, file), nil, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		ticks := false
		ast.Inspect(tree, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			ticks = ticks || ok && selector.Sel.Name == "Tick"
			return true
		})
		require.True(t, ticks, file)
	}
}

// What the answer of a row does not show, its code does. What two processors write is on lines
// of its own, except in the row that shows what that costs. A worker uses the cell of its number,
// and a row no function of another. A lock or a count has as many parts as the docs say, and what
// a row gets from a pool goes back. A lock is held neither from step to step nor from a take to
// its drop, except the GIL, which each step may give away. Readers keep each other out only
// where the lock is a mutex.
func TestRowsMeasureWhatTheySay(t *testing.T) {
	alone := regexp.MustCompile(`^(Answer|Case|Step|Trial|Variant|request|unit|waits)$`) // types that no two processors write
	elements := regexp.MustCompile(`^(Worker|callsCell|callsShard|cell|readerLock|sequenced|shard|slot)$`)
	ofARow := regexp.MustCompile(`^(run|fib)[A-Z]`)
	padded := []string{"loop", "fib", "contention", "contention/config", "contention/counter"} // the others have their own tests
	for _, folder := range []string{"loop", "fib", "refcount", "contention", "contention/config", "contention/counter", "asyncio"} {
		for _, path := range files(t) {
			if filepath.Dir(path) != filepath.FromSlash(folder) || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, inOverlay(t, path), nil, 0)
			require.NoError(t, err)
			row := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".go"), "_", "")
			inArray, isLen, inRow := map[ast.Node]bool{}, map[ast.Node]bool{}, false
			ast.Inspect(tree, func(n ast.Node) bool {
				if n == nil {
					return true
				}
				at := set.Position(n.Pos())
				switch n := n.(type) {
				case *ast.TypeSpec:
					inArray[n.Type] = elements.MatchString(n.Name.Name)
					return !alone.MatchString(n.Name.Name)
				case *ast.ArrayType:
					inArray[n.Elt] = n.Len == nil
					isLen[n.Len] = row == "shardedlock"
				case *ast.ValueSpec:
					for _, value := range n.Values {
						isLen[value] = row == "shardedlock"
					}
				case *ast.CallExpr:
					if f, ok := n.Fun.(*ast.Ident); ok && inRow && (f.Name == "make" || f.Name == "newCells") {
						_, isChan := n.Args[0].(*ast.ChanType)
						isLen[n.Args[len(n.Args)-1]] = !isChan
					}
				case *ast.BasicLit:
					require.True(t, !isLen[n] || n.Value == "8" || n.Value == "64", "%v: a length of %s, want that of the workers or procs, or the 8 or 64 that the docs say", at, n.Value)
				case *ast.StructType:
					if len(n.Fields.List) == 0 || !slices.Contains(padded, folder) || row == "case" {
						break
					}
					first, last := n.Fields.List[0], n.Fields.List[len(n.Fields.List)-1]
					require.Equal(t, row != "falsesharing", mentions(last, "_") == 1, "%v: a pad at the end (see internal/cacheline) keeps what other processors write off this line", at)
					require.True(t, inArray[n] || mentions(first, "_") == 1, "%v: a pad at the beginning (see internal/cacheline) keeps what other processors write off this line", at)
				case *ast.Ident:
					if ofARow.MatchString(n.Name) && row != filepath.Base(folder) {
						require.Equal(t, row, strings.ToLower(n.Name[3:]), "%v: a function of another row, want one of %s", at, row)
					}
				case *ast.IfStmt:
					if n.Else != nil && mentions(n.Cond, "Update") == 1 && row != "globalmutex" && row != "shardedlock" {
						require.Zero(t, mentions(n.Else, "Lock"), "%v: readers keep each other out", at)
					}
				case *ast.FuncDecl:
					inRow = ofARow.MatchString(n.Name.Name)
					require.False(t, inRow && folder == "refcount" && mentions(n, "Lock") == 1, "%v: a lock that is held from a take to its drop, want one for each", at)
					require.False(t, inRow && mentions(n, "Get") != mentions(n, "Put"), "%v: what this gets from a pool does not go back", at)
				case *ast.IndexExpr:
					_, isNumber := n.Index.(*ast.BasicLit)
					require.False(t, inRow && isNumber && row != "serial" && mentions(n.X, "words") == 0, "%v: the same element for all workers, want that of the worker's number", at)
				case *ast.ForStmt:
					require.False(t, inRow && row == "gil" && mentions(n.Body, "Tick")+mentions(n.Body, "Acquire") == 0, "%v: steps that keep the GIL for as long as they like", at)
				case *ast.BlockStmt:
					held := 0
					for _, s := range n.List {
						switch s.(type) {
						case *ast.ForStmt, *ast.RangeStmt:
							require.False(t, inRow && held > 0, "%v: a lock that is held for all steps, want one for each", at)
						case *ast.ExprStmt:
							held += mentions(s, "Lock") + mentions(s, "RLock") - mentions(s, "Unlock") - mentions(s, "RUnlock")
						}
					}
				}
				return true
			})
		}
	}
}

// inOverlay returns the file that a mutant has in the place of this one, if any.
func inOverlay(t *testing.T, file string) string {
	path, err := filepath.Abs(file)
	require.NoError(t, err)
	return cmp.Or(suitetest.Mutant()[path], file)
}

// mentions returns how often a part of a program has that name.
func mentions(part ast.Node, name string) (times int) {
	ast.Inspect(part, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			times++
		}
		return true
	})
	return times
}

// Every package says what it is for, on one page.
func TestEveryPackageHasADoc(t *testing.T) {
	docs := map[string]string{} // by folder
	for _, file := range files(t) {
		if filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		docs[filepath.Dir(file)] += tree.Doc.Text()
	}
	for folder, doc := range docs {
		if len(doc) < 60 {
			t.Errorf("%s: no package doc", folder)
		}
		text := (&comment.Printer{TextWidth: 80}).Text(new(comment.Parser).Parse(doc))
		if lines := bytes.Count(text, []byte("\n")); lines > 70 {
			t.Errorf("%s: the package doc has %d lines, want at most 70: one page", folder, lines)
		}
	}
}

// The commands and the recipe of the pages work in a copy of the tree. There is one copy,
// because the go command compiles everything again in another folder.
func TestInACopy(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a copy of the tree")
	}
	if race.Enabled {
		t.Skip("what it runs is built without the race detector")
	}
	// The code is checked and optimized elsewhere. Here compiling it is most of the time, and
	// this halves it.
	env := append(os.Environ(), "GOGC=400", "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -vet=off '-ldflags=-s -w' '-gcflags=boundaries/...=-N -l -dwarf=false'"))
	t.Parallel() // one processor is often idle in TestCPUListIsHonored
	copied := copyTree(t)
	t.Run("documented commands", func(t *testing.T) { testDocumentedCommands(t, copied, env) })
	t.Run("add a variant", func(t *testing.T) { testAddAVariant(t, copied, env) })
}

// testAddAVariant follows README's recipe. A file without its line in the table fails in
// the package's own directory. With the line, the tests and the benchmarks have the variant.
func testAddAVariant(t *testing.T, copied string, env []string) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command to build a copy of the tree with")
	}
	goIn := func(folder string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), goCommand, args...)
		cmd.Dir, cmd.Env = filepath.Join(copied, folder), env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	mutex, err := os.ReadFile("loop/global_mutex.go")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(copied, "loop", "my_idea.go"), strings.ReplaceAll(string(mutex), "runGlobalMutex", "runMyIdea"))

	out, err := goIn("loop", "test", ".")
	if want := `my_idea.go has runMyIdea, but no variant in the table is named my-idea`; err == nil || !strings.Contains(out, want) {
		t.Fatalf("without its line: %v, want %q in\n%s", err, want, out)
	}
	table, err := os.ReadFile("loop/loop.go")
	if err != nil {
		t.Fatal(err)
	}
	line := "\t{Name: \"private\", Run: runPrivate},\n"
	if strings.Count(string(table), line) != 1 {
		t.Fatalf("loop/loop.go does not have the line %q", line)
	}
	write(t, filepath.Join(copied, "loop", "loop.go"),
		strings.ReplaceAll(string(table), line, line+"\t{Name: \"my-idea\", Run: runMyIdea},\n"))
	if out, err := goIn("loop", "test", "."); err != nil {
		t.Errorf("with its line: %v\n%s", err, out)
	}
	if out, err := goIn(".", "test", "-bench", "Loop/sync=my-idea", "-benchtime", "1x", "-cpu", "1", "."); err != nil || !strings.Contains(out, "BenchmarkLoop/sync=my-idea") {
		t.Errorf("with its line there is no row: %v\n%s", err, out)
	}
}

// testDocumentedCommands runs every command that a page shows, in the order of the page
// and without standard input.
func testDocumentedCommands(t *testing.T, copied string, env []string) {
	for _, program := range []string{"bash", "make", "git", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the pages show commands for a Unix shell: ", err)
		}
	}
	// The go command of the copy runs the tools of this tree, which are built already.
	shim := "#!/bin/sh\ncase \"$1 $2\" in\n"
	for _, tool := range []string{"boundaries", "benchstat"} {
		path, err := exec.Command("go", "tool", "-n", tool).Output()
		if err != nil {
			t.Fatalf("building the tool %s: %v", tool, err)
		}
		shim += fmt.Sprintf("\"tool %s\") shift 2 && exec %q \"$@\" ;;\n", tool, strings.TrimSpace(string(path)))
	}
	bin := t.TempDir()
	write(t, filepath.Join(bin, "go"), shim+"esac\nPATH=${PATH#*:} exec go \"$@\"\n")
	if err := os.Chmod(filepath.Join(bin, "go"), 0o700); err != nil {
		t.Fatal(err)
	}
	defer linkonce.Remove()
	env = append(env, "PATH="+bin+string(os.PathListSeparator)+linkonce.Path())
	shell := func(command string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "bash", "-o", "pipefail", "-c", command)
		cmd.Dir, cmd.Env = copied, env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := shell("git init -q . && git add . && git -c user.name=a -c user.email=a@example.com commit -qm x && git branch -f main"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	used := map[string]bool{}
	for _, page := range files(t) {
		if filepath.Ext(page) != ".md" && page != "doc.go" {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, shown := range commands(string(text)) {
			short, ok := shortened[shown]
			if !ok {
				t.Errorf("%s shows a command that this test does not know: %s", page, shown)
				continue
			}
			if used[shown] {
				continue
			}
			used[shown] = true
			if short == "" {
				continue
			}
			if out, err := shell(short); err != nil {
				t.Errorf("%s shows %s\nrun as %s\n%v\n%s", page, shown, short, err, out)
			}
		}
	}
	for shown := range shortened {
		if !used[shown] {
			t.Errorf("no page shows %s", shown)
		}
	}
}

// commands returns the commands of a page, without the remarks after them: lines
// that are set as code and begin with a program.
func commands(text string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`(?m)^(?:    |//\t|\t)((?:[A-Z_]+=\S+ )?(?:go|make|sh|boundaries) .*)$`).FindAllStringSubmatch(text, -1) {
		command, _, _ := strings.Cut(match[1], " #")
		all = append(all, strings.TrimSpace(command))
	}
	return all
}

// shortened maps every command that a page shows to one that does less, which the test
// runs. The test does not run the command if that is "", and the comment says why.
var shortened = map[string]string{
	`go test -bench . -cpu 1,2,4,8 | tee bench.txt`: `go test -bench 'Loop/|Fib' -cpu 1,2 -benchtime 1x | tee bench.txt`,
	`go test ./...`: "", // this test is part of it
	`go test -bench 'Loop$|Refcount' -cpu 1,2 | tee bench.txt`:                                                     "", // as the first
	`go test -bench 'Loop$|Refcount' '-cpu=1,2' | Out-File -Encoding ascii bench.txt`:                              "", // of PowerShell
	`go tool boundaries table bench.txt`:                                                                           `go tool boundaries table bench.txt`,
	`go tool boundaries report -o page.html -svg charts docs/results/epyc-2-go.txt docs/results/epyc-2-python.txt`: `go tool boundaries report -o page.html -svg charts docs/results/epyc-2-go.txt docs/results/epyc-2-python.txt`,
	`go tool boundaries report -o report.html bench.txt`:                                                           `go tool boundaries report -o report.html bench.txt`,
	`go tool boundaries run -o rounds.txt -bench 'Loop$|Refcount' -rounds 10`:                                      `go tool boundaries run -o rounds.txt -bench 'Loop$/sync=private' -benchtime 1x -rounds 1`,
	`go test -race -timeout 60s ./loop`:                                                                            "", // needs a C compiler; .ci/run tests all packages so
	`make peers`:                                                                                                   "", // of another module; .ci/run runs its benchmarks
	`go test -bench . -cpu 1,2 -count 6 ./contention -args -hold 300ns -read 95 | tee mine.txt`:                    `go test -bench . -cpu 1,2 -benchtime 1x ./contention -args -hold 300ns -read 95 | tee mine.txt`,
	`go tool boundaries map mine.txt`:                                                                              `go tool boundaries map mine.txt`,
	`go tool boundaries scaling rounds.txt`:                                                                        `go tool boundaries scaling rounds.txt`,
	`make graphs CPU=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17`:                                                    `make graphs CPU=1,2 ARGS='-benchtime 1x -rounds 1'`,
	`make claims`: "", // measures for minutes; package claims tests it
	`make python PYTHONS="python3 python3.14t" > python.txt`: "", // package python tests it
	`go tool boundaries claims claims.txt python.txt`:        `go tool boundaries claims docs/results/epyc-2-go.txt docs/results/epyc-2-python.txt`,
	`make race-demo`: "", // package races tests it
	`BOUNDARIES_REDIS=localhost:6379 go test -bench AsyncIO`:      "",                                                                                                       // .ci/run starts a Redis
	`make compare BASE=main`:                                      `make compare BASE=main BENCH=Nothing ARGS='-pkg ./python -equal -benchtime 1x -rounds 1 -relink=false'`, // a small package
	`make compare BASE=HEAD BENCH=Refcount`:                       `make -n compare BASE=HEAD BENCH=Refcount`,                                                               // as above
	`go install ./cmd/boundaries`:                                 "",                                                                                                       // would leave a program behind
	`make python PYTHONS="python3 python3.14t" | tee python.txt`:  "",                                                                                                       // package python tests it
	`go tool boundaries claims bench.txt python.txt`:              "",                                                                                                       // as above
	`go tool boundaries claims C12 bench.txt`:                     `go tool boundaries claims C12 docs/results/epyc-2-go.txt`,
	`go test -race -v ./internal/explore -subject deque`:          "", // needs a C compiler; the package's tests run every subject
	`go test ./internal/claims -run TestResults`:                  "", // part of the tests
	`go test ./internal/claims -run TestPages -update`:            `go test ./internal/claims -run TestPages -update`,
	`go tool boundaries run -o bench.txt -rounds 10 -cpu 1,2,4,8`: "", // takes most of an hour
	`make python`: "", // package python tests it
	`make python PYTHONS="python3.9 python3.13 python3.14t" | tee python.txt`:                                                                        "", // package python tests it
	`go tool benchstat -table .name -row '/share,/task,/load,/payload,/latency,/start,/system,/without,/sync' -col /gomaxprocs bench.txt python.txt`: `go tool benchstat -table .name -row /sync -col /gomaxprocs bench.txt`,
}

// copyTree returns a copy of the tree's files.
func copyTree(t *testing.T) string {
	t.Helper()
	copied := t.TempDir()
	for _, file := range files(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(copied, file), string(text))
	}
	return copied
}

// files returns the path of every file of this module, but those whose name or
// whose folder's name begins with a dot.
func files(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == ".":
		case strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case d.IsDir():
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return fs.SkipDir // another module
			}
		case d.Type().IsRegular() && !strings.HasPrefix(d.Name(), "."):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
