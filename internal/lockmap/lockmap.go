// Package lockmap reads what package contention has measured and says which
// variant is cheapest in which case: as a map of two dials, as a ranking for one
// case, and as the ten lines of docs/which.md.
//
// It says nothing about a case that is not in the files: between two measured
// values of a dial a curve may bend.
package lockmap

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchmath"

	"boundaries/contention"
	"boundaries/contention/config"
	"boundaries/contention/counter"
	"boundaries/internal/benchfile"
)

// A Cell is a case that was measured.
type Cell struct {
	Shape string
	contention.Case
	Procs int
}

// A Dial is one of the things in which cells differ.
type Dial struct {
	Name string
	text func(Cell) string
	rank func(Cell) float64 // values are in this order
}

// Dials are all dials, in the order of a benchmark's keys.
var Dials = []Dial{
	{"shape", func(c Cell) string { return c.Shape }, func(c Cell) float64 {
		return float64(slices.Index([]string{"record", "counter", "map"}, c.Shape))
	}},
	{"hold", func(c Cell) string { return key(c.Case, "hold") }, func(c Cell) float64 { return float64(c.Hold) }},
	{"think", func(c Cell) string { return key(c.Case, "think") }, func(c Cell) float64 { return float64(c.Think) }},
	{"read", func(c Cell) string { return strconv.Itoa(c.Read) }, func(c Cell) float64 { return float64(c.Read) }},
	{"records", func(c Cell) string { return strconv.Itoa(c.Records) }, func(c Cell) float64 { return float64(c.Records) }},
	{"skew", func(c Cell) string { return c.Skew }, func(c Cell) float64 { return float64(strings.Index("none zipf", c.Skew)) }},
	{"roles", func(c Cell) string { return c.Roles }, func(c Cell) float64 { return float64(strings.Index("mixed split", c.Roles)) }},
	{"goroutines", func(c Cell) string { return strconv.Itoa(c.Goroutines) }, func(c Cell) float64 { return float64(c.Goroutines) }},
	{"procs", func(c Cell) string { return strconv.Itoa(c.Procs) }, func(c Cell) float64 { return float64(c.Procs) }},
}

// DialOf returns the dial with the given name.
func DialOf(name string) (Dial, bool) {
	for _, d := range Dials {
		if d.Name == name {
			return d, true
		}
	}
	return Dial{}, false
}

// key returns the value of a key as a case writes it.
func key(c contention.Case, name string) string {
	for part := range strings.SplitSeq(c.String(), "/") {
		if value, ok := strings.CutPrefix(part, name+"="); ok {
			return value
		}
	}
	panic("lockmap: a case has no key " + name)
}

func compareCells(a, b Cell) int {
	for _, d := range Dials {
		if c := cmp.Compare(d.rank(a), d.rank(b)); c != 0 {
			return c
		}
	}
	return 0
}

// Results are the rows of one machine.
type Results struct {
	machine benchfile.Machine
	cells   map[Cell]map[string]*row // rows by variant
	choices map[string][]string      // variants by shape, in the order of the files
	about   []string                 // what a reader must know about the files
}

// A row is a variant in a cell.
type row struct {
	samples   map[string][]float64 // by unit, a value for each round that has one
	rounds    int
	disturbed int // how many of the rounds ran on a disturbed machine
	file      string
	line      int // of the first round
}

// Read takes the rows of the lab from files, which must be of one machine: a map of
// two machines would be true of neither. They must be of one package, too: module peers
// measures rows of the same names.
func Read(files []*benchfile.File) (*Results, error) {
	machine, err := benchfile.OneMachine(files)
	if err != nil {
		return nil, err
	}
	r := &Results{machine: machine.Machine, cells: map[Cell]map[string]*row{}, choices: map[string][]string{},
		about: append(machine.Incomplete(), machine.Unusual()...)}
	if r.machine.NumCPU() == 0 {
		r.about = append(r.about, "No file says how many processors the machine has, so any case may be oversubscribed.")
	}
	pkg, at := "", "" // of the first row that says it
	for _, f := range files {
		disturbed := f.DisturbedRows()
		for _, measured := range f.Rows {
			cell, variant, ok := parse(measured.Name, measured.Procs)
			if !ok {
				continue // not of the lab
			}
			if pkg == "" && measured.Pkg != "" {
				pkg, at = measured.Pkg, fmt.Sprintf("%s:%d", f.Name, measured.Line)
			} else if measured.Pkg != "" && measured.Pkg != pkg {
				return nil, fmt.Errorf("%s:%d: this row is of package %s, but that at %s is of %s: want the rows of one package", f.Name, measured.Line, measured.Pkg, at, pkg)
			}
			if r.cells[cell] == nil {
				r.cells[cell] = map[string]*row{}
			}
			if !known[cell.Shape][variant].Reference && !slices.Contains(r.choices[cell.Shape], variant) {
				r.choices[cell.Shape] = append(r.choices[cell.Shape], variant)
			}
			if r.cells[cell][variant] == nil {
				r.cells[cell][variant] = &row{samples: map[string][]float64{}, file: f.Name, line: measured.Line}
			}
			r.cells[cell][variant].rounds += len(measured.Rounds)
			r.cells[cell][variant].disturbed += disturbed[measured.Pkg][measured.FullName()].Runs
			samples := r.cells[cell][variant].samples
			for unit, values := range measured.Values {
				scale := 1.0
				if strings.Contains(unit, "sec") { // users know these units as go test prints them
					unit, scale = strings.Replace(unit, "sec", "ns", 1), 1e9
				}
				for _, v := range values {
					samples[unit] = append(samples[unit], v*scale)
				}
			}
		}
	}
	if len(r.cells) == 0 {
		return nil, fmt.Errorf("%s: no row of the lab (go test -bench . ./contention measures them)", machine.Name)
	}
	return r, nil
}

// parse splits the name of a benchmark into its dials and the variant. It returns false if
// the benchmark is not of the lab.
func parse(name string, procs int) (cell Cell, variant string, ok bool) {
	parts := strings.Split(name, "/")
	if parts[0] != "Contention" {
		return Cell{}, "", false
	}
	cell.Procs = procs
	ok = true
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		ok = ok && err == nil
		return n
	}
	length := func(s string) time.Duration {
		d, err := time.ParseDuration(s)
		ok = ok && err == nil
		return d
	}
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "shape":
			cell.Shape = value
		case "hold":
			cell.Hold = length(value)
		case "think":
			cell.Think = length(value)
		case "read":
			cell.Read = number(value)
		case "records":
			cell.Records = number(value)
		case "skew":
			cell.Skew = value
		case "roles":
			cell.Roles = value
		case "goroutines":
			cell.Goroutines = number(value)
		case "sync":
			variant = value
		}
	}
	return cell, variant, ok && variant != "" && cell.Check() == nil
}

// Select keeps the cells whose dial has one of the values. It returns an error if
// a value was not measured.
func (r *Results) Select(dial Dial, values ...string) error {
	measured := r.values(dial)
	for _, value := range values {
		if !slices.Contains(measured, value) {
			return fmt.Errorf("%s=%s was not measured in the selected cases, and the map does not extrapolate: they have %s", dial.Name, value, strings.Join(measured, ", "))
		}
	}
	for cell := range r.cells {
		if !slices.Contains(values, dial.text(cell)) {
			delete(r.cells, cell)
		}
	}
	return nil
}

// values returns the measured values of a dial, in order.
func (r *Results) values(dial Dial) []string {
	cells := r.sorted()
	slices.SortStableFunc(cells, func(a, b Cell) int { return cmp.Compare(dial.rank(a), dial.rank(b)) })
	var values []string
	for _, cell := range cells {
		if text := dial.text(cell); !slices.Contains(values, text) {
			values = append(values, text)
		}
	}
	return values
}

func (r *Results) sorted() []Cell {
	var cells []Cell
	for cell := range r.cells {
		cells = append(cells, cell)
	}
	slices.SortFunc(cells, compareCells)
	return cells
}

// A Figure is a median over the rounds, with its interval, in the unit of the ranking.
type Figure struct {
	Median    float64
	Low, High float64 // of the 95 % interval; infinite if there are fewer than 6 rounds
	Rounds    int
}

func (f Figure) hasInterval() bool { return !math.IsInf(f.Low, 0) && !math.IsInf(f.High, 0) }

func figure(values []float64) Figure {
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95)
	return Figure{s.Center, s.Lo, s.Hi, len(values)}
}

// An Entry is a variant in the ranking of a cell.
type Entry struct {
	Variant string
	Cost    Figure
	Tied    bool   // the interval overlaps that of the cheapest, or one of them has none
	Forbids string // as in contention.Variant

	row
}

// metric returns the median of another unit.
func (e Entry) metric(unit string) (float64, bool) {
	values := e.samples[unit]
	if len(values) == 0 {
		return 0, false
	}
	return figure(values).Median, true
}

// A Ranking ranks the variants of one cell.
type Ranking struct {
	Cell        Cell
	Unit        string   // such as "ns/op"
	Choices     []Entry  // the cheapest first
	References  []Entry  // for comparison; these cannot be chosen
	NotMeasured []string // variants that other cells of this shape have and this one does not
}

// plainMutex is the variant with which every other is compared: one mutex.
const plainMutex = "global-mutex"

var known = func() map[string]map[string]contention.Variant {
	all := map[string]map[string]contention.Variant{}
	for shape, variants := range map[string][]contention.Variant{
		"record": contention.Variants, "counter": counter.Variants, "map": config.Variants,
	} {
		all[shape] = map[string]contention.Variant{}
		for _, v := range variants {
			all[shape][v.Name] = v
		}
	}
	return all
}()

// rank returns the ranking of a cell by a unit. There may be no choices.
func (r *Results) rank(cell Cell, unit string) Ranking {
	ranking := Ranking{Cell: cell, Unit: unit}
	for name, row := range r.cells[cell] {
		if len(row.samples[unit]) == 0 {
			continue
		}
		variant := known[cell.Shape][name]
		e := Entry{Variant: name, Cost: figure(row.samples[unit]), Forbids: cmp.Or(variant.Forbids, r.machine.Fact("forbids "+name)), row: *row}
		if variant.Reference {
			ranking.References = append(ranking.References, e)
		} else {
			ranking.Choices = append(ranking.Choices, e)
		}
	}
	for _, list := range [][]Entry{ranking.Choices, ranking.References} {
		slices.SortFunc(list, func(a, b Entry) int {
			return cmp.Or(cmp.Compare(a.Cost.Median, b.Cost.Median), cmp.Compare(a.Variant, b.Variant))
		})
	}
	for i := range ranking.Choices {
		e := &ranking.Choices[i]
		e.Tied = i > 0 && e.Cost.Low <= ranking.Choices[0].Cost.High
	}
	for _, name := range r.choices[cell.Shape] {
		if _, ok := ranking.entry(name); !ok {
			ranking.NotMeasured = append(ranking.NotMeasured, name)
		}
	}
	return ranking
}

// sure reports whether the interval of the cheapest overlaps no other.
func (r Ranking) sure() bool {
	return len(r.Choices) > 0 && r.Choices[0].Cost.hasInterval() &&
		!slices.ContainsFunc(r.Choices, func(e Entry) bool { return e.Tied })
}

// few reports whether a variant has too few rounds for an interval.
func (r Ranking) few() bool {
	return slices.ContainsFunc(r.Choices, func(e Entry) bool { return !e.Cost.hasInterval() })
}

// entry returns the choice with that name.
func (r Ranking) entry(variant string) (Entry, bool) {
	for _, e := range r.Choices {
		if e.Variant == variant {
			return e, true
		}
	}
	return Entry{}, false
}

// notes returns what a reader of the rankings must know about the measurement.
func notes(rankings ...Ranking) []string {
	var notes []string
	fewest, rounds, disturbed := math.MaxInt, 0, 0
	type off struct {
		rounds   int
		farthest float64 // from the dial, as a ratio
	}
	dials := map[string]*off{"hold": {}, "think": {}}
	for _, r := range rankings {
		for _, e := range r.Choices { // no verdict is about a reference
			fewest = min(fewest, e.Cost.Rounds)
		}
		for _, e := range slices.Concat(r.Choices, r.References) {
			rounds, disturbed = rounds+e.rounds, disturbed+e.disturbed
			for name, asked := range map[string]time.Duration{"hold": r.Cell.Hold, "think": r.Cell.Think} {
				if asked == 0 {
					continue // the suite reports none, and there is no ratio to it
				}
				// A row reports these only if they are more than 10 % off.
				for _, measured := range e.samples[name+"-ns"] {
					dials[name].rounds++
					if ratio := measured/float64(asked) - 1; math.Abs(ratio) > math.Abs(dials[name].farthest) {
						dials[name].farthest = ratio
					}
				}
			}
		}
	}
	for _, name := range []string{"hold", "think"} {
		if off := dials[name]; off.rounds > 0 {
			notes = append(notes, fmt.Sprintf("In %d of these %d runs the measured %s was more than 10 %% off its setting, by %+.0f %% at most: a busy machine, or one whose clock speed changes.",
				off.rounds, rounds, name, 100*off.farthest))
		}
	}
	if disturbed > 0 {
		notes = append(notes, fmt.Sprintf("%d of these %d runs were on a disturbed machine. They count too; the file names them.", disturbed, rounds))
	}
	if fewest < 6 {
		notes = append(notes, fmt.Sprintf("Fewer than 6 rounds give figures but no verdict, and there are %d: want -count 6.", fewest))
	}
	return notes
}

// A Map holds the rankings of all cells that differ only in two dials.
type Map struct {
	X, Y          Dial
	Title         string // what all cells have in common
	Unit          string
	Columns, Rows []string
	Cells         [][]*Ranking // by row and column; nil where nothing was measured

	machine benchfile.Machine
	about   []string // as in Results
}

// Maps divides the cells into maps of y by x.
func (r *Results) Maps(x, y Dial, unit string) []Map {
	var maps []Map
	groups := map[string][]Cell{}
	var order []string
	for _, cell := range r.sorted() {
		title := title(r.machine, cell, x, y)
		if groups[title] == nil {
			order = append(order, title)
		}
		groups[title] = append(groups[title], cell)
	}
	for _, title := range order {
		m := Map{X: x, Y: y, Title: title, Unit: unit, machine: r.machine, about: r.about}
		sub := &Results{cells: map[Cell]map[string]*row{}}
		for _, cell := range groups[title] {
			sub.cells[cell] = r.cells[cell]
		}
		m.Columns, m.Rows = sub.values(x), sub.values(y)
		for _, value := range m.Rows {
			line := make([]*Ranking, len(m.Columns))
			for _, cell := range groups[title] {
				if y.text(cell) != value {
					continue
				}
				if ranking := r.rank(cell, unit); len(ranking.Choices) > 0 {
					line[slices.Index(m.Columns, x.text(cell))] = &ranking
				}
			}
			m.Cells = append(m.Cells, line)
		}
		m.markOversubscribed()
		maps = append(maps, m)
	}
	return maps
}

// markOversubscribed marks the columns or rows of more procs than processors.
func (m *Map) markOversubscribed() {
	note := ""
	for name, heads := range map[string][]string{m.X.Name: m.Columns, m.Y.Name: m.Rows} {
		for i, head := range heads {
			if procs, _ := strconv.Atoi(head); name == "procs" && m.machine.Oversubscribed(procs) {
				heads[i] += "*"
				note = fmt.Sprintf(", on %d processors (* oversubscribed)", m.machine.NumCPU())
			}
		}
	}
	m.Title += note
}

// title writes the dials that are not on the axes, the procs in words and last.
func title(machine benchfile.Machine, cell Cell, axes ...Dial) string {
	var parts []string
	for _, d := range Dials {
		if slices.ContainsFunc(axes, func(a Dial) bool { return a.Name == d.Name }) || d.Name == "procs" {
			continue
		}
		parts = append(parts, d.Name+"="+d.text(cell))
	}
	text := strings.Join(parts, " ")
	if !slices.ContainsFunc(axes, func(a Dial) bool { return a.Name == "procs" }) {
		text += fmt.Sprintf(", %d procs", cell.Procs)
		if cell.Procs == 1 {
			text = strings.TrimSuffix(text, "s")
		}
		if machine.Oversubscribed(cell.Procs) {
			text += fmt.Sprintf(" on %d processors (oversubscribed)", machine.NumCPU())
		}
	}
	return text
}

// notes returns what a reader of the map must know about the measurement.
func (m Map) notes() []string {
	var lacking []string
	for _, r := range m.rankings() {
		if len(r.NotMeasured) > 0 {
			lacking = append(lacking, fmt.Sprintf("! %s=%s %s=%s lacks %s, which other cases have.",
				m.Y.Name, m.Y.text(r.Cell), m.X.Name, m.X.text(r.Cell), strings.Join(r.NotMeasured, ", ")))
		}
	}
	return append(lacking, notes(m.rankings()...)...)
}

// rankings returns the cells of a map that were measured.
func (m Map) rankings() []Ranking {
	var all []Ranking
	for _, line := range m.Cells {
		for _, cell := range line {
			if cell != nil {
				all = append(all, *cell)
			}
		}
	}
	return all
}

// finding says in a sentence what the map shows.
func (m Map) finding() string {
	wins := map[string]int{}
	unsure, few, lacking := 0, 0, 0
	all := m.rankings()
	for _, r := range all {
		if len(r.NotMeasured) > 0 {
			lacking++
		}
		if len(r.Choices) == 1 {
			wins["nothing to compare"]++
			continue
		}
		wins[r.Choices[0].Variant]++
		if r.few() {
			few++
		} else if !r.sure() {
			unsure++
		}
	}
	var names []string
	for name := range wins {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(wins[b]-wins[a], cmp.Compare(a, b)) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s in %d", name, wins[name])
		if i == 0 {
			names[i] += fmt.Sprintf(" of %d", len(all))
		}
	}
	text := fmt.Sprintf("Cheapest by %s: %s", m.Unit, strings.Join(names, ", "))
	if unsure > 0 {
		text += fmt.Sprintf("; undecided, because intervals of 95 %% overlap: %d", unsure)
	}
	if few > 0 {
		text += fmt.Sprintf("; undecided, because rounds are too few for an interval: %d", few)
	}
	if lacking > 0 {
		text += fmt.Sprintf("; variants are missing (!): %d", lacking)
	}
	return text + "."
}

// format writes a figure with its unit, to three digits: nanoseconds as a duration.
func format(value float64, unit string) string {
	if !strings.Contains(unit, "ns") {
		return fmt.Sprintf("%.3g", value)
	}
	for _, u := range []struct {
		name string
		size float64
	}{{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}} {
		if value >= u.size {
			return short(value/u.size) + u.name
		}
	}
	return short(value) + "ns"
}

// short writes three digits, and no exponent.
func short(value float64) string {
	if value >= 100 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}

// times writes the cost of e as a multiple of another's, such as 1.23x, or "-" if there is
// none: the other costs nothing, as a wait for a mutex may, or a unit of the user's is below 0.
func times(e, other Entry) string {
	switch ratio := e.Cost.Median / other.Cost.Median; {
	case other.Cost.Median <= 0 || ratio < 0 || math.IsInf(ratio, 0):
		return "-"
	case ratio < 10:
		return fmt.Sprintf("%.2fx", ratio)
	default:
		return fmt.Sprintf("%.0fx", ratio)
	}
}

// Any reports whether a map has something to show.
func Any(maps []Map) bool {
	return slices.ContainsFunc(maps, func(m Map) bool { return len(m.rankings()) > 0 })
}
