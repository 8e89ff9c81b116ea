package claims

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchmath"
)

// The verdicts. A claim has the weakest of those of its figures, in the order
// not reproduced, not measured, reproduced in direction, reproduced.
const (
	reproduced = "reproduced"
	// What the claim says happens, and not as much of it, or more.
	inDirection   = "reproduced in direction"
	notReproduced = "not reproduced"
	notMeasured   = "not measured"
	// What no figure decides.
	byConstruction = "by construction"
	corrected      = "corrected"      // a fact that the article has wrong
	notMeasurable  = "not measurable" // an opinion
)

var verdicts = []string{reproduced, inDirection, notReproduced, notMeasured, byConstruction, corrected, notMeasurable}

var weakestFirst = []string{notReproduced, notMeasured, inDirection, reproduced}

// These are the JSON that the claims verb prints, so a name stays once it is here.
type report struct {
	Files   []string
	Machine struct {
		GOOS   string
		GOARCH string
		CPU    string
		NumCPU int    // 0 if the files do not say
		// How much of a processor those rows had that compute and wait for nobody.
		// Well below 1, others had the rest. Null if there is no such row.
		Share *float64
	}
	Problems []string       // what the files lack, as on standard error
	Claims   []claimReport 
	Summary  map[string]int // verdict -> number of claims
}

type claimReport struct {
	ID       string        
	Where    string        
	Says     string        
	Verdict  string        
	Expected string        
	Why      string         // what is expected is expected
	Figures  []figureReport
}

type figureReport struct {
	Label   string
	Decides bool   // has a part in the claim's verdict
	Article string
	Rows    string // how the figure is made of them
	Unit    string
	Holds   string // for which figures the claim does; empty if it is not judged
	// Null where there is none. Low and High are the 95 % interval; High alone is
	// null where the figure is known to be at least Low, and no more.
	Value *float64
	Low   *float64
	High  *float64
	// How many rounds Value is the median of: the fewest that one of the rows has.
	Rounds         int   
	Procs          int    // the most of one of the rows
	Oversubscribed bool  
	Verdict        string // empty if the figure is not judged
	Note           string    // what to know about the verdict
	Measure        string // the command that would decide it
}

// judge holds the claims of those ids, or all, against what was measured.
func judge(m *measured, ids []string) report {
	r := report{Files: m.files, Problems: []string{}, Summary: map[string]int{}}
	for _, verdict := range verdicts {
		r.Summary[verdict] = 0
	}
	r.Machine.GOOS, r.Machine.GOARCH, r.Machine.CPU = m.machine["goos"], m.machine["goarch"], m.machine["cpu"]
	r.Machine.NumCPU, r.Machine.Share = m.numCPU, m.share()
	for _, p := range m.problems {
		r.Problems = append(r.Problems, p.Error())
	}
	for _, c := range claims {
		if len(ids) > 0 && !slices.Contains(ids, c.id) {
			continue
		}
		cr := claimReport{ID: c.id, Where: c.where, Says: c.says, Verdict: c.settled, Expected: c.expect, Why: c.why, Figures: []figureReport{}}
		weakest := len(weakestFirst)
		for _, f := range c.figures {
			for _, f := range m.expand(f) {
				fr := m.judge(f)
				cr.Figures = append(cr.Figures, fr)
				if fr.Decides {
					weakest = min(weakest, slices.Index(weakestFirst, fr.Verdict))
				}
			}
		}
		if c.settled == "" {
			cr.Verdict = weakestFirst[weakest]
		}
		r.Claims = append(r.Claims, cr)
		r.Summary[cr.Verdict]++
	}
	return r
}

func (m *measured) share() *float64 {
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
		return nil
	}
	return &benchmath.NewSample(shares, &benchmath.DefaultThresholds).Values[len(shares)/2]
}

// expand returns the figure for every Python that has its rows. If there is none
// it returns the figure as it is.
func (m *measured) expand(f figure) []figure {
	var ofPython []cell
	for _, c := range slices.Concat(f.num, f.den) {
		if strings.Contains(c.row, "*") {
			ofPython = append(ofPython, c)
		}
	}
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
			system = python // with its GIL and without
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

// An estimate is a median and its interval. Without an interval, lo and hi are
// the median.
type estimate struct {
	lo, center, hi float64
	rounds         int
	interval       bool
}

func (e estimate) in(b band) bool {
	return b.lo < e.lo && (e.hi < b.hi || math.IsInf(b.hi, 1))
}

func (e estimate) outside(b band) bool { return e.hi <= b.lo || b.hi <= e.lo }

func (e estimate) times(x float64) estimate {
	return estimate{e.lo * x, e.center * x, e.hi * x, e.rounds, e.interval}
}

func (f figure) verdict(e estimate) string {
	directed := f.direction != band{}
	switch {
	case e.in(f.want):
		return reproduced
	case directed && e.in(f.direction):
		return inDirection
	case !directed && e.outside(f.want), directed && e.outside(f.direction):
		return notReproduced
	}
	return notMeasured
}

func (m *measured) judge(f figure) figureReport {
	fr := figureReport{Label: f.label, Decides: !f.aside, Article: f.article, Unit: f.unit}
	judged := f.want != band{}
	if judged {
		fr.Verdict, fr.Holds = notMeasured, f.want.String()
		if f.direction != (band{}) {
			fr.Holds += ", in direction " + f.direction.String()
		}
	}
	n := m.threads(f)
	num, den := withProcs(f.num, n), withProcs(f.den, n)
	cells := slices.Concat(num, den)
	fr.Rows = f.formula(num, den, n)
	fr.Procs = slices.MaxFunc(cells, func(a, b cell) int { return a.procs - b.procs }).procs
	fr.Oversubscribed = m.numCPU > 0 && fr.Procs > m.numCPU
	tooFew := fmt.Sprintf("needs %d processors", fr.Procs)

	if fr.Note, fr.Measure = m.lacks(cells); fr.Note != "" {
		if fr.Oversubscribed && !f.oversubscribed {
			// To measure the rows here would not help.
			fr.Note, fr.Measure = tooFew, "there: "+command(cells, 6)
		}
		return fr
	}
	e, paired := m.ratio(num, den)
	if f.parity {
		e = m.parity(f, e.rounds)
	}
	if f.scale != 0 {
		e = e.times(f.scale)
	}
	if f.perThread {
		e = e.times(1 / float64(n))
	}
	fr.Rounds = e.rounds
	if !math.IsInf(e.center, 0) {
		fr.Value = &e.center
	}
	if e.interval || f.parity {
		fr.Low = &e.lo
		if !math.IsInf(e.hi, 0) {
			fr.High = &e.hi
		}
	}

	var notes []string
	if !e.interval {
		notes = append(notes, "no interval")
	} else if !paired {
		notes = append(notes, "the rows have different numbers of rounds, so the interval is wider than it need be")
	}
	if m.numCPU == 0 && fr.Procs > 1 {
		notes = append(notes, "numcpu is not in the files, so this may be oversubscribed")
	}
	if fr.Oversubscribed {
		notes = append(notes, fmt.Sprintf("oversubscribed: %d threads, numcpu %d", fr.Procs, m.numCPU))
	}
	switch {
	case !judged:
	case fr.Oversubscribed && !f.oversubscribed:
		notes = append(notes, tooFew)
		fr.Measure = "there: " + command(cells, 6)
	default:
		if fr.Verdict = f.verdict(e); fr.Verdict == notMeasured {
			notes = append(notes, "the interval reaches over an edge")
			fr.Measure = command(cells, max(10, 2*e.rounds))
		}
	}
	fr.Note = strings.Join(notes, "; ")
	return fr
}

// lacks says what is wrong with the samples of the cells, if anything is, and what
// measures them.
func (m *measured) lacks(cells []cell) (note, measure string) {
	var missing []cell
	var names []string
	for _, c := range cells {
		if len(m.samples[c]) == 0 {
			missing = append(missing, c)
			if !slices.Contains(names, c.name()) {
				names = append(names, c.name())
			}
		} else if !m.possible(c) {
			return c.name() + " has a " + c.shortUnit() + " that no run can have; 0 is a clock too coarse for it", command(cells, 6) + " -benchtime 1s"
		}
	}
	if len(missing) == 0 {
		return "", ""
	}
	// What is there is measured with what is not, so that they pair.
	again := slices.DeleteFunc(slices.Clone(cells), func(c cell) bool {
		return !slices.ContainsFunc(missing, func(m cell) bool { return m.python() == c.python() })
	})
	return "no row " + strings.Join(names, ", "), command(again, 6)
}

// possible reports whether the samples of the cell can be put into a ratio.
func (m *measured) possible(c cell) bool {
	return !slices.ContainsFunc(m.samples[c], func(v float64) bool {
		return !(v < 1e30 && (v > 1e-30 || v == 0 && c.unit == lost))
	})
}

func rounds(n int) string {
	if n == 1 {
		return "1 round"
	}
	return fmt.Sprintf("%d rounds", n)
}

// threads returns what "all" stands for in the figure: the largest number of procs
// that is not oversubscribed, or else the smallest that is.
func (m *measured) threads(f figure) int {
	var common []int
	first := true
	for _, c := range slices.Concat(f.num, f.den) {
		if c.procs != all {
			continue
		}
		columns := m.columns(c)
		if first {
			common, first = columns, false
		}
		common = slices.DeleteFunc(common, func(n int) bool { return n < 2 || !slices.Contains(columns, n) })
	}
	oversubscribed := func(n int) bool { return m.numCPU > 0 && n > m.numCPU }
	if i := slices.IndexFunc(common, oversubscribed); i > 0 {
		common = common[:i]
	} else if i == 0 {
		return common[0]
	}
	if len(common) > 0 {
		return common[len(common)-1]
	}
	return max(2, m.numCPU) // to be measured
}

func withProcs(cells []cell, n int) []cell {
	cells = slices.Clone(cells)
	for i := range cells {
		if cells[i].procs == all {
			cells[i].procs = n
		}
	}
	return cells
}

// ratio returns the ratio of the product of num to that of den.
//
// If all have as many samples, the i-th of each were measured in the same round,
// and the interval is that of the ratios within rounds: a machine that is slow in
// one round is so for both rows. (If they were not measured in rounds, this pairs
// by chance, which does no harm.) Otherwise it is what the intervals of the rows
// allow.
func (m *measured) ratio(num, den []cell) (e estimate, paired bool) {
	cells := slices.Concat(num, den)
	paired = true
	for _, c := range cells {
		n := len(m.samples[c])
		if paired = paired && n == len(m.samples[cells[0]]); e.rounds == 0 || n < e.rounds {
			e.rounds = n
		}
	}
	if !paired {
		e = estimate{1, 1, 1, e.rounds, true}
		for i, c := range cells {
			s := summary(m.samples[c])
			if i < len(num) {
				e.lo, e.center, e.hi = e.lo*s.lo, e.center*s.center, e.hi*s.hi
			} else {
				e.lo, e.center, e.hi = e.lo/s.hi, e.center/s.center, e.hi/s.lo
			}
			e.interval = e.interval && s.interval
		}
		if !e.interval {
			e.lo, e.hi = e.center, e.center
		}
		return e, false
	}
	ratios := make([]float64, e.rounds)
	for i := range ratios {
		ratios[i] = 1
		for j, c := range cells {
			if v := m.samples[c][i]; j < len(num) {
				ratios[i] *= v
			} else {
				ratios[i] /= v
			}
		}
	}
	return summary(ratios), true
}

func summary(values []float64) estimate {
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95)
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) { // benchmath wants 6 for one
		return estimate{s.Center, s.Center, s.Center, len(values), false}
	}
	return estimate{s.Lo, s.Center, s.Hi, len(values), true}
}

// parity returns at how many threads num takes no longer for a step than den does.
// What lies between two columns is not known, so the interval has all of it: low is
// one more than the threads that are surely too few, high is what surely is enough.
func (m *measured) parity(f figure, rounds int) estimate {
	enough := estimate{1, math.Inf(1), math.Inf(1), rounds, true}
	possible := false
	for _, procs := range m.columns(f.num[0]) {
		if m.numCPU > 0 && procs > m.numCPU {
			break
		}
		num := cell{f.num[0].row, f.num[0].unit, procs}
		if !m.possible(num) {
			continue
		}
		e, _ := m.ratio([]cell{num}, f.den)
		if possible = possible || e.lo <= 1; !possible {
			enough.lo = float64(procs + 1)
		}
		if e.center <= 1 {
			enough.center = min(enough.center, float64(procs))
		}
		if e.hi <= 1 {
			enough.hi = min(enough.hi, float64(procs))
		}
		enough.rounds = min(enough.rounds, e.rounds)
		enough.interval = enough.interval && e.interval
	}
	return enough
}

// name is that of the benchmark, as go test prints it and without "Benchmark".
func (c cell) name() string {
	if c.procs == 1 {
		return c.row
	}
	return c.row + "-" + strconv.Itoa(c.procs)
}

func (c cell) shortUnit() string { return strings.Replace(c.unit, "sec", "ns", 1) }

func (f figure) formula(num, den []cell, n int) string {
	if f.parity {
		return fmt.Sprintf("the fewest threads at which %s is at most %s (ns/op)", f.num[0].row, f.den[0].row)
	}
	cells := slices.Concat(num, den)
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
	text := product(num)
	if f.scale != 0 {
		text = fmt.Sprintf("%g * %s", f.scale, text)
		if f.unit != "" {
			text = product(num) // the unit says it
		}
	}
	if len(den) > 0 {
		text += " / " + product(den)
	}
	if f.perThread {
		text += fmt.Sprintf(" / %d", n)
	}
	if !mixed {
		text += " (" + cells[0].shortUnit() + ")"
	}
	return text
}

// command returns what measures the cells, and what else they are put beside.
func command(cells []cell, rounds int) string {
	var goRows, python []cell
	for _, c := range cells {
		if c.python() {
			python = append(python, c)
		} else {
			goRows = append(goRows, c)
		}
	}
	var commands []string
	if len(python) > 0 {
		text := `make python PYTHONS="python3 python3.14t"`
		if procs := procsOf(python); procs[len(procs)-1] != "1" && procs[len(procs)-1] != "2" {
			text += ` THREADS="` + strings.Join(procs, " ") + `"`
		}
		if rounds > 6 {
			text += fmt.Sprintf(" ROUNDS=%d", rounds)
		}
		commands = append(commands, text)
	}
	if len(goRows) > 0 {
		commands = append(commands, fmt.Sprintf("go test -bench '%s' -cpu %s -count %d", pattern(goRows), strings.Join(procsOf(goRows), ","), rounds))
	}
	return strings.Join(commands, " && ")
}

func procsOf(cells []cell) []string {
	var procs []int
	for _, c := range cells {
		procs = append(procs, c.procs)
	}
	slices.Sort(procs)
	var list []string
	for _, n := range slices.Compact(procs) {
		list = append(list, strconv.Itoa(n))
	}
	return list
}

func (c cell) python() bool { return strings.HasPrefix(c.row, "Py") }

// pattern returns a -bench that selects the rows of the cells, and of Python none.
// (It also selects what a row has below it.)
func pattern(cells []cell) string {
	last := map[string][]string{}
	for _, c := range cells {
		if c.python() {
			continue
		}
		slash := strings.LastIndexByte(c.row, '/')
		parent, leaf := c.row[:slash], c.row[slash+1:]
		if !slices.Contains(last[parent], leaf) {
			last[parent] = append(last[parent], leaf)
		}
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
