package explore_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"boundaries/internal/suite/suitetest"
)

// A subject is a package, or some files of one, that is explored.
type subject struct {
	title   string   // in docs/proof.md
	name    string   // of testdata/name.go, which has the programs, and declarations in place of the files left out
	folder  string   // in this module
	files   []string // nil is all files but tests
	shrinks []edit   // make the subject small enough to explore
	broken  []broken
}

// A broken is a subject with a mistake, which some order of the named program shows.
type broken struct {
	name    string
	program string
	edits   []edit
}

// An edit replaces a text, which must be in the file exactly once.
type edit struct{ file, old, new string }

// hooks maps an import path to that of the package that replaces it.
var hooks = map[string]string{
	"sync":        "boundaries/internal/explore/hook/sync",
	"sync/atomic": "boundaries/internal/explore/hook/atomic",
	"runtime":     "boundaries/internal/explore/hook/runtime",
	"time":        "boundaries/internal/explore/hook/time",
}

// An overlay has the files that go build -overlay puts into the tree.
type overlay struct {
	root    string // of the module
	folder  string // for the files
	Replace map[string]string
}

// add puts a file into the tree, at a path in the module.
func (o *overlay) add(path string, text []byte) error {
	file := filepath.Join(o.folder, fmt.Sprintf("%d.go", len(o.Replace)))
	o.Replace[filepath.Join(o.root, path)] = file
	return os.WriteFile(file, text, 0o600)
}

// mutant has the file that internal/mutants breaks while it runs this test.
var mutant = suitetest.Mutant()

// copy puts a copy of a subject, with hooks and edits, into the tree, and returns its
// import path. The copy is beside the original, so that it may import what that may.
func (o *overlay) copy(s subject, suffix string, edits []edit) (path string, err error) {
	files := s.files
	if files == nil {
		all, err := filepath.Glob(filepath.Join(o.root, s.folder, "*.go"))
		if err != nil {
			return "", err
		}
		for _, file := range all {
			if !strings.HasSuffix(file, "_test.go") {
				files = append(files, filepath.Base(file))
			}
		}
	}
	texts := map[string][]byte{}
	for _, file := range files {
		path := filepath.Join(o.root, s.folder, file)
		if changed, ok := mutant[path]; ok {
			path = changed
		}
		if texts[file], err = os.ReadFile(path); err != nil {
			return "", err
		}
	}
	if texts["explored.go"], err = os.ReadFile(filepath.Join("testdata", s.name+".go")); err != nil {
		return "", err
	}
	for _, e := range slices.Concat(s.shrinks, edits) {
		if n := bytes.Count(texts[e.file], []byte(e.old)); n != 1 {
			return "", fmt.Errorf("%s: %s has %q %d times, want once: the code has changed, so the edit must", s.name, e.file, e.old, n)
		}
		texts[e.file] = bytes.Replace(texts[e.file], []byte(e.old), []byte(e.new), 1)
	}
	folder := s.folder + "__" + s.name + suffix
	for file, text := range texts {
		hooked, err := hook(file, text)
		if err != nil {
			return "", err
		}
		if err := o.add(filepath.Join(folder, file), hooked); err != nil {
			return "", err
		}
	}
	return "boundaries/" + folder, nil
}

// write writes the list of files and returns its path.
func (o *overlay) write() (string, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	list := filepath.Join(o.folder, "overlay.json")
	return list, os.WriteFile(list, text, 0o600)
}

// hook returns a source file in which the hooks replace the packages that they stand for,
// and calls replace the operations on channels. Lines keep their numbers.
func hook(name string, text []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	type change struct {
		from, to int
		text     string
	}
	var changes []change
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	replace := func(from, to token.Pos, text string) { changes = append(changes, change{at(from), at(to), text}) }
	source := func(n ast.Node) string { return string(text[at(n.Pos()):at(n.End())]) }
	channels := false
	call := func(function string, args ...string) string {
		channels = true
		return "channel." + function + "(" + strings.Join(args, ", ") + ")"
	}
	two := map[ast.Expr]bool{} // receives of two values
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) == 2 && len(n.Rhs) == 1 {
				two[n.Rhs[0]] = true
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				function := "Receive"
				if two[n] {
					function = "Receive2"
				}
				replace(n.Pos(), n.End(), call(function, source(n.X)))
			}
		case *ast.SendStmt:
			replace(n.Pos(), n.End(), call("Send", source(n.Chan), source(n.Value)))
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "close" {
				replace(f.Pos(), f.End(), "channel.Close")
				channels = true
			}
		case *ast.SelectStmt:
			cases, other := []string{}, "false"
			for _, clause := range n.Body.List {
				comm := clause.(*ast.CommClause)
				switch c := comm.Comm.(type) {
				case nil:
					other = "true"
					continue
				case *ast.SendStmt:
					cases = append(cases, call("ToSend", source(c.Chan), source(c.Value)))
				case *ast.ExprStmt:
					cases = append(cases, call("ToReceive", source(c.X.(*ast.UnaryExpr).X)))
				default:
					err = fmt.Errorf("%s: a select with %T has no hook", fset.Position(c.Pos()), c)
					return false
				}
				replace(comm.Comm.Pos(), comm.Comm.End(), strconv.Itoa(len(cases)-1))
			}
			replace(n.Pos(), n.Body.Lbrace, "switch "+call("Select", append([]string{other}, cases...)...)+" ")
			for _, clause := range n.Body.List { // and not what has been replaced
				for _, s := range clause.(*ast.CommClause).Body {
					ast.Inspect(s, func(n ast.Node) bool {
						u, _ := n.(*ast.UnaryExpr)
						switch n.(type) {
						case *ast.SelectStmt, *ast.SendStmt:
							u = &ast.UnaryExpr{Op: token.ARROW}
						}
						if u != nil && u.Op == token.ARROW {
							err = fmt.Errorf("%s: a channel in the body of a select has no hook", fset.Position(n.Pos()))
						}
						return true
					})
				}
			}
			return false
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for i, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		text := spec.Path.Value
		if hooks[path] != "" {
			text = strconv.Quote(hooks[path])
		}
		if i == 0 && channels {
			text += `; "boundaries/internal/explore/hook/channel"`
		}
		replace(spec.Path.Pos(), spec.Path.End(), text)
	}
	slices.SortFunc(changes, func(a, b change) int { return b.from - a.from })
	for _, c := range changes {
		text = slices.Concat(text[:c.from], []byte(c.text), text[c.to:])
	}
	return text, nil
}
