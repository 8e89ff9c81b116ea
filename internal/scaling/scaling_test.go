package scaling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"boundaries/internal/benchfile"
	"boundaries/internal/race"
	"boundaries/internal/stats"
	"boundaries/internal/suite/suitetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The code under test has one goroutine, so one value of -cpu is enough.
func TestMain(m *testing.M) { suitetest.RunOnce(suitetest.Watched{M: m}) }

func read(t testing.TB, text string) *benchfile.File {
	t.Helper()
	f, err := benchfile.ReadFrom(strings.NewReader(text), "f")
	require.NoError(t, err)
	return f
}

// file writes rounds of a row whose step takes wall(n) seconds at n procs.
func file(random *rand.Rand, rounds int, columns []int, noise float64, wall func(n float64) float64) string {
	var text strings.Builder
	for range rounds {
		for _, n := range columns {
			suffix := ""
			if n > 1 {
				suffix = fmt.Sprint("-", n)
			}
			v := 1e9 * wall(float64(n)) * math.Exp(noise*random.NormFloat64())
			fmt.Fprintf(&text, "BenchmarkA/sync=x%s 1 %v ns/op %v user+sys-ns/op\n", suffix, v, 1.25*v*float64(n))
		}
	}
	return text.String()
}

func scale(t testing.TB, text string) Scaled {
	return Workloads(read(t, text))[0].Scaling()[0]
}

func TestWorkloads(t *testing.T) {
	f := read(t, `numcpu: 2
pkg: p
goos: linux
goarch: amd64
pkg: p
BenchmarkLoopBoxed/system=gil 1 2 ns/op 3 user+sys-ns/op
BenchmarkLoopBoxed/system=nogil/without=immortal-4 1 3 ns/op 4 x/op
BenchmarkLoopBoxed/system=nogil-4 1 3 ns/op
BenchmarkRefcount/share=hot/sync=atomic-2 1 3 ns/op
BenchmarkRefcount/share=own/sync=atomic 1 3 ns/op
BenchmarkRefcount/share=own/new=key/sync=atomic 1 3 ns/op
BenchmarkSort/size=10/kind=a 1 3 ns/op
BenchmarkSort/size=20/kind=a=b 1 3 ns/op
BenchmarkSort/plain 1 3 ns/op
BenchmarkBare 1 3 ns/op
BenchmarkOther-2 1 3 ns/op
goos: linux
goarch: amd64
pkg: q
BenchmarkBare-8 1 3 ns/op
BenchmarkBare 1 3 ns/op
BenchmarkSort/size=10 1 3 ns/op
# disturbed: LoopBoxed/system=nogil-4 1.3 times (x)
# disturbed: LoopBoxed/system=nogil-4 1.2 times (x)
`)
	var got []string
	for _, w := range Workloads(f) {
		line := w.Pkg + " " + w.Title() + " [" + w.Key + "]"
		for _, c := range w.Columns {
			line += fmt.Sprint(" ", c.Procs)
			if c.Oversubscribed {
				line += "*"
			}
		}
		for _, r := range w.Rows {
			line += ", " + r.Name
		}
		got = append(got, line)
	}
	assert.Equal(t, []string{
		"p LoopBoxed [system] 1 4*, gil, nogil without immortal, nogil",
		"p Refcount/share=hot [sync] 2, atomic",
		"p Refcount/share=own [sync] 1, atomic",
		"p Refcount/share=own/new=key [sync] 1, atomic",
		"p p Sort [] 1, size 10 kind a, size 20 kind a=b, plain",
		"p p [] 1 2, Bare, Other",
		"q q [] 1 8*, Bare",
		"q q Sort [size] 1, 10",
	}, got)
	w := Workloads(f)[0]
	assert.Equal(t, []string{Wall, CPU, "x/op"}, w.Units)
	units := Workloads(read(t, "BenchmarkX 1 8 h/op 7 g/op 6 f/op 5 e/op 4 d/op 3 c/op 3 user+sys-ns/op 2 b/op 2 ns/op 1 a/op\n"))[0].Units
	assert.Equal(t, []string{Wall, CPU, "a/op", "b/op", "c/op", "d/op", "e/op", "f/op", "g/op", "h/op"}, units)
	assert.Equal(t, Disturbed{2, 1.3}, w.Rows[2].Disturbed(1))
	assert.Equal(t, Disturbed{}, w.Rows[2].Disturbed(0))
	assert.Nil(t, w.Rows[0].Values(1, Wall))
	assert.Zero(t, w.Rows[0].Runs(1))
}

// A time of 0 is no time, and a 0 of another unit is one of its values.
func TestTooCoarse(t *testing.T) {
	w := Workloads(read(t, `BenchmarkX/sync=a 1 5 ns/op 0 user+sys-ns/op 0 B/op
BenchmarkX/sync=a-2 1 5 ns/op 4 user+sys-ns/op 0 B/op
BenchmarkX/sync=b-2 1 0 ns/op 4 user+sys-ns/op 0 B/op
BenchmarkX/sync=b-2 1 5 ns/op 0 user+sys-ns/op 0 B/op
`))[0]
	assert.Equal(t, []string{
		"No ratio for the wall time of X/sync=b-2: it is 0 in a round, which means that the clock is too coarse for it.",
		"No ratio for the processor time of X/sync=a, X/sync=b-2: it is 0 in a round, which means that the clock is too coarse for it.",
	}, w.TooCoarse("ratio"))
	w = Workloads(read(t, "BenchmarkX/sync=a 1 0 ns/op\nBenchmarkX/sync=a-2 1 5 ns/op\nBenchmarkX/sync=b 1 5 ns/op\nBenchmarkX/sync=b-2 1 0 ns/op\n"))[0]
	for _, s := range w.Scaling() {
		assert.Zero(t, s.Cells[1].SpeedUp, s.Name)
	}
	w = Workloads(read(t, "BenchmarkX/sync=a 1 5 ns/op 0 user+sys-ns/op\nBenchmarkX/sync=a-2 1 5 ns/op 4 user+sys-ns/op\nBenchmarkX/sync=b 1 5 ns/op 4 user+sys-ns/op\nBenchmarkX/sync=b-2 1 5 ns/op 0 user+sys-ns/op\n"))[0]
	for _, s := range w.Scaling() {
		assert.Zero(t, s.Cells[1].CPU, s.Name)
	}
	// A law needs 4 columns, and a column without a time does not count.
	s := scale(t, "BenchmarkX 1 9 ns/op\nBenchmarkX-2 1 5 ns/op\nBenchmarkX-4 1 3 ns/op\nBenchmarkX-8 1 0 ns/op\n")
	assert.Equal(t, "Amdahl's law needs 4 columns that are not oversubscribed, and there are 3", s.Amdahl.Refused)
}

func TestKnownSpeedUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := scale(t, file(random, 10, []int{1, 2, 8}, 0.005, func(n float64) float64 { return 1e-8 / (0.9*n + 0.1) }))
	assert.InEpsilon(t, 1.9, s.Cells[1].SpeedUp.Center, 0.01)
	assert.InEpsilon(t, 7.3, s.Cells[2].SpeedUp.Center, 0.01)
	assert.InEpsilon(t, 7.3/8, s.Cells[2].Efficiency.Center, 0.01)
	assert.InEpsilon(t, 8/7.3, s.Cells[2].CPU.Center, 0.01)
	assert.True(t, s.Cells[2].SpeedUp.Bounded())
	one := stats.Interval{Low: 1, Center: 1, High: 1}
	assert.Equal(t, []stats.Interval{one, one, one}, []stats.Interval{s.Cells[0].SpeedUp, s.Cells[0].Efficiency, s.Cells[0].CPU})
	up, efficiency := s.Cells[2].SpeedUp, s.Cells[2].Efficiency
	assert.InDeltaSlice(t, []float64{up.Low / 8, up.Center / 8, up.High / 8}, []float64{efficiency.Low, efficiency.Center, efficiency.High}, 1e-12)
	assert.Equal(t, 10, s.Cells[0].Rounds)

	few := scale(t, file(random, 1, []int{1, 2}, 0, func(n float64) float64 { return 1e-8 / n }))
	assert.InEpsilon(t, 2, few.Cells[1].SpeedUp.Center, 1e-6)
	assert.False(t, few.Cells[1].SpeedUp.Bounded())

	none := scale(t, "BenchmarkA/sync=x-2 1 3 ns/op\n")
	assert.Zero(t, none.Cells[0].SpeedUp)
	assert.Equal(t, 2, none.USL.Most)
	zero := scale(t, "BenchmarkA/sync=x 1 3 ns/op 0 user+sys-ns/op\nBenchmarkA/sync=x-2 1 3 ns/op 0 user+sys-ns/op\n")
	assert.Equal(t, 1.0, zero.Cells[1].SpeedUp.Center)
	assert.Zero(t, zero.Cells[1].CPU)
}

// The 95 % interval of a speed-up covers it in 95 % of trials.
func TestSpeedUpCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	covered := 0
	for range 1000 {
		s := scale(t, file(random, 10, []int{1, 2}, 0.03, func(n float64) float64 { return 1e-8 / (0.93*n + 0.07) }))
		if i := s.Cells[1].SpeedUp; i.Low <= 1.93 && 1.93 <= i.High {
			covered++
		}
	}
	assert.True(t, 930 <= covered && covered <= 970, "%d of 1000", covered)
}

func universal(sigma, kappa float64) func(float64) float64 {
	return func(n float64) float64 { return 1e-8 * (1 + sigma*(n-1) + kappa*n*(n-1)) / n }
}

func TestKnownCoefficients(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	columns := []int{1, 2, 4, 8, 16, 32}
	s := scale(t, file(random, 20, columns, 0.02, universal(0.05, 0.002)))
	require.Empty(t, s.USL.Refused)
	assert.InEpsilon(t, 0.05, s.USL.Sigma.Center, 0.05)
	assert.InEpsilon(t, 0.002, s.USL.Kappa.Center, 0.05)
	assert.InEpsilon(t, math.Sqrt(0.95/0.002), s.USL.Peak.Center, 0.05)
	assert.InEpsilon(t, universal(0.05, 0.002)(16), s.USL.At(16), 0.02)
	assert.Contains(t, s.Amdahl.Refused, "more than noise")

	s = scale(t, file(random, 20, columns, 0.02, universal(0.05, 0)))
	require.Empty(t, s.Amdahl.Refused)
	assert.InEpsilon(t, 0.05, s.Amdahl.Sigma.Center, 0.05)
	assert.Zero(t, s.USL.Kappa.Low)
	assert.True(t, math.IsInf(s.USL.Peak.High, 1))

	s = scale(t, file(random, 20, columns, 0.02, universal(0, 0)))
	assert.Empty(t, s.Amdahl.Refused)
	assert.Less(t, s.Amdahl.Sigma.Center, 0.005)

	// The interval of very many rounds is as narrow as they make it.
	s = scale(t, file(random, 2000, columns, 0.05, universal(0.05, 0.002)))
	require.Empty(t, s.USL.Refused)
	assert.InDelta(t, 0.002, s.USL.Kappa.Center, 0.0001)
	assert.True(t, s.USL.Kappa.Low < 0.002 && 0.002 < s.USL.Kappa.High && s.USL.Kappa.High-s.USL.Kappa.Low < 0.0005, "%v", s.USL.Kappa)
}

// Without noise the coefficients are what they are, and none is below 0.
func TestExactCoefficients(t *testing.T) {
	var points []point
	for _, n := range []int{1, 2, 4, 8, 16, 32} {
		points = append(points, point{procs: n})
	}
	solve := func(sigma, kappa float64) [3]float64 {
		var walls []float64
		for _, p := range points {
			walls = append(walls, universal(sigma, kappa)(float64(p.procs)))
		}
		return usl.solve(points, walls)
	}
	assert.InDeltaSlice(t, []float64{1, 0.05, 0.002}, scaled(solve(0.05, 0.002)), 1e-9)
	below := scaled(solve(-0.01, 0.002))
	assert.Zero(t, below[1])
	assert.InDelta(t, 0.002, below[2], 0.001)
	f := Fit{Base: 1e-8, Sigma: stats.Interval{Center: 0.05}, Kappa: stats.Interval{Center: 0.002}}
	assert.InEpsilon(t, universal(0.05, 0.002)(2), f.At(2), 1e-12)
}

func scaled(c [3]float64) []float64 { return []float64{c[0] * 1e8, c[1] / c[0], c[2] / c[0]} }

// The errors of a law are more than noise if so large ones come by chance less than once in
// 100 times. With 2 columns to spare, the distribution of F has a closed form.
func TestMoreThanNoise(t *testing.T) {
	for _, l := range []law{amdahl, usl} {
		var points []point
		var walls []float64
		for i := range map[bool]int{false: 4, true: 5}[l.kappa] {
			points = append(points, point{1 << i, make([]float64, 6)})
			walls = append(walls, universal(0.05, 0)(float64(int(1)<<i))*(1+0.1*float64(i%2)))
		}
		f := Fit{Base: 1e-8, Sigma: stats.Interval{Center: 0.05}}
		free := float64(5 * len(points))
		limit := free / 2 * (math.Pow(0.01, -2/free) - 1) // F at 1 %
		sum := 2 * math.Pow(1-1/1.1, 2)
		_, procs := f.misfit(points, walls, l, sum/2/limit*1.001)
		assert.Zero(t, procs, l.name)
		worst, procs := f.misfit(points, walls, l, sum/2/limit/1.001)
		assert.Equal(t, 2, procs, l.name)
		assert.InDelta(t, 1-1/1.1, worst, 1e-9)
	}
	// A law leaves out so much, however precise the measurement is.
	for off, procs := range map[float64]int{0.0299: 0, 0.0301: 4} {
		f := Fit{Base: 1}
		points := []point{{1, make([]float64, 6)}, {2, make([]float64, 6)}, {4, make([]float64, 6)}}
		_, got := f.misfit(points, []float64{1, 0.5, 0.25 / (1 + off)}, amdahl, 1e-12)
		assert.Equal(t, procs, got, "%v", off)
	}
}

// The peak is where one more proc costs as much as it saves, and at least 1.
func TestPeak(t *testing.T) {
	for _, c := range []struct{ sigma, kappa, want float64 }{
		{0, 0.01, 10}, {0.5, 0.02, 5}, {0.9, 0.4, 1}, {1, 0, 1}, {0.5, 0, math.Inf(1)},
	} {
		assert.InDelta(t, c.want, peak(c.sigma, c.kappa), 1e-9, "%+v", c)
	}
}

// Five rounds fit no law, and six do: fewer rounds do not say what is noise, so they would
// refute nothing.
func TestFewRoundsFitNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	for _, rounds := range []int{1, 3, 5, 6} {
		s := scale(t, file(random, rounds, []int{1, 2, 4, 8, 16, 32}, 0.02, universal(0.05, 0.002)))
		if rounds < 6 {
			assert.Equal(t, fmt.Sprintf("Amdahl's law needs 6 rounds of each column; one column has %d", rounds), s.Amdahl.Refused)
			assert.Equal(t, fmt.Sprintf("the USL needs 6 rounds of each column; one column has %d", rounds), s.USL.Refused)
			continue
		}
		require.Empty(t, s.USL.Refused)
		assert.True(t, s.USL.Kappa.Bounded(), "%v", s.USL.Kappa)
	}
	text := file(random, 6, []int{1, 2, 4, 8, 16, 32}, 0.02, universal(0.05, 0.002))
	assert.Equal(t, scale(t, text).USL, scale(t, text).USL, "the same file has the same intervals")
	s := scale(t, file(random, 5, []int{1, 2, 4, 8, 16, 32}, 0.02, universal(0.05, 0.002))+file(random, 5, []int{2, 4, 8, 16, 32}, 0.02, universal(0.05, 0.002)))
	assert.Equal(t, "the USL needs 6 rounds of each column; one column has 5", s.USL.Refused)
}

// Where the rows have two levels, nearly all resampled fits may be below that of the file.
func TestIntervalHasItsEstimate(t *testing.T) {
	a, u := fits([]point{
		{1, []float64{1011, 1306, 989, 981, 1308, 982, 1293}},
		{2, []float64{745, 972, 747, 958, 772, 1000, 760}},
		{3, []float64{676, 867, 852, 666, 888, 878, 659}},
		{4, []float64{819, 800, 813, 614, 791, 612, 642}},
		{6, []float64{590, 782, 612, 784, 595, 782, 758}},
		{8, []float64{727, 550, 742, 725, 719, 578, 571}},
	})
	for _, f := range []Fit{a, u} {
		require.Empty(t, f.Refused)
		assert.Equal(t, f.Sigma.Center, f.Sigma.High)
		assert.Less(t, f.Sigma.Low, 0.4)
	}
}

// Columns may have different numbers of rounds.
func TestUnequalRounds(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	columns := []int{1, 2, 4, 8, 16, 32}
	for _, more := range [][]int{columns[:3], columns[3:]} {
		s := scale(t, file(random, 10, columns, 0.02, universal(0.05, 0.002))+file(random, 10, more, 0.02, universal(0.05, 0.002)))
		require.Empty(t, s.USL.Refused)
		for _, i := range []stats.Interval{s.USL.Sigma, s.USL.Kappa, s.USL.Peak} {
			assert.True(t, i.Center/2 < i.Low && i.Low < i.Center && i.Center < i.High && i.High < 2*i.Center, "%v: %v", more, i)
		}
	}
}

// The index of the median of n values, drawn from n values, has a standard deviation of
// half of the square root of n.
func TestDrawMedian(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	indices := make([]float64, 400)
	for i := range indices {
		indices[i] = float64(i)
	}
	square, sum := 0.0, 0.0
	for range 4000 {
		d := drawMedian(random, indices) - 199.5
		square += d * d / 4000
		sum += d / 4000
	}
	assert.InDelta(t, 0, sum, 0.5)
	assert.Equal(t, []float64{2, 2.5}, []float64{median([]float64{3, 1, 2}), median([]float64{4, 1, 3, 2})})
	assert.InDelta(t, 10, math.Sqrt(square), 1)
}

// Noise in one column of several refutes no law: the interval is as much stricter as
// there are more columns.
func TestRefutedByChance(t *testing.T) {
	one := []float64{100, 101, 102, 103, 104, 105}
	slower := []float64{104.5, 105.5, 106, 107, 108, 109} // p is 0.004
	for name, c := range map[string]struct {
		points []point
		slows  bool
	}{
		"slower by chance":      {[]point{{1, one}, {2, []float64{99, 101, 103, 105, 107, 109}}}, false},
		"slower":                {[]point{{1, one}, {2, slower}}, true},
		"hardly slower":         {[]point{{1, one}, {2, []float64{100.5, 106, 107, 108, 109, 110}}}, true}, // p is 0.041
		"as fast":               {[]point{{1, slices.Repeat([]float64{1}, 9)}, {2, slices.Repeat([]float64{1}, 9)}}, false},
		"no column of one proc": {[]point{{2, one}, {4, slower}}, false},
		"a hair beyond linear":  {[]point{{1, slices.Repeat([]float64{201}, 9)}, {2, slices.Repeat([]float64{100}, 9)}}, false},
		"slower in one of 17":   {append([]point{{1, one}, {2, slower}}, slices.Repeat([]point{{4, []float64{50, 51, 52, 53, 54, 55}}}, 16)...), false},
	} {
		superlinear, slows := refute(c.points)
		assert.Empty(t, superlinear, name)
		assert.Equal(t, c.slows, slows != "", "%s: %s", name, slows)
	}
}

// The median of a row with two levels may be on either. That refutes no law.
func TestTwoLevelsRefuteNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	refused := 0
	for range 40 {
		var points []point
		for _, procs := range []int{1, 2, 4, 8} {
			p := point{procs: procs}
			for range 20 {
				p.values = append(p.values, universal(0.05, 0)(float64(procs))*(1+0.3*float64(random.IntN(2)))*math.Exp(0.01*random.NormFloat64()))
			}
			points = append(points, p)
		}
		if fit(points, amdahl, "").Refused != "" {
			refused++
		}
	}
	assert.LessOrEqual(t, refused, 2)
}

func TestRefused(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	columns := []int{1, 2, 4, 8, 16, 32}
	for name, c := range map[string]struct {
		wall        func(n float64) float64
		amdahl, usl string
	}{
		"superlinear": {func(n float64) float64 { return 1e-8 / math.Pow(n, 1.1) }, "^superlinear: 2 procs are 2.1", "superlinear: 2 procs are 2.1"},
		"slower": {func(n float64) float64 { return 1e-8 * math.Pow(n, 0.3) },
			"^2 procs are slower than one", "the USL is off by"},
		"a bump": {func(n float64) float64 { return universal(0.1, 0)(n) * map[bool]float64{true: 1.4, false: 1}[n == 4] },
			`Amdahl's law is off by 2[1-9] % at 4 procs`, "% at 4 procs"},
		"a cliff": {func(n float64) float64 { return 1e-8 / min(n, 8) * (1 + math.Floor(n/16)) }, `Amdahl's law is off by \d+ % at 32 procs`, "the USL is off by"},
	} {
		s := scale(t, file(random, 10, columns, 0.02, c.wall))
		assert.Regexp(t, c.amdahl, s.Amdahl.Refused, name)
		assert.Contains(t, s.USL.Refused, c.usl, name)
	}
	s := scale(t, file(random, 10, columns[:4], 0.02, func(n float64) float64 { return 1e-8 / math.Pow(n, 1.1) }))
	assert.Contains(t, s.Amdahl.Refused, "superlinear: ")
	s = scale(t, "numcpu: 4\n"+file(random, 10, columns, 0.02, universal(0.1, 0)))
	assert.Equal(t, "Amdahl's law needs 4 columns that are not oversubscribed, and there are 3", s.Amdahl.Refused)
	assert.Equal(t, "the USL needs 6 columns that are not oversubscribed, and there are 3", s.USL.Refused)
	assert.Equal(t, 4, s.USL.Most)
	s = scale(t, "numcpu: 8\n"+file(random, 10, columns, 0.02, universal(0.1, 0)))
	assert.Empty(t, s.Amdahl.Refused)
	assert.Equal(t, 4, s.Amdahl.Points)
}

// The intervals of the coefficients cover them, and data that follow a law are
// seldom said to refute it.
func TestFitCovers(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("one goroutine fits 300 files")
	}
	random := rand.New(rand.NewPCG(5, 5))
	sigma, kappa, refused := 0, 0, 0
	const trials = 300
	for range trials {
		s := scale(t, file(random, 10, []int{1, 2, 4, 8, 16, 32}, 0.05, universal(0.05, 0.002)))
		if s.USL.Refused != "" {
			refused++
			continue
		}
		if i := s.USL.Sigma; i.Low <= 0.05 && 0.05 <= i.High {
			sigma++
		}
		if i := s.USL.Kappa; i.Low <= 0.002 && 0.002 <= i.High {
			kappa++
		}
	}
	t.Logf("of %d: sigma covered %d, kappa %d, refused %d", trials, sigma, kappa, refused)
	fitted := trials - refused
	assert.LessOrEqual(t, refused, trials/33)
	assert.GreaterOrEqual(t, sigma, fitted*90/100)
	assert.GreaterOrEqual(t, kappa, fitted*90/100)
	assert.LessOrEqual(t, max(sigma, kappa), fitted*98/100, "an interval of 95 % is no wider than it must be")
}
