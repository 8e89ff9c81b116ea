package stats

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aclements/go-moremath/stats"
	"github.com/stretchr/testify/assert"

	"boundaries/internal/suite/suitetest"
)

// The code under test has one goroutine, so one value of -cpu is enough.
func TestMain(m *testing.M) { suitetest.RunOnce(suitetest.Watched{M: m}) }

// lognormal returns n values about center.
func lognormal(random *rand.Rand, n int, center, spread float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = center * math.Exp(spread*random.NormFloat64())
	}
	return x
}

// permuted returns the p of the test by counting every way to divide the values.
func permuted(x, y []float64) float64 {
	all := slices.Concat(x, y)
	u := func(inX uint) (u float64) {
		for i, v := range all {
			for j, w := range all {
				if inX>>i&1 == 1 && inX>>j&1 == 0 {
					if v > w {
						u++
					} else if v == w {
						u += 0.5
					}
				}
			}
		}
		return u
	}
	middle := float64(len(x)*len(y)) / 2
	seen, ways, extreme := math.Abs(u(1<<len(x)-1)-middle), 0.0, 0.0
	for inX := range uint(1) << len(all) {
		if bits.OnesCount(inX) == len(x) {
			ways++
			if math.Abs(u(inX)-middle) >= seen {
				extreme++
			}
		}
	}
	return extreme / ways
}

func TestMannWhitneyIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		n, m := 1+random.IntN(6), 1+random.IntN(6)
		x, y := lognormal(random, n, 1, 1), lognormal(random, m, 1.5, 1)
		if i%2 == 0 { // with ties
			for _, s := range [][]float64{x, y} {
				for j := range s {
					s[j] = math.Ceil(2 * s[j])
				}
			}
		}
		assert.InDelta(t, permuted(x, y), MannWhitney(x, y), 1e-9, "%v %v", x, y)
	}
	assert.Equal(t, 1.0, MannWhitney([]float64{1, 1}, []float64{1, 1, 1}))
	var low, high []float64
	for i := range 50 {
		low, high = append(low, float64(1+i)), append(high, float64(51+i))
	}
	// Two of the ways to choose 50 of 100.
	assert.InEpsilon(t, 2/1.0089134454556e29, MannWhitney(low, high), 1e-6)
	assert.InEpsilon(t, 2/184756.0, MannWhitney(low[:10], high[:10]), 1e-9)
	// The one is among the three with probability 3/28, and the other tail has nothing.
	assert.InDelta(t, 3.0/28, MannWhitney(slices.Repeat([]float64{2}, 25), []float64{1, 2, 2}), 1e-9, "the most values that are exact with ties")
	assert.Less(t, MannWhitney(append(low, 1), append(high, 51)), 1e-10, "beyond what is exact")
}

// One side may have many values, of which most are equal, and the other one few.
func TestMannWhitneyWithManyTies(t *testing.T) {
	same := func(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{same(25, 10), []float64{12}, 1.0 / 26},
		{same(26, 10), []float64{12}, 1.0 / 27},
		{same(60, 10), []float64{12}, 1.0 / 61},
		{same(200, 1), []float64{1, 1, 1, 1, 2}, 5.0 / 205},
		{same(400, 1), append(same(398, 1), 2, 2), 400.0 * 399 / 800 / 799 * 2},  // both among y, or both among x
		{same(30, 0), append(same(28, 0), 3, 7), 30.0 * 29 / 60 / 59 * 2},        // the same
		{same(26, 1), append(same(21, 1), 2, 2, 2, 2, 2), 2 * 65780.0 / 2598960}, // as many ways to have all five of 52
		{same(1000, 1), append(same(995, 1), 2, 2, 2, 2, 2), 0.062187579},        // C(1000,5) of C(2000,5), twice
	} {
		assert.InEpsilon(t, c.want, MannWhitney(c.x, c.y), 1e-4, "%d and %d", len(c.x), len(c.y))
		assert.InEpsilon(t, c.want, MannWhitney(c.y, c.x), 1e-4, "%d and %d", len(c.y), len(c.x))
	}
	random := rand.New(rand.NewPCG(15, 15))
	draw := func(n, values int) (x []float64) {
		for range n {
			x = append(x, float64(random.IntN(values)))
		}
		return x
	}
	for values := 2; values < 200; values += 9 {
		_, ties := rankSum(draw(25, values), draw(25, values))
		_, ok := tied(25, 25, ties, 0)
		assert.True(t, ok, "%d values", values)
	}
	x, y := draw(60, 60), draw(60, 60) // too many different values
	result, err := stats.MannWhitneyUTest(x, y, stats.LocationDiffers)
	assert.NoError(t, err)
	assert.Equal(t, result.P, MannWhitney(x, y))
}

// The time does not grow with the square of the values.
func TestManyValues(t *testing.T) {
	suitetest.Guard(t, "each value is compared with all of the other side")
	n := 300_000
	if testing.Short() {
		n = 10_000
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i)
	}
	assert.Equal(t, 1.0, MannWhitney(x, x))
}

func TestCritical(t *testing.T) {
	// The tables of the test have U one less.
	for _, c := range []struct{ n, m, want int }{{3, 3, 0}, {4, 4, 1}, {5, 5, 3}, {6, 6, 6}, {8, 8, 14}, {10, 10, 24}, {10, 20, 56}, {20, 20, 128}} {
		assert.Equal(t, c.want, critical(c.n, c.m, 0.05), "%d and %d", c.n, c.m)
	}
	assert.InDelta(t, critical(50, 50, 0.05), critical(50, 51, 0.05), 20, "exact and approximate")
	// It is the least U that the test does not reject, exact or approximate.
	for _, n := range []int{5, 10, 50, 51, 60, 300} {
		ofU := func(u int) float64 {
			x, y := make([]float64, n), make([]float64, n)
			for i := range n {
				above := u / n // so many values of y are below this one
				if i < u%n {
					above++
				}
				x[i], y[i] = float64(above)-0.5+float64(i)/1000, float64(i)
			}
			return MannWhitney(x, y)
		}
		k := critical(n, n, 0.05)
		assert.Greater(t, ofU(k), 0.05, "%d", n)
		assert.LessOrEqual(t, ofU(k-1), 0.05, "%d", n)
	}
	// What the strictest steps of Holm's over 96 and over 288 tests allow.
	assert.Equal(t, 1, critical(1, 39, 0.05), "a p of 0.05 rejects")
	assert.Equal(t, 8, critical(10, 10, 0.05/96))
	assert.Equal(t, 5, critical(10, 10, 0.05/288))
}

func TestPairwise(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		a, b := lognormal(random, 1+random.IntN(9), 1, 1), lognormal(random, 1+random.IntN(9), 1, 1)
		a[0] = b[0] // a difference of zero
		slices.Sort(a)
		slices.Sort(b)
		var all []float64
		for _, v := range a {
			for _, w := range b {
				all = append(all, v-w)
			}
		}
		slices.Sort(all)
		for i, want := range all {
			assert.Equal(t, want, pairwise(a, b, i+1))
		}
	}
	// For very many values pairwise searches another way. Here b is a shifted by 3.
	a, b := make([]float64, 1500), make([]float64, 1500)
	for i := range a {
		a[i], b[i] = float64(i)-997, float64(i)-1000
	}
	assert.InDelta(t, 3, pairwise(a, b, 1500*1500/2), 1e-8)
	assert.InDelta(t, 3-1499, pairwise(a, b, 1), 1e-8)
	assert.InDelta(t, 3+1499, pairwise(a, b, 1500*1500), 1e-8)
}

// The interval and the test cannot contradict each other.
func TestRatioOfAnEvenNumberOfPairs(t *testing.T) {
	assert.InDelta(t, 2, Ratio([]float64{1, 4}, []float64{1}, 0.95).Center, 1e-9)
}

func TestRatioAgreesWithTest(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	seen := map[bool]int{}
	for range 500 {
		x, y := lognormal(random, 4+random.IntN(9), 1.05, 0.05), lognormal(random, 4+random.IntN(9), 1, 0.05)
		i := Ratio(x, y, 0.95)
		different := MannWhitney(x, y) <= 0.05
		assert.Equal(t, different, i.Low > 1 || i.High < 1, "%v", i)
		assert.True(t, i.Low <= i.Center && i.Center <= i.High)
		j := Ratio(y, x, 0.95)
		assert.InDeltaSlice(t, []float64{1 / i.High, 1 / i.Center, 1 / i.Low}, []float64{j.Low, j.Center, j.High}, 1e-9, "the sides exchanged")
		seen[different]++
	}
	assert.Greater(t, min(seen[true], seen[false]), 50)
	assert.False(t, Ratio([]float64{1, 2, 3}, []float64{1, 2, 3}, 0.95).Bounded())
	assert.Equal(t, 2.0, Ratio([]float64{4}, []float64{2}, 0.95).Center)
}

// The interval of a ratio covers the ratio in 95 % of all trials, whatever the noise
// and the rounds.
func TestRatioCovers(t *testing.T) {
	heavy := func(random *rand.Rand, n int, center, spread float64) []float64 {
		x := make([]float64, n)
		for i := range x { // only ever slower, as a busy machine makes it
			x[i] = center * (1 + spread*random.ExpFloat64())
		}
		return x
	}
	for _, n := range []int{6, 10, 20} {
		for name, noise := range map[string]func(*rand.Rand, int, float64, float64) []float64{"lognormal": lognormal, "one-sided": heavy} {
			random := rand.New(rand.NewPCG(uint64(n), 7))
			covered := 0
			for range 1000 {
				i := Ratio(noise(random, n, 1.93, 0.03), noise(random, n, 1, 0.03), 0.95)
				if i.Low <= 1.93 && 1.93 <= i.High {
					covered++
				}
			}
			assert.True(t, 930 <= covered && covered <= 970, "%s, n = %d: %d of 1000", name, n, covered)
		}
	}
}

func TestMedianCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	covered := 0
	for range 1000 {
		if i := Median(lognormal(random, 25, 3, 0.1), 0.95); i.Low <= 3 && 3 <= i.High {
			covered++
		}
	}
	assert.True(t, 930 <= covered && covered <= 980, "%d of 1000", covered) // steps are wide: 95.7 % is the least over 95
	assert.Equal(t, Interval{0, 3, math.Inf(1)}, Median([]float64{1, 2, 3, 4, 5}, 0.95))
	x := []float64{3, 1, 2}
	assert.Equal(t, 2.0, Median(x, 0.95).Center)
	assert.Equal(t, []float64{2, 2.5, math.MaxFloat64}, []float64{Middle(x), Middle([]float64{4, 1, 3, 2}), Middle([]float64{math.MaxFloat64, math.MaxFloat64})})
	assert.Equal(t, []float64{3, 1, 2}, x, "the values stay in their order")
}

func TestHolm(t *testing.T) {
	assert.InDeltaSlice(t, []float64{0.03, 0.06, 0.06, 0.02}, Holm([]float64{0.01, 0.04, 0.03, 0.005}), 1e-12)
	assert.Equal(t, []float64{1, 1}, Holm([]float64{0.6, 0.7}))
	assert.Empty(t, Holm(nil))
}

// The test detects the minimum effect of power 0.8 in four of five trials.
func TestMinimumEffect(t *testing.T) {
	for _, c := range []struct {
		n, m   int
		spread float64
	}{{6, 6, 0.02}, {10, 10, 0.05}, {10, 20, 0.05}, {60, 60, 0.05}} {
		random := rand.New(rand.NewPCG(uint64(c.n), 10))
		effect := MinimumEffect(c.n, c.m, c.spread, 0.05, 0.8)
		seen := 0
		for range 1000 {
			if MannWhitney(lognormal(random, c.n, effect, c.spread), lognormal(random, c.m, 1, c.spread)) <= 0.05 {
				seen++
			}
		}
		assert.InDelta(t, 800, seen, 45, "n = %d and %d, effect %.3f", c.n, c.m, effect)
	}
	// What is remembered of one question is no answer to another.
	least := MinimumEffect(10, 10, 0.05, 0.05, 0.8)
	assert.Greater(t, MinimumEffect(10, 10, 0.05, 0.05, 0.95), 1.005*least, "more power")
	assert.Greater(t, MinimumEffect(10, 10, 0.05, 0.01, 0.8), 1.005*least, "a stricter test")
	assert.True(t, math.IsInf(MinimumEffect(3, 3, 0.02, 0.05, 0.8), 1))
	assert.Equal(t, 1.0, MinimumEffect(10, 10, 0, 0.05, 0.8))
	// The sides can be exchanged, and more values never see less.
	assert.Equal(t, MinimumEffect(12, 11, 0.05, 0.05, 0.95), MinimumEffect(11, 12, 0.05, 0.05, 0.95))
	for n := 4; n < 50; n++ {
		assert.GreaterOrEqual(t, MinimumEffect(n, n, 0.05, 0.05, 0.95), MinimumEffect(n+1, n+1, 0.05, 0.05, 0.95), "%d", n)
	}
}

func TestRounds(t *testing.T) {
	for _, spread := range []float64{0.01, 0.03, 0.08} {
		n := Rounds(2, 1.05, spread, 0.05, 0.8)
		larger := func(n int) float64 { return spread * (1 + 0.82/math.Sqrt(float64(n))) }
		assert.LessOrEqual(t, MinimumEffect(n, n, larger(n), 0.05, 0.8), 1.05, "%v", spread)
		assert.Greater(t, MinimumEffect(n-1, n-1, larger(n-1), 0.05, 0.8), 1.05, "%v", spread)
		assert.Equal(t, n, Rounds(2, 1/1.05, spread, 0.05, 0.8))
	}
	assert.Zero(t, Rounds(2, 1.0001, 0.1, 0.05, 0.8))
	assert.Equal(t, 21, Rounds(20, 2, 0.01, 0.05, 0.8), "more than there are")
	larger := func(n int) float64 { return 0.1 * (1 + 0.82/math.Sqrt(float64(n))) }
	assert.Equal(t, 1000, Rounds(2, MinimumEffect(1000, 1000, larger(1000), 0.05, 0.8), 0.1, 0.05, 0.8))
	assert.Zero(t, Rounds(2, MinimumEffect(1001, 1001, larger(1001), 0.05, 0.8), 0.1, 0.05, 0.8))
}

func TestSpread(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	x := lognormal(random, 2000, 7, 0.05)
	assert.InEpsilon(t, 0.05, Spread(x), 0.05)
	x[0], x[1] = 700, 7000
	assert.InEpsilon(t, 0.05, Spread(x), 0.05)
}

func TestNoValues(t *testing.T) {
	assert.False(t, Interval{0, 1, 2}.Bounded())
	assert.False(t, Interval{1, 2, math.Inf(1)}.Bounded())
	assert.True(t, Interval{1e-9, 1, 2}.Bounded())
	assert.True(t, Usable([]float64{1e-300, 1e300}))
	for _, x := range [][]float64{nil, {0}, {-1, 1}, {math.NaN()}, {math.Inf(1)}} {
		assert.False(t, Usable(x))
		assert.Panics(t, func() { Ratio(x, []float64{1}, 0.95) }, fmt.Sprint(x))
		assert.Panics(t, func() { Median(x, 0.95) }, fmt.Sprint(x))
	}
	for _, x := range [][]float64{nil, {math.NaN()}, {1, math.Inf(1)}, {math.Inf(-1)}} {
		assert.Panics(t, func() { MannWhitney([]float64{1}, x) }, fmt.Sprint(x))
		assert.Panics(t, func() { MannWhitney(x, []float64{1}) }, fmt.Sprint(x))
	}
	assert.Equal(t, MannWhitney([]float64{1, 2, 3, 3}, []float64{3, 4, 5, 6}), MannWhitney([]float64{-2, -1, 0, 0}, []float64{0, 1, 2, 9}))
}
