package races

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/all"
)

// A sibling pairs a racy variant with the safe variant from which it is made by
// taking the protection away.
type sibling struct {
	racy, safe string // files, from the root

	// decls are pairs of declarations, of the racy file and of the safe one, in the
	// order of the latter. Words are pairs of expressions that may differ in them.
	decls, words [][2]string
}

// siblings returns those of all cases.
func siblings() (all []sibling) {
	for _, c := range cases() {
		if c.demo != nil {
			all = append(all, c.demo.sibling)
		}
	}
	return all
}

// String says what is compared with what.
func (s sibling) String() string {
	if s.racy == s.safe {
		return fmt.Sprintf("%s of %s, which is %s without", s.decls[0][0], s.racy, s.decls[0][1])
	}
	return fmt.Sprintf("%s, which is %s without", s.racy, path.Base(s.safe))
}

// diff returns the lines that only the safe variant has, and those that only the
// racy one has.
func (s sibling) diff(tb testing.TB) (lost, added []string) {
	tb.Helper()
	racy, safe := declarations(tb, s.racy), declarations(tb, s.safe)
	for _, decl := range s.decls {
		text, rest := racy[decl[0]], strings.Split(safe[decl[1]], "\n")
		require.NotEmpty(tb, text, "no %s in %s", decl[0], s.racy)
		require.Greater(tb, len(rest), 1, "no %s in %s", decl[1], s.safe)
		for _, decl := range s.decls {
			from, to := decl[0][strings.Index(decl[0], ".")+1:], decl[1][strings.Index(decl[1], ".")+1:]
			text = regexp.MustCompile(`\b`+from+`\b`).ReplaceAllString(text, to)
		}
		for _, word := range s.words {
			text = strings.ReplaceAll(text, word[0], word[1])
		}
		for line := range strings.SplitSeq(text, "\n") {
			if i := slices.Index(rest, line); i < 0 {
				added = append(added, line)
			} else {
				lost, rest = append(lost, rest[:i]...), rest[i+1:]
			}
		}
		lost = append(lost, rest...)
	}
	return lost, added
}

// parse returns a file of this module.
func parse(tb testing.TB, file string, mode parser.Mode) (*token.FileSet, *ast.File) {
	tb.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, filepath.Join(root, file), nil, mode)
	require.NoError(tb, err)
	return set, tree
}

// declarations returns the functions and types of a file, by name and without
// comments, each line with single spaces.
func declarations(tb testing.TB, file string) map[string]string {
	tb.Helper()
	set, tree := parse(tb, file, parser.SkipObjectResolution)
	texts := map[string]string{}
	for _, decl := range tree.Decls {
		name := ""
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name = decl.Name.Name
			if decl.Recv != nil {
				name = strings.TrimPrefix(types.ExprString(decl.Recv.List[0].Type), "*") + "." + name
			}
		case *ast.GenDecl:
			if spec, ok := decl.Specs[0].(*ast.TypeSpec); ok {
				name = spec.Name.Name
			}
		}
		var code strings.Builder
		require.NoError(tb, printer.Fprint(&code, set, decl))
		var lines []string
		for line := range strings.Lines(code.String()) {
			if line = strings.Join(strings.Fields(line), " "); line != "" {
				lines = append(lines, line)
			}
		}
		texts[name] = strings.Join(lines, "\n")
	}
	return texts
}

// A racy variant is a safe one without its protection: no line is added, and each
// line that is gone is about a lock.
func TestRacyIsItsSiblingUnprotected(t *testing.T) {
	about := regexp.MustCompile(`(?i)lock|mutex|gil\.`)
	for _, s := range siblings() {
		lost, added := s.diff(t)
		if len(added) > 0 {
			t.Errorf("%s has lines that %s does not have: %q", s.racy, s.safe, added)
		}
		for _, line := range lost {
			if !about.MatchString(line) {
				t.Errorf("%s lacks a line of %s that is no protection: %s", s.racy, s.safe, line)
			}
		}
		if len(lost) < 2 || len(lost) > 7 {
			t.Errorf("%s lacks %d lines of %s, want 2 to 7: %q", s.racy, len(lost), s.safe, lost)
		}
	}
}

// The docs of a racy variant say what it is, what it loses, and where it runs.
func TestRacyIsDocumented(t *testing.T) {
	for _, s := range siblings() {
		docs := ""
		_, tree := parse(t, s.racy, parser.ParseComments)
		for _, comment := range tree.Comments {
			docs += strings.ReplaceAll(comment.Text(), "\n", " ")
		}
		for _, words := range []string{`\bwithout the\b`, `\b(loses|drops)\b`, `\bchild process`} {
			if !regexp.MustCompile(words).MatchString(docs) {
				t.Errorf("%s: no doc says %s", s.racy, words)
			}
		}
	}
}

// No workload of the suite has a racy row.
func TestRacyIsInNoTable(t *testing.T) {
	rows := 0
	for _, w := range all.Workloads() {
		for _, b := range w.Benches {
			rows++
			if strings.Contains(b.Name, "racy") {
				t.Errorf("%s has a row %s", w.Name, b.Name)
			}
		}
	}
	require.Greater(t, rows, 100)
}

// The binary of the main command does not link this package.
func TestMainCommandDoesNotLinkThis(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the go command")
	}
	out, err := exec.Command("go", "list", "-deps", "-test", "boundaries").Output()
	if err != nil {
		t.Skip("asking the go command: ", err)
	}
	packages := strings.Fields(string(out))
	require.True(t, slices.Contains(packages, "boundaries/loop"))
	require.False(t, slices.Contains(packages, "boundaries/races"), "boundaries.test imports boundaries/races")
}
