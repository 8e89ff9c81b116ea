package scaling

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"boundaries/internal/stats"

	"github.com/aclements/go-moremath/mathx"
	mathstats "github.com/aclements/go-moremath/stats"
)

// confidence is the confidence of every interval.
const confidence = 0.95

// A Scaled is a row with its speed-ups and fits.
type Scaled struct {
	Row
	Cells  []Cell // of the columns
	Amdahl Fit    // Amdahl's law
	USL    Fit    // the Universal Scalability Law
}

// A Cell is a row at a number of procs, relative to the same row at one. An Interval
// of zeros says that there is none.
type Cell struct {
	Rounds     int
	SpeedUp    stats.Interval // how many times as many steps in the same time
	Efficiency stats.Interval // the speed-up divided by the number of procs
	CPU        stats.Interval // the processor time of a step, relative to one proc
}

// Scaling computes the cells and the fits of every row. It takes some milliseconds
// per row, so call it only once.
func (w *Workload) Scaling() []Scaled {
	scaled := make([]Scaled, len(w.Rows))
	one := slices.IndexFunc(w.Columns, func(c Column) bool { return c.Procs == 1 })
	for i, r := range w.Rows {
		s := Scaled{Row: r, Cells: make([]Cell, len(w.Columns))}
		for j, c := range w.Columns {
			s.Cells[j].Rounds = r.Runs(j)
			if one < 0 {
				continue
			}
			if base, v := r.Values(one, Wall), r.Values(j, Wall); stats.Usable(base) && stats.Usable(v) {
				s.Cells[j].SpeedUp = against(base, v, one == j)
				s.Cells[j].Efficiency = times(s.Cells[j].SpeedUp, 1/float64(c.Procs))
			}
			if base, v := r.Values(one, CPU), r.Values(j, CPU); stats.Usable(base) && stats.Usable(v) {
				s.Cells[j].CPU = against(v, base, one == j)
			}
		}
		var points []point
		for j, c := range w.Columns {
			if v := r.Values(j, Wall); !c.Oversubscribed && stats.Usable(v) {
				points = append(points, point{c.Procs, v})
			}
		}
		s.Amdahl, s.USL = fits(points)
		scaled[i] = s
	}
	return scaled
}

// against returns the ratio of two columns, which is 1 if they are the same one.
func against(x, y []float64, same bool) stats.Interval {
	if same {
		return stats.Interval{Low: 1, Center: 1, High: 1}
	}
	return stats.Ratio(x, y, confidence)
}

func times(i stats.Interval, factor float64) stats.Interval {
	return stats.Interval{Low: i.Low * factor, Center: i.Center * factor, High: i.High * factor}
}

// A Fit is a law of scaling, with its coefficients and their intervals from resampled
// rounds. The time of a step at N procs, times N, is
//
//	Base * (1 + Sigma (N-1) + Kappa N (N-1))
//
// Sigma is the share of a step that two procs cannot take at once, and Kappa is the
// cost of each pair of procs. Amdahl's law has no Kappa. In this form both laws are
// linear, so the best coefficients that are not negative are found without
// iterating.
type Fit struct {
	Refused string  // why there is no fit; empty if there is one
	Base    float64 // in seconds
	Sigma   stats.Interval
	Kappa   stats.Interval
	// Peak is the number of procs beyond which more procs are slower. It is infinite
	// if Kappa is 0.
	Peak   stats.Interval
	Points int // columns that are not oversubscribed
	Most   int // procs of the last of them
}

// At returns the fitted time of a step at n procs, in seconds.
func (f Fit) At(n float64) float64 {
	return f.Base * (1 + f.Sigma.Center*(n-1) + f.Kappa.Center*n*(n-1)) / n
}

type law struct {
	name   string
	points int  // that it needs
	kappa  bool // has the third coefficient
}

var (
	amdahl = law{"Amdahl's law", 4, false}
	usl    = law{"the USL", 6, true}
)

type point struct {
	procs  int
	values []float64
}

const (
	resamples = 1000
	// No measurement follows the laws exactly, because the laws leave things out. A
	// relative error below this counts as a fit, however precise the measurement is.
	tolerance = 0.03
	// Fewer rounds give no interval, so nothing says what is noise.
	fewest = 6
	// With more rounds than this, resample draws a median directly, not its values.
	manyRounds = 100
)

// fits fits both laws.
func fits(points []point) (a, u Fit) {
	superlinear, slows := "", ""
	if len(points) >= amdahl.points {
		superlinear, slows = refute(points)
	}
	return fit(points, amdahl, cmp.Or(superlinear, slows)), fit(points, usl, superlinear)
}

// fit fits a law, unless the data refute it; then refuted says why.
func fit(points []point, l law, refuted string) Fit {
	f := Fit{Points: len(points)}
	if len(points) > 0 {
		f.Most = points[len(points)-1].procs
	}
	if len(points) < l.points {
		f.Refused = fmt.Sprintf("%s needs %d columns that are not oversubscribed, and there are %d", l.name, l.points, len(points))
		return f
	}
	if n := rounds(points); n < fewest {
		f.Refused = fmt.Sprintf("%s needs %d rounds of each column; one column has %d", l.name, fewest, n)
		return f
	}
	if refuted != "" {
		f.Refused = refuted
		return f
	}
	walls := make([]float64, len(points))
	for i, p := range points {
		walls[i] = median(slices.Clone(p.values))
	}
	c := l.solve(points, walls)
	if c[0] <= 0 {
		f.Refused = "no coefficients fit"
		return f
	}
	f.Base = c[0]
	f.Sigma.Center, f.Kappa.Center = c[1]/c[0], c[2]/c[0]
	f.Peak.Center = peak(f.Sigma.Center, f.Kappa.Center)
	drawn := f
	variance := drawn.resample(points, l)
	if worst, procs := f.misfit(points, walls, l, variance); worst != 0 {
		f.Refused = fmt.Sprintf("%s is off by %.0f %% at %d procs, which is more than noise", l.name, 100*worst, procs)
		return f
	}
	return drawn
}

// rounds returns the rounds of the point that has the fewest.
func rounds(points []point) int {
	least := math.MaxInt
	for _, p := range points {
		least = min(least, len(p.values))
	}
	return least
}

// refute returns superlinear, which says why no law of this form can hold: at some number
// of procs a row is faster than that many times one proc. It also returns slows, which
// says why Amdahl's law cannot hold: at some number of procs a row is slower than at one.
// Each is "" if the data allow the law.
func refute(points []point) (superlinear, slows string) {
	if points[0].procs != 1 {
		return "", ""
	}
	base := points[0].values
	// One column of many may contradict a law by chance.
	strict := 1 - (1-confidence)/float64(len(points)-1)
	for _, p := range points[1:] {
		s := stats.Ratio(base, p.values, strict)
		if superlinear == "" && s.Low > 1.01*float64(p.procs) {
			superlinear = fmt.Sprintf("superlinear: %d procs are %.2f times as fast as one, at least %.2f", p.procs, s.Center, s.Low)
		}
		if slows == "" && s.High < 1 {
			slows = fmt.Sprintf("%d procs are slower than one (%.2f times as fast), and a serial share alone slows nothing", p.procs, s.Center)
		}
	}
	return superlinear, slows
}

// solve returns the coefficients of least relative error that are not negative.
func (l law) solve(points []point, walls []float64) [3]float64 {
	sets := [][]int{{0}, {0, 1}}
	if l.kappa {
		sets = append(sets, []int{0, 2}, []int{0, 1, 2})
	}
	best, least := [3]float64{}, math.Inf(1)
	for _, set := range sets {
		c, ok := leastSquares(points, walls, set)
		if !ok || slices.Min(c[:]) < 0 {
			continue
		}
		if r := residual(points, walls, c); r < least {
			best, least = c, r
		}
	}
	return best
}

// design returns the factors of the coefficients.
func design(procs int) [3]float64 {
	n := float64(procs)
	return [3]float64{1, n - 1, n * (n - 1)}
}

func residual(points []point, walls []float64, c [3]float64) (sum float64) {
	for i, p := range points {
		r := relative(p.procs, walls[i], c)
		sum += r * r
	}
	return sum
}

// relative returns the error of the law, as a part of the measured time.
func relative(procs int, wall float64, c [3]float64) float64 {
	d := design(procs)
	return (c[0]*d[0]+c[1]*d[1]+c[2]*d[2])/(float64(procs)*wall) - 1
}

// leastSquares solves for the coefficients in set; the others are 0.
func leastSquares(points []point, walls []float64, set []int) (c [3]float64, ok bool) {
	var m [3][4]float64 // the normal equations
	for i, p := range points {
		d := design(p.procs)
		for row, a := range set {
			x := d[a] / (float64(p.procs) * walls[i])
			for column, b := range set {
				m[row][column] += x * d[b] / (float64(p.procs) * walls[i])
			}
			m[row][len(set)] += x
		}
	}
	k := len(set)
	for i := range k {
		pivot := i
		for j := i + 1; j < k; j++ {
			if math.Abs(m[j][i]) > math.Abs(m[pivot][i]) {
				pivot = j
			}
		}
		m[i], m[pivot] = m[pivot], m[i]
		if m[i][i] == 0 {
			return c, false
		}
		for j := range k {
			if j != i {
				factor := m[j][i] / m[i][i]
				for column := i; column <= k; column++ {
					m[j][column] -= factor * m[i][column]
				}
			}
		}
	}
	for i, a := range set {
		c[a] = m[i][k] / m[i][i]
	}
	return c, true
}

// misfit returns the largest relative residual and the procs of its column, or zeros if
// noise can explain the residuals. Noise is the variance of the columns' medians.
func (f Fit) misfit(points []point, walls []float64, l law, variance float64) (worst float64, procs int) {
	free, sum := 0, 0.0
	c := [3]float64{f.Base, f.Base * f.Sigma.Center, f.Base * f.Kappa.Center}
	for i, p := range points {
		r := relative(p.procs, walls[i], c)
		sum += r * r
		if math.Abs(r) > math.Abs(worst) {
			worst, procs = r, p.procs
		}
		free += len(p.values) - 1
	}
	left := len(points) - 2
	if l.kappa {
		left--
	}
	if math.Abs(worst) <= tolerance {
		return 0, 0
	}
	if ratio := sum / float64(left) / variance; fTail(ratio, left, free) > 0.01 {
		return 0, 0
	}
	return math.Abs(worst), procs
}

// fTail returns the probability that a ratio of variances is larger by chance.
func fTail(ratio float64, above, below int) float64 {
	a, b := float64(above), float64(below)
	return mathx.BetaInc(b/(b+a*ratio), b/2, a/2)
}

func peak(sigma, kappa float64) float64 {
	switch {
	case sigma >= 1:
		return 1
	case kappa <= 0:
		return math.Inf(1)
	}
	return max(1, math.Sqrt((1-sigma)/kappa))
}

// resample finds the intervals of the coefficients by the bootstrap: it fits the law to
// files of rounds that are drawn from this one, and takes the range that holds 95 % of these
// fits and the fit of this file. It returns the variance of the logarithm of a column's
// median, averaged over the columns.
// That of a row with two levels can be many times what the spread of normal noise gives.
func (f *Fit) resample(points []point, l law) (variance float64) {
	least, together := rounds(points), true
	for _, p := range points {
		together = together && len(p.values) == len(points[0].values)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same file has the same intervals
	if least > manyRounds {
		together = false
	}
	logs := make([][]float64, len(points))
	sigmas, kappas, peaks := make([]float64, resamples), make([]float64, resamples), make([]float64, resamples)
	walls, drawn := make([]float64, len(points)), make([][]float64, len(points))
	for i, p := range points {
		drawn[i] = make([]float64, len(p.values))
		if len(p.values) > manyRounds {
			drawn[i] = slices.Sorted(slices.Values(p.values))
		}
	}
	for s := range resamples {
		for k := range drawn[0] {
			if !together {
				break
			}
			// Draw whole rounds, because a disturbance of a round affects every
			// column.
			round := random.IntN(len(drawn[0]))
			for i, p := range points {
				drawn[i][k] = p.values[round]
			}
		}
		for i, p := range points {
			if len(p.values) > manyRounds {
				walls[i] = drawMedian(random, drawn[i])
				continue
			}
			for k := range drawn[i] {
				if !together {
					drawn[i][k] = p.values[random.IntN(len(p.values))]
				}
			}
			walls[i] = median(drawn[i])
		}
		for i, wall := range walls {
			logs[i] = append(logs[i], math.Log(wall))
		}
		c := l.solve(points, walls)
		sigmas[s], kappas[s] = c[1]/c[0], c[2]/c[0]
		peaks[s] = peak(sigmas[s], kappas[s])
	}
	bound := func(i *stats.Interval, values []float64) {
		slices.Sort(values)
		tail := (1 - confidence) / 2 * resamples
		i.Low = min(i.Center, values[int(tail)])
		i.High = max(i.Center, values[resamples-1-int(tail)])
	}
	bound(&f.Sigma, sigmas)
	bound(&f.Kappa, kappas)
	bound(&f.Peak, peaks)
	for _, column := range logs {
		variance += mathstats.Variance(column) / float64(len(points))
	}
	return variance
}

// drawMedian draws a median of n values, where n is the number of sorted values, as if
// each were drawn from sorted. The index of that median in sorted varies by half of the
// square root of n.
func drawMedian(random *rand.Rand, sorted []float64) float64 {
	n := float64(len(sorted))
	i := int(math.Round((n-1)/2 + math.Sqrt(n)/2*random.NormFloat64()))
	return sorted[max(0, min(len(sorted)-1, i))]
}

// median sorts the values.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
