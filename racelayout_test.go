package boundaries_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"boundaries/asyncio"
	"boundaries/fib"
	"boundaries/loop"
	"boundaries/procs"
	"boundaries/refcount"
	"boundaries/workerpool"
	"boundaries/workerpool/forkjoin"
)

// A protection is what a racy variant has lost.
type protection struct {
	racy, safe string // files

	// decls are the declarations of the racy file and those of the other, in the
	// other's order, and words in what else they may differ.
	decls, words [][2]string
}

// protectionOf returns that of a workload. The racy file is named racy.go.
func protectionOf(t *testing.T, workload string) protection {
	t.Helper()
	p := protection{racy: workload + "/racy.go", safe: workload + "/global_mutex.go"}
	switch workload {
	case "loop", "asyncio":
		p.decls = [][2]string{{"Racy", "runGlobalMutex"}}
	case "refcount":
		p.safe = "refcount/gil.go"
		p.decls = [][2]string{{"racyHeap", "gilHeap"}, {"NewRacy", "newGIL"}, {"racyHeap.Handle", "gilHeap.Handle"}, {"Racy", "runGIL"}}
		p.words = [][2]string{{"noLock{}", "thread"}}
	case "workerpool":
		p.decls = [][2]string{{"racyQueue", "mutexQueue"},
			{"racyQueue.put", "mutexQueue.put"}, {"racyQueue.take", "mutexQueue.take"}, {"racyQueue.len", "mutexQueue.len"}}
	case "procs":
		p.safe = p.racy
		p.decls = [][2]string{{"serveRacy", "serveSumMutex"}}
	default:
		t.Fatalf("which file is %s to be compared with?", p.racy)
	}
	return p
}

// String says what is compared with what.
func (p protection) String() string {
	if p.racy == p.safe {
		return fmt.Sprintf("%s of %s, which is %s without", p.decls[0][0], p.racy, p.decls[0][1])
	}
	return fmt.Sprintf("%s, which is %s without", p.racy, filepath.Base(p.safe))
}

// lost returns the lines of the safe file that the racy one does not have, and
// those of the racy one that the safe one does not have.
func (p protection) lost(t *testing.T) (lost, added []string) {
	t.Helper()
	racy, safe := declarations(t, p.racy), declarations(t, p.safe)
	for _, decl := range p.decls {
		text, rest := racy[decl[0]], strings.Split(safe[decl[1]], "\n")
		if text == "" || len(rest) < 2 {
			t.Fatalf("no %s in %s, or no %s in %s", decl[0], p.racy, decl[1], p.safe)
		}
		for _, decl := range p.decls {
			from, to := decl[0][strings.Index(decl[0], ".")+1:], decl[1][strings.Index(decl[1], ".")+1:]
			text = regexp.MustCompile(`\b`+from+`\b`).ReplaceAllString(text, to)
		}
		for _, word := range p.words {
			text = strings.ReplaceAll(text, word[0], word[1])
		}
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
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	start := set.File(tree.FileStart).Base()
	for _, group := range tree.Comments {
		for i := int(group.Pos()) - start; i < int(group.End())-start; i++ {
			if source[i] != '\n' {
				source[i] = ' '
			}
		}
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
			}
		case *ast.GenDecl:
			if spec, ok := decl.Specs[0].(*ast.TypeSpec); ok {
				name = spec.Name.Name
			}
		}
		var lines []string
		for line := range strings.Lines(string(source[int(decl.Pos())-start : int(decl.End())-start])) {
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
		p := protectionOf(t, w.name)
		lost, added := p.lost(t)
		for _, line := range added {
			t.Errorf("%s has a line that %s has not: %s", p.racy, p.safe, line)
		}
		for _, line := range lost {
			if !about.MatchString(line) {
				t.Errorf("%s has lost a line of %s that is no protection: %s", p.racy, p.safe, line)
			}
		}
		if len(lost) < 2 || len(lost) > 7 {
			t.Errorf("%s has lost %d lines of %s: %q", p.racy, len(lost), p.safe, lost)
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
	for _, v := range procs.Variants {
		names = append(names, v.Name)
	}
	if slices.Contains(names, "racy") || len(names) < 30 {
		t.Errorf("the tables have %q", names)
	}
	for _, w := range raceWorkloads() {
		file := protectionOf(t, w.name).racy
		docs := ""
		for _, decl := range parse(t, w.name)[filepath.FromSlash(file)].Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				docs += decl.Doc.Text() + " "
			case *ast.GenDecl:
				docs += decl.Doc.Text() + " "
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
