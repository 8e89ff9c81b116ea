package claims

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"boundaries/internal/benchfile"
)

// An input is the benchmark results of one machine.
type input struct {
	files     []string
	machine   benchfile.Machine
	numCPU    int // 0 if no file says
	rows      map[string]bool
	samples   map[cell][]float64                 // in the order of the files
	from      map[cell][]origin                  // of each sample
	shortest  map[string]float64                 // seconds of the shortest run, by the name of a cell
	disturbed []map[string]benchfile.Disturbance // by file, of each row
	unusual   []string                           // settings that can change times
	problems  []error
}

// An origin says where a sample is from.
type origin struct {
	file  int
	round int // 0 if the file records no rounds
}

// unknownRound is the round of the values of a row that lacks a value in some of its
// lines: it is not known in which.
const unknownRound = -1

// newInput takes in files, which must be of one machine.
func newInput(files []*benchfile.File) (*input, error) {
	m := &input{rows: map[string]bool{}, samples: map[cell][]float64{}, from: map[cell][]origin{}, shortest: map[string]float64{}}
	if len(files) == 0 {
		return m, nil
	}
	machine, err := benchfile.OneMachine(files)
	if err != nil {
		return nil, err
	}
	m.machine, m.numCPU = machine.Machine, machine.Machine.NumCPU()
	packages := map[string]string{} // by the name of the row
	for i, f := range files {
		m.files = append(m.files, f.Name)
		all, disturbed := f.DisturbedRows(), map[string]benchfile.Disturbance{}
		for _, row := range f.Rows {
			if first := packages[row.Name]; first == "" {
				packages[row.Name] = row.Pkg
			} else if row.Pkg != "" && row.Pkg != first {
				benchfile.Warn(fmt.Errorf("%s:%d: %s is here a row of package %s, and before of %s; left out", f.Name, row.Line, row.FullName(), row.Pkg, first), f, machine)
				continue
			}
			m.rows[row.Name] = true
			if d, ok := all[row.Pkg][row.FullName()]; ok {
				disturbed[row.FullName()] = d
			}
			for unit, values := range row.Values {
				c := cell{row.Name, unit, row.Procs}
				m.samples[c] = append(m.samples[c], values...)
				if before := m.shortest[c.name()]; row.Shortest > 0 && (before == 0 || row.Shortest < before) {
					m.shortest[c.name()] = row.Shortest
				}
				for j := range values {
					round := unknownRound
					if len(values) == len(row.Rounds) {
						round = row.Rounds[j]
					}
					m.from[c] = append(m.from[c], origin{i, round})
				}
			}
		}
		m.disturbed = append(m.disturbed, disturbed)
	}
	m.unusual, m.problems = machine.Unusual(), machine.Problems
	return m, nil
}

// pythons returns what "*" in the row can stand for. In cpython-*-gil these are the
// versions, without the builds that can run without a lock, such as 3.13.0t.
func (m *input) pythons(row string) []string {
	before, after, _ := strings.Cut(row, "*")
	var found []string
	for name := range m.rows {
		if python, ok := strings.CutPrefix(name, before); ok {
			if python, ok = strings.CutSuffix(python, after); ok && python != "" && !(strings.HasSuffix(before, "cpython-") && strings.HasSuffix(python, "t")) {
				found = append(found, python)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(compareVersions(a, b), cmp.Compare(a, b)) })
	return found
}

var number = regexp.MustCompile(`\d+`)

// pythonsOrRow returns what rows of that name there are.
func (m *input) pythonsOrRow(row string) []string {
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
func (m *input) columns(c cell) []int {
	var procs []int
	for other := range m.samples {
		if other.row == c.row && other.unit == c.unit {
			procs = append(procs, other.procs)
		}
	}
	slices.Sort(procs)
	return procs
}
