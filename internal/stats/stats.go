// Package stats has the statistics that decide whether two measurements differ, by how
// much, and with what certainty.
//
// The Mann-Whitney test compares two samples. The interval of a ratio is the inverse of the
// same test (Hodges and Lehmann). It is computed on logarithms, because a change multiplies
// the time of a benchmark. So p is at most 0.05 exactly if the 95 % interval excludes 1, as
// long as no two values are equal. Test and interval are exact up to 50 values on a side;
// package moremath has the distribution without equal values.
//
// Test and interval assume that the noise is alike on both sides, and that it is independent
// from value to value. Noise of values measured one after another often is not: a machine may
// stay slow for some rounds. Then the rounds must alternate between the sides. Few rounds say
// little: a 95 % interval needs four rounds on each side.
//
// Functions panic if there is no value, or if a value is not positive and finite, which
// [Usable] checks. [MannWhitney] takes all finite values.
package stats

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/aclements/go-moremath/mathx"
	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
)

// Usable reports whether there are values and all are positive and finite.
func Usable(x []float64) bool {
	for _, v := range x {
		if !(v > 0) || math.IsInf(v, 1) {
			return false
		}
	}
	return len(x) > 0
}

func must(x []float64) {
	if !Usable(x) {
		panic(fmt.Sprintf("stats: got %d values, want at least one, all positive and finite", len(x)))
	}
}

// An Interval is an estimate and the bounds between which the true value is with
// a given confidence. If there are too few values, Low is 0 and High is infinite.
type Interval struct{ Low, Center, High float64 }

// Bounded reports whether there were enough values for the bounds.
func (i Interval) Bounded() bool { return i.Low > 0 && !math.IsInf(i.High, 1) }

// MannWhitney returns the two-sided p of the hypothesis that x and y come from one
// distribution: the probability of a U at least as far from its mean as theirs. It is exact
// up to 50 values on each side. If some are equal, it is exact up to 25 on each side, and
// beyond that where nearly all are equal. Otherwise it is the normal approximation, corrected
// for ties.
//
// Only the order of the values counts, so they may also be zero or negative.
func MannWhitney(x, y []float64) float64 {
	if len(x) == 0 || len(y) == 0 || slices.ContainsFunc(slices.Concat(x, y), func(v float64) bool { return v-v != 0 }) {
		panic(fmt.Sprintf("stats: got %d and %d values, want at least one on each side, all finite", len(x), len(y)))
	}
	u, ties := rankSum(x, y)
	n, m := len(x), len(y)
	if len(ties) < n+m {
		if p, ok := tied(n, m, ties, u); ok {
			return p
		}
	}
	result, err := stats.MannWhitneyUTest(x, y, stats.LocationDiffers)
	if err != nil {
		return 1 // all values are equal
	}
	return result.P
}

// A share is the probability of a U, doubled so that it is an integer.
type share struct {
	u int
	p float64
}

// tied returns the exact p for values of which some are equal. Equal values share the mean
// of their ranks, and the distribution is that of such ranks. It is asymmetric, so
// tied adds up both tails. Twice one tail, which package moremath returns, can be less
// than half of the right p, and its normal approximation a thousand times too small where
// one side has few values. tied gives up if it would have to add up too many terms.
//
// Each group of equal values puts none, some or all of its values among the n. Given how
// many are there before, the distribution after the group follows from that before it.
func tied(n, m int, ties []int, u float64) (p float64, ok bool) {
	type group struct{ size, rank int } // rank is doubled, from 0
	groups, first := make([]group, len(ties)), 0
	for i, size := range ties {
		groups[i] = group{size, 2*first + size - 1}
		first += size
	}
	// The small groups first, because a large one multiplies the terms.
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.size, b.size) })
	// Each value is among the n with probability n/(n+m), whatever the others do. Of these
	// cases, the ones with n values are the distribution, so the probabilities are divided by
	// their sum in the end. This way none is too large or too small for a float64.
	shares := make([][]share, n+1) // by how many values are among the n
	shares[0] = []share{{0, 1}}
	logX, logY := math.Log(float64(n)/float64(n+m)), math.Log(float64(m)/float64(n+m))
	const most = 1_000_000
	terms, left := 0, n+m // values of the groups that follow
	for _, g := range groups {
		left -= g.size
		next := make([][]share, n+1)
		for k := range shares {
			// With fewer of this group, those that follow could not fill up the n.
			for j := max(0, n-k-left); j <= min(g.size, n-k) && len(shares[k]) > 0; j++ {
				if terms += len(shares[k]) + len(next[k+j]); terms > most {
					return 0, false
				}
				binomial := math.Exp(mathx.Lchoose(g.size, j) + float64(j)*logX + float64(g.size-j)*logY)
				next[k+j] = merge(next[k+j], shares[k], j*g.rank, binomial)
			}
		}
		shares = next
	}
	least := n * (n - 1) // the doubled sum of the ranks of n values below all others
	middle := n * m
	far := int(math.Abs(2*u - float64(middle)))
	sum := 0.0
	for _, s := range shares[n] {
		if distance := s.u - least - middle; max(distance, -distance) >= far {
			p += s.p
		}
		sum += s.p
	}
	return min(1, p/sum), true
}

// merge adds the shares of b, with U moved by shift and the probability multiplied, to those
// of a. Both are in the order of U.
func merge(a, b []share, shift int, times float64) []share {
	all := make([]share, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].u < b[0].u+shift:
			all, a = append(all, a[0]), a[1:]
		case len(a) == 0 || a[0].u > b[0].u+shift:
			all, b = append(all, share{b[0].u + shift, b[0].p * times}), b[1:]
		default:
			all, a, b = append(all, share{a[0].u, a[0].p + b[0].p*times}), a[1:], b[1:]
		}
	}
	return all
}

// rankSum returns in how many pairs the value of x is the larger one, where an equal
// pair counts one half, and how many there are of each value, in ascending order.
func rankSum(x, y []float64) (u float64, ties []int) {
	all := slices.Concat(x, y)
	slices.Sort(all)
	for _, v := range slices.Compact(slices.Clone(all)) {
		first, _ := slices.BinarySearch(all, v)
		after, _ := slices.BinarySearch(all, math.Nextafter(v, math.Inf(1)))
		ties = append(ties, after-first)
	}
	y = slices.Sorted(slices.Values(y))
	for _, v := range x {
		less, _ := slices.BinarySearch(y, v)
		atMost, _ := slices.BinarySearch(y, math.Nextafter(v, math.Inf(1)))
		u += float64(less+atMost) / 2
	}
	return u, ties
}

// Ratio returns the ratio of the values of x to those of y, with an interval of the given
// confidence: the Hodges-Lehmann estimate on logarithms.
func Ratio(x, y []float64, confidence float64) Interval {
	a, b := logs(x), logs(y)
	pairs := len(a) * len(b)
	at := func(rank int) float64 { return math.Exp(pairwise(a, b, rank)) }
	middle := pairwise(a, b, (pairs+1)/2)
	if pairs%2 == 0 {
		middle = (middle + pairwise(a, b, pairs/2+1)) / 2
	}
	center := math.Exp(middle)
	k := critical(len(a), len(b), 1-confidence)
	if k == 0 {
		return Interval{0, center, math.Inf(1)}
	}
	return Interval{at(k), center, at(pairs + 1 - k)}
}

// logs returns the logarithms in ascending order.
func logs(x []float64) []float64 {
	must(x)
	l := make([]float64, len(x))
	for i, v := range x {
		l[i] = math.Log(v)
	}
	slices.Sort(l)
	return l
}

// pairwise returns the rank-th smallest difference a[i] - b[j], from 1, of sorted a
// and b. There may be too many pairs to store, so it searches for the smallest
// limit that at least rank differences do not exceed.
func pairwise(a, b []float64, rank int) float64 {
	atMost := func(limit float64) int {
		n, j := 0, len(b)
		for _, v := range slices.Backward(a) {
			for j > 0 && v-b[j-1] <= limit {
				j--
			}
			n += len(b) - j
		}
		return n
	}
	if len(a)*len(b) > 1<<20 {
		// With this many values, the ninth digit of the ratio does not matter.
		low, high := a[0]-b[len(b)-1], a[len(a)-1]-b[0]
		for high-low > 1e-9 {
			if middle := (low + high) / 2; atMost(middle) >= rank {
				high = middle
			} else {
				low = middle
			}
		}
		return high
	}
	// Differences are ordered as these integers are.
	low, high := order(a[0]-b[len(b)-1]), order(a[len(a)-1]-b[0])
	for low < high {
		middle := low + int64(uint64(high-low)/2)
		if atMost(disorder(middle)) >= rank {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return disorder(low)
}

// order maps numbers to integers of the same order.
func order(f float64) int64 {
	bits := int64(math.Float64bits(f))
	if bits < 0 {
		return math.MinInt64 - bits
	}
	return bits
}

func disorder(i int64) float64 {
	if i < 0 {
		i = math.MinInt64 - i
	}
	return math.Float64frombits(uint64(i))
}

var criticals sync.Map // of [3]float64 to int

// critical returns the k for which the k-th smallest and the k-th largest of the
// n*m differences bound the interval at two-sided level alpha: 24 for 10 and 10
// values at 0.05. It is 0 if there are too few values.
func critical(n, m int, alpha float64) int {
	key := [3]float64{float64(n), float64(m), alpha}
	if k, ok := criticals.Load(key); ok {
		return k.(int)
	}
	cdf := stats.UDist{N1: n, N2: m}.CDF
	if n > stats.MannWhitneyExactLimit || m > stats.MannWhitneyExactLimit {
		nm := float64(n) * float64(m)
		u := stats.NormalDist{Mu: nm / 2, Sigma: math.Sqrt(nm * float64(n+m+1) / 12)}
		cdf = func(x float64) float64 { return u.CDF(x + 0.5) }
	}
	// The smallest U that the test does not reject.
	low, high := 0, n*m/2+1
	for low < high {
		if middle := (low + high) / 2; 2*cdf(float64(middle)) > alpha {
			high = middle
		} else {
			low = middle + 1
		}
	}
	criticals.Store(key, low)
	return low
}

// Middle returns the median of finite values, of which there is at least one.
func Middle(x []float64) float64 {
	v := slices.Sorted(slices.Values(x))
	return v[(len(v)-1)/2]/2 + v[len(v)/2]/2 // halves first, because a sum can overflow
}

// Median returns the median with an interval of the given confidence. The interval
// assumes nothing about the distribution. A 95 % interval needs 6 values.
func Median(x []float64, confidence float64) Interval {
	must(x)
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(x), &benchmath.DefaultThresholds), confidence)
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		return Interval{0, s.Center, math.Inf(1)}
	}
	return Interval{s.Lo, s.Center, s.Hi}
}

// Holm returns p-values adjusted for many tests: if all tests with an adjusted p of
// at most alpha are called different, the probability that any of them is wrong is
// at most alpha.
func Holm(p []float64) []float64 {
	byP := make([]int, len(p))
	for i := range byP {
		byP[i] = i
	}
	slices.SortStableFunc(byP, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	adjusted, floor := make([]float64, len(p)), 0.0
	for rank, i := range byP {
		floor = max(floor, min(1, p[i]*float64(len(p)-rank)))
		adjusted[i] = floor
	}
	return adjusted
}

// Spread returns the standard deviation of the logarithms, estimated from the median
// deviation, so that a few outliers do not count.
func Spread(x []float64) float64 {
	l := logs(x)
	middle := stats.Sample{Xs: l, Sorted: true}.Quantile(0.5)
	for i, v := range l {
		l[i] = math.Abs(v - middle)
	}
	slices.Sort(l)
	return stats.Sample{Xs: l, Sorted: true}.Quantile(0.5) / 0.6745
}

// MinimumEffect returns the smallest ratio above 1 that the two-sided test at alpha
// detects with probability power, for samples of n and m values with the given spread. It is
// infinite if the test cannot detect any.
func MinimumEffect(n, m int, spread, alpha, power float64) float64 {
	return math.Exp(spread * effect(n, m, alpha, power))
}

// Rounds returns how many values each side needs to show a ratio, more than it has, or 0
// if it needs more than 1000. The spread of so many values may turn out larger than
// that of those at hand, so Rounds adds one standard error of its estimate by [Spread].
func Rounds(has int, ratio, spread, alpha, power float64) int {
	if ratio < 1 {
		ratio = 1 / ratio
	}
	low, high := has+1, 1001
	for low < high {
		middle := (low + high) / 2
		larger := spread * (1 + 0.82/math.Sqrt(float64(middle)))
		if MinimumEffect(middle, middle, larger, alpha, power) <= ratio {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low > 1000 {
		return 0
	}
	return low
}

var effects sync.Map // of [4]float64 to float64

// effect returns the smallest shift that the test detects, in standard deviations
// of normal noise. In a trial without a shift, let b be the lower bound of the
// interval. The test would detect a shift in this trial if it were more than -b.
// So the shift detected with probability power is that quantile of -b.
func effect(n, m int, alpha, power float64) float64 {
	k := critical(n, m, alpha)
	if k == 0 {
		return math.Inf(1)
	}
	if min(n, m) > stats.MannWhitneyExactLimit {
		z := stats.StdNormal
		return (quantile(z, 1-alpha/2) + quantile(z, power)) * math.Sqrt((1/float64(n)+1/float64(m))*math.Pi/3)
	}
	n, m = min(n, m), max(n, m)
	key := [4]float64{float64(n), float64(m), alpha, power}
	if e, ok := effects.Load(key); ok {
		return e.(float64)
	}
	needed := make([]float64, 2000)
	x, y := make([]float64, n), make([]float64, m)
	for i := range needed {
		// A trial of more values begins with the same ones, so that more values do not
		// look worse by chance.
		for side, values := range [][]float64{x, y} {
			random := rand.New(rand.NewPCG(uint64(i), uint64(side)))
			for j := range values {
				values[j] = random.NormFloat64()
			}
			slices.Sort(values)
		}
		needed[i] = -pairwise(x, y, k)
	}
	slices.Sort(needed)
	e := stats.Sample{Xs: needed, Sorted: true}.Quantile(power)
	effects.Store(key, e)
	return e
}

func quantile(d stats.NormalDist, p float64) float64 { return stats.InvCDF(d)(p) }
