package gate

import (
	"cmp"
	"slices"
	"strings"

	"boundaries/internal/benchfile"
	"boundaries/internal/stats"
)

// A Row names a benchmark at one number of procs.
type Row struct {
	Pkg   string `json:"package"`
	Name  string `json:"name"` // without "Benchmark" and without the number of procs
	Procs int    `json:"procs"`
}

// FullName returns the name as go test prints it, without "Benchmark".
func (r Row) FullName() string {
	return (&benchfile.Row{Name: r.Name, Procs: r.Procs}).FullName()
}

// A Cell is a row in one unit: what is compared.
type Cell struct {
	Row
	Unit string `json:"unit"`
}

// speedUp is the unit of how many times as fast a row is as at one proc.
const speedUp = "speed-up"

// A Side is one of the two sides of a comparison.
type Side int

// The sides.
const (
	Base Side = iota
	Head
)

// Data are the measurements of both sides, round by round.
type Data struct {
	// Procs are the numbers of procs that were asked for. Another number at the end of
	// a name belongs to the name. Speed-up is computed only for these. Nil means all
	// numbers, and an empty slice means that they are not known.
	Procs []int

	cells  []Cell // in the order in which they were added
	values map[Cell]*[2][]float64
	better map[string]string
	bytes  map[Row]float64 // the most bytes that one run allocated, if the times are known
}

// Add adds what one side measured in one round, or in all rounds where the file has
// several. The rows are filed under pkg, or under their own package if it is "".
func (d *Data) Add(side Side, pkg string, f *benchfile.File) {
	for unit, better := range f.Better {
		if d.better == nil {
			d.better = map[string]string{}
		}
		if other := d.better[unit]; other != "" && other != better {
			better = contrary
		}
		d.better[unit] = better
	}
	one := map[Row][]float64{}
	row := func(r *benchfile.Row) Row {
		name, procs := r.Name, r.Procs
		if len(d.Procs) > 0 && !slices.Contains(d.Procs, 1) { // every name has a number of procs
			name, procs, _ = benchfile.CutProcs(r.FullName())
		}
		if len(d.Procs) > 0 && !slices.Contains(d.Procs, procs) {
			name, procs = r.FullName(), 1
		}
		return Row{cmp.Or(pkg, r.Pkg), name, procs}
	}
	for _, r := range f.Rows {
		for _, unit := range sortedUnits(r.Values) {
			for _, v := range r.Values[unit] {
				d.add(side, Cell{row(r), unit}, v)
			}
		}
		if bytes, times := r.Values["B/op"], r.Values["sec/op"]; len(bytes) > 0 && len(times) > 0 && slices.Min(times) > 0 {
			if d.bytes == nil {
				d.bytes = map[Row]float64{}
			}
			operations := r.Shortest / slices.Min(times)
			d.bytes[row(r)] = max(d.bytes[row(r)], operations*slices.Max(bytes))
		}
		if row(r).Procs == 1 {
			one[row(r)] = r.Values["sec/op"]
		}
	}
	for _, r := range f.Rows {
		many := row(r)
		base, values := one[Row{many.Pkg, many.Name, 1}], r.Values["sec/op"]
		if many.Procs == 1 || d.Procs != nil && !slices.Contains(d.Procs, 1) {
			continue
		}
		for i := range min(len(base), len(values)) {
			if s := base[i] / values[i]; stats.Usable([]float64{s}) {
				d.add(side, Cell{many, speedUp}, s)
			}
		}
	}
}

func sortedUnits(values map[string][]float64) []string {
	var units []string
	for unit := range values {
		units = append(units, unit)
	}
	rank := func(unit string) int {
		i := slices.Index([]string{"sec/op", "user+sys-sec/op", speedUp, "B/op", "allocs/op"}, unit)
		if i < 0 {
			i = 99
		}
		return i
	}
	slices.SortFunc(units, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return units
}

func (d *Data) add(side Side, c Cell, v float64) {
	if d.values == nil {
		d.values = map[Cell]*[2][]float64{}
	}
	if d.values[c] == nil {
		d.values[c] = new([2][]float64)
		d.cells = append(d.cells, c)
	}
	d.values[c][side] = append(d.values[c][side], v)
}

// Rows returns the rows that the sides have: both, base alone and head alone.
func (d *Data) Rows() (both, removed, added []Row) {
	seen := map[Row]*[2]bool{}
	var rows []Row
	for _, c := range d.cells {
		if seen[c.Row] == nil {
			seen[c.Row] = new([2]bool)
			rows = append(rows, c.Row)
		}
		for side := range 2 {
			seen[c.Row][side] = seen[c.Row][side] || len(d.values[c][side]) > 0
		}
	}
	for _, r := range rows {
		switch has := *seen[r]; {
		case has[Base] && has[Head]:
			both = append(both, r)
		case has[Base]:
			removed = append(removed, r)
		default:
			added = append(added, r)
		}
	}
	return both, removed, added
}

// A OneSidedUnit is a unit that one side alone has, in rows of both.
type OneSidedUnit struct {
	Unit string `json:"unit"`
	Rows []Row  `json:"rows,omitempty"` // none if the other side has the unit in no row at all
}

// oneSidedUnits returns the units that base alone has and those that head alone has. Rows are
// those of both sides.
func (d *Data) oneSidedUnits(rows []Row) (lone [2][]OneSidedUnit) {
	has := [2]map[string]bool{{}, {}}
	of := map[Row]bool{}
	for _, r := range rows {
		of[r] = true
	}
	for _, c := range d.cells {
		if !of[c.Row] {
			continue
		}
		for side := range 2 {
			if len(d.values[c][side]) == 0 {
				continue
			}
			has[side][c.Unit] = true
			if d.both(c) {
				continue
			}
			i := slices.IndexFunc(lone[side], func(l OneSidedUnit) bool { return l.Unit == c.Unit })
			if i < 0 {
				i = len(lone[side])
				lone[side] = append(lone[side], OneSidedUnit{Unit: c.Unit})
			}
			lone[side][i].Rows = append(lone[side][i].Rows, c.Row)
		}
	}
	for side := range 2 {
		for i, l := range lone[side] {
			if !has[1-side][l.Unit] {
				lone[side][i].Rows = nil
			}
		}
	}
	return lone
}

// Incomplete returns the rows of both sides of which a side has fewer values of a unit than n,
// which is the number of rounds.
func (d *Data) Incomplete(n int) (rows []Row) {
	seen := map[Row]bool{}
	for _, c := range d.cells {
		base, head := len(d.values[c][Base]), len(d.values[c][Head])
		if base > 0 && head > 0 && min(base, head) < n && !seen[c.Row] {
			seen[c.Row] = true
			rows = append(rows, c.Row)
		}
	}
	return rows
}

// startBytes limits the bytes per operation that the set-up of a row may explain.
// Divided by its operations, what a row allocates once at its start is usually less. A
// slice that grows by a word in each operation takes more: 40 bytes for each word. A
// run of few operations divides its set-up by fewer, so startOfRun limits the total
// instead.
const (
	startBytes = 32
	startOfRun = 64 << 10
)

// ofStart reports whether the cell may be the bytes of a row's set-up, divided by its
// operations: on both sides there are few, and no allocations. That there are none is
// not enough. Package testing rounds their number down, so a slice that grows has none
// either.
func (d *Data) ofStart(c Cell) bool {
	allocs := Cell{c.Row, "allocs/op"}
	if c.Unit != "B/op" || !d.both(c) || !d.both(allocs) || d.most(allocs) != 0 {
		return false
	}
	ofRun, known := d.bytes[c.Row]
	return d.most(c) < startBytes || known && ofRun < startOfRun
}

// judged returns the cells that are compared, if both sides have them.
func (d *Data) judged() []Cell {
	return slices.DeleteFunc(slices.Clone(d.cells), d.ofStart)
}

// both reports whether both sides have the cell.
func (d *Data) both(c Cell) bool {
	v := d.values[c]
	return v != nil && len(v[Base]) > 0 && len(v[Head]) > 0
}

// most returns the larger of the sides' medians.
func (d *Data) most(c Cell) float64 {
	return max(stats.Middle(d.values[c][Base]), stats.Middle(d.values[c][Head]))
}

// direction is what a larger value of a unit means.
type direction int

// contrary stands for what the files say of a unit if they contradict each other.
const contrary = "contrary"

const (
	unknown direction = 0
	worse   direction = 1
	good    direction = -1
)

// direction returns what the unit's "better=" says, or else what its name says: a
// rate is better if it is higher, a cost or a time if it is lower.
func (d *Data) direction(unit string) direction {
	switch d.better[unit] {
	case contrary:
		return unknown
	case "higher":
		return good
	case "lower":
		return worse
	}
	switch {
	case unit == speedUp, benchfile.IsRate(unit):
		return good
	case benchfile.IsTime(unit), strings.HasSuffix(unit, "/op"):
		return worse
	}
	return unknown
}
