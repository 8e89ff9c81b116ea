// Package scaling says how the rows of a benchmark scale with the number of procs.
//
// [Workloads] finds the tables in a benchmark file: one table per workload, one
// line per variant, one column per number of procs. The keys sync, system and
// start separate workload and variant, as in Refcount/share=hot/sync=atomic.
// Without such a key, rows with the same name up to the first slash share a
// table. All benchmarks without a slash share another. Two rows of the file are never
// merged.
//
// [Workload.Scaling] computes speed-up, efficiency and processor time relative to one
// proc, each with its 95 % interval, and fits two laws where the data allow it. A
// column of more procs than usable processors is oversubscribed. It shows what
// happens when workers lose their processors, so no law is fitted to it.
package scaling

import (
	"fmt"
	"slices"
	"strings"

	"boundaries/internal/benchfile"
)

// The units of the rows, as benchunit tidies them.
const (
	Wall = "sec/op"
	CPU  = "user+sys-sec/op"
)

// A Workload is a table of rows that take the same step.
type Workload struct {
	Pkg     string
	Name    string // as in Refcount/share=hot; empty if benchmarks without a slash share the table
	Key     string // what the rows differ in, or ""
	Columns []Column
	Rows    []Row
	Units   []string // in the order of the file

	shared bool // the name, by a workload of another package
}

// A Column is a number of procs.
type Column struct {
	Procs          int  `json:"procs"`
	Oversubscribed bool `json:"oversubscribed"`
}

// A Row is a variant at all numbers of procs.
type Row struct {
	Name     string // as people read it: nogil without immortal
	FullName string // as in the file: LoopBoxed/system=nogil/without=immortal

	columns   []*benchfile.Row // nil where the file has none
	disturbed []Disturbed
}

// A Disturbed says how often a cell was measured on a disturbed machine, and how
// many times as long the worst of those runs took, as an estimate.
type Disturbed struct {
	Runs  int     `json:"runs"`
	Times float64 `json:"times"`
}

// Values returns the values of a unit in a column of the workload, in the order of
// the file.
func (r Row) Values(column int, unit string) []float64 {
	if r.columns[column] == nil {
		return nil
	}
	return r.columns[column].Values[unit]
}

// Runs returns how many lines the file has for a column.
func (r Row) Runs(column int) int {
	if r.columns[column] == nil {
		return 0
	}
	return len(r.columns[column].Rounds)
}

// Disturbed returns what the file says about disturbed runs in a column.
func (r Row) Disturbed(column int) Disturbed { return r.disturbed[column] }

// TooCoarse says which times a clock was too coarse to measure: a 0 allows no interval and
// no ratio. Lost is what the caller leaves out for that.
func (w *Workload) TooCoarse(lost string) (notes []string) {
	for _, time := range []struct{ unit, name string }{{Wall, "wall time"}, {CPU, "processor time"}} {
		var names []string
		for _, r := range w.Rows {
			for _, c := range r.columns {
				if c != nil && slices.Contains(c.Values[time.unit], 0) {
					names = append(names, c.FullName())
				}
			}
		}
		if len(names) > 0 {
			notes = append(notes, fmt.Sprintf("No %s for the %s of %s: it is 0 in a round, which means that the clock is too coarse for it.", lost, time.name, strings.Join(names, ", ")))
		}
	}
	return notes
}

var variantKeys = []string{"sync", "system", "start"}

// Title returns the name of the workload, after its package if another package has one
// of that name. If it has no name, Title returns the package's name or "benchmarks".
func (w *Workload) Title() string {
	switch {
	case w.Name != "" && w.Pkg != "" && w.shared:
		return w.Pkg + " " + w.Name
	case w.Name != "":
		return w.Name
	case w.Pkg != "":
		return w.Pkg
	}
	return "benchmarks"
}

// Workloads returns the tables of a file, in its order.
func Workloads(f *benchfile.File) []*Workload {
	type id struct{ pkg, name string }
	byID := map[id]*Workload{}
	rows := map[*Workload]map[string]int{} // full name to index
	parts := map[*Workload][][]string{}    // of the names of the rows
	disturbed := f.DisturbedRows()
	var all []*Workload
	for _, r := range f.Rows {
		name, variant := split(r.Name)
		w := byID[id{r.Pkg, name}]
		if w == nil {
			w = &Workload{Pkg: r.Pkg, Name: name}
			byID[id{r.Pkg, name}], rows[w] = w, map[string]int{}
			all = append(all, w)
		}
		if !slices.ContainsFunc(w.Columns, func(c Column) bool { return c.Procs == r.Procs }) {
			w.Columns = append(w.Columns, Column{r.Procs, f.Machine.Oversubscribed(r.Procs)})
			slices.SortFunc(w.Columns, func(a, b Column) int { return a.Procs - b.Procs })
		}
		if _, ok := rows[w][r.Name]; !ok {
			rows[w][r.Name] = len(w.Rows)
			w.Rows = append(w.Rows, Row{FullName: r.Name})
			parts[w] = append(parts[w], variant)
		}
	}
	for _, w := range all {
		w.shared = slices.ContainsFunc(all, func(o *Workload) bool { return o != w && o.Name == w.Name })
		w.Key = commonKey(parts[w])
		for i := range w.Rows {
			w.Rows[i].Name = label(w.Key, parts[w][i])
			w.Rows[i].columns = make([]*benchfile.Row, len(w.Columns))
			w.Rows[i].disturbed = make([]Disturbed, len(w.Columns))
		}
	}
	for _, r := range f.Rows {
		name, _ := split(r.Name)
		w := byID[id{r.Pkg, name}]
		row := &w.Rows[rows[w][r.Name]]
		column := slices.IndexFunc(w.Columns, func(c Column) bool { return c.Procs == r.Procs })
		row.columns[column] = r
		d := disturbed[r.Pkg][r.FullName()]
		row.disturbed[column] = Disturbed{d.Runs, d.Times}
		units := []string{}
		for unit := range r.Values {
			if !slices.Contains(w.Units, unit) {
				units = append(units, unit)
			}
		}
		slices.SortFunc(units, compareUnits)
		w.Units = append(w.Units, units...)
	}
	return all
}

// compareUnits puts the wall time of a step first, and its processor time second.
func compareUnits(a, b string) int {
	rank := func(unit string) int {
		if i := slices.Index([]string{Wall, CPU}, unit); i >= 0 {
			return i
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// split divides the name of a row into the workload and the parts of the variant.
func split(name string) (workload string, variant []string) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if key, _, ok := strings.Cut(part, "="); ok && i > 0 && slices.Contains(variantKeys, key) {
			return strings.Join(parts[:i], "/"), parts[i:]
		}
	}
	if len(parts) == 1 {
		return "", parts
	}
	return parts[0], parts[1:]
}

// commonKey returns the key that all variants begin with, or "".
func commonKey(variants [][]string) string {
	common := ""
	for i, variant := range variants {
		key, _, ok := strings.Cut(variant[0], "=")
		if !ok || i > 0 && key != common {
			return ""
		}
		common = key
	}
	return common
}

func label(key string, variant []string) string {
	words := make([]string, len(variant))
	for i, part := range variant {
		if i == 0 && key != "" {
			part = strings.TrimPrefix(part, key+"=")
		}
		words[i] = strings.Replace(part, "=", " ", 1)
	}
	return strings.Join(words, " ")
}
