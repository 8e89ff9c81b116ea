package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aclements/go-moremath/mathx"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/benchfile"
	"boundaries/internal/suite/suitetest"
)

// The code under test has one goroutine, so one value of -cpu is enough, without -race.
func TestMain(m *testing.M) { suitetest.RunPlain(suitetest.Watched{M: m}) }

// parse reads result lines, of which each has one value of each unit.
func parse(t testing.TB, lines ...string) *benchfile.File {
	t.Helper()
	f, err := benchfile.ReadFrom(strings.NewReader(strings.Join(lines, "\n")+"\n"), "test")
	require.NoError(t, err)
	require.Empty(t, f.Problems)
	return f
}

// add adds the values of a cell to one side, a round each.
func add(t testing.TB, d *Data, side Side, name, unit string, values ...float64) {
	t.Helper()
	for _, v := range values {
		d.Add(side, "p", parse(t, fmt.Sprintf("Benchmark%s 1 %v %s", name, v, unit)))
	}
}

// A machine makes synthetic rounds of rows with log-normal noise.
type machine struct {
	random *rand.Rand
	noise  float64
	rows   int
	slower map[int]float64 // row to how many times as long head takes
}

func (m *machine) measure(rounds int, only []Cell) *Data {
	d := &Data{}
	for row := range m.rows {
		c := Cell{Row{"p", fmt.Sprint("Row", row), 1}, "sec/op"}
		if only != nil && !slices.Contains(only, c) {
			continue
		}
		for range rounds {
			for side := range 2 {
				v := 1e-6 * math.Exp(m.noise*m.random.NormFloat64())
				if factor := m.slower[row]; factor != 0 && side == int(Head) {
					v *= factor
				}
				d.add(Side(side), c, v)
			}
		}
	}
	return d
}

func (m *machine) compare(c Config, rounds int) *Decision {
	screen := m.measure(rounds, nil)
	var confirm *Data
	if suspects := c.Suspects(screen); len(suspects) > 0 {
		confirm = m.measure(rounds, suspects)
	}
	return c.Decide(screen, confirm)
}

// The gate keeps its promises in ten rounds: how seldom it raises a false alarm, and how
// often it catches a slowdown.
func TestSimulated(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine computes for a minute")
	}
	for _, test := range []struct {
		name      string
		noise     float64
		threshold float64
		slower    map[int]float64
		// To show the bound on false alarms takes 300 simulations of 96 rows. The other
		// tests need fewer, and an undecided cell is slow, because the gate computes how
		// many rounds would decide it.
		simulations, rows int
		check             func(t *testing.T, simulations, alarms, caught, undecided, cells int)
	}{
		{"A/A at 2 %", 0.02, 0.05, nil, 300, 96, func(t *testing.T, simulations, alarms, _, undecided, cells int) {
			_, high := clopperPearson(alarms, simulations, 0.95)
			assert.Less(t, high, 0.05, "%d false alarms", alarms)
			assert.Less(t, undecided, cells/5, "the machine is quiet enough")
		}},
		// Even a change of 0.01 % would count here, so only Holm's correction stands
		// between noise and an alarm.
		{"A/A without a threshold", 0.02, 0.0001, nil, 100, 96, func(t *testing.T, simulations, alarms, _, _, _ int) {
			low, _ := clopperPearson(alarms, simulations, 0.95)
			assert.Less(t, low, 0.05, "%d false alarms", alarms)
			assert.NotZero(t, alarms, "then this test sees nothing")
		}},
		{"10 % in one row at 2 %", 0.02, 0.05, map[int]float64{17: 1.1}, 300, 96, func(t *testing.T, simulations, alarms, caught, _, _ int) {
			assert.GreaterOrEqual(t, caught, simulations*95/100)
			_, high := clopperPearson(alarms, simulations, 0.95)
			assert.Less(t, high, 0.05, "%d false alarms", alarms)
		}},
		{"A/A at 5 %", 0.05, 0.05, nil, 50, 24, func(t *testing.T, simulations, alarms, _, undecided, cells int) {
			low, _ := clopperPearson(alarms, simulations, 0.95)
			assert.Less(t, low, 0.05, "%d false alarms", alarms)
			assert.Greater(t, undecided, cells*3/4, "mostly undecided, not fine")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &machine{rand.New(rand.NewPCG(1, uint64(len(test.name)))), test.noise, test.rows, test.slower}
			c := Default
			c.Threshold = test.threshold
			var alarms, caught, undecided, cells int
			for range test.simulations {
				d := m.compare(c, 10)
				alarm := false
				for i, r := range d.Results {
					cells++
					switch {
					case r.Verdict == Undecided:
						undecided++
					case r.Verdict == Unchanged:
					case test.slower[i] > 1 && r.Verdict == Regression:
						caught++
					default:
						alarm = true
					}
				}
				if alarm {
					alarms++
				}
			}
			t.Logf("%d simulations: %d with a false alarm, %d caught, %.1f %% of the rows undecided", test.simulations, alarms, caught, 100*float64(undecided)/float64(cells))
			test.check(t, test.simulations, alarms, caught, undecided, cells)
		})
	}
}

// clopperPearson returns the exact interval of a rate that was seen k times in n. The
// upper bound alone holds with confidence (1+confidence)/2.
func clopperPearson(k, n int, confidence float64) (low, high float64) {
	tail := (1 - confidence) / 2
	quantile := func(a, b int, p float64) float64 {
		low, high := 0.0, 1.0
		for range 60 {
			if middle := (low + high) / 2; mathx.BetaInc(middle, float64(a), float64(b)) < p {
				low = middle
			} else {
				high = middle
			}
		}
		return low
	}
	high = 1
	if k > 0 {
		low = quantile(k, n-k+1, tail)
	}
	if k < n {
		high = quantile(k+1, n-k, 1-tail)
	}
	return low, high
}

func TestClopperPearson(t *testing.T) {
	// One-sided bounds at 95 % after trials that all went well.
	for n, want := range map[int]float64{10: 0.259, 20: 0.139, 59: 0.0495, 298: 0.01} {
		low, high := clopperPearson(0, n, 0.90)
		require.Zero(t, low)
		require.InDelta(t, want, high, 0.0005, "%d", n)
	}
	low, high := clopperPearson(10, 10, 0.95)
	require.InDelta(t, 0.6915, low, 1e-4)
	require.Equal(t, 1.0, high)
	low, high = clopperPearson(7, 300, 0.95)
	require.InDelta(t, 0.00943, low, 1e-4)
	require.InDelta(t, 0.04749, high, 1e-4)
}

var (
	steady = []float64{100, 101, 99, 100.5, 99.5, 100.2, 99.8, 100.1, 99.9, 100.3}
	slow   = []float64{120, 121, 119, 120.5, 119.5, 120.2, 119.8, 120.1, 119.9, 120.3}
)

func repeated(v float64) []float64 { return slices.Repeat([]float64{v}, 10) }

func TestVerdicts(t *testing.T) {
	noisy := []float64{100, 140, 80, 120, 70, 130, 90, 110, 150, 75}
	for _, test := range []struct {
		name, unit string
		base, head []float64
		want       Verdict
	}{
		{"slower", "ns/op", steady, slow, Regression},
		{"faster", "ns/op", slow, steady, Gain},
		{"the same", "ns/op", steady, steady, Unchanged},
		{"a higher rate", "ops/s", steady, slow, Gain},
		{"a lower rate", "ops/s", slow, steady, Regression},
		{"a higher rate, spelled out", "ops/sec", steady, slow, Gain},
		{"a lower rate in MB", "MB/s", slow, steady, Regression},
		{"processor time", "user+sys-ns/op", steady, slow, Regression},
		{"the time of another thing", "ns/fork", steady, slow, Regression},
		{"a percentile", "p99-ns", steady, slow, Regression},
		{"a unit that says nothing", "hit-rate", steady, slow, Changed},
		{"an added allocation", "allocs/op", repeated(1), repeated(2), Regression},
		{"a first allocation", "allocs/op", repeated(0), repeated(1), Regression},
		{"a last allocation", "allocs/op", repeated(1), repeated(0), Gain},
		{"no allocations", "allocs/op", repeated(0), repeated(0), Unchanged},
		{"hardly an allocation", "B/op", repeated(0), append(repeated(0)[1:], 1), Unchanged},
		{"one of a hundred", "allocs/op", repeated(100), repeated(101), Unchanged},
		{"noise", "ns/op", noisy, noisy, Undecided},
		{"more than half are equal, and others far off", "allocs/op", append(repeated(10)[:7], 12, 12, 13), append(repeated(10)[:7], 12, 12, 13), Undecided},
		{"too few rounds", "ns/op", steady[:2], slow[:2], Undecided},
		{"enough rounds of what never varies", "things/op", repeated(1)[:6], repeated(2)[:6], Regression},
		{"less than zero", "delta", repeated(-1), repeated(1), Unjudged},
	} {
		d := &Data{}
		add(t, d, Base, "X", test.unit, test.base...)
		add(t, d, Head, "X", test.unit, test.head...)
		got := Default.Decide(d, d).Results[0]
		assert.Equal(t, test.want, got.Verdict, "%s: %+v", test.name, got)
		assert.Equal(t, test.want, Default.decideOnce(d).Results[0].Verdict, "%s, of two files", test.name)
	}
}

// An interval takes four rounds a side, also of values that never vary.
func TestFewRoundsHaveNoInterval(t *testing.T) {
	for rounds := 1; rounds <= 4; rounds++ {
		d := &Data{}
		add(t, d, Base, "X", "allocs/op", slices.Repeat([]float64{2}, rounds)...)
		add(t, d, Head, "X", "allocs/op", slices.Repeat([]float64{3}, rounds)...)
		for _, r := range Default.decideOnce(d).Results {
			assert.Equal(t, rounds >= 4, r.Ratio.Bounded(), "%d rounds: %v", rounds, r.Ratio)
			assert.Equal(t, rounds >= 4, strings.Contains(r.change(), "["))
		}
	}
}

// A few bytes of a row that does not allocate are those of its start. All others count.
func TestBytes(t *testing.T) {
	few, more := []float64{3, 9, 4, 3, 7, 3}, []float64{30, 20, 35, 30, 24, 20}
	for _, test := range []struct {
		name       string
		allocs     [2]float64
		base, head []float64
		want       string // the verdict, or "" if the bytes are not compared
		note       bool
	}{
		{"of the start", [2]float64{0, 0}, few, more, "", true},
		{"of an equal start", [2]float64{0, 0}, few, few, "", false},
		{"none", [2]float64{0, 0}, repeated(0), repeated(0), "", false},
		{"with an allocation", [2]float64{1, 1}, few, more, "regression", false},
		{"with a first allocation", [2]float64{0, 1}, few, more, "regression", false},
		{"with a last allocation", [2]float64{1, 0}, more, few, "gain", false},
		{"of a slice that grows", [2]float64{0, 0}, repeated(41), repeated(524288), "regression", false},
		{"of a slice that begins to grow", [2]float64{0, 0}, repeated(0), repeated(41), "regression", false},
		{"of a slice that grows no more", [2]float64{0, 0}, repeated(41), repeated(0), "gain", false},
		{"at the limit", [2]float64{0, 0}, repeated(31), repeated(32), "unchanged", false},
	} {
		d := &Data{}
		add(t, d, Base, "X", "B/op", test.base...)
		add(t, d, Head, "X", "B/op", test.head...)
		for side, n := range test.allocs {
			add(t, d, Side(side), "X", "allocs/op", repeated(n)...)
		}
		r := &Report{Decision: Default.Decide(d, d)}
		got := ""
		for _, result := range r.Results {
			if result.Unit == "B/op" {
				got = string(result.Verdict)
			}
		}
		assert.Equal(t, test.want, got, test.name)
		assert.Equal(t, test.note, strings.Contains(r.Text(), "the B/op of 1 row differ and are not judged"), test.name)
	}

	// The first stage decides whether bytes are judged, and the second judges them.
	screen, confirm := &Data{}, &Data{}
	for data, bytes := range map[*Data]float64{screen: 32, confirm: 31} {
		add(t, data, Base, "X", "B/op", repeated(20)...)
		add(t, data, Head, "X", "B/op", repeated(bytes)...)
		add(t, data, Base, "X", "allocs/op", repeated(0)...)
		add(t, data, Head, "X", "allocs/op", repeated(0)...)
	}
	require.Equal(t, 1, Default.Decide(screen, confirm).Regressions())
	require.Equal(t, 0, Default.Decide(confirm, nil).Regressions())

	// A run of few operations has more bytes of its start for each of them.
	for operations, want := range map[int]int{70: 0, 100: 1} {
		d := &Data{}
		for side, bytes := range []int{4096, 8192, 4096} {
			text := fmt.Sprintf("BenchmarkX %d 1000 ns/op %d B/op 0 allocs/op\n", operations, bytes/10)
			f, err := benchfile.ReadFrom(strings.NewReader(strings.Repeat(text, 8)), "f")
			require.NoError(t, err)
			d.Add(Side(side%2), "", f)
		}
		require.Equal(t, want, Default.Decide(d, d).Regressions(), "%d operations", operations)
	}

	// Bytes of one side have nothing to be compared with.
	lone := &Data{}
	add(t, lone, Base, "X", "B/op", few...)
	for side := range 2 {
		add(t, lone, Side(side), "X", "allocs/op", repeated(0)...)
	}
	require.Equal(t, []OneSidedUnit{{Unit: "B/op"}}, Default.Decide(lone, nil).OneSided[Base])

	// Without allocs/op, nothing says that the row does not allocate.
	d := &Data{}
	add(t, d, Base, "X", "B/op", few...)
	add(t, d, Head, "X", "B/op", more...)
	require.Equal(t, 1, Default.Decide(d, d).Regressions())
}

// The units of a row are in the order in which go test prints them, and others follow.
func TestOrderOfUnits(t *testing.T) {
	want := []string{"sec/op", "user+sys-sec/op", speedUp, "B/op", "allocs/op", "a", "b", "z"}
	values := map[string][]float64{}
	for _, unit := range want {
		values[unit] = nil
	}
	require.Equal(t, want, sortedUnits(values))
}

// What a benchmark says of its unit counts more than the unit's name.
func TestBetter(t *testing.T) {
	for better, want := range map[string]Verdict{"hits/op better=higher": Gain, "pages better=lower": Regression} {
		unit, _, _ := strings.Cut(better, " ")
		d := &Data{}
		for i := range 10 {
			d.Add(Base, "p", parse(t, "Unit "+better, fmt.Sprintf("BenchmarkX 1 %v %s", steady[i], unit)))
			d.Add(Head, "p", parse(t, fmt.Sprintf("BenchmarkX 1 %v %s", slow[i], unit)))
		}
		require.Equal(t, want, Default.Decide(d, d).Results[0].Verdict, better)
	}
}

// A row that is as fast as before at one proc, and no longer faster at two, is
// caught by its speed-up.
func TestSpeedUp(t *testing.T) {
	d := &Data{Procs: []int{1, 2}}
	for i := range 10 {
		d.Add(Base, "p", parse(t, fmt.Sprintf("BenchmarkX 1 %v ns/op", steady[i]), fmt.Sprintf("BenchmarkX-2 1 %v ns/op", steady[9-i]/2)))
		d.Add(Head, "p", parse(t, fmt.Sprintf("BenchmarkX 1 %v ns/op", steady[i]), fmt.Sprintf("BenchmarkX-2 1 %v ns/op", steady[9-i])))
	}
	verdicts := map[string]Verdict{}
	for _, r := range Default.Decide(d, d).Results {
		verdicts[fmt.Sprint(r.Procs, " ", r.Unit)] = r.Verdict
	}
	require.Equal(t, map[string]Verdict{"1 sec/op": Unchanged, "2 sec/op": Regression, "2 speed-up": Regression}, verdicts)

	// Each round is compared with itself.
	d = &Data{}
	d.Add(Base, "p", parse(t, "BenchmarkX 1 100 ns/op", "BenchmarkX-2 1 50 ns/op", "BenchmarkX 1 300 ns/op", "BenchmarkX-2 1 150 ns/op"))
	require.InDeltaSlice(t, []float64{2, 2}, d.values[Cell{Row{"p", "X", 2}, speedUp}][Base], 1e-9)

	// A run that ended may lack one of the two.
	for _, last := range []string{"X", "X-2"} {
		d = &Data{}
		d.Add(Base, "p", parse(t, "BenchmarkX 1 100 ns/op", "BenchmarkX-2 1 50 ns/op", "Benchmark"+last+" 1 100 ns/op"))
		require.Len(t, d.values[Cell{Row{"p", "X", 2}, speedUp}][Base], 1, last)
	}

	// A speed-up that is no number is left out.
	d = &Data{}
	d.Add(Base, "p", parse(t, "BenchmarkX 1 1e300 ns/op", "BenchmarkX-2 1 1e-300 ns/op", "BenchmarkX 1 0 ns/op", "BenchmarkX-2 1 0 ns/op"))
	require.NotContains(t, d.values, Cell{Row{"p", "X", 2}, speedUp})

	// Nobody asked for numbers of procs, so the number may be a size.
	d = &Data{Procs: []int{}}
	d.Add(Base, "p", parse(t, "BenchmarkX 1 100 ns/op", "BenchmarkX-2 1 50 ns/op"))
	require.NotContains(t, d.values, Cell{Row{"p", "X", 2}, speedUp})

	// The names end in sizes here.
	d = &Data{Procs: []int{1}}
	d.Add(Base, "p", parse(t, "BenchmarkX/n-1 1 1 ns/op", "BenchmarkX/n-4 1 1 ns/op"))
	for _, c := range d.cells {
		require.NotEqual(t, speedUp, c.Unit)
		require.Equal(t, 1, c.Procs, c.Name)
	}
}

func TestSuspectThatDoesNotRepeat(t *testing.T) {
	screen, confirm := &Data{}, &Data{}
	add(t, screen, Base, "X", "ns/op", steady...)
	for _, v := range steady {
		add(t, screen, Head, "X", "ns/op", 1.055*v)
	}
	add(t, confirm, Base, "X", "ns/op", steady...)
	add(t, confirm, Head, "X", "ns/op", steady...)
	require.Len(t, Default.Suspects(screen), 1)
	got := Default.Decide(screen, confirm).Results[0]
	require.Equal(t, Unchanged, got.Verdict)
	require.Equal(t, 1.0, got.Ratio.Center, "the first stage must not count")
	require.True(t, got.Suspect)
}

// A real difference that is small is not measured again, and its row counts as unchanged.
func TestSmallDifference(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "ns/op", steady...)
	for _, v := range steady {
		add(t, d, Head, "X", "ns/op", v*1.02)
	}
	require.Empty(t, Default.Suspects(d))
	require.Equal(t, Unchanged, Default.Decide(d, nil).Results[0].Verdict)
}

// The time of a comparison does not grow with the square of the rows.
func TestManyRows(t *testing.T) {
	suitetest.Guard(t, "each row is looked up among all rows")
	n := 200_000
	if testing.Short() {
		n = 10_000
	}
	d := &Data{}
	for i := range n {
		d.add(Base, Cell{Row{"p", fmt.Sprint(i), 1}, "sec/op"}, 1)
	}
	_, rows, _ := d.Rows()
	require.Len(t, d.oneSidedUnits(rows)[Base][0].Rows, 0, "head has the unit in no row")
	r := &Report{Decision: Default.Decide(d, nil)}
	require.Contains(t, r.Text(), fmt.Sprintf("(rows only in base: %d, only in head: 0)", n))

	r.Added = make([]Row, n)
	for i := range n {
		r.Added[i] = Row{"q", fmt.Sprint(n + i), 1}
		d.add(Head, d.cells[i], 1)
	}
	require.Contains(t, r.NoCommonRow("a", "b"), "they begin with 0 and ")
	require.Len(t, d.Incomplete(2), n)
}

// Nor with that of the suspects.
func TestManySuspects(t *testing.T) {
	suitetest.Guard(t, "each suspect is looked up among all rows")
	n := 60_000
	if testing.Short() {
		n = 10_000
	}
	d := &Data{}
	for i := range n {
		c := Cell{Row{"p", fmt.Sprint(i), 1}, "sec/op"}
		for range 4 {
			d.add(Base, c, 1)
			d.add(Head, c, 2)
		}
	}
	require.Equal(t, n, Default.Decide(d, &Data{}).Suspects)
}

func TestRows(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "Both", "ns/op", 1)
	add(t, d, Head, "Both", "ns/op", 1)
	add(t, d, Base, "Old", "ns/op", 1)
	add(t, d, Head, "New", "ns/op", 1)
	got := Default.Decide(d, nil)
	require.Equal(t, []Row{{"p", "Both", 1}}, got.Rows)
	require.Equal(t, []Row{{"p", "Old", 1}}, got.Removed)
	require.Equal(t, []Row{{"p", "New", 1}}, got.Added)
	require.Len(t, got.Results, 1)

	require.Equal(t, "Old", got.name(got.Removed[0]))
	d.Add(Base, "q", parse(t, "BenchmarkOld 1 1 ns/op"))
	got = Default.Decide(d, nil)
	require.Equal(t, "q Old", got.name(got.Removed[1]), "of another package")
	d = &Data{}
	d.Add(Base, "p", parse(t, "BenchmarkX 1 1 ns/op"))
	d.Add(Head, "q", parse(t, "BenchmarkX 1 1 ns/op"))
	got = Default.Decide(d, nil)
	require.Equal(t, "q X", got.name(got.Added[0]), "of a package that is new")
}

// A row of both sides is incomplete if a side lacks a value of any unit.
func TestIncomplete(t *testing.T) {
	d := &Data{}
	for i := range 3 {
		for side := range 2 {
			add(t, d, Side(side), "All", "ns/op", 1)
			if side == 1 || i == 0 {
				add(t, d, Side(side), "Few", "ns/op", 1)
				add(t, d, Side(side), "Few", "B/op", 1)
			}
		}
	}
	add(t, d, Base, "Old", "ns/op", 1)
	add(t, d, Head, "New", "ns/op", 1)
	require.Equal(t, []Row{{"p", "Few", 1}}, d.Incomplete(3))
}

// A unit that one side alone has is named once, and its rows only if the other side has the
// unit elsewhere.
func TestLoneUnits(t *testing.T) {
	for _, test := range []struct {
		base, head     []string // a row and a unit
		removed, added []string
	}{
		{[]string{"X ns/op"}, []string{"X ns/op"}, nil, nil},
		{[]string{"X ns/op", "X p99-ns"}, []string{"X ns/op"}, []string{"the unit p99-sec"}, nil},
		{[]string{"X ns/op"}, []string{"X ns/op", "X p99-ns"}, nil, []string{"the unit p99-sec"}},
		{[]string{"X ns/op", "X a", "X b", "Y ns/op", "Y a", "Y b"}, []string{"X ns/op", "Y ns/op"}, []string{"the unit a", "the unit b"}, nil},
		{[]string{"X ns/op", "X a", "Y ns/op", "Y a", "Z a"}, []string{"X ns/op", "Y ns/op", "Y a", "Z ns/op"}, []string{"the unit a of X, Z"}, []string{"the unit sec/op of Z"}},
		{[]string{"X ns/op", "X a", "Y ns/op"}, []string{"X ns/op", "Y ns/op", "Y a"}, []string{"the unit a of X"}, []string{"the unit a of Y"}},
		{[]string{"X ns/op", "Old a"}, []string{"X ns/op", "New b"}, []string{"Old"}, []string{"New"}}, // their rows are named
		// Without its row at one proc, X-2 has no speed-up.
		{[]string{"X ns/op", "X-2 ns/op"}, []string{"X-2 ns/op"}, []string{"X", "the unit speed-up"}, nil},
	} {
		d := &Data{}
		for side, lines := range [][]string{test.base, test.head} {
			var results []string
			for _, line := range lines {
				row, unit, _ := strings.Cut(line, " ")
				results = append(results, fmt.Sprintf("Benchmark%s 1 5 %s", row, unit))
			}
			d.Add(Side(side), "p", parse(t, results...))
		}
		r := &Report{Decision: Default.Decide(d, nil)}
		lists := r.lists()
		require.Equal(t, test.removed, lists[0].items, "%v", test)
		require.Equal(t, test.added, lists[1].items, "%v", test)
	}
}

// Properties that must hold of any data.
func TestProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for trial := range 200 {
		m := &machine{random, 0.005 + 0.05*random.Float64(), 3, map[int]float64{0: 0.8 + 0.4*random.Float64()}}
		rounds := 4 + random.IntN(8)
		screen := m.measure(rounds, nil)
		confirm := m.measure(rounds, nil)
		d := Default.Decide(screen, confirm)
		wider := Default
		wider.Threshold = 0.2
		strict := wider.Decide(screen, confirm)
		swapped := Default.Decide(swap(screen), swap(confirm))
		for i, r := range d.Results {
			context := fmt.Sprintf("trial %d: %+v", trial, r)
			if r.Verdict == Regression {
				require.True(t, r.Suspect && r.Adjusted <= 0.05 && r.Ratio.Center > 1.0499, context)
				require.Greater(t, r.Ratio.Low, 1.0, context)
			}
			if r.Verdict == Unchanged {
				require.LessOrEqual(t, r.Detectable, 0.05, context)
			}
			require.False(t, strict.Results[i].Verdict == Regression && r.Verdict != Regression, "a higher threshold found more: %s", context)
			// The sides change places: worse becomes better, to the same degree.
			mirror := swapped.Results[i]
			require.InEpsilon(t, r.P, mirror.P, 1e-9, context)
			require.InEpsilon(t, r.Ratio.Center, 1/mirror.Ratio.Center, 1e-9, context)
			opposite := map[Verdict]Verdict{Regression: Gain, Gain: Regression}
			if want, ok := opposite[r.Verdict]; ok {
				require.Equal(t, want, mirror.Verdict, context)
			} else {
				require.Equal(t, r.Verdict, mirror.Verdict, context)
			}
		}
		// The decision does not depend on the size of a unit: milliseconds decide as seconds do.
		scaled := Default.Decide(scale(screen, 1000), scale(confirm, 1000))
		for i, r := range d.Results {
			require.Equal(t, r.Verdict, scaled.Results[i].Verdict)
		}
	}
}

func swap(d *Data) *Data {
	s := &Data{}
	for _, c := range d.cells {
		for _, v := range d.values[c][Head] {
			s.add(Base, c, v)
		}
		for _, v := range d.values[c][Base] {
			s.add(Head, c, v)
		}
	}
	return s
}

func scale(d *Data, by float64) *Data {
	s := &Data{}
	for _, c := range d.cells {
		for side := range 2 {
			for _, v := range d.values[c][side] {
				s.add(Side(side), c, v*by)
			}
		}
	}
	return s
}
