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

// Results are the benchmark results of one machine.
type Results struct {
	files   []string
	machine map[string]string
	numCPU  int // 0 if no file says
	rows    map[string]bool
	samples map[cell][]float64 // in the order of the files
	from    map[cell][]int     // the file of each sample
	// What is wrong with the files. The rest is judged.
	problems command.Problems
}

// Err returns what is wrong with parts of the files, a line each, or nil.
func (m *Results) Err() error {
	if len(m.problems) == 0 {
		return nil
	}
	return m.problems
}

// Files with different values of these keys are of different machines. Other keys,
// such as pkg, may differ.
var machineKeys = []string{"goos", "goarch", "cpu", "numcpu", processorKey}

// Virtual machines hide the name of their processor, so that "cpu: AMD EPYC" is the
// name of many. Family, model and stepping are in a "# processor: ..." line.
const processorKey = "# processor"

// Read reads files of benchmark output, of one machine, for the claims of those IDs,
// or for all. The file "-" is standard input. Without files there are no results.
func Read(ctx context.Context, names, ids []string) (*Results, error) {
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
	m, err := parse(files, contents)
	if err != nil || len(files) == 0 {
		return m, err
	}
	needed := cellsOf(ids)
	if len(needed) > 0 && !slices.ContainsFunc(needed, func(c cell) bool { return len(m.pythonsOrRow(c.row)) > 0 }) {
		return nil, command.BadInput("%s: no row that a claim needs (boundaries claims -measure prints what measures them)", strings.Join(files, ", "))
	}
	return m, nil
}

// parse reads the files as one. It returns an error if no claim can be judged from
// them.
func parse(files []string, contents [][]byte) (*Results, error) {
	m := &Results{files: files, machine: map[string]string{}, rows: map[string]bool{}, samples: map[cell][]float64{}, from: map[cell][]int{}}
	from := map[string]string{}
	for i, data := range contents {
		// A result counted twice would make the intervals too narrow.
		if j := slices.IndexFunc(contents, func(c []byte) bool { return bytes.Equal(c, data) }); j < i {
			return nil, command.BadInput("%s has the same content as %s, and would be counted twice", files[i], files[j])
		}
		if err := m.add(i, data, from); err != nil {
			return nil, err
		}
	}
	if len(m.samples) == 0 && len(files) > 0 {
		return nil, command.BadInput("no benchmark result in %s, want the output of go test -bench", strings.Join(files, ", "))
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

// maxFile is how much of a file is read. A run of the whole suite is 80 KiB.
const maxFile = 64 << 20

// readFile returns early if ctx ends, because a terminal or a pipe may never end.
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

// add adds the results of one file. The map from has the place where each key of the
// machine was first read.
func (m *Results) add(i int, data []byte, from map[string]string) error {
	file := m.files[i]
	// A truncated last line can look complete.
	if end := bytes.LastIndexByte(data, '\n') + 1; bytes.HasPrefix(data[end:], []byte("Benchmark")) {
		m.problem(file, bytes.Count(data, []byte("\n"))+1, "the line is cut off; left out")
		data = data[:end]
	}
	if err := m.addMachine(file, string(data), from); err != nil {
		return err
	}
	m.findFailures(file, data)
	reader := benchfmt.NewReader(bytes.NewReader(data), file)
	results := 0
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.Result:
			results++
			m.addResult(i, record)
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

// addMachine reads the keys of the machine. They count only in the head of a run, up
// to its first result, and goarch and cpu only below goos, where package testing
// prints them: later, or elsewhere, "cpu: 93 %" is a line of some log.
func (m *Results) addMachine(file, text string, from map[string]string) error {
	head, block := true, false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		key, value, isKey := strings.Cut(line, ": ")
		value = strings.TrimSpace(value)
		if key == "goos" || line == "PASS" || strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "ok ") {
			head = true
		} else if strings.HasPrefix(line, "Benchmark") {
			head = false
		}
		block = isKey && (key == "goos" || block)
		if !head || !isKey || value == "" || !slices.Contains(machineKeys, key) || (key == "cpu" || key == "goarch") && !block {
			continue
		}
		if first, ok := m.machine[key]; !ok {
			m.machine[key], from[key] = value, fmt.Sprintf("%s:%d", file, number)
		} else if value != first {
			return command.BadInput("%s:%d: %s is %s, but %s at %s: these are two machines", file, number, strings.TrimPrefix(key, "# "), value, first, from[key])
		}
	}
	return nil
}

func (m *Results) addResult(file int, result *benchfmt.Result) {
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
		m.from[c] = append(m.from[c], file)
	}
}

// findFailures looks for what go test reports beside the results. A benchmark that
// failed has no result line, so nothing else shows that it is missing.
func (m *Results) findFailures(file string, data []byte) {
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

func (m *Results) problem(file string, line int, text string) {
	m.problems = append(m.problems, fmt.Errorf("%s:%d: %s", file, line, strings.Join(strings.Fields(text), " ")))
}

// pythons returns what "*" in the row can stand for.
func (m *Results) pythons(row string) []string {
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

// pythonsOrRow returns the measured rows that the name can stand for.
func (m *Results) pythonsOrRow(row string) []string {
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
func (m *Results) columns(c cell) []int {
	var procs []int
	for other := range m.samples {
		if other.row == c.row && other.unit == c.unit {
			procs = append(procs, other.procs)
		}
	}
	slices.Sort(procs)
	return procs
}
