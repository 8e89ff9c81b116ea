package boundaries_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"boundaries/asyncio"
	"boundaries/fib"
	"boundaries/forkjoin"
	"boundaries/loop"
	"boundaries/procs"
	"boundaries/refcount"
	"boundaries/workerpool"
)

// A protection is what a racy variant has lost.
type protection struct {
	dir, racy, safe string // the package, and its files

	// decls are the declarations of the racy file and those of the other, and
	// in which words they may differ.
	decls, words map[string]string
}

// protections are those of the workloads, by name.
var protections = map[string]protection{
	"loop": {"loop", "racy.go", "global_mutex.go", map[string]string{"Racy": "runGlobalMutex"}, nil},
	"refcount": {"refcount", "racy.go", "gil.go",
		map[string]string{"racyHeap": "gilHeap", "NewRacy": "newGIL", "racyHeap.Handle": "gilHeap.Handle", "Racy": "runGIL"},
		map[string]string{"noLock{}": "thread"}},
	"workerpool": {"workerpool", "racy.go", "global_mutex.go",
		map[string]string{"racyQueue": "mutexQueue", "racyQueue.put": "mutexQueue.put", "racyQueue.take": "mutexQueue.take", "racyQueue.len": "mutexQueue.len"}, nil},
	"asyncio": {"asyncio", "racy.go", "global_mutex.go", map[string]string{"Racy": "runGlobalMutex"}, nil},
	"procs":   {"procs", "racy.go", "racy.go", map[string]string{"serveRacy": "serveSumMutex"}, nil},
}

// lost returns the lines of the safe file that the racy one does not have, and
// those of the racy one that the safe one does not have.
func (p protection) lost(t *testing.T) (lost, added []string) {
	t.Helper()
	racy, safe := declarations(t, filepath.Join(p.dir, p.racy)), declarations(t, filepath.Join(p.dir, p.safe))
	for from, to := range p.decls {
		if racy[from] == "" || safe[to] == "" {
			t.Fatalf("%s: no %s in %s, or no %s in %s", p.dir, from, p.racy, to, p.safe)
		}
	}
	for _, from := range slices.Sorted(maps.Keys(p.decls)) {
		text := racy[from]
		for from, to := range p.decls {
			from, to = from[strings.Index(from, ".")+1:], to[strings.Index(to, ".")+1:]
			text = regexp.MustCompile(`\b`+from+`\b`).ReplaceAllString(text, to)
		}
		for from, to := range p.words {
			text = strings.ReplaceAll(text, from, to)
		}
		rest := strings.Split(safe[p.decls[from]], "\n")
		for line := range strings.SplitSeq(text, "\n") {
			i := slices.Index(rest, line)
			if i < 0 {
				added = append(added, line)
				continue
			}
			lost, rest = append(lost, rest[:i]...), rest[i+1:]
		}
		lost = append(lost, rest...)
	}
	return lost, added
}

// declarations returns what a file declares, by name and without comments, each
// line with single spaces.
func declarations(t *testing.T, file string) map[string]string {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, decl := range tree.Decls {
		name := ""
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name = decl.Name.Name
			if decl.Recv != nil {
				of := decl.Recv.List[0].Type
				if star, ok := of.(*ast.StarExpr); ok {
					of = star.X
				}
				name = of.(*ast.Ident).Name + "." + name
				decl.Recv.List[0].Names = nil // what it is called is no difference
			}
		case *ast.GenDecl:
			if spec, ok := decl.Specs[0].(*ast.TypeSpec); ok {
				name = spec.Name.Name
			}
		}
		var text bytes.Buffer
		if err := printer.Fprint(&text, set, decl); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(text.String()) {
			if line = strings.Join(strings.Fields(line), " "); line != "" {
				lines = append(lines, line)
			}
		}
		texts[name] = strings.Join(lines, "\n")
	}
	return texts
}

// A racy variant is a safe one without its protection, and nothing else: nothing
// is added, and each line that is gone is about a lock.
func TestRacyIsItsSiblingUnprotected(t *testing.T) {
	about := regexp.MustCompile(`(?i)lock|mutex|gil\.`)
	for _, w := range raceWorkloads() {
		p, ok := protections[w.name]
		if !ok {
			t.Errorf("%s: which file is its racy.go to be compared with?", w.name)
			continue
		}
		lost, added := p.lost(t)
		for _, line := range added {
			t.Errorf("%s/%s has a line that %s has not: %s", p.dir, p.racy, p.safe, line)
		}
		for _, line := range lost {
			if !about.MatchString(line) {
				t.Errorf("%s/%s has lost a line of %s that is no protection: %s", p.dir, p.racy, p.safe, line)
			}
		}
		if len(lost) == 0 || len(lost) > 7 {
			t.Errorf("%s/%s has lost %d lines of %s: %q", p.dir, p.racy, len(lost), p.safe, lost)
		}
	}
}

// What races is in no table of benchmarks, and its doc says what it loses.
func TestRacyIsInNoTable(t *testing.T) {
	var names []string
	for _, v := range loop.Variants {
		names = append(names, v.Name)
	}
	for _, v := range fib.Variants {
		names = append(names, v.Name)
	}
	for _, v := range refcount.Variants {
		names = append(names, v.Name)
	}
	for _, v := range workerpool.Variants {
		names = append(names, v.Name)
	}
	for _, v := range forkjoin.Variants {
		names = append(names, v.Name)
	}
	for _, v := range asyncio.Variants {
		names = append(names, v.Name)
	}
	for _, v := range slices.Concat(procs.Variants, procs.FibVariants, procs.SpawnVariants) {
		names = append(names, v.Name)
	}
	if slices.Contains(names, "racy") || len(names) < 30 {
		t.Errorf("the tables have %q", names)
	}
	for _, w := range raceWorkloads() {
		file := filepath.Join(protections[w.name].dir, protections[w.name].racy)
		docs := ""
		for path, tree := range parse(t, protections[w.name].dir) {
			for _, decl := range tree.Decls {
				switch decl := decl.(type) {
				case *ast.FuncDecl:
					if path == file {
						docs += decl.Doc.Text()
					}
				case *ast.GenDecl:
					if path == file {
						docs += decl.Doc.Text()
					}
				}
			}
		}
		docs = strings.Join(strings.Fields(docs), " ")
		for _, words := range []string{" without the ", "and nothing else", "only in child processes that tests start"} {
			if !strings.Contains(docs, words) {
				t.Errorf("%s: no doc says %q", file, words)
			}
		}
		if !regexp.MustCompile(`\b(loses|drops)\b`).MatchString(docs) {
			t.Errorf("%s: no doc says what it loses", file)
		}
	}
}
