package races

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
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

// A sibling is the safe variant that a racy one is made from by taking its
// protection away.
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

// parse returns the text of a file of this module without its comments, the
// comments of its declarations, and its tree.
func parse(tb testing.TB, file string) (code []byte, docs string, tree *ast.File) {
	tb.Helper()
	file = filepath.Join(root, file)
	code, err := os.ReadFile(file)
	require.NoError(tb, err)
	set := token.NewFileSet()
	tree, err = parser.ParseFile(set, file, code, parser.ParseComments)
	require.NoError(tb, err)
	start := int(tree.FileStart)
	for _, group := range tree.Comments {
		docs += group.Text() + "\n"
		for i := int(group.Pos()) - start; i < int(group.End())-start; i++ {
			if code[i] != '\n' {
				code[i] = ' '
			}
		}
	}
	return code, docs, tree
}

// declarations returns what a file declares, by name and without comments, each
// line with single spaces.
func declarations(tb testing.TB, file string) map[string]string {
	tb.Helper()
	code, _, tree := parse(tb, file)
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
		for line := range strings.Lines(string(code[decl.Pos()-tree.FileStart : decl.End()-tree.FileStart])) {
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
		_, docs, _ := parse(t, s.racy)
		docs = strings.Join(strings.Fields(docs), " ")
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
	require.Contains(t, packages, "boundaries/loop")
	require.NotContains(t, packages, "boundaries/races")
}
