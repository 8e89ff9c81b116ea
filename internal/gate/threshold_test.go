package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/stats"
)

// A difference that the test confirms and that is less than the threshold is no
// regression.
func TestDifferencesBelowTheThreshold(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "ns/op", steady...)
	for _, v := range steady {
		add(t, d, Head, "X", "ns/op", v*1.02)
	}
	got := Default.decideOnce(d).Results[0]
	require.LessOrEqual(t, got.Adjusted, Default.Alpha, "it is confirmed")
	require.Equal(t, Unchanged, got.Verdict)
}

// The threshold itself counts, in both directions, and but for rounding.
func TestEdgesOfTheThreshold(t *testing.T) {
	const edge = 1.05
	for ratio, want := range map[float64]bool{
		edge: true, edge * (1 - 1e-12): true, edge - 0.0001: false,
		1 / edge: true, 1/edge + 0.0001: false, 1 - 0.05: true,
	} {
		require.Equal(t, want, Default.beyond(ratio), "%v", ratio)
	}
	for _, test := range []struct {
		low, high float64
		want      bool
	}{
		{1, edge, true}, {1, edge - 0.0001, false}, {1 / edge, 1, true}, {1/edge + 0.0001, 1, false},
		{1, edge * (1 - 1e-12), true}, {1 / edge * (1 + 1e-12), 1, true}, // but for rounding
		{1.1, 1.2, true}, {0.8, 0.9, true}, // all of it beyond
	} {
		require.Equal(t, test.want, Default.reaches(stats.Interval{Low: test.low, Center: 1, High: test.high}), "%+v", test)
	}
}

// The ratio of values that never vary is certain, if there are enough for an interval.
func TestRatioOfWhatNeverVaries(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "allocs/op", repeated(1)[:6]...)
	add(t, d, Head, "X", "allocs/op", repeated(2)[:6]...)
	require.Equal(t, stats.Interval{Low: 2, Center: 2, High: 2}, Default.decideOnce(d).Results[0].Ratio)
}

// The more suspects there are, the larger a change in one cell must be to be seen.
func TestDetectableCountsTheSuspects(t *testing.T) {
	detectable, once, needed := map[int]float64{}, map[int]float64{}, map[int]int{}
	for _, suspects := range []int{1, 20} {
		d := &Data{}
		add(t, d, Base, "Calm", "ns/op", steady...)
		add(t, d, Head, "Calm", "ns/op", steady...)
		add(t, d, Base, "Noisy", "ns/op", 100, 110, 92, 105, 90, 108, 96, 103, 112, 94)
		add(t, d, Head, "Noisy", "ns/op", 100, 110, 92, 105, 90, 108, 96, 103, 112, 94)
		for i := range suspects {
			add(t, d, Base, fmt.Sprint("Slow", i), "ns/op", steady...)
			add(t, d, Head, fmt.Sprint("Slow", i), "ns/op", slow...)
		}
		decision := Default.Decide(d, d)
		require.Equal(t, suspects, decision.Suspects)
		detectable[suspects] = decision.Results[0].Detectable
		needed[suspects] = decision.Results[1].Needed
		once[suspects] = Default.decideOnce(d).Results[0].Detectable
	}
	require.Greater(t, detectable[20], 1.1*detectable[1])
	require.Greater(t, once[20], 1.1*once[1], "of two files")
	require.Positive(t, needed[1])
	require.Greater(t, needed[20], needed[1], "and the more rounds it takes")
}

// The rounds that an undecided cell needs are those that show an increase by the threshold.
func TestNeededRounds(t *testing.T) {
	d := &Data{}
	noisy := []float64{100, 160, 72, 105, 60, 108, 96, 143, 112, 64}
	add(t, d, Base, "Noisy", "ns/op", noisy...)
	add(t, d, Head, "Noisy", "ns/op", noisy...)
	c := Default
	c.Threshold = 0.4 // a decrease by as much is a larger change
	r := c.Decide(d, nil).Results[0]
	require.Equal(t, Undecided, r.Verdict)
	up := stats.Rounds(10, 1+c.Threshold, spread(noisy, noisy), c.Alpha, c.Power)
	require.NotEqual(t, up, stats.Rounds(10, 1-c.Threshold, spread(noisy, noisy), c.Alpha, c.Power))
	require.Equal(t, up, r.Needed)
	// One cell alone is tested at the whole alpha, in files too.
	for _, one := range []Result{r, c.decideOnce(d).Results[0]} {
		require.InEpsilon(t, stats.MinimumEffect(10, 10, spread(noisy, noisy), c.Alpha, c.Power)-1, one.Detectable, 1e-9)
	}
	// They are more than the side with more values has.
	d = &Data{}
	add(t, d, Base, "X", "ns/op", steady[0])
	add(t, d, Head, "X", "ns/op", steady...)
	require.Equal(t, 11, Default.Decide(d, nil).Results[0].Needed)
}

// A row with two levels has a small spread around the middle, which may be on either level.
func TestTwoLevelsAreUndecided(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "ns/op", 100, 100.1, 130, 100.2, 130.1, 99.9, 130.2, 100.3, 130.3, 100)
	add(t, d, Head, "X", "ns/op", 130, 130.1, 100, 130.2, 100.1, 129.9, 100.2, 130.3, 100.3, 130)
	r := Default.Decide(d, nil).Results[0]
	require.Greater(t, r.Ratio.High, 1.25)
	require.Equal(t, Undecided, r.Verdict)
	require.Greater(t, r.Detectable, 0.2)
	require.Greater(t, r.Needed, 10)
}

// A change that is near the threshold and clearer than the noise is decided by more rounds.
func TestNearTheThreshold(t *testing.T) {
	d := &Data{}
	for i := range 10 {
		v := 100 + 0.07*float64(7*i%10)
		add(t, d, Base, "X", "ns/op", v)
		add(t, d, Head, "X", "ns/op", 1.041*(v+0.15*float64(3*i%10)))
	}
	r := Default.Decide(d, d).Results[0]
	require.Equal(t, Undecided, r.Verdict)
	require.LessOrEqual(t, r.Detectable, Default.Threshold)
	require.Greater(t, r.Needed, 20, "more than the noise alone needs")
	require.Less(t, r.Needed, 1000)
}

// Values that are mostly 0 have medians that say nothing. If the values differ, there is no
// interval, and the cell is not unchanged.
func TestMostlyZero(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "lost/op", make([]float64, 20)...)
	add(t, d, Head, "X", "lost/op", append(make([]float64, 11), slices.Repeat([]float64{1000}, 9)...)...)
	add(t, d, Base, "Y", "lost/op", 0, 5, 5, 5, 5, 5, 9, 9, 9, 9)
	add(t, d, Head, "Y", "lost/op", 5, 5, 5, 5, 5, 5, 50, 50, 50, 50)
	for _, r := range append(Default.decideOnce(d).Results, Default.Decide(d, d).Results...) {
		require.Equal(t, Undecided, r.Verdict, "%+v", r)
		require.Equal(t, stats.Interval{Low: 0, Center: 1, High: math.Inf(1)}, r.Ratio)
		require.Equal(t, -1, r.Needed)
	}
	require.Len(t, Default.Suspects(d), 1)
	add(t, d, Base, "Z", "lost/op", 0, 5, 5, 5)
	add(t, d, Head, "Z", "lost/op", 0, 10, 10, 10)
	require.Equal(t, stats.Interval{Low: 0, Center: 2, High: math.Inf(1)}, Default.Decide(d, d).Results[2].Ratio)
	none := &Data{}
	add(t, none, Base, "X", "lost/op", 0, 0)
	add(t, none, Head, "X", "lost/op", 0, 0)
	require.Equal(t, stats.Interval{Low: 1, Center: 1, High: 1}, Default.Decide(none, nil).Results[0].Ratio)
}

// A suspect that the second stage has no value of, such as a row that skips alone, is
// undecided.
func TestSuspectThatIsNotMeasuredAgain(t *testing.T) {
	screen, again := &Data{}, &Data{}
	for _, name := range []string{"X", "Y"} {
		add(t, screen, Base, name, "ns/op", steady...)
		add(t, screen, Head, name, "ns/op", slow...)
	}
	add(t, again, Base, "Y", "ns/op", steady...)
	add(t, again, Head, "Y", "ns/op", slow...)
	d := Default.Decide(screen, again)
	require.Equal(t, 2, d.Suspects)
	require.Equal(t, []Verdict{Undecided, Regression}, []Verdict{d.Results[0].Verdict, d.Results[1].Verdict})
	require.Equal(t, -1, d.Results[0].Needed)
}

// A suspect that is unchanged when it is measured again, and was far from that at first, is
// undecided, and a note says so: alone, it may do other work.
func TestContraryStages(t *testing.T) {
	for factors, want := range map[[2]float64]Verdict{
		{2, 1}: Undecided, {0.5, 1}: Undecided, {1.055, 1}: Unchanged,
		{1.07, 1.03}: Unchanged, {1 / 1.07, 1 / 1.03}: Unchanged, // which differ by less than the threshold
	} {
		screen, again := &Data{}, &Data{}
		for _, v := range steady {
			add(t, screen, Base, "X", "ns/op", v)
			add(t, screen, Head, "X", "ns/op", factors[0]*v)
			add(t, again, Base, "X", "ns/op", v)
			add(t, again, Head, "X", "ns/op", factors[1]*v)
		}
		d := Default.Decide(screen, again)
		require.Equal(t, 1, d.Suspects)
		require.Equal(t, want, d.Results[0].Verdict, "%v", factors)
		require.Equal(t, want == Undecided, strings.Contains((&Report{Decision: d}).Text(), "measured again without the rows beside it"))
	}
}

// If nothing ran at one proc, every name has a number of procs, and no name is taken for one.
func TestNamesThatEndInTheProcs(t *testing.T) {
	d := &Data{Procs: []int{2}}
	d.Add(Base, "p", parse(t, "BenchmarkX/level-2 1 1 ns/op", "BenchmarkX/level-2-2 1 1 ns/op"))
	d.Add(Head, "p", parse(t, "BenchmarkX/level-2 1 2 ns/op", "BenchmarkX/level-2-2 1 1 ns/op"))
	rows, _, _ := d.Rows()
	require.Equal(t, []Row{{"p", "X/level", 2}, {"p", "X/level-2", 2}}, rows)
}

// A unit that both files give a direction of its own has none.
func TestContraryDirections(t *testing.T) {
	d := &Data{}
	for side, better := range []string{"higher", "lower"} {
		d.Add(Side(side), "p", parse(t, "Unit hits better="+better, "BenchmarkX 1 1 hits"))
	}
	require.Equal(t, unknown, d.direction("hits"))
}

// A cell in which just the threshold would be seen is unchanged.
func TestDetectableIsTheThreshold(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "ns/op", steady...)
	add(t, d, Head, "X", "ns/op", steady...)
	c := Default
	c.Threshold = c.Decide(d, nil).Results[0].Detectable
	require.Equal(t, Unchanged, c.Decide(d, nil).Results[0].Verdict)
	c.Threshold *= 1 - 1e-9
	require.Equal(t, Undecided, c.Decide(d, nil).Results[0].Verdict)
}

// The noise floor is what 95 % of the rows stay below: 19 of 20.
func TestFloor(t *testing.T) {
	d := &Data{}
	for i := range 20 {
		add(t, d, Base, fmt.Sprint("X", i), "ns/op", 100, 100+float64(i), 100, 100+float64(i))
	}
	// Rows without a time, and the figures of another unit, are no noise of the machine.
	for i := range 3 {
		add(t, d, Base, fmt.Sprint("Zero", i), "ns/op", 0, 100, 0, 100)
		add(t, d, Base, fmt.Sprint("Y", i), "x/op", 1, 100, 1, 100)
	}
	add(t, d, Base, "Short", "ns/op", 100, 300, 100) // has no two halves
	require.InDelta(t, 0.18, floor(d), 1e-9)
}

// The spread of values of which most are equal is a quarter of their range, each side's made
// larger for its few values.
func TestSpreadOfEqualValues(t *testing.T) {
	values := append(repeated(10)[:7], 12, 12, 13)
	require.InDelta(t, math.Log(1.3)*10/8.7/4, spread(values, values), 1e-9)
}

// A p-value that would confirm a difference in one cell is not enough for two cells.
func TestTwoTestsAskForMore(t *testing.T) {
	for cells, want := range map[int]bool{1: true, 2: false} {
		d := &Data{}
		add(t, d, Base, "X", "ns/op", 100, 101, 102, 103, 104)
		add(t, d, Head, "X", "ns/op", 103.5, 103.6, 120, 121, 122) // p is 0.03
		for i := 1; i < cells; i++ {
			add(t, d, Base, "Calm", "ns/op", steady[:5]...)
			add(t, d, Head, "Calm", "ns/op", steady[:5]...)
		}
		got := Default.decideOnce(d).Results[0]
		require.Equal(t, want, got.Verdict == Regression, "%+v", got)
	}
}
