package boundaries_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// packagesOfVariants are the packages whose variants have a file, a line in the
// table, and a doc.
//
// A package may have a second table, for a second benchmark: the names of its
// files then begin with the table's.
var packagesOfVariants = []struct{ dir, table, prefix string }{
	{"loop", "Variants", ""},
	{"fib", "Variants", ""},
	{"refcount", "Variants", ""},
	{"workerpool", "Variants", ""},
	{"forkjoin", "Variants", ""},
	{"asyncio", "Variants", ""},
	{"asyncio/await", "Variants", ""},
	{"asyncio/respond", "Variants", ""},
	{"systems", "Systems", ""},
}

// Every variant has its line in the table, its file, named by its sync= value,
// and its doc, which says what it pays and what progress it guarantees.
func TestEveryVariantHasFileLineAndDoc(t *testing.T) {
	price := regexp.MustCompile(`\bpays?\b`)
	progress := regexp.MustCompile(`(?i)\b(wait-free|lock-free|blocking)\b`)
	found := map[string]bool{}    // the functions that have a line in a table
	runs := map[string][]string{} // the functions of each file that run a variant
	for _, p := range packagesOfVariants {
		dir := p.dir
		files := parse(t, dir)
		docs := map[string]string{} // of each file's declarations
		var table *ast.CompositeLit
		for file, tree := range files {
			for _, decl := range tree.Decls {
				switch decl := decl.(type) {
				case *ast.FuncDecl:
					docs[file] += " " + decl.Doc.Text()
					if decl.Recv == nil && strings.HasPrefix(decl.Name.Name, "run") {
						runs[file] = append(runs[file], decl.Name.Name)
					}
				case *ast.GenDecl:
					docs[file] += " " + decl.Doc.Text()
					if spec, ok := decl.Specs[0].(*ast.ValueSpec); ok && spec.Names[0].Name == p.table {
						table = spec.Values[0].(*ast.CompositeLit)
					}
				}
			}
		}
		if table == nil {
			t.Errorf("%s: no table of %s", dir, p.table)
			continue
		}
		for _, line := range table.Elts {
			line := line.(*ast.CompositeLit).Elts
			name, _ := strconv.Unquote(line[0].(*ast.BasicLit).Value)
			run := line[len(line)-1].(*ast.Ident).Name
			// What a variant lacks, as in nogil/without=immortal, has no file.
			whole, _, _ := strings.Cut(name, "/")
			file := filepath.Join(dir, p.prefix+strings.ReplaceAll(whole, "-", "_")+".go")
			if !slices.Contains(runs[file], run) {
				t.Errorf("variant %s of %s is not in %s: want %s, found %q", name, dir, file, run, runs[file])
			}
			found[run+" of "+file] = true
			if !price.MatchString(docs[file]) || !progress.MatchString(docs[file]) {
				t.Errorf("%s: no doc says what the variant pays and whether it is wait-free, lock-free or blocking", file)
			}
		}
	}
	for file, all := range runs {
		for _, run := range all {
			if !found[run+" of "+file] {
				t.Errorf("%s: %s has no line in a table", file, run)
			}
		}
	}
}

// Every package says what it is for.
func TestEveryPackageHasADoc(t *testing.T) {
	err := filepath.WalkDir(".", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if dir != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		trees := parse(t, dir)
		doc := ""
		for _, tree := range trees {
			doc += tree.Doc.Text()
		}
		if len(trees) > 0 && len(doc) < 60 {
			t.Errorf("%s: no package doc", dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Nothing in this binary makes it load the C library, where there is one, before it
// begins: see internal/sock for what that costs every child.
func TestNoCLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the go command")
	}
	cmd := exec.Command("go", "list", "-deps", "-test", ".")
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		t.Skip("asking the go command: ", err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		switch path {
		case "net", "os/user", "runtime/cgo":
			t.Errorf("%s is linked into the binary that children start from", path)
		}
	}
}

// parse returns the files of a package without its tests, by path.
func parse(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	trees := map[string]*ast.File{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		trees[file] = tree
	}
	return trees
}
