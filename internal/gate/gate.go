// Package gate decides whether one set of measurements is worse than another.
//
// It gets numbers and starts nothing. A cell is a row in one unit. A comparison has two
// stages. In the first, every cell is tested alone. The cells that look different are
// the suspects: p is at most alpha, and the interval of the ratio reaches the
// threshold. The caller measures the suspects again, in new rounds with new code
// layouts, and [Config.Decide] tests them in these new data alone, with Holm's
// correction. The new data do not depend on why a cell became a suspect. So the
// probability that any cell without a difference is called different is at most alpha,
// however many cells there are, and the test is as sharp as one over a few cells. With
// Holm's correction over all cells at once, it would need differences so clear that it
// missed most of the real ones.
//
// A cell is a regression or a gain if the second stage confirms that it differs, and
// if the estimate of the ratio is beyond the threshold. Any other cell is unchanged
// only if a change as large as the threshold would have been seen, and the interval of the
// ratio does not reach that far. If its noise hides such a change, or the change is close
// to the threshold, it is undecided, and the result says how many rounds would probably
// decide. It is undecided, too, if the second stage contradicts the first; see [Contrary].
//
// Speed-up, the time at one proc over that at N in the same process, is a unit like any
// other, so a change that stops a row from scaling is a regression. A difference of a few
// bytes in a row without an allocation is not judged: the bytes may be those of its set-up.
//
// The test is the exact Mann-Whitney test, and the interval is the inverse of the
// same test; see package stats.
package gate

import (
	"math"
	"slices"

	"boundaries/internal/stats"
)

// A Config says how strict the gate is.
type Config struct {
	Alpha     float64 // the probability of a false alarm in a whole comparison: 0.05
	Threshold float64 // the smallest change that matters: 0.05 is 5 %
	Power     float64 // the probability that a change of the detectable size is seen: 0.95
}

// Default is the configuration without flags.
var Default = Config{Alpha: 0.05, Threshold: 0.05, Power: 0.95}

// A Verdict is what the gate says of a cell.
type Verdict string

// The verdicts.
const (
	Regression Verdict = "regression" // confirmed, beyond the threshold, worse
	Gain       Verdict = "gain"       // confirmed, beyond the threshold, better
	Changed    Verdict = "changed"    // confirmed, beyond the threshold, in a unit without a direction
	Unchanged  Verdict = "unchanged"  // a change as large as the threshold would have been seen
	Undecided  Verdict = "undecided"  // noise hides changes as large as the threshold, or the change is close to it
	Unjudged   Verdict = "not judged" // the comparison did not end, or the values have no ratio
)

// A Result is what the gate found out about a cell.
type Result struct {
	Cell
	Verdict Verdict
	// Base and Head are medians, Ratio is head over base with its 95 % interval, and P
	// is the p-value. Of two revisions they are those of the second stage if the cell was
	// a suspect.
	Base, Head float64
	Values     [2]int // how many values each Side has
	Ratio      stats.Interval
	P          float64
	// Adjusted is P after Holm's correction, if Suspect, or 0.
	Adjusted float64
	Suspect  bool // also of every cell of two files, which have no second stage
	// Detectable is about the smallest change that this many rounds show: 0.03 is 3 %. It
	// is infinite if no change can be seen. The noise is estimated from the same rounds,
	// so at 10 rounds it has a standard error of 29 %, and is too small as often as too large.
	Detectable float64
	// Needed is the number of rounds that would probably decide an undecided cell, 0 if
	// more than 1000 are needed, or -1 if the noise is not known. In simulations of
	// a cell with no change and 4 % of noise that 10 rounds did not decide, this number
	// decided three times in four.
	Needed int
}

// A Decision is the outcome of a comparison.
type Decision struct {
	Config
	Results  []Result          // in the order of the data
	Rows     []Row             // of both sides
	Removed  []Row             // of base alone
	Added    []Row             // of head alone
	OneSided [2][]OneSidedUnit // by Side
	Suspects int               // how many cells were suspects
	Contrary []Contrary
	// Start is how many rows differ in the bytes of their set-up, which are not judged.
	Start int
	// Floor is how far base is from itself: half of its rounds are compared with the
	// other half, which have other layouts, and 95 % of the rows differ by less than
	// this share. It is 0 if there are too few rounds.
	Floor float64

	manyPackages bool // names alone do not tell the rows apart
}

// A Contrary is a suspect that the second stage found unchanged. Its ratios in the two
// stages differ by more than the threshold, so noise does not explain both. It is undecided:
// run alone, a row may lack what other rows set up.
type Contrary struct {
	Cell
	First, Second stats.Interval
}

// Suspects returns the cells that look different and are to be measured again.
func (c Config) Suspects(screen *Data) []Cell {
	return c.suspects(c.test(screen, screen.judged()))
}

func (c Config) suspects(results []Result) []Cell {
	var suspects []Cell
	for _, r := range results {
		if r.Verdict != Unjudged && r.P <= c.Alpha && c.reaches(r.Ratio) {
			suspects = append(suspects, r.Cell)
		}
	}
	return suspects
}

// reaches reports whether the ratio may be beyond the threshold.
func (c Config) reaches(ratio stats.Interval) bool {
	return c.beyond(max(1, ratio.High)) || c.beyond(min(1, ratio.Low))
}

func (c Config) beyond(ratio float64) bool {
	// A ratio that is the threshold but for rounding is beyond it.
	return math.Abs(math.Log(ratio)) >= math.Log1p(c.Threshold)*(1-1e-9)
}

// Decide decides from the data of both stages. Confirm must have the suspects of screen.
// It may be nil if there are none.
func (c Config) Decide(screen, confirm *Data) *Decision {
	d := c.decision(screen)
	d.Results = c.test(screen, screen.judged())
	suspects := c.suspects(d.Results)
	d.Suspects = len(suspects)
	// The more suspects there are, the stricter the second stage is with each cell. The
	// smallest change that it would have seen depends on the number in the same way.
	alpha := c.Alpha / float64(max(1, len(suspects)))
	for i := range d.Results {
		if d.Results[i].Verdict != Unjudged {
			c.detect(&d.Results[i], screen, alpha)
		}
	}
	if len(suspects) > 0 {
		again := c.test(confirm, suspects)
		confirmed(c, again, confirm, alpha)
		at := map[Cell]int{}
		for i, r := range d.Results {
			at[r.Cell] = i
		}
		for _, cell := range suspects { // one that was not measured again is not confirmed, and not cleared either
			i := at[cell]
			d.Results[i].Verdict, d.Results[i].Needed = Undecided, -1
		}
		for _, r := range again {
			i := at[r.Cell]
			first := d.Results[i].Ratio
			if r.Verdict == Unchanged && (c.beyond(max(1, first.Low/r.Ratio.High)) || c.beyond(min(1, first.High/r.Ratio.Low))) {
				r.Verdict, r.Needed = Undecided, -1
				d.Contrary = append(d.Contrary, Contrary{r.Cell, first, r.Ratio})
			}
			d.Results[i] = r
		}
	}
	return d
}

// decideOnce decides from one set of data, for example two files, whose rows cannot be
// measured again. Holm's correction is over all cells, so it detects less than Decide.
func (c Config) decideOnce(data *Data) *Decision {
	d := c.decision(data)
	d.Results = c.test(data, data.judged())
	cells := 0
	for _, r := range d.Results {
		if r.Verdict != Unjudged {
			cells++
		}
	}
	confirmed(c, d.Results, data, c.Alpha/float64(max(1, cells)))
	return d
}

// Partial returns what is known after the first stage, without a verdict.
func (c Config) Partial(screen *Data) *Decision {
	d := c.decision(screen)
	for _, r := range c.test(screen, screen.judged()) {
		r.Verdict = Unjudged
		d.Results = append(d.Results, r)
	}
	return d
}

func (c Config) decision(data *Data) *Decision {
	d := &Decision{Config: c, Floor: floor(data)}
	d.Rows, d.Removed, d.Added = data.Rows()
	d.manyPackages = slices.ContainsFunc(data.cells, func(c Cell) bool { return c.Pkg != data.cells[0].Pkg })
	d.OneSided = data.oneSidedUnits(d.Rows)
	for _, cell := range data.cells {
		if v := data.values[cell]; data.ofStart(cell) && stats.Middle(v[Base]) != stats.Middle(v[Head]) {
			d.Start++
		}
	}
	return d
}

// confirmed gives each result its verdict, with Holm's correction over all of them.
func confirmed(c Config, results []Result, data *Data, alpha float64) {
	var p []float64
	for _, r := range results {
		if r.Verdict != Unjudged {
			p = append(p, r.P)
		}
	}
	adjusted := stats.Holm(p)
	for i := range results {
		r := &results[i]
		r.Suspect = true
		if r.Verdict == Unjudged {
			continue
		}
		r.Adjusted, adjusted = adjusted[0], adjusted[1:]
		c.detect(r, data, alpha)
		if r.Adjusted > c.Alpha {
			continue
		}
		if !c.beyond(r.Ratio.Center) {
			// The cell differs, but by less than matters. If the interval reaches the
			// threshold, only more rounds can tell on which side it is.
			continue
		}
		switch slower := r.Ratio.Center > 1; data.direction(r.Unit) {
		case unknown:
			r.Verdict = Changed
		case worse:
			r.Verdict = map[bool]Verdict{true: Regression, false: Gain}[slower]
		case good:
			r.Verdict = map[bool]Verdict{true: Gain, false: Regression}[slower]
		}
	}
}

// test returns a result without a verdict for each of the cells that both sides have. The
// caller chooses the cells, so that a suspect's few bytes stay a suspect.
func (c Config) test(data *Data, cells []Cell) []Result {
	var results []Result
	for _, cell := range cells {
		if !data.both(cell) {
			continue
		}
		base, head := data.values[cell][Base], data.values[cell][Head]
		r := Result{Cell: cell, Base: stats.Middle(base), Head: stats.Middle(head), Values: [2]int{len(base), len(head)}}
		r.P = stats.MannWhitney(head, base)
		switch {
		case stats.Usable(base) && stats.Usable(head):
			r.Ratio = stats.Ratio(head, base, 1-c.Alpha)
		case slices.Min(base) < 0 || slices.Min(head) < 0:
			r.Verdict, r.Ratio.Center = Unjudged, math.NaN()
		case r.Base == 0 && r.Head == 0 && r.P > c.Alpha:
			r.Ratio = stats.Interval{Low: 1, Center: 1, High: 1}
		case r.Base == r.Head:
			r.Ratio = stats.Interval{Low: 0, Center: 1, High: math.Inf(1)}
		case r.Base == 0:
			r.Ratio = stats.Interval{Low: 0, Center: math.Inf(1), High: math.Inf(1)}
		default:
			r.Ratio = stats.Interval{Low: 0, Center: r.Head / r.Base, High: math.Inf(1)}
		}
		results = append(results, r)
	}
	return results
}

// spread returns the spread of both sides, each around its own middle. A small
// sample lies closer to its own middle than to the true one: of n values, the median
// deviation is too small by about the factor n/(n-1.3), which a simulation of normal noise
// with 4 to 30 values found.
func spread(base, head []float64) float64 {
	var all []float64
	for _, values := range [][]float64{base, head} {
		m, n := stats.Middle(values), float64(len(values))
		if n == 1 {
			continue
		}
		for _, v := range values {
			all = append(all, math.Pow(v/m, n/(n-1.3)))
		}
	}
	if !stats.Usable(all) {
		return math.NaN()
	}
	if s := stats.Spread(all); s > 0 {
		return s
	}
	// More than half of the values are equal, but not all need be.
	low, high := slices.Min(all), slices.Max(all)
	return math.Log(high/low) / 4
}

// detect says which change would have been seen, and so whether the cell is unchanged
// or undecided.
func (c Config) detect(r *Result, data *Data, alpha float64) {
	v := data.values[r.Cell]
	n, m, s := len(v[Base]), len(v[Head]), spread(v[Base], v[Head])
	r.Detectable = math.Inf(1)
	if r.Base == 0 && r.Head == 0 && r.P > c.Alpha {
		s = 0 // a rare allocation that both sides may have counts as no noise
	}
	if unit := stats.MinimumEffect(n, m, 1, alpha, c.Power); !math.IsNaN(s) && !math.IsInf(unit, 1) {
		r.Detectable = math.Pow(unit, s) - 1
	}
	r.Verdict = Unchanged
	smallest := 1 + c.Threshold // what the rounds must show
	// A row with two levels, of which one has most values, has a small spread around the
	// middle. But its middle may move to the other level, and the interval reaches there.
	if r.Detectable <= c.Threshold && c.reaches(r.Ratio) {
		r.Verdict = Undecided
		s = math.Log(r.Ratio.High/r.Ratio.Low) / 2 / (1.96 * math.Sqrt(1/float64(n)+1/float64(m)))
		r.Detectable = max(r.Detectable, stats.MinimumEffect(n, m, s, alpha, c.Power)-1)
		// A change near the threshold is decided when the interval is on one side of it.
		distance := math.Abs(math.Abs(math.Log(r.Ratio.Center)) - math.Log1p(c.Threshold))
		smallest = min(smallest, math.Exp(distance))
	}
	if r.Detectable > c.Threshold {
		r.Verdict = Undecided
	}
	if r.Verdict == Undecided {
		r.Needed = -1
		if !math.IsNaN(s) && !math.IsInf(s, 0) && max(n, m) > 1 {
			r.Needed = stats.Rounds(max(n, m), smallest, s, alpha, c.Power)
		}
	}
}

// floor compares base with itself.
func floor(data *Data) float64 {
	var all []float64
	for _, cell := range data.cells {
		v := data.values[cell][Base]
		if cell.Unit != "sec/op" || len(v) < 4 || !stats.Usable(v) {
			continue
		}
		var halves [2][]float64
		for i, value := range v {
			halves[i%2] = append(halves[i%2], value)
		}
		all = append(all, math.Abs(math.Log(stats.Ratio(halves[0], halves[1], 0.95).Center)))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return math.Exp(all[(len(all)*95-1)/100]) - 1
}
