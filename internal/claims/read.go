package claims

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"

	"boundaries/internal/command"
)

// measured is what the files say, all of them of one machine.
type measured struct {
	files   []string
	machine map[string]string
	numCPU  int // 0 if no file says
	rows    map[string]bool
	samples map[cell][]float64 // in the order of the files
	// What is wrong with the files, and does not keep the rest from being judged.
	problems command.Problems
}

// A row of two machines would be a row of none. The other keys of a file, such as
// pkg, may differ.
var machineKeys = []string{"goos", "goarch", "cpu", "numcpu"}

// readFiles reads benchmark output.
func readFiles(ctx context.Context, names []string) (*measured, error) {
	files := slices.Clone(names)
	var contents [][]byte
	for i, name := range files {
		data, err := readFile(ctx, name)
		if ctx.Err() != nil {
			return nil, command.Interrupted("interrupted")
		}
		if err != nil {
			return nil, command.BadInput("want benchmark output: %w", err)
		}
		if name == "-" {
			files[i] = "standard input"
		}
		contents = append(contents, data)
	}
	return parse(files, contents)
}

// parse puts the files together. It returns an error if nothing can be said about
// them.
func parse(files []string, contents [][]byte) (*measured, error) {
	m := &measured{files: files, machine: map[string]string{}, rows: map[string]bool{}, samples: map[cell][]float64{}}
	from := map[string]string{}
	for i, data := range contents {
		// What is measured once and counted twice has intervals that are too narrow.
		if j := slices.IndexFunc(contents, func(c []byte) bool { return bytes.Equal(c, data) }); j < i {
			return nil, command.BadInput("%s has the same content as %s, and would be counted twice", files[i], files[j])
		}
		if err := m.add(files[i], data, from); err != nil {
			return nil, err
		}
	}
	if len(m.samples) == 0 {
		return nil, command.BadInput("no benchmark result in %s (the output of go test -bench is wanted)", strings.Join(files, ", "))
	}
	if text := m.machine["numcpu"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, command.BadInput("%s: numcpu is %q, want a number of at least 1", from["numcpu"], text)
		}
		m.numCPU = n
	}
	return m, nil
}

// maxFile is how much is read of a file. A run of the whole suite is 80 KiB.
const maxFile = 64 << 20

// readFile returns early when ctx ends: a terminal or a pipe need not.
func readFile(ctx context.Context, name string) (data []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		file := os.Stdin
		if name != "-" {
			if file, err = os.Open(name); err != nil {
				return
			}
			defer file.Close()
		}
		data, err = io.ReadAll(io.LimitReader(file, maxFile+1))
		if err == nil && len(data) > maxFile {
			err = fmt.Errorf("%s is longer than %d MiB", file.Name(), maxFile>>20)
		}
	}()
	select {
	case <-done:
		return data, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// add adds the results of one file. From says where each key of the machine was
// first read.
func (m *measured) add(file string, data []byte, from map[string]string) error {
	// A line that was cut off can look whole.
	if end := bytes.LastIndexByte(data, '\n') + 1; bytes.HasPrefix(data[end:], []byte("Benchmark")) {
		m.problem(file, bytes.Count(data, []byte("\n"))+1, "the line is cut off; left out")
		data = data[:end]
	}
	m.findFailures(file, data)
	reader := benchfmt.NewReader(bytes.NewReader(data), file)
	results := 0
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.Result:
			results++
			_, line := record.Pos()
			for _, key := range machineKeys {
				value := record.GetConfig(key)
				if first, ok := m.machine[key]; !ok && value != "" {
					m.machine[key], from[key] = value, fmt.Sprintf("%s:%d", file, line)
				} else if value != "" && value != first {
					return command.BadInput("%s:%d: %s is %s, but %s at %s: these are two machines", file, line, key, value, first, from[key])
				}
			}
			m.addResult(record)
		case *benchfmt.SyntaxError:
			m.problem(file, record.Line, record.Msg+"; the line is left out")
		}
	}
	if err := reader.Err(); err != nil {
		return command.BadInput("want benchmark output: %w", err)
	}
	if results == 0 {
		m.problems = append(m.problems, fmt.Errorf("%s: no benchmark result", file))
	}
	return nil
}

func (m *measured) addResult(result *benchfmt.Result) {
	c := cell{procs: 1}
	base, parts := result.Name.Parts()
	row := string(base)
	for _, part := range parts {
		if n, err := strconv.Atoi(strings.TrimPrefix(string(part), "-")); part[0] == '-' && err == nil {
			c.procs = n
		} else {
			row += string(part)
		}
	}
	c.row = row
	m.rows[row] = true
	for _, v := range result.Values {
		// Benchfmt leaves the unit of a zero as it is.
		_, c.unit = benchunit.Tidy(1, v.Unit)
		m.samples[c] = append(m.samples[c], v.Value)
	}
}

// findFailures looks for what go test says beside the results: a benchmark that
// failed has no line of its own, so nothing else shows that it is missing.
func (m *measured) findFailures(file string, data []byte) {
	number, found := 0, 0
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		number++
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(trimmed, "--- FAIL: ") && i+1 < len(lines) && strings.HasPrefix(lines[i+1], " "):
			m.problem(file, number, trimmed+" "+strings.TrimSpace(lines[i+1]))
		case strings.HasPrefix(trimmed, "--- FAIL: "), strings.HasPrefix(line, "panic: "):
			m.problem(file, number, trimmed)
		case failed.MatchString(line) && found == 0:
			m.problem(file, number, trimmed)
		default:
			continue
		}
		found++
	}
}

var failed = regexp.MustCompile(`^(FAIL|exit status \d+|signal: \w+)\b`)

func (m *measured) problem(file string, line int, text string) {
	m.problems = append(m.problems, fmt.Errorf("%s:%d: %s", file, line, strings.Join(strings.Fields(text), " ")))
}

// pythons returns what "*" in the row can stand for.
func (m *measured) pythons(row string) []string {
	before, after, _ := strings.Cut(row, "*")
	var found []string
	for name := range m.rows {
		if python, ok := strings.CutPrefix(name, before); ok {
			if python, ok = strings.CutSuffix(python, after); ok && python != "" {
				found = append(found, python)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(compareVersions(a, b), cmp.Compare(a, b)) })
	return found
}

var number = regexp.MustCompile(`\d+`)

// pythonsOrRow returns what rows of that name there are.
func (m *measured) pythonsOrRow(row string) []string {
	if strings.Contains(row, "*") {
		return m.pythons(row)
	} else if m.rows[row] {
		return []string{row}
	}
	return nil
}

// compareVersions puts 3.9 before 3.13.
func compareVersions(a, b string) int {
	wide := func(s string) string {
		return number.ReplaceAllStringFunc(s, func(n string) string { return strings.Repeat("0", max(0, 9-len(n))) + n })
	}
	return cmp.Compare(wide(a), wide(b))
}

// columns returns the numbers of procs at which the cell was measured, in order.
func (m *measured) columns(c cell) []int {
	var procs []int
	for other := range m.samples {
		if other.row == c.row && other.unit == c.unit {
			procs = append(procs, other.procs)
		}
	}
	slices.Sort(procs)
	return procs
}
