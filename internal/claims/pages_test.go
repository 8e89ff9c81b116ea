package claims

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	root       = "../.."
	resultsDir = root + "/docs/results"
)

// checkResults returns what a file of docs/results lacks.
func checkResults(name, text string) error {
	m, err := parse([]string{name}, [][]byte{[]byte(text)})
	if err != nil {
		return err
	}
	errs := []error{m.err()}
	for _, fact := range []struct{ pattern, want string }{
		{`(?m)^numcpu: \d+$`, "numcpu: 8"}, {`(?m)^goos: \S+$`, "goos: linux"}, {`(?m)^goarch: \S+$`, "goarch: amd64"},
		{`(?m)^(cpu|# processor): \S`, "cpu: AMD Ryzen 7"}, {`(?m)^# (go: go1|interpreter: )`, "# go: go1.26.8"},
		{`(?m)^# date: \d{4}-\d\d-\d\dT\S+$`, "# date: " + time.RFC3339}, {`(?m)^# command: \S`, "# command: go test -bench ."},
	} {
		if !regexp.MustCompile(fact.pattern).MatchString(text) {
			errs = append(errs, fmt.Errorf("%s: no line such as %q in the head", name, fact.want))
		}
	}
	if m.machine.Keys["goos"] == "linux" && m.machine.Keys["goarch"] == "amd64" && m.machine.Fact("processor") == "" {
		errs = append(errs, fmt.Errorf("%s: no line such as %q in the head", name, "# processor: family 25, model 1, stepping 1"))
	}
	for c, samples := range m.samples {
		if c.unit == wall && len(samples) < 6 {
			errs = append(errs, fmt.Errorf("%s: %s has %s, want at least 6", name, c.name(), rounds(len(samples))))
		}
	}
	return errors.Join(errs...)
}

func TestResults(t *testing.T) {
	good := "# command: go test\n# go: go1.26.8\n# date: 2026-11-25T19:05:04Z\n# processor: family 25, model 1, stepping 1\n" + results(2, 6, "Loop/sync=serial 1 ns/op")
	require.NoError(t, checkResults("good", good))
	for without, want := range map[string]string{
		"# command: go test\n":                             `bad: no line such as "# command: go test -bench ." in the head`,
		"# go: go1.26.8\n":                                 `bad: no line such as "# go: go1.26.8" in the head`,
		"# date: 2026-11-25T19:05:04Z\n":                   `bad: no line such as "# date: 2006-01-02T15:04:05Z07:00" in the head`,
		"# processor: family 25, model 1, stepping 1\n":    `bad: no line such as "# processor: family 25, model 1, stepping 1" in the head`,
		"numcpu: 2\n":                                      `bad: no line such as "numcpu: 8" in the head`,
		"BenchmarkLoop/sync=serial\t1000\t0.99 ns/op\n":    `bad: Loop/sync=serial has 5 rounds, want at least 6`,
		"goos: linux\ngoarch: amd64\npkg: boundaries\ncpu": `bad: no line such as "goos: linux" in the head`,
	} {
		bad := strings.Replace(good, without, "", 1)
		require.NotEqual(t, good, bad, without)
		require.ErrorContains(t, checkResults("bad", bad), want)
	}
	require.ErrorContains(t, checkResults("bad", good+"--- FAIL: BenchmarkX\n"), "bad:18: --- FAIL: BenchmarkX")

	files, err := filepath.Glob(resultsDir + "/*.txt")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, checkResults(filepath.Base(file), string(text)))
	}
}

var (
	pageFiles = regexp.MustCompile(`<!-- results: (.+?) -->`)
	sources   = regexp.MustCompile(`(?s)(.*?)<!--= (.+?) -->`)
	marked    = regexp.MustCompile(`\d[\d.]* (?:ns|µs|ms|s|%)|\d+\.\d+|\d+$`)
	block     = regexp.MustCompile(`(?s)<!-- each python\n(.+?)-->\n(.*?)<!-- end -->`)
	inBlock   = regexp.MustCompile(`\{(.+?)\}`)
	formula   = regexp.MustCompile(`^(?:(cpu|lost|p50) )?(\S+?)(?:-(\d+))?(?: / (\S+?)(?:-(\d+))?)?$`)
)

// figure computes a figure of a page: a row, or a ratio of two.
func (m *input) figure(text string) (string, error) {
	match := formula.FindStringSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("%q is no figure, want such as \"cpu Loop/sync=atomic-2 / Loop/sync=serial\"", text)
	}
	unit := map[string]string{"": wall, "cpu": cpu, "lost": lost, "p50": p50}[match[1]]
	f := figure{num: []cell{{match[2], unit, 1}}}
	if match[3] != "" {
		f.num[0].procs, _ = strconv.Atoi(match[3])
	}
	if match[4] != "" {
		f.den = []cell{{match[4], unit, 1}}
		if match[5] != "" {
			f.den[0].procs, _ = strconv.Atoi(match[5])
		}
	}
	if note, _ := m.lacks(f.cells()); note != "" {
		return "-", errors.New(note)
	}
	v := m.ratio(f.num, f.den, nil).center
	switch {
	case f.den != nil:
		return short(v), nil
	case unit == lost:
		return short(100*v) + " %", nil
	}
	for _, scale := range []struct {
		size float64
		unit string
	}{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if v >= scale.size {
			return short(v/scale.size) + " " + scale.unit, nil
		}
	}
	return short(v*1e9) + " ns", nil
}

// page returns the page with the figures of its results.
func (m *input) page(text string) (string, error) {
	var errs []error
	text = block.ReplaceAllStringFunc(text, func(s string) string {
		template := block.FindStringSubmatch(s)[1]
		lines := ""
		for line := range strings.Lines(template) {
			pythons := []string{""}
			if strings.Contains(line, "$S") {
				pythons = m.pythons("PyFib/system=*")
			}
			for _, python := range pythons {
				lines += inBlock.ReplaceAllStringFunc(strings.ReplaceAll(line, "$S", python), func(s string) string {
					value, _ := m.figure(s[1 : len(s)-1]) // a Python may lack a row
					return value
				})
			}
		}
		return "<!-- each python\n" + template + "-->\n" + lines + "<!-- end -->"
	})
	// The sources of a comment are those of the last figures before it.
	text = sources.ReplaceAllStringFunc(text, func(s string) string {
		match := sources.FindStringSubmatch(s)
		before, names := match[1], strings.Split(match[2], "; ")
		at := marked.FindAllStringIndex(before, -1)
		if len(at) < len(names) {
			errs = append(errs, fmt.Errorf("%q has more sources than there are figures before it", match[2]))
			return s
		}
		for i, name := range slices.Backward(names) {
			value, err := m.figure(name)
			errs = append(errs, err)
			place := at[len(at)-len(names)+i]
			before = before[:place[0]] + value + before[place[1]:]
		}
		return before + "<!--= " + match[2] + " -->"
	})
	if head, _, ok := strings.Cut(text, "<!-- claims -->\n"); ok {
		text = head + "<!-- claims -->\n\n" + m.report(nil).Markdown()
	}
	return text, errors.Join(errs...)
}

func TestPage(t *testing.T) {
	var pythons []string
	for _, python := range []string{"cpython-3.9.1-gil", "cpython-3.13.0t-nogil"} {
		pythons = append(pythons, "PyFib/system="+python+" 1100000 ns/op", "PyLoop/system="+python+" 40 ns/op", "PyLoop/system="+python+"-2 41 ns/op 0.29 lost-updates/op")
	}
	m, err := parse([]string{"a.txt"}, [][]byte{[]byte(results(2, 9, append(pythons, golden[:5]...)...))})
	require.NoError(t, err)
	page, err := m.page("Each of 4 adds takes 9 ns, 1.0 times that with 2 threads, which lose 1 %<!--= Loop/sync=atomic; Loop/sync=atomic-2 / Loop/sync=atomic; lost PyLoop/system=cpython-3.9.1-gil-2 -->, 1<!--= Loop/sync=atomic-2 / Loop/sync=atomic -->.\n\n" +
		"<!-- each python\n| a | b |\n|---|---|\n| $S | {PyLoop/system=$S} | {cpu PyLoop/system=$S} |\n-->\nold\n<!-- end -->\n")
	require.NoError(t, err)
	require.Equal(t, "Each of 4 adds takes 5.30 ns, 1.58 times that with 2 threads, which lose 29.0 %<!--= Loop/sync=atomic; Loop/sync=atomic-2 / Loop/sync=atomic; lost PyLoop/system=cpython-3.9.1-gil-2 -->, 1.58<!--= Loop/sync=atomic-2 / Loop/sync=atomic -->.\n\n"+
		"<!-- each python\n| a | b |\n|---|---|\n| $S | {PyLoop/system=$S} | {cpu PyLoop/system=$S} |\n-->\n"+
		"| a | b |\n|---|---|\n| cpython-3.9.1-gil | 40.0 ns | - |\n| cpython-3.13.0t-nogil | 39.9 ns | - |\n<!-- end -->\n", page)

	again, err := m.page(page)
	require.NoError(t, err)
	require.Equal(t, page, again)
	_, err = m.page("9 ns<!--= Loop/sync=nothing -->")
	require.EqualError(t, err, "no row Loop/sync=nothing")
	_, err = m.page("9 ns<!--= Loop plus Fib -->")
	require.ErrorContains(t, err, `"Loop plus Fib" is no figure`)
	_, err = m.page("9 ns<!--= Loop/sync=atomic; Loop/sync=atomic-2 -->")
	require.ErrorContains(t, err, "more sources than there are figures")
	page, err = m.page("# Claims\n\n<!-- claims -->\nold\n")
	require.NoError(t, err)
	require.Contains(t, page, "\n| C12 | not measured |")
	require.NotContains(t, page, "\nold\n")
}

// Every figure on a page that names results is what its results say.
func TestPages(t *testing.T) {
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != root {
			return fs.SkipDir
		} else if err != nil || filepath.Ext(name) != ".md" || filepath.Dir(name) == filepath.Clean(resultsDir) {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text := string(data)
		match := pageFiles.FindStringSubmatch(text)
		if match == nil {
			require.NotRegexp(t, sources, text, "%s names no results", name)
			return nil
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			files := strings.Fields(match[1])
			var contents [][]byte
			for _, file := range files {
				data, err := os.ReadFile(filepath.Join(resultsDir, file))
				if errors.Is(err, fs.ErrNotExist) && !slices.ContainsFunc(files, exists) {
					t.Skipf("%s is not measured yet", file)
				}
				require.NoError(t, err)
				contents = append(contents, data)
			}
			for i, file := range files {
				files[i] = "docs/results/" + file
			}
			m, err := parse(files, contents)
			require.NoError(t, err)
			page, err := m.page(text)
			require.NoError(t, err)
			if *update {
				require.NoError(t, os.WriteFile(name, []byte(page), 0o666))
				return
			}
			require.Equal(t, page, text, "go test ./internal/claims -run TestPages -update writes the figures")
		})
		return nil
	}))
}

func exists(file string) bool {
	_, err := os.Stat(filepath.Join(resultsDir, file))
	return err == nil
}
