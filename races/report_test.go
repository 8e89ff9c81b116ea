package races

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the folder of this module, as seen from this package.
const root = ".."

// A report is what the race detector says of one race: the two accesses that
// conflict, or one if the detector no longer knows the other.
type report []access

// An access is one of the two, and where it is.
type access struct {
	what string // "Write", "Previous read", ...
	file string // relative to the root, if it is there
	line int    // 0 if the detector no longer knows it
}

var (
	accessLine = regexp.MustCompile(`^((?:Previous )?(?i:atomic )?(?i:read|write)) at 0x[0-9a-f]+ by `)
	frameLine  = regexp.MustCompile(`^\s+(\S.*):(\d+)(?: \+0x[0-9a-f]+)?$`)
)

// parseReports finds the reports in a program's output. For each access it keeps the
// first place outside Go's own library: the line of this module that made the
// access.
func parseReports(output string) []report {
	var all []report
	for _, text := range strings.Split(output, "WARNING: DATA RACE")[1:] {
		text, _, _ = strings.Cut(text, "==================")
		var r report
		open := false // the last access of r has no place yet
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if m := accessLine.FindStringSubmatch(line); m != nil {
				r = append(r, access{what: m[1]})
				open = true
			} else if strings.TrimSpace(line) == "" {
				open = false
			} else if m := frameLine.FindStringSubmatch(line); open && m != nil {
				a := &r[len(r)-1]
				a.file = relative(m[1])
				a.line, _ = strconv.Atoi(m[2])
				open = filepath.IsAbs(a.file) // Go's own, such as sync
			}
		}
		all = append(all, r)
	}
	return all
}

// whole reports whether both places are known.
func (r report) whole() bool {
	return len(r) == 2 && r[0].line > 0 && r[1].line > 0
}

// relative returns a path of this module relative to the root. With -trimpath, the
// paths of the module begin with its name.
func relative(path string) string {
	if rest, ok := strings.CutPrefix(path, "boundaries/"); ok {
		return rest
	}
	if top, err := filepath.Abs(root); err == nil {
		if rest, err := filepath.Rel(top, path); err == nil && filepath.IsLocal(rest) {
			return filepath.ToSlash(rest)
		}
	}
	return path
}

// String returns the report, cut to the two lines of code.
func (r report) String() string {
	text := ""
	for _, a := range r {
		place := "(the detector no longer knows where)"
		if a.line > 0 {
			place = fmt.Sprintf("%s:%d", a.file, a.line)
		}
		text += fmt.Sprintf("    %-15s %-28s %s\n", a.what, place, sourceLine(a.file, a.line))
	}
	return text
}

// sourceLine returns a line of a file of this module, or nothing if it cannot be
// read.
func sourceLine(file string, number int) string {
	text, err := os.ReadFile(filepath.Join(root, file))
	lines := strings.Split(string(text), "\n")
	if err != nil || number < 1 || number > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[number-1])
}

func TestParseReports(t *testing.T) {
	top, err := filepath.Abs(root)
	require.NoError(t, err)
	reports := parseReports(strings.ReplaceAll(`spam
==================
WARNING: DATA RACE
Read at 0x00c000012345 by goroutine 8:
  sync.(*Once).Do()
      /go/src/sync/once.go:65 +0x44
  boundaries/loop.Racy.func1()
      TOP/loop/racy.go:27 +0x44
  boundaries/internal/fork.Run.func1()
      TOP/internal/fork/fork.go:27 +0x44

Previous atomic write at 0x00c000012345 by main goroutine:
  boundaries/loop.Racy.func1()
      boundaries/loop/atomic.go:22 +0x44

Goroutine 8 (running) created at:
  boundaries/internal/fork.Run()
      TOP/internal/fork/fork.go:25 +0x44
==================
eggs
==================
WARNING: DATA RACE
Write at 0x00c000012345 by goroutine 8:
  boundaries/loop.Racy.func1()
      TOP/loop/racy.go:28

Previous read at 0x00c000012345 by goroutine 7:
  [failed to restore the stack]

==================
Found 2 data race(s)
`, "TOP", top))
	require.Equal(t, []report{
		{{"Read", "loop/racy.go", 27}, {"Previous atomic write", "loop/atomic.go", 22}},
		{{"Write", "loop/racy.go", 28}, {"Previous read", "", 0}},
	}, reports)
	require.True(t, reports[0].whole())
	require.False(t, reports[1].whole())
	require.Empty(t, parseReports("Found no race\n"))
	require.Equal(t, "module boundaries", sourceLine("go.mod", 1))
	require.Empty(t, sourceLine("go.mod", 100_000)+sourceLine("spam.go", 1)+sourceLine("go.mod", 0))
}
