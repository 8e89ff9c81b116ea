// Package claims compares statements of the article with benchmark output. A claim has
// figures, which are ratios of rows, and for each figure the values for which it holds.
// [Judge] gives each claim a verdict.
package claims

import (
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchmath"

	"boundaries/internal/benchfile"
)

// The verdicts. A claim has the weakest verdict of its figures, in the order of
// weakestFirst.
const (
	reproduced = "reproduced"
	// The claimed effect shows, but is smaller or larger.
	inDirection   = "reproduced in direction"
	notReproduced = "not reproduced"
	notMeasured   = "not measured"
	// The interval crosses an edge, and another run could fall on either side.
	undecided = "undecided"
	// A reproduced claim without a number, which fails only if the program is broken.
	anyMachine = "true of any machine"
	// No figure decides these.
	byConstruction = "by construction"
	corrected      = "corrected"      // the article has a fact wrong
	notMeasurable  = "not measurable" // an opinion, or a picture
)

var weakestFirst = []string{notReproduced, notMeasured, undecided, inDirection, reproduced}

// Legend explains the verdicts.
const Legend = `  reproduced               the interval is in the band for which the claim holds, which -v
                           prints: in most claims the article's figure within a factor
                           of 1.5. "x times" is a statement about x - 1
  reproduced in direction  slower if the article says slower, but by less, or by more
  not reproduced           neither of these
  undecided                measured, but the interval crosses an edge, so that another
                           run could fall on either side
  not measured             no row, too few processors, fewer than 6 rounds, values
                           of unknown rounds, or a disturbed machine
  true of any machine      has no number, and fails only if the program is broken
  by construction, corrected, not measurable
                           no figure decides it

A figure is a ratio of rows: the median over the rounds, with its 95 % interval. The
verdict is that of the whole interval. A claim has the weakest verdict of its figures.
If the article names no version of Python, the version with the best verdict decides,
and of several the one nearest to the article's figure or, inside its band, the oldest.
The others stand beside it. Columns of more procs than the machine has processors are
judged only for claims that are about such columns or whose threads sleep.
`

// A Report holds the verdicts of the claims on one machine.
type Report struct {
	input  *input
	claims []claimReport
}

type claimReport struct {
	claim
	verdict string
	figures []figureReport
}

type figureReport struct {
	label, article, unit string
	decides              bool   // counts for the claim's verdict
	rows                 string // the formula of the figure
	holds                string // the values for which the claim holds; empty if it is not judged
	estimate             estimate
	present              bool   // there is an estimate
	verdict              string // empty if the figure is not judged
	note                 string // what to know about the verdict
	missing              []cell // cells to measure, on this machine unless elsewhere is set
	elsewhere            bool
}

// Judge compares the claims with the given IDs, or all claims, with files of one machine. Without
// files the report describes the claims and judges none. It is an error if the files are
// of two machines or have no row that a claim needs.
func Judge(files []*benchfile.File, ids []string) (Report, error) {
	m, err := newInput(files)
	if err != nil {
		return Report{}, err
	}
	needed := cellsOf(ids)
	if len(files) > 0 && len(needed) > 0 && !slices.ContainsFunc(needed, func(c cell) bool { return len(m.pythonsOrRow(c.row)) > 0 }) {
		what, option := "a claim needs", ""
		if len(ids) > 0 {
			what, option = "the claims "+strings.Join(ids, ", ")+" need", " -claim "+strings.Join(ids, ",")
		}
		return Report{}, fmt.Errorf("%s: no row that %s (boundaries claims -measure%s prints what measures them)", strings.Join(m.files, ", "), what, option)
	}
	return m.report(ids), nil
}

func (m *input) report(ids []string) Report {
	r := Report{input: m}
	for _, c := range selected(ids) {
		cr := claimReport{claim: c, verdict: c.settled}
		for _, f := range c.figures {
			var judged []figureReport
			for _, f := range m.expand(f) {
				judged = append(judged, m.judge(f))
			}
			if f.best {
				best := closest(judged, f.want)
				for i := range judged {
					judged[i].decides = i == best
				}
			}
			cr.figures = append(cr.figures, judged...)
		}
		weakest := len(weakestFirst)
		for _, f := range cr.figures {
			if f.decides {
				weakest = min(weakest, slices.Index(weakestFirst, f.verdict))
			}
		}
		if c.settled == "" {
			cr.verdict = weakestFirst[weakest]
			if c.anyMachine && cr.verdict == reproduced {
				cr.verdict = anyMachine
			}
		}
		r.claims = append(r.claims, cr)
	}
	return r
}

// closest returns the index of the figure with the best verdict. If several have it,
// closest returns the index of the one that is nearest to want.
func closest(figures []figureReport, want band) int {
	distance := func(f figureReport) float64 {
		if !f.present {
			return math.Inf(1)
		}
		return max(0, math.Log(want.lo/f.estimate.center), math.Log(f.estimate.center/want.hi))
	}
	best := 0
	for i, f := range figures {
		a, b := slices.Index(weakestFirst, f.verdict), slices.Index(weakestFirst, figures[best].verdict)
		if a > b || a == b && distance(f) < distance(figures[best]) {
			best = i
		}
	}
	return best
}

// IDs returns the IDs of all claims, in order.
func IDs() []string {
	var ids []string
	for _, c := range claims {
		ids = append(ids, c.id)
	}
	return ids
}

// Range returns the first and the last ID in words.
func Range() string { return claims[0].id + " to " + claims[len(claims)-1].id }

func selected(ids []string) []claim {
	if len(ids) == 0 {
		return claims
	}
	return slices.DeleteFunc(slices.Clone(claims), func(c claim) bool { return !slices.Contains(ids, c.id) })
}

// cellsOf returns the cells of the claims of those IDs, or of all.
func cellsOf(ids []string) []cell {
	var cells []cell
	for _, c := range selected(ids) {
		for _, f := range c.figures {
			cells = append(cells, f.cells()...)
		}
	}
	return cells
}

func (f figure) cells() []cell { return slices.Concat(f.num, f.den) }

// share returns the processor time of the rows that only compute, divided by their wall
// time. It is well below 1 if other processes used the processors, and 0 if there are
// no such rows.
func (m *input) share() float64 {
	var shares []float64
	for _, row := range []string{"Loop/sync=serial", "Fib/sync=serial", "LoopBoxed/system=plain", "FibBoxed/system=plain", "StoneBoxed/system=plain"} {
		used, took := cell{row, cpu, 1}, cell{row, wall, 1}
		if len(m.samples[used]) != len(m.samples[took]) || !m.possible(took) || !m.possible(used) {
			continue
		}
		for i, v := range m.samples[used] {
			shares = append(shares, v/m.samples[took][i])
		}
	}
	if len(shares) == 0 {
		return 0
	}
	return summary(shares).center
}

// expand returns the figure for every Python that has its rows, and for every column
// that "many" stands for. A figure that cannot be measured stays in one piece.
func (m *input) expand(f figure) []figure {
	var all []figure
	for _, g := range m.expandPythons(f) {
		columns := m.columnsOf(g)
		for _, n := range columns {
			h := g
			h.num, h.den = withProcs(g.num, n), withProcs(g.den, n)
			if len(columns) > 1 || f.label == "" && len(columns) == 1 {
				h.label = strings.TrimPrefix(fmt.Sprintf("%s, %d threads", g.label, n), ", ")
			}
			all = append(all, h)
		}
		if columns == nil {
			all = append(all, g)
		}
	}
	return all
}

func (m *input) expandPythons(f figure) []figure {
	ofPython := slices.DeleteFunc(f.cells(), func(c cell) bool { return !strings.Contains(c.row, "*") })
	if len(ofPython) == 0 {
		return []figure{f}
	}
	var expanded []figure
	for _, python := range m.pythons(ofPython[0].row) {
		if slices.ContainsFunc(withPython(ofPython, python), func(c cell) bool { return !m.rows[c.row] }) {
			continue
		}
		g := f
		g.num, g.den = withPython(f.num, python), withPython(f.den, python)
		_, pattern, _ := strings.Cut(ofPython[0].row, "system=")
		system := strings.Replace(pattern, "*", python, 1)
		if slices.ContainsFunc(ofPython, func(c cell) bool { return !strings.HasSuffix(c.row, pattern) }) {
			system = python // the figure compares the interpreter with its GIL and without
		}
		g.label = strings.TrimPrefix(f.label+", "+system, ", ")
		expanded = append(expanded, g)
	}
	if len(expanded) == 0 {
		return []figure{f}
	}
	return expanded
}

func withPython(cells []cell, python string) []cell {
	cells = slices.Clone(cells)
	for i := range cells {
		cells[i].row = strings.Replace(cells[i].row, "*", python, 1)
	}
	return cells
}

// columnsOf returns what "many" stands for in the figure: the columns that all its
// rows have and that the machine has processors for. If there are none, it
// returns the column to measure. It returns nil for a figure without "many".
func (m *input) columnsOf(f figure) []int {
	var common []int
	first := true
	for _, c := range f.cells() {
		if c.procs != many {
			continue
		}
		columns := m.columns(c)
		if first {
			common, first = columns, false
		}
		common = slices.DeleteFunc(common, func(n int) bool { return n < 2 || !slices.Contains(columns, n) })
	}
	if first || f.parity {
		return nil
	}
	clean := slices.DeleteFunc(slices.Clone(common), m.oversubscribes)
	switch {
	case len(clean) > 0:
		return clean
	case len(common) > 0:
		return common[:1]
	}
	return []int{max(2, m.numCPU)}
}

func (m *input) oversubscribes(procs int) bool { return m.numCPU > 0 && procs > m.numCPU }

func withProcs(cells []cell, n int) []cell {
	cells = slices.Clone(cells)
	for i := range cells {
		if cells[i].procs == many {
			cells[i].procs = n
		}
	}
	return cells
}

// An estimate is a median and its interval. Without an interval, lo and hi are the
// median. For a parity that was not reached, center and hi are infinite.
type estimate struct {
	lo, center, hi float64
	rounds         int
	interval       bool
}

func (e estimate) in(b band) bool {
	return b.lo < e.lo && e.hi < b.hi
}

func (e estimate) outside(b band) bool { return e.hi <= b.lo || b.hi <= e.lo }

func (e estimate) times(x float64) estimate {
	return estimate{e.lo * x, e.center * x, e.hi * x, e.rounds, e.interval}
}

// verdict compares the whole interval with want and direction. The interval is inside
// want, inside direction and outside want, or outside both; otherwise the figure is
// undecided. A parity that was not reached has no upper bound. It is in the direction if its
// lower bound is beyond want, and otherwise it is not measured.
func (f figure) verdict(e estimate) string {
	switch {
	case !e.interval:
		return notMeasured
	case e.in(f.want):
		return reproduced
	case f.direction != band{} && (e.in(f.direction) && e.outside(f.want) || f.parity && f.want.hi <= e.lo):
		return inDirection
	case f.parity && math.IsInf(e.hi, 1):
		return notMeasured
	case !e.outside(f.want):
		return undecided
	case f.direction == band{} || e.outside(f.direction):
		return notReproduced
	}
	return undecided
}

// open reports whether a measurement could still decide.
func open(verdict string) bool { return verdict == notMeasured || verdict == undecided }

func (m *input) judge(f figure) figureReport {
	fr := figureReport{label: f.label, decides: !f.aside, article: f.article, unit: f.unit}
	judged := f.want != band{}
	if judged {
		fr.verdict, fr.holds = notMeasured, f.want.String()
		if f.direction != (band{}) {
			fr.holds += ", in direction " + f.direction.String()
		}
	}
	cells := f.cells()
	if f.parity {
		cells = append(m.parityCells(f), f.den...)
	}
	procs := slices.MaxFunc(cells, func(a, b cell) int { return a.procs - b.procs }).procs
	fr.rows = f.formula(procs)
	oversubscribed := m.oversubscribes(procs)
	needed := f.processors
	if !f.oversubscribed {
		needed = max(needed, procs)
	}
	tooFew := m.oversubscribes(needed)

	if fr.note, fr.missing = m.lacks(cells); fr.note != "" {
		if tooFew { // measuring the rows on this machine would not help
			fr.note, fr.elsewhere = fmt.Sprintf("needs %d processors", needed), true
		}
		return fr
	}
	e := m.estimate(f, procs, nil)
	fr.estimate, fr.present = e, true

	var notes []string
	if e.rounds == 0 {
		notes = append(notes, "no interval: the files do not say which values of these rows are of one round")
	} else if !e.interval && !f.exists {
		notes = append(notes, "no interval, which takes 6 rounds")
	}
	unknown := m.numCPU == 0 && needed > 1 && !f.exists
	if unknown {
		notes = append(notes, fmt.Sprintf("needs %d processors, and numcpu is not in the files", needed))
	}
	if oversubscribed {
		notes = append(notes, fmt.Sprintf("oversubscribed: %d threads, numcpu %d", procs, m.numCPU))
	}
	switch {
	case !judged:
	case unknown:
		fr.missing = cells
	case f.exists && slices.Max(m.samples[cells[0]]) > 0:
		fr.verdict = reproduced
	case f.exists:
		notes = append(notes, "it did not happen here, which does not say that it cannot")
		fr.missing = cells
	case tooFew:
		notes = append(notes, fmt.Sprintf("needs %d processors", needed))
		fr.missing, fr.elsewhere = cells, true
	default:
		fr.verdict = f.verdict(e)
		if note := m.shaken(f, cells, procs, fr.verdict); note != "" {
			notes = append(notes, note)
			fr.verdict, fr.missing = notMeasured, cells
			break
		} else if !open(fr.verdict) {
			break
		}
		fr.missing = cells
		if f.parity && math.IsInf(e.hi, 1) && procs < m.numCPU {
			notes = append(notes, fmt.Sprintf("no column of %d threads", m.numCPU))
			for n := 2 * procs; ; n *= 2 {
				fr.missing = append(fr.missing, withProcs(f.num, min(n, m.numCPU))...)
				if n >= m.numCPU {
					break
				}
			}
		} else if f.parity && math.IsInf(e.hi, 1) {
			notes = append(notes, "parity may lie beyond the processors")
			fr.elsewhere = true
		} else if e.interval && f.direction != (band{}) && e.in(f.direction) {
			notes = append(notes, "the interval reaches over an edge; only the direction is sure")
		} else if e.interval {
			notes = append(notes, "the interval reaches over an edge")
		}
	}
	fr.note = strings.Join(notes, "; ")
	return fr
}

// lacks returns why the samples of the cells do not suffice, or "", and the cells to
// measure.
func (m *input) lacks(cells []cell) (note string, missing []cell) {
	var names []string
	for _, c := range cells {
		if len(m.samples[c]) == 0 {
			missing = append(missing, c)
			if !slices.Contains(names, c.name()) {
				names = append(names, c.name())
			}
		} else if !m.possible(c) {
			return c.name() + " has an impossible " + c.shortUnit() + "; 0 means that the clock is too coarse for it", cells
		}
	}
	if len(missing) == 0 {
		return "", nil
	}
	// Measure the rows that exist again, too, so that the rounds pair.
	again := slices.DeleteFunc(slices.Clone(cells), func(c cell) bool {
		return !slices.ContainsFunc(missing, func(m cell) bool { return m.python() == c.python() })
	})
	return "no row " + strings.Join(names, ", "), again
}

// possible reports whether the samples of the cell can be put into a ratio.
func (m *input) possible(c cell) bool {
	return !slices.ContainsFunc(m.samples[c], func(v float64) bool {
		return !(v < 1e30 && (v > 1e-30 || v == 0 && (c.unit == lost || c.unit == lostTry)))
	})
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}

// estimate returns the figure. Calm may change the ratios that it is made of.
func (m *input) estimate(f figure, procs int, calm calming) (e estimate) {
	if f.parity {
		e = m.parity(f, calm)
	} else {
		e = m.ratio(f.num, f.den, calm)
	}
	if f.scale != 0 {
		e = e.times(f.scale)
	}
	if f.perThread {
		e = e.times(1 / float64(procs))
	}
	return e
}

// ratio returns the ratio of the product of num to that of den.
//
// The interval is that of the ratios within rounds, because a machine that is slow in
// one round is slow for all rows. Values pair within a file, which is a session, and
// within a round. A file without recorded rounds counts as one round. The values of a
// round pair in order, if all cells have the same number of them. If no values pair,
// the ratio is that of the medians, of 0 rounds and without an interval.
//
// If no file has all rows, for example because the rows of Python have a file of their
// own, values of different sessions pair, in any order.
func (m *input) ratio(num, den []cell, calm calming) estimate {
	cells := slices.Concat(num, den)
	combine := func(value func(cell) float64) float64 {
		ratio := 1.0
		for _, c := range num {
			ratio *= value(c)
		}
		for _, c := range den {
			ratio /= value(c)
		}
		return ratio
	}
	var ratios []float64
	pair := func(n int, samples func(cell) []float64) {
		for i := range n {
			ratios = append(ratios, combine(func(c cell) float64 { return samples(c)[i] }))
		}
	}
	files, together := m.filesOf(cells)
	if together {
		for _, file := range files {
			rounds := map[cell]map[int][]float64{}
			for _, c := range cells {
				rounds[c] = m.roundsOf(c, file)
			}
			for _, round := range slices.Sorted(maps.Keys(rounds[cells[0]])) {
				n := len(rounds[cells[0]][round])
				if !slices.ContainsFunc(cells, func(c cell) bool {
					return len(rounds[c][round]) != n || round == unknownRound && len(cells) > 1
				}) {
					pair(n, func(c cell) []float64 { return rounds[c][round] })
				}
			}
		}
	} else {
		n := math.MaxInt
		for _, c := range cells {
			n = min(n, len(m.samples[c]))
		}
		pair(n, func(c cell) []float64 { return m.samples[c] })
	}
	if ratios == nil {
		center := combine(func(c cell) float64 { return summary(m.samples[c]).center })
		return estimate{center, center, center, 0, false}
	}
	if calm != nil {
		calm(ratios, files, num, den)
	}
	return summary(ratios)
}

// roundsOf returns the samples that the file has of the cell, by round.
func (m *input) roundsOf(c cell, file int) map[int][]float64 {
	rounds := map[int][]float64{}
	for i, from := range m.from[c] {
		if from.file == file {
			rounds[from.round] = append(rounds[from.round], m.samples[c][i])
		}
	}
	return rounds
}

// ofFile returns the samples that the file has of the cell.
func (m *input) ofFile(c cell, file int) []float64 {
	var values []float64
	for i, from := range m.from[c] {
		if from.file == file {
			values = append(values, m.samples[c][i])
		}
	}
	return values
}

func summary(values []float64) estimate {
	// NewSample sorts what it gets, and the values of a cell stand in the order of their rounds.
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds), 0.95)
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) { // it takes 6 values
		return estimate{s.Center, s.Center, s.Center, len(values), false}
	}
	return estimate{s.Lo, s.Center, s.Hi, len(values), true}
}

// parityCells returns the columns of num that the machine has processors for. If there
// are none, it returns the columns to measure.
func (m *input) parityCells(f figure) []cell {
	var cells []cell
	for _, procs := range m.columns(f.num[0]) {
		if !m.oversubscribes(procs) {
			cells = append(cells, cell{f.num[0].row, f.num[0].unit, procs})
		}
	}
	if cells == nil {
		cells = slices.Concat(withProcs(f.num, 1), withProcs(f.num, max(2, m.numCPU)))
	}
	return cells
}

// parity returns the number of threads at which num takes no longer for a step than
// den. Nothing is known between two columns, so the interval includes everything
// between them: lo is one more than a number of threads that is surely too few, and hi
// is a number that is surely enough.
func (m *input) parity(f figure, calm calming) estimate {
	enough := estimate{1, math.Inf(1), math.Inf(1), math.MaxInt, true}
	possible := false
	for _, num := range m.parityCells(f) {
		e := m.ratio([]cell{num}, f.den, calm)
		if possible = possible || e.lo <= 1; !possible {
			enough.lo = float64(num.procs + 1)
		}
		if e.center <= 1 {
			enough.center = min(enough.center, float64(num.procs))
		}
		if e.hi <= 1 {
			enough.hi = min(enough.hi, float64(num.procs))
		}
		enough.rounds = min(enough.rounds, e.rounds)
		enough.interval = enough.interval && e.interval
	}
	return enough
}

// name is that of the benchmark, as go test prints it without "Benchmark".
func (c cell) name() string {
	if c.procs == 1 {
		return c.row
	}
	return c.row + "-" + strconv.Itoa(c.procs)
}

func (c cell) shortUnit() string { return strings.Replace(c.unit, "sec", "ns", 1) }

func (c cell) python() bool { return strings.HasPrefix(c.row, "Py") }

// time reports whether the cell is a time.
func (c cell) time() bool { return strings.Contains(c.unit, "sec") }

func (c cell) race() bool { return strings.HasPrefix(c.row, "Race/") }

func (f figure) formula(n int) string {
	if f.parity {
		return fmt.Sprintf("the fewest threads at which %s is at most %s (ns/op)", f.num[0].row, f.den[0].row)
	}
	cells := f.cells()
	mixed := slices.ContainsFunc(cells, func(c cell) bool { return c.unit != cells[0].unit })
	product := func(cells []cell) string {
		var names []string
		for _, c := range cells {
			name := c.name()
			if mixed {
				name = c.shortUnit() + " of " + name
			}
			names = append(names, name)
		}
		text := strings.Join(names, " * ")
		if len(names) > 1 {
			text = "(" + text + ")"
		}
		return text
	}
	text := product(f.num)
	if f.scale != 0 && f.unit == "" { // otherwise the unit says it
		text = fmt.Sprintf("%g * %s", f.scale, text)
	}
	if len(f.den) > 0 {
		text += " / " + product(f.den)
	}
	if f.perThread {
		text += fmt.Sprintf(" / %d", n)
	}
	if !mixed {
		text += " (" + cells[0].shortUnit() + ")"
	}
	return text
}

// raceCommand prints the share of tries of a race that went wrong.
const raceCommand = "go test -bench Race/case=refcount -benchtime 20000x -cpu 2 ./races"

// enough is the smallest number of rounds whose 95 % interval excludes the extremes.
const enough = 9

// Command returns a shell command that measures the rows of Go that the claims with the
// given IDs, or all claims, need, or "" if they need none. For all claims it leaves out the
// race, which the tour of make race-demo shows. It measures a claim about any number of
// threads at each of the columns.
func Command(ids []string, columns []int) string {
	return measure(slices.DeleteFunc(cellsOf(ids), func(c cell) bool { return c.python() || c.race() && len(ids) == 0 }), columns)
}

// measure returns a shell command that measures the cells. The rows of Go take turns,
// so that a machine that becomes slower or faster does so for all of them.
func measure(cells []cell, columns []int) string {
	var python []int
	race := false
	procs := map[string][]int{} // of the rows of Go
	for _, c := range cells {
		switch {
		case c.python():
			python = append(python, 1, max(2, c.procs))
		case c.race():
			race = true
		case c.procs == many:
			procs[c.row] = append(procs[c.row], columns...)
		default:
			procs[c.row] = append(procs[c.row], c.procs)
		}
	}
	rows := map[string][]string{} // by list of procs
	for _, row := range slices.Sorted(maps.Keys(procs)) {
		if above := path.Dir(row); procs[above] != nil {
			continue // the pattern of the row above selects this row too
		}
		list := join(procs[row], ",")
		if list == "2" { // one more row costs less than one more run
			list = "1,2"
		}
		rows[list] = append(rows[list], row)
	}
	var commands []string
	for _, list := range slices.Sorted(maps.Keys(rows)) {
		commands = append(commands, fmt.Sprintf("go test -cpu %s -skip '/=nogil$/without=' -bench '%s'", list, pattern(rows[list])))
	}
	if race {
		commands = append(commands, raceCommand)
	}
	text := ""
	if commands != nil {
		text = fmt.Sprintf("for i in $(seq %d); do echo '# round: '$i; %s || break; done", enough, strings.Join(commands, " && "))
	}
	if python != nil {
		text += fmt.Sprintf("; make python ROUNDS=%d THREADS='%s' PYTHONS='python3 python3.14t'", enough, join(python, " "))
	}
	return strings.TrimPrefix(text, "; ")
}

// join returns the numbers in order, each once.
func join(numbers []int, separator string) string {
	slices.Sort(numbers)
	var list []string
	for _, n := range slices.Compact(numbers) {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, separator)
}

// pattern returns a -bench that selects the rows. It also selects the rows below a
// row, such as without=locks.
func pattern(rows []string) string {
	last := map[string][]string{}
	for _, row := range rows {
		slash := strings.LastIndexByte(row, '/')
		last[row[:slash]] = append(last[row[:slash]], row[slash+1:])
	}
	var alternatives []string
	for _, parent := range slices.Sorted(maps.Keys(last)) {
		key, _, _ := strings.Cut(last[parent][0], "=")
		var values []string
		for _, leaf := range last[parent] {
			values = append(values, strings.TrimPrefix(leaf, key+"="))
		}
		leaf := key + "=" + values[0]
		if len(values) > 1 {
			leaf = key + "=(" + strings.Join(values, "|") + ")"
		}
		alternatives = append(alternatives, "Benchmark"+strings.ReplaceAll(parent, "/", "$/")+"$/"+leaf+"$")
	}
	return strings.Join(alternatives, "|")
}
