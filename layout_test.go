package boundaries_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"boundaries/internal/suite/all"
	"boundaries/internal/suite/suitetest"
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

// Every package says what it is for.
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
	}
}

// README's recipe: a file without its line in the table fails in the package's
// own directory; with the line, the tests and the benchmarks have the variant.
func TestAddAVariant(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a copy of the tree")
	}
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command to build a copy of the tree with")
	}
	copied := t.TempDir()
	for _, file := range files(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(copied, file), string(text))
	}
	goIn := func(folder string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), goCommand, args...)
		cmd.Dir = filepath.Join(copied, folder)
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
