package claims

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/benchfile"
	"boundaries/internal/suite/suitetest"
)

// The code under test has one goroutine, so one value of -cpu is enough, without -race.
func TestMain(m *testing.M) { suitetest.RunPlain(m) }

var update = flag.Bool("update", false, "write the golden files and the figures of the pages")

func head(numCPU int) string {
	return fmt.Sprintf("numcpu: %d\ngoos: linux\ngoarch: amd64\npkg: boundaries\ncpu: Thing 3000\n", numCPU)
}

// results returns the output of some rounds of the rows on a machine with numCPU
// processors. A row is a benchmark line from the name on, without "Benchmark" and
// the number of iterations. The rounds differ by up to 1 %, each row in its own way.
func results(numCPU, rounds int, rows ...string) string {
	var text strings.Builder
	text.WriteString(head(numCPU))
	for round := range rounds {
		for i, row := range rows {
			fields := strings.Fields(row)
			fmt.Fprintf(&text, "Benchmark%s\t1000", fields[0])
			for v := range slices.Chunk(fields[1:], 2) {
				var value float64
				if _, err := fmt.Sscan(v[0], &value); err != nil {
					panic(row)
				}
				fmt.Fprintf(&text, "\t%.8g %s", value*(1+0.002*float64((7*round+3*i)%11-5)), v[1])
			}
			text.WriteString("\n")
		}
	}
	text.WriteString("PASS\nok  \tboundaries\t1.0s\n")
	return text.String()
}

// parse reads files of those names with those contents.
func parse(names []string, contents [][]byte) (*input, error) {
	var files []*benchfile.File
	for i, name := range names {
		f, err := benchfile.ReadFrom(bytes.NewReader(contents[i]), name)
		if f == nil {
			return nil, err
		} else if err != nil { // no results
			f.Problems = append(f.Problems, err)
		}
		files = append(files, f)
	}
	return newInput(files)
}

// err returns what is wrong with parts of the files, a line each.
func (m *input) err() error { return errors.Join(m.problems...) }

func judged(t testing.TB, text string, ids ...string) Report {
	t.Helper()
	m, err := parse([]string{"bench.txt"}, [][]byte{[]byte(text)})
	require.NoError(t, err)
	require.NoError(t, m.err())
	return m.report(ids)
}

func only(t testing.TB, r Report) claimReport {
	t.Helper()
	require.Len(t, r.claims, 1)
	return r.claims[0]
}

// figuresOf returns the claim's deciding figures with a Python and with 4 threads in
// the place of what stands for any.
func figuresOf(c claim) []figure {
	var figures []figure
	for _, f := range c.figures {
		if !f.aside {
			f.num, f.den = withPython(f.num, "cpython-3.11.7"), withPython(f.den, "cpython-3.11.7")
			for _, cells := range [][]cell{f.num, f.den} {
				for i := range cells {
					cells[i].row = strings.Replace(cells[i].row, "cpython-cpython", "cpython", 1)
				}
			}
			if !f.parity {
				f.num, f.den = withProcs(f.num, 4), withProcs(f.den, 4)
			}
			figures = append(figures, f)
		}
	}
	return figures
}

// set gives the figure the value by setting the cells that are not set yet.
func (f figure) set(cells map[cell]float64, value float64) {
	if f.parity { // too slow at one thread less, fast enough at that many
		cells[f.den[0]] = 1000
		for procs := 1; procs <= 32; procs++ {
			took := 1100.0
			if float64(procs) >= value {
				took = 900
			}
			cells[cell{f.num[0].row, f.num[0].unit, procs}] = took
		}
		return
	}
	if f.scale != 0 {
		value /= f.scale
	}
	if f.perThread {
		value *= 4
	}
	if len(f.den) == 0 && f.num[0].unit == wall {
		value *= 1e9 // rows are in ns
	}
	for i, c := range slices.Concat(f.num[1:], f.den) {
		if cells[c] == 0 {
			cells[c] = 1000
		}
		if i < len(f.num)-1 {
			value /= cells[c]
		} else {
			value *= cells[c]
		}
	}
	cells[f.num[0]] = value
	if f.num[0].unit == lost { // a thousand steps take long enough to lose some
		cells[cell{f.num[0].row, wall, f.num[0].procs}] = 1e6
	}
}

// Every claim with figures comes out when the figures bear it out, fails when one of
// them does not, and is left open when the interval of one reaches over an edge or
// when there is one round. The figures are made from the bands.
func TestEveryClaimCanGoEachWay(t *testing.T) {
	inside := func(b band) float64 {
		switch {
		case math.IsInf(b.hi, 1):
			return b.lo*2 + 1
		case b.lo <= 0:
			return b.hi / 2
		}
		return math.Sqrt(b.lo * b.hi)
	}
	edge := func(b band) float64 {
		if b.lo > 0 || math.IsInf(b.hi, 1) {
			return b.lo
		}
		return b.hi
	}
	for _, c := range claims {
		if c.settled != "" {
			continue
		}
		figures := figuresOf(c)
		// try judges the claim with all figures inside their bands, but for one.
		try := func(rounds int, which int, values ...float64) (string, Report) {
			text := ""
			for round := range rounds {
				cells := map[cell]float64{}
				for i, f := range figures {
					value := inside(f.want)
					if i == which {
						value = values[round%len(values)]
					}
					f.set(cells, value)
				}
				lines := map[string]string{}
				for c, value := range cells {
					// No two rounds are equal, as if a file were there twice.
					lines[c.name()] += fmt.Sprintf(" %.12g %s", value*(1+1e-6*float64(round)), c.shortUnit())
				}
				var rows []string
				for _, name := range slices.Sorted(maps.Keys(lines)) {
					rows = append(rows, name+lines[name])
				}
				text += results(32, 1, rows...)
			}
			r := judged(t, text, c.id)
			return only(t, r).verdict, r
		}
		t.Run(c.id, func(t *testing.T) {
			good := reproduced
			if c.anyMachine {
				good = anyMachine
			}
			verdict, r := try(9, -1)
			require.Equal(t, good, verdict, r.Text(true))
			verdict, r = try(1, -1)
			if c.id == "C7" { // one round is enough
				require.Equal(t, reproduced, verdict)
				verdict, _ := try(9, 0, 0)
				require.Equal(t, notMeasured, verdict)
				verdict, _ = try(9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1)
				require.Equal(t, reproduced, verdict)
				return
			}
			require.Equal(t, notMeasured, verdict, "one round")
			for _, f := range only(t, r).figures {
				require.True(t, f.present || !f.decides, "one round has figures")
			}
			for i, f := range figures {
				for _, bad := range []float64{f.want.lo / 2, f.want.hi * 2} {
					if bad <= 0 || math.IsInf(bad, 1) || f.parity && bad < 1 {
						continue
					}
					want := notReproduced
					if f.direction.lo < bad && bad < f.direction.hi {
						want = inDirection
					}
					verdict, r := try(9, i, bad)
					require.Equal(t, want, verdict, "%v\n%s", bad, r.Text(true))
				}
				if f.direction != (band{}) {
					verdict, r := try(9, i, edge(f.direction)*0.9+2*edge(f.direction)*float64(b2i(f.direction == faster)))
					require.Equal(t, notReproduced, verdict, r.Text(true))
				}
				if f.parity {
					verdict, _ := try(9, i, 1, f.want.hi*1.2)
					require.Equal(t, undecided, verdict, "open")
					verdict, _ = try(9, i, 99)
					require.Equal(t, inDirection, verdict, "beyond the processors, which are more than the claim allows")
					continue
				}
				for _, b := range []band{f.want, f.direction} {
					if b == (band{}) {
						continue
					}
					verdict, r := try(9, i, edge(b)*0.95, edge(b)*1.05)
					require.Equal(t, undecided, verdict, "over an edge of %v\n%s", b, r.Text(true))
				}
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Some claims by hand, with what the rows may be on a real machine. Nothing here is
// taken from the table.
func TestVerdictsFollowTheFigures(t *testing.T) {
	rows := func(names, unit string, values ...float64) (rows []string) {
		for i, name := range strings.Fields(names) {
			rows = append(rows, fmt.Sprintf("%s %g %s", name, values[i], unit))
		}
		return rows
	}
	const cpuUnit = "user+sys-ns/op"
	for _, test := range []struct {
		id   string
		rows []string
		want string
	}{
		{"C1", rows("PyLoop/system=cpython-3.11.7-gil PyFib/system=cpython-3.11.7-gil Loop/sync=serial Fib/sync=serial", "ns/op", 35, 40, 1, 1), reproduced},
		{"C1", rows("PyLoop/system=cpython-3.11.7-gil PyFib/system=cpython-3.11.7-gil Loop/sync=serial Fib/sync=serial", "ns/op", 115, 40, 1, 1), inDirection},
		{"C1", rows("PyLoop/system=cpython-3.11.7-gil PyFib/system=cpython-3.11.7-gil Loop/sync=serial Fib/sync=serial", "ns/op", 30, 5, 1, 1), reproduced},
		{"C1", rows("PyLoop/system=cpython-3.11.7-gil PyFib/system=cpython-3.11.7-gil Loop/sync=serial Fib/sync=serial", "ns/op", 30, 0.9, 1, 1), notReproduced},
		// Of several Pythons the one that is closest to the article decides, if it is a
		// CPython with its lock.
		{"C2", []string{"PyLoop/system=cpython-3.9.1-gil 90 ns/op 90 user+sys-ns/op", "PyLoop/system=cpython-3.13.0-gil 50 ns/op 50 user+sys-ns/op"}, reproduced},
		{"C2", []string{"PyLoop/system=cpython-3.9.1-gil 90 ns/op 90 user+sys-ns/op", "PyLoop/system=pypy-3.9.1-gil 50 ns/op 50 user+sys-ns/op"}, notReproduced},
		{"C2", []string{"PyLoop/system=cpython-3.9.1-gil 90 ns/op 90 user+sys-ns/op", "PyLoop/system=cpython-3.13.0t-gil 50 ns/op 50 user+sys-ns/op"}, notReproduced},
		{"C2", []string{"PyLoop/system=cpython-3.9.1-gil 40 ns/op 40 user+sys-ns/op"}, reproduced},
		{"C2", []string{"PyLoop/system=cpython-3.9.1-gil 29 ns/op 29 user+sys-ns/op"}, notReproduced},
		{"C2", []string{"PyLoop/system=cpython-3.9.1-gil 40 ns/op 20 user+sys-ns/op"}, notReproduced},
		{"C7", []string{"Race/case=refcount/sync=racy-2 40 ns/op 0.31 lost/try"}, reproduced},
		{"C7", []string{"Race/case=refcount/sync=racy-2 40 ns/op 0 lost/try"}, notMeasured},
		{"C8", rows("WorkerPool/task=io/sync=gil WorkerPool/task=io/sync=gil-4", "ns/op", 100, 26), reproduced},
		{"C8", rows("WorkerPool/task=io/sync=gil WorkerPool/task=io/sync=gil-4", "ns/op", 100, 51), inDirection},
		{"C8", rows("WorkerPool/task=io/sync=gil WorkerPool/task=io/sync=gil-4", "ns/op", 100, 110), notReproduced},
		// 1.9 s and 12.7 s, and a lock that is cheap.
		{"C12", rows("CountdownBoxed/system=free-threading CountdownBoxed/system=plain", "ns/op", 127, 19), reproduced},
		{"C12", rows("CountdownBoxed/system=free-threading CountdownBoxed/system=plain", "ns/op", 35, 10), inDirection},
		{"C12", rows("CountdownBoxed/system=free-threading CountdownBoxed/system=plain", "ns/op", 9, 10), notReproduced},
		// 30 per cent, and 7.
		{"C14", rows("CountdownBoxed/system=gil-ticks-2 CountdownBoxed/system=plain", "ns/op", 130, 100), reproduced},
		{"C14", rows("CountdownBoxed/system=gil-ticks-2 CountdownBoxed/system=plain", "ns/op", 107, 100), inDirection},
		{"C15", rows("CountdownBoxed/system=free-threading-2 CountdownBoxed/system=free-threading", "ns/op", 145, 100), reproduced},
		{"C15", rows("CountdownBoxed/system=free-threading-2 CountdownBoxed/system=free-threading", "ns/op", 127, 100), inDirection},
		{"C16", rows("CountdownBoxed/system=free-threading-2 CountdownBoxed/system=gil-ticks-2", "ns/op", 74, 10), reproduced},
		{"C16", rows("CountdownBoxed/system=free-threading-2 CountdownBoxed/system=gil-ticks-2", "ns/op", 65, 10), inDirection},
		{"C17", rows("Respond/load=stuck/sync=goroutine-2 Respond/load=idle/sync=goroutine-2", "p50-ns", 14e3, 13e3), anyMachine},
		{"C17", rows("Respond/load=stuck/sync=goroutine-2 Respond/load=idle/sync=goroutine-2", "p50-ns", 5e6, 13e3), notReproduced},
		{"C18", rows("FibBoxed/system=gilectomy/without=locks FibBoxed/system=plain", "ns/op", 130, 100), reproduced},
		{"C18", rows("FibBoxed/system=gilectomy/without=locks FibBoxed/system=plain", "ns/op", 150, 100), inDirection},
		// One column of several does not hold.
		{"C19", rows("FibBoxed/system=gilectomy FibBoxed/system=gil FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2 FibBoxed/system=gilectomy-8 FibBoxed/system=gil-8", "ns/op", 190, 100, 210, 100, 200, 100), reproduced},
		{"C19", rows("FibBoxed/system=gilectomy FibBoxed/system=gil FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2 FibBoxed/system=gilectomy-8 FibBoxed/system=gil-8", "ns/op", 190, 100, 210, 100, 60, 100), notReproduced},
		{"C19", rows("FibBoxed/system=gilectomy FibBoxed/system=gil FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2 FibBoxed/system=gilectomy-8 FibBoxed/system=gil-8", "ns/op", 190, 100, 280, 100, 200, 100), inDirection},
		{"C21", rows("FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2", cpuUnit, 505, 100), inDirection},
		{"C23", rows("FibBoxed/system=gil FibBoxed/system=gilectomy-buffered FibBoxed/system=gilectomy-buffered-6 FibBoxed/system=gilectomy-buffered-7", "ns/op", 100, 130, 110, 95), reproduced},
		{"C23", rows("FibBoxed/system=gil FibBoxed/system=gilectomy-buffered FibBoxed/system=gilectomy-buffered-2 FibBoxed/system=gilectomy-buffered-3", "ns/op", 100, 130, 110, 95), inDirection},
		{"C23", rows("FibBoxed/system=gil FibBoxed/system=gilectomy-buffered FibBoxed/system=gilectomy-buffered-8", "ns/op", 100, 130, 110), notMeasured},
		// Up to 5 times: the best column decides.
		{"C27", rows("FibBoxed/system=gil-7 FibBoxed/system=nogil-7 FibBoxed/system=gil-2 FibBoxed/system=nogil-2 FibBoxed/system=gil FibBoxed/system=nogil", "ns/op", 500, 100, 110, 100, 110, 100), reproduced},
		{"C27", rows("FibBoxed/system=gil-7 FibBoxed/system=nogil-7 FibBoxed/system=gil FibBoxed/system=nogil", "ns/op", 300, 100, 110, 100), inDirection},
		{"C27", rows("FibBoxed/system=gil-7 FibBoxed/system=nogil-7 FibBoxed/system=gil FibBoxed/system=nogil", "ns/op", 500, 100, 100, 110), notReproduced},
		// Both too slow by the same factor.
		{"C28", rows("PySpawn/start=process/system=cpython-3.11.7-gil PySpawn/start=thread/system=cpython-3.11.7-gil", "ns/op", 50e6, 100e3), reproduced},
		{"C28", rows("PySpawn/start=process/system=cpython-3.11.7-gil PySpawn/start=thread/system=cpython-3.11.7-gil", "ns/op", 500e6, 1000e3), notReproduced},
		{"C29", rows("ProcsFib/sync=private ProcsFib/sync=private-2", "ns/op", 100, 80), anyMachine},
		{"C29", rows("ProcsFib/sync=private ProcsFib/sync=private-2", "ns/op", 100, 102), notReproduced},
		{"C30", rows("Procs/payload=8B/sync=pipe-2 Procs/payload=8B/sync=channel-2 Procs/payload=64KiB/sync=pipe-2 Procs/payload=64KiB/sync=channel-2", "ns/op", 1800, 80, 76000, 14000), anyMachine},
		{"C30", rows("Procs/payload=8B/sync=pipe-2 Procs/payload=8B/sync=channel-2 Procs/payload=64KiB/sync=pipe-2 Procs/payload=64KiB/sync=channel-2", "ns/op", 1800, 80, 7000, 14000), notReproduced},
		{"C31", rows("FibBoxed/system=subinterpreters FibBoxed/system=subinterpreters-8", "ns/op", 100, 80), anyMachine},
		{"C31", rows("FibBoxed/system=subinterpreters FibBoxed/system=subinterpreters-8", "ns/op", 100, 105), notReproduced},
		// A run of 1000 steps that ends before the lock can change hands loses nothing.
		{"C35", []string{"SharedLoopBoxed/system=gil-2 100e3 ns/op 0.34 lost-updates/op", "SharedLoopBoxed/system=gil-jumps-2 100e3 ns/op 0 lost-updates/op"}, notReproduced},
		{"C35", []string{"SharedLoopBoxed/system=gil-2 100e3 ns/op 0 lost-updates/op", "SharedLoopBoxed/system=gil-jumps-2 100e3 ns/op 0 lost-updates/op"}, reproduced},
		{"C35", []string{"SharedLoopBoxed/system=gil-2 40e3 ns/op 0 lost-updates/op", "SharedLoopBoxed/system=gil-jumps-2 100e3 ns/op 0 lost-updates/op"}, notMeasured},
		{"C35", []string{"SharedLoopBoxed/system=gil-2 40e3 ns/op 0.34 lost-updates/op", "SharedLoopBoxed/system=gil-jumps-2 100e3 ns/op 0 lost-updates/op"}, notReproduced},
		{"C36", rows("FibBoxed/system=nogil FibBoxed/system=gil FibBoxed/system=nogil-2 FibBoxed/system=gil-2", cpuUnit, 115, 100, 115, 102), notReproduced},
	} {
		t.Run(test.id, func(t *testing.T) {
			r := judged(t, results(8, 6, test.rows...), test.id)
			require.Equal(t, test.want, only(t, r).verdict, r.Text(true))
		})
	}
}

// A claim of 30 percent is about the 0.3, and not about the 1.3.
func TestBands(t *testing.T) {
	for x, want := range map[float64]band{1.3: {1.2, 1.45}, 2: {5. / 3, 2.5}, 10: {7, 14.5}} {
		require.InDelta(t, want.lo, about(x).lo, 1e-9)
		require.InDelta(t, want.hi, about(x).hi, 1e-9)
	}
	require.InDelta(t, 0.4, half.lo, 1e-9)
	require.InDelta(t, 0.6, half.hi, 1e-9)
}

// An interval decides only if all of it is on one side of an edge.
func TestVerdictOfIntervals(t *testing.T) {
	f := figure{want: band{1.2, 1.45}, direction: slower}
	undirected := figure{want: band{1.2, 1.45}}
	for _, test := range []struct {
		lo, hi        float64
		directed, not string
	}{
		{1.25, 1.4, reproduced, reproduced},
		{1.15, 1.3, undecided, undecided}, // over the lower edge of want
		{1.3, 1.5, undecided, undecided},  // over the upper edge
		{1.05, 1.15, inDirection, notReproduced},
		{1.5, 9, inDirection, notReproduced},
		{0.9, 1.1, undecided, notReproduced}, // over the edge of direction
		{0.9, 1.3, undecided, undecided},     // over both
		{0.5, 0.9, notReproduced, notReproduced},
		{0.5, 1, notReproduced, notReproduced},
		{1.45, 1.6, inDirection, notReproduced},
		// An edge of want is not in it.
		{1.3, 1.45, undecided, undecided},
		{1.2, 1.3, undecided, undecided},
	} {
		e := estimate{test.lo, (test.lo + test.hi) / 2, test.hi, 9, true}
		require.Equal(t, test.directed, f.verdict(e), test)
		require.Equal(t, test.not, undirected.verdict(e), test)
		e.interval = false
		require.Equal(t, notMeasured, f.verdict(e), "one round has no verdict")
	}
}

// A figure has its significant digits.
func TestShort(t *testing.T) {
	for want, v := range map[string]float64{"0": 0, "3e-08": 3e-8, "0.00012": 0.00012, "0.0050": 0.005, "0.050": 0.05, "0.50": 0.5, "5.00": 5, "50.0": 50, "500": 500} {
		require.Equal(t, want, short(v))
	}
}

// Every figure, including those aside, depends on each of its rows: if a row doubles, the
// figure doubles or halves.
func TestFiguresAreMadeOfTheirRows(t *testing.T) {
	for _, c := range claims {
		for i, f := range c.figures {
			if f.parity {
				continue // TestParity
			}
			name := fmt.Sprintf("%s, figure %d", c.id, i)
			m := &input{rows: map[string]bool{}, samples: map[cell][]float64{}, numCPU: 8}
			f.num, f.den = withProcs(f.num, 4), withProcs(f.den, 4)
			cells := f.cells()
			for _, c := range cells {
				m.samples[c] = []float64{1}
			}
			base := m.judge(f)
			require.True(t, base.present, name)
			for j, c := range cells {
				m.samples[c] = []float64{2}
				want := base.estimate.center
				for k, other := range cells {
					if other == c && k < len(f.num) {
						want *= 2
					} else if other == c {
						want /= 2
					}
				}
				require.InEpsilon(t, want, m.judge(f).estimate.center, 1e-9, "%s, row %d", name, j)
				m.samples[c] = []float64{1}
			}
		}
	}
}

func TestTable(t *testing.T) {
	for i, c := range claims {
		require.Equal(t, fmt.Sprintf("C%d", i+1), c.id)
		require.NotEmpty(t, c.says, c.id)
		require.LessOrEqual(t, len([]rune(c.says)), 73, c.id)
		require.NotEmpty(t, c.where, c.id)
		require.NotEmpty(t, c.why, c.id)
		require.NotRegexp(t, `\.$`, c.why, c.id)
		decides := slices.ContainsFunc(c.figures, func(f figure) bool { return !f.aside })
		require.Equal(t, c.settled == "", decides, c.id)
		if c.settled != "" {
			require.Equal(t, c.settled, c.expect, c.id)
		}
		for _, f := range c.figures {
			require.NotEmpty(t, f.num, c.id)
			require.NotEmpty(t, f.article, c.id)
			require.True(t, f.aside || f.want != band{}, c.id)
			if f.parity { // with one thread
				require.Equal(t, many, f.num[0].procs, c.id)
				require.Equal(t, 1, f.den[0].procs, c.id)
			}
			if f.direction != (band{}) {
				require.True(t, f.direction.lo <= f.want.lo && f.want.hi <= f.direction.hi, "%s: what the article says is in its direction", c.id)
			}
			// A claim without a number is true of any machine. Those of a share that is
			// lost are not.
			if f.article == none && !f.aside && f.num[0].unit != lost && f.num[0].unit != lostTry {
				require.True(t, c.anyMachine, c.id)
			}
		}
	}
}

// pending are rows that the main command does not have.
var pending = regexp.MustCompile(`^Race/`)

// The rows that the claims name are those that the suite has.
func TestRowsExist(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the main command, without the race detector")
	}
	var patterns []string
	for _, match := range regexp.MustCompile(`-bench '(\S+)'`).FindAllStringSubmatch(Command(nil, []int{1, 2}), -1) {
		patterns = append(patterns, match[1])
	}
	cmd := exec.Command("go", "test", "-bench", strings.Join(patterns, "|"), "-cpu", "1", "-benchtime", "1x", ".")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	m, err := parse([]string{"stdout"}, [][]byte{out})
	require.NoError(t, err)
	require.NoError(t, m.err())
	for _, c := range cellsOf(nil) {
		if c.python() {
			continue
		}
		c.procs = 1
		require.Equal(t, pending.MatchString(c.row), len(m.samples[c]) == 0, "%s of %s", c.shortUnit(), c.row)
	}
}

func TestSettledClaims(t *testing.T) {
	r := judged(t, results(2, 1, "FibBoxed/system=nogil 110 ns/op", "FibBoxed/system=plain 100 ns/op"))
	settled := map[string]string{}
	for _, c := range r.claims {
		if c.verdict != notMeasured {
			settled[c.id] = c.verdict
		}
	}
	require.Equal(t, map[string]string{
		"C3": byConstruction, "C6": corrected, "C9": corrected, "C11": notMeasurable, "C24": notMeasurable, "C33": corrected,
	}, settled)
	require.Equal(t, "0 reproduced, 0 reproduced in direction only, 0 not reproduced, 0 undecided, 30 not measured. "+
		"Not counted: 1 by construction, 3 corrected, 2 not measurable.", r.summary())
	require.Contains(t, r.Text(true), "beside it: fib, nogil / plain, here: 1.09")
}

// The values of a cell stand in the order of their rounds, and are paired by it later.
func TestSummaryKeepsTheOrder(t *testing.T) {
	values := []float64{3, 1, 2}
	require.InDelta(t, 2, summary(values).center, 1e-9)
	require.Equal(t, []float64{3, 1, 2}, values)
}

func TestIntervals(t *testing.T) {
	// One thread and two, in rounds that differ from one another by a third, as on a
	// machine that is busy at times.
	var rounds []string
	for i, drift := range []float64{1, 1.3, 1.1, 1.2, 1.05, 1.33} {
		rounds = append(rounds, results(2, 1,
			fmt.Sprintf("SharedLoopBoxed/system=gil-jumps %g ns/op", 100*drift),
			fmt.Sprintf("SharedLoopBoxed/system=gil-jumps-2 %g ns/op", (100+float64(i))*drift)))
	}
	r := only(t, judged(t, strings.Join(rounds, ""), "C5"))
	e := r.figures[0].estimate
	require.Equal(t, reproduced, r.verdict)
	require.Equal(t, 6, e.rounds)
	require.Empty(t, r.figures[0].note)
	// The ratio is taken within rounds, so the drift moves neither end of the interval.
	require.InDelta(t, 1.031, e.center, 0.001)
	require.InDelta(t, 1.006, e.lo, 0.001)
	require.InDelta(t, 1.056, e.hi, 0.001)

	for n, here := range map[int]string{1: "here: 1.01, 1 round (no interval, which takes 6 rounds): not measured", 5: "here: 1.03, 5 rounds (no interval, which takes 6 rounds): not measured"} {
		r := judged(t, strings.Join(rounds[:n], ""), "C5")
		text := strings.Join(strings.Fields(r.Text(true)), " ")
		require.Contains(t, text, here)
		require.Contains(t, text, "C5 not measured: ")
	}
	t.Run("over an edge", func(t *testing.T) {
		var text string
		for i := range 6 {
			text += results(2, 1, "SharedLoopBoxed/system=gil-jumps 100 ns/op", fmt.Sprintf("SharedLoopBoxed/system=gil-jumps-2 %d ns/op", 115+4*i))
		}
		r := only(t, judged(t, text, "C5"))
		require.Equal(t, undecided, r.verdict)
		require.Equal(t, "the interval reaches over an edge", r.figures[0].note)
	})
	t.Run("more rounds of one row", func(t *testing.T) {
		// Without recorded rounds, nobody knows which values are of one round.
		f := only(t, judged(t, results(2, 9, "SharedLoopBoxed/system=gil-jumps 100 ns/op")+strings.Join(rounds, ""), "C5")).figures[0]
		require.Equal(t, notMeasured, f.verdict)
		require.Equal(t, "no interval: the files do not say which values of these rows are of one round", f.note)
	})
	t.Run("a value is left out", func(t *testing.T) {
		text := ""
		for round, drift := range []float64{1, 2, 1, 2, 1, 2, 1, 2} {
			second := fmt.Sprint(104 * drift)
			first := fmt.Sprint(100 * drift)
			if round == 0 {
				first = "NaN"
			} else if round == 7 {
				second = "NaN"
			}
			text += fmt.Sprintf("BenchmarkFibBoxed/system=gil 1 %s ns/op 1 B/op\nBenchmarkFibBoxed/system=nogil 1 %s ns/op 1 B/op\n", first, second)
		}
		m, err := parse([]string{"bench.txt"}, [][]byte{[]byte(head(2) + text)})
		require.NoError(t, err)
		require.False(t, m.ratio(at(wall, 1, "FibBoxed/system=nogil"), at(wall, 1, "FibBoxed/system=gil"), nil).interval)
	})
	t.Run("recorded rounds", func(t *testing.T) {
		// An interrupted run: the second row lacks its last round. The machine slows
		// down by a tenth each round.
		text, took := head(2), 100.0
		for round := range 7 {
			text += fmt.Sprintf("# round: %d\nBenchmarkSharedLoopBoxed/system=gil-jumps 1 %g ns/op\n", round+1, took)
			if round < 6 {
				text += fmt.Sprintf("BenchmarkSharedLoopBoxed/system=gil-jumps-2 1 %g ns/op\n", 1.05*took)
			}
			took *= 1.1
		}
		e := only(t, judged(t, text, "C5")).figures[0].estimate
		require.Equal(t, 6, e.rounds)
		require.True(t, e.interval)
		require.InDelta(t, 1.05, e.center, 1e-6)
		require.InDelta(t, 1.05, e.hi, 1e-6)
	})
	t.Run("two sessions", func(t *testing.T) {
		// In the second the machine is half as fast, and only one of two claims was
		// measured again: the other keeps the rounds of the first.
		one := results(2, 9, "FibBoxed/system=gil 100 ns/op", "FibBoxed/system=gilectomy 190 user+sys-ns/op 190 ns/op", "FibBoxed/system=nogil 110 ns/op")
		two := results(2, 7, "FibBoxed/system=gil 200 ns/op", "FibBoxed/system=nogil 220 ns/op")
		three := results(2, 6, "PyLoop/system=cpython-3.9.1-gil 40 ns/op")
		four := results(2, 7, "Loop/sync=serial 1 ns/op", "FibBoxed/system=gil 7 things/op")
		m, err := parse([]string{"1", "2", "3", "4"}, [][]byte{[]byte(one), []byte(two), []byte(three), []byte(four)})
		require.NoError(t, err)
		require.InEpsilon(t, 1000*100e-9, m.shortest["FibBoxed/system=gil"], 0.02, "the shortest run of both")
		for _, test := range []struct {
			num, den string
			rounds   int
			want     float64
		}{{"FibBoxed/system=gilectomy", "FibBoxed/system=gil", 9, 1.9}, {"FibBoxed/system=nogil", "FibBoxed/system=gil", 16, 1.1}, {"PyLoop/system=cpython-3.9.1-gil", "Loop/sync=serial", 6, 40}} {
			e := m.ratio(at(wall, 1, test.num), at(wall, 1, test.den), nil)
			require.Equal(t, test.rounds, e.rounds)
			require.InEpsilon(t, test.want, e.center, 0.03)
			require.Less(t, e.hi/e.lo, 1.1)
		}
	})
}

func TestNotMeasured(t *testing.T) {
	gil := []string{"SharedLoopBoxed/system=gil-jumps 100 ns/op 100 user+sys-ns/op", "SharedLoopBoxed/system=gil-jumps-2 104 ns/op 105 user+sys-ns/op"}
	measure := func(cpus, pattern string) string {
		return "{ for i in $(seq 9); do echo '# round: '$i; go test -cpu " + cpus + " -skip '/=nogil$/without=' -bench '" + pattern + "' || break; done; } > more.txt; go tool boundaries claims bench.txt more.txt"
	}
	const shared = "BenchmarkSharedLoopBoxed$/system=gil-jumps$"
	for _, test := range []struct {
		name, claim, text string
		verdict, note     string
		fill              string
	}{
		{"a row is missing", "C5", results(2, 6, gil[0]), notMeasured, "no row SharedLoopBoxed/system=gil-jumps-2", measure("1,2", shared)},
		{"two processors are missing", "C5", results(1, 6, gil[0]), notMeasured, "needs 2 processors", ""},
		{"oversubscribed", "C5", results(1, 6, gil...), notMeasured, "oversubscribed: 2 threads, numcpu 1; needs 2 processors", ""},
		{"the claim is of an oversubscribed column", "C22",
			results(8, 6, "FibBoxed/system=gilectomy-17 1 ns/op 2000 user+sys-ns/op", "FibBoxed/system=gil-17 1 ns/op 100 user+sys-ns/op"), reproduced,
			"oversubscribed: 17 threads, numcpu 8", ""},
		{"and of a machine with more processors", "C22",
			results(2, 6, "FibBoxed/system=gilectomy-17 1 ns/op 2000 user+sys-ns/op", "FibBoxed/system=gil-17 1 ns/op 100 user+sys-ns/op"), notMeasured,
			"oversubscribed: 17 threads, numcpu 2; needs 8 processors", ""},
		{"numcpu is missing", "C5", strings.ReplaceAll(results(2, 6, gil...), "numcpu: 2\n", ""), notMeasured,
			"needs 2 processors, and numcpu is not in the files", measure("1,2", shared)},
		{"numcpu is missing, and sleepers need no processor", "C8", strings.ReplaceAll(results(2, 6, "WorkerPool/task=io/sync=gil 100 ns/op", "WorkerPool/task=io/sync=gil-4 26 ns/op"), "numcpu: 2\n", ""), reproduced, "", ""},
		{"numcpu is missing, and the claim needs 8", "C22", strings.ReplaceAll(
			results(8, 6, "FibBoxed/system=gilectomy-17 1 ns/op 2000 user+sys-ns/op", "FibBoxed/system=gil-17 1 ns/op 100 user+sys-ns/op"), "numcpu: 8\n", ""), notMeasured,
			"needs 8 processors, and numcpu is not in the files", measure("17", "BenchmarkFibBoxed$/system=(gil|gilectomy)$")},
		{"numcpu is missing, and one try shows the race", "C7", strings.ReplaceAll(results(2, 6, "Race/case=refcount/sync=racy-2 40 ns/op 0.31 lost/try"), "numcpu: 2\n", ""), reproduced, "", ""},
		{"fewer processors than the article's threads", "C27", results(4, 6, "FibBoxed/system=gil-2 180 ns/op", "FibBoxed/system=nogil-2 100 ns/op"), notMeasured,
			"needs 7 processors", measure("1", "BenchmarkFibBoxed$/system=(gil|nogil)$")},
		{"no column of several procs", "C26", results(4, 6, "FibBoxed/system=gil 100 ns/op 100 user+sys-ns/op"), notMeasured,
			"no row FibBoxed/system=gil-4", measure("4", "BenchmarkFibBoxed$/system=gil$")},
		{"a clock too coarse", "C10", results(2, 6, "SharedLoopBoxed/system=gil-jumps-2 100 ns/op 0 user+sys-ns/op"), notMeasured,
			"SharedLoopBoxed/system=gil-jumps-2 has an impossible user+sys-ns/op; 0 means that the clock is too coarse for it", measure("1,2", shared)},
		{"no Python", "C1", results(2, 6, "Loop/sync=serial 1 ns/op"), notMeasured, "no row PyLoop/system=cpython-*-gil",
			"{ for i in $(seq 9); do echo '# round: '$i; go test -cpu 1 -skip '/=nogil$/without=' -bench 'BenchmarkFib$/sync=serial$' || break; done; " +
				"make python ROUNDS=9 THREADS='1 2' PYTHONS='python3 python3.14t'; } > more.txt; go tool boundaries claims bench.txt more.txt"},
		{"no race", "C7", results(2, 6, "Loop/sync=serial 1 ns/op"), notMeasured, "no row Race/case=refcount/sync=racy-2",
			"{ for i in $(seq 9); do echo '# round: '$i; " + raceCommand + " || break; done; } > more.txt; go tool boundaries claims bench.txt more.txt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := judged(t, test.text, test.claim)
			c := only(t, r)
			require.Equal(t, test.verdict, c.verdict)
			require.Equal(t, test.note, c.figures[0].note)
			require.Equal(t, test.fill, r.fill())
		})
	}
}

// The command that measures what is missing replaces no file that it needs.
func TestFillCommand(t *testing.T) {
	for want, names := range map[string][]string{
		" > more.txt; go tool boundaries claims bench.txt more.txt":               {"bench.txt"},
		" > more-3.txt; go tool boundaries claims more.txt more-2.txt more-3.txt": {"more.txt", "more-2.txt"},
		" > more.txt; go tool boundaries claims FILE more.txt":                    {benchfile.StandardInput},
		" > more.txt; go tool boundaries claims 'my $(file)'\\''s.txt' more.txt":  {"my $(file)'s.txt"},
	} {
		var files []*benchfile.File
		for i, name := range names {
			f, err := benchfile.ReadFrom(strings.NewReader(results(2, i+1, "SharedLoopBoxed/system=gil-jumps 1 ns/op")), name)
			require.NoError(t, err)
			files = append(files, f)
		}
		r, err := Judge(files, []string{"C5"})
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(r.fill(), want), r.fill())
	}
}

// A row that the pattern of another row selects is not measured twice, and rows that no
// claim needs are skipped.
func TestCommand(t *testing.T) {
	require.Equal(t, "for i in $(seq 9); do echo '# round: '$i; go test -cpu 1 -skip '/=nogil$/without=' -bench 'BenchmarkFibBoxed$/system=plain$'"+
		" && go test -cpu 1,2,7 -skip '/=nogil$/without=' -bench 'BenchmarkFibBoxed$/system=(gil|gilectomy)$' || break; done", Command([]string{"C18", "C19"}, []int{1, 2, 7}))
}

func TestBusyMachine(t *testing.T) {
	for used, busy := range map[float64]bool{100: false, 95: false, 60: true} {
		text := results(2, 6, fmt.Sprintf("LoopBoxed/system=plain 100 ns/op %g user+sys-ns/op", used), fmt.Sprintf("Loop/sync=serial 1 ns/op %g user+sys-ns/op", used/100))
		r := judged(t, text)
		require.InDelta(t, used/100, r.input.share(), 1e-6, "of each round")
		heading := r.heading()
		require.NotPanics(t, func() { judged(t, text+"BenchmarkLoop/sync=serial 1 5 user+sys-ns/op\n").heading() }, "a row without its wall time")
		require.Equal(t, busy, strings.HasSuffix(heading, "The machine was busy: rows that only compute had 0.60 of a processor. Measure again when it is quiet."), heading)
	}
}

func TestUnusualSettings(t *testing.T) {
	heading := judged(t, "# build: -race=true\n# environment: GOGC=\"off\"\n"+results(2, 6, "LoopBoxed/system=plain 100 ns/op")).heading()
	require.True(t, strings.HasSuffix(heading, `: measured with settings that can change times: build -race=true, environment GOGC="off".`), heading)
}

// A figure whose rows ran disturbed in most rounds, or by enough to turn its verdict, gets
// no verdict. The report has the command that measures it again, and a file of a calm
// session decides.
func TestDisturbed(t *testing.T) {
	const row, quarter = "FibBoxed/system=subinterpreters", 1000
	busy := func(rounds int, ratio float64) string {
		return results(2, rounds, fmt.Sprintf("%s %d ns/op", row, quarter), fmt.Sprintf("%s-2 %g ns/op", row, ratio*quarter))
	}
	says := func(name string, times float64, runs, of int) string {
		return fmt.Sprintf("# disturbed: %s %.2f times (others used 0.95 processors; %d of %d runs)\n", name, times, runs, of)
	}
	const mostly = "disturbed: FibBoxed/system=subinterpreters-2 took up to 1.97 times as long in 5 of 9 rounds"
	for name, test := range map[string]struct {
		files         []string
		verdict, note string
	}{
		"quiet":                                 {[]string{busy(9, 1.2)}, notReproduced, ""},
		"in most rounds":                        {[]string{busy(9, 1.2) + says(row+"-2", 1.97, 5, 9)}, notMeasured, mostly},
		"in most rounds, a process for each":    {[]string{busy(9, 1.2) + strings.Repeat("# disturbed: "+row+"-2 1.97 times (others used 0.95 processors)\n", 5)}, notMeasured, mostly},
		"by enough to turn it":                  {[]string{busy(9, 1.2) + says(row+"-2", 1.97, 4, 9)}, notMeasured, "disturbed: FibBoxed/system=subinterpreters-2 took up to 1.97 times as long in 4 rounds, which is enough to turn this"},
		"the row below, by enough":              {[]string{busy(9, 0.75) + says(row, 1.5, 4, 9)}, notMeasured, "disturbed: FibBoxed/system=subinterpreters took up to 1.50 times as long in 4 rounds, which is enough to turn this"},
		"by too little to turn it":              {[]string{busy(9, 1.3) + says(row+"-2", 1.12, 4, 9)}, notReproduced, ""},
		"in half of the rounds":                 {[]string{busy(8, 1.3) + says(row+"-2", 1.12, 4, 8)}, notReproduced, ""},
		"another row":                           {[]string{busy(9, 1.2) + says(row+"-4", 1.97, 9, 9)}, notReproduced, ""},
		"and a calm session":                    {[]string{busy(9, 1.2) + says(row+"-2", 1.97, 9, 9), busy(7, 0.52)}, anyMachine, ""},
		"and another session that is disturbed": {[]string{busy(9, 1.2) + says(row+"-2", 1.97, 5, 9), busy(7, 1.2) + says(row+"-2", 3, 7, 7)}, notMeasured, mostly},
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			var contents [][]byte
			for i, text := range test.files {
				names, contents = append(names, fmt.Sprintf("%d.txt", i+1)), append(contents, []byte(text))
			}
			m, err := parse(names, contents)
			require.NoError(t, err)
			r := m.report([]string{"C31"})
			c := only(t, r)
			require.Equal(t, test.verdict, c.verdict, r.Text(true))
			require.Equal(t, test.note, c.figures[0].note)
			require.Equal(t, test.verdict == notMeasured, strings.HasPrefix(r.fill(), "{ for i in $(seq 9); do echo '# round: '$i; go test -cpu 1,2 "), r.fill())
		})
	}
}

// The processor time of a row and its wall time are of the same runs, so a disturbance
// changes both. A row counts once in the rounds. A disturbance changes only times.
func TestDisturbedFigures(t *testing.T) {
	rows := []string{"SharedLoopBoxed/system=gil-jumps-2 100 ns/op 101 user+sys-ns/op 0 lost-updates/op", "SharedLoopBoxed/system=gil-2 100 ns/op 101 user+sys-ns/op 0.3 lost-updates/op"}
	says := func(runs int) string {
		return fmt.Sprintf("# disturbed: SharedLoopBoxed/system=gil-jumps-2 1.50 times (a processor 1.50 times as slow; %d of 9 runs)\n"+
			"# disturbed: SharedLoopBoxed/system=gil-2 1.50 times (a processor 1.50 times as slow; %d of 9 runs)\n", runs, runs)
	}
	require.Equal(t, reproduced, only(t, judged(t, results(2, 9, rows...)+says(4), "C10")).verdict)
	require.Equal(t, notMeasured, only(t, judged(t, results(2, 9, rows...)+says(5), "C10")).verdict)
	require.Equal(t, notReproduced, only(t, judged(t, results(2, 9, rows...)+says(9), "C35")).verdict)
	m, err := parse([]string{"bench.txt"}, [][]byte{[]byte(results(2, 9, rows...) + says(4))})
	require.NoError(t, err)
	require.Equal(t, 4, m.disturbance([]int{0}, append(at(cpu, 2, code43GIL), at(wall, 2, code43GIL)...)).Runs)
}

// The runs of the numerator that were disturbed are those of the greatest ratios, and
// those of the denominator those of the least.
func TestCalming(t *testing.T) {
	m := &input{disturbed: []map[string]benchfile.Disturbance{{"A-2": {Name: "A-2", Times: 1.5, Runs: 2}}}}
	shaken, calm := at(wall, 2, "A"), at(wall, 2, "B")
	ratios := []float64{4.5, 1, 3, 2}
	m.calmNum(ratios, []int{0}, shaken, calm)
	require.Equal(t, []float64{1, 2, 2, 3}, ratios)
	ratios = []float64{4.5, 1, 3, 2}
	m.calmDen(ratios, []int{0}, calm, shaken)
	require.Equal(t, []float64{1.5, 3, 3, 4.5}, ratios)
	m.disturbed[0]["B-2"] = benchfile.Disturbance{Name: "B-2", Times: 1.7, Runs: 1}
	require.Equal(t, benchfile.Disturbance{Name: "B-2", Times: 1.7, Runs: 3}, m.disturbance([]int{0}, append(shaken, calm...)), "the worst has the name")
	ratios = []float64{3} // of more runs
	m.calmNum(ratios, []int{0}, shaken, calm)
	m.calmDen(ratios, []int{0}, calm, shaken)
	require.Equal(t, []float64{3}, ratios)
}

// A claim about many threads is judged in every column that the machine has
// processors for.
func TestEveryCleanColumn(t *testing.T) {
	rows := []string{
		"FibBoxed/system=gil-2 100 ns/op 100 user+sys-ns/op", "FibBoxed/system=gil-4 100 ns/op 101 user+sys-ns/op",
		"FibBoxed/system=gil-8 100 ns/op 150 user+sys-ns/op",
	}
	for numCPU, want := range map[int]string{1: notMeasured, 2: reproduced, 3: reproduced, 4: reproduced, 7: reproduced, 8: notReproduced, 64: notReproduced} {
		c := only(t, judged(t, results(numCPU, 6, rows...), "C26"))
		require.Equal(t, want, c.verdict, "numcpu %d", numCPU)
		var deciding []string
		for _, f := range c.figures {
			if f.decides {
				deciding = append(deciding, f.label)
			}
		}
		require.Len(t, deciding, map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 7: 2, 8: 3, 64: 3}[numCPU], "numcpu %d: %q", numCPU, deciding)
	}
}

// What "many" stands for, all rows of the figure have. A ratio is of rounds in one file, where
// a file has all its cells, and of several files only where none has.
func TestRowsOfAFigureBelongTogether(t *testing.T) {
	one, other := at(wall, many, "A"), at(wall, many, "B")
	m, err := parse([]string{"a.txt"}, [][]byte{[]byte(results(8, 6, "A-2 1 ns/op", "A-4 1 ns/op", "A-8 1 ns/op", "B-4 1 ns/op", "B-8 1 ns/op"))})
	require.NoError(t, err)
	require.Equal(t, []int{4, 8}, m.columnsOf(figure{num: one, den: other}))
	require.Equal(t, []int{4, 8}, m.columnsOf(figure{num: other, den: one}))

	both := append(at(wall, 2, "A"), at(wall, 2, "B")...)
	half := results(2, 6, "A-2 1 ns/op")
	disturbed := results(2, 6, "A-2 1 ns/op", "B-2 1 ns/op") + "# disturbed: A-2 1.50 times (others used 0.95 processors; 6 of 6 runs)\n"
	m, err = parse([]string{"half.txt", "disturbed.txt"}, [][]byte{[]byte(half), []byte(disturbed)})
	require.NoError(t, err)
	files, together := m.filesOf(both)
	require.Equal(t, []int{1}, files)
	require.True(t, together)
	m, err = parse([]string{"half.txt", "rest.txt"}, [][]byte{[]byte(half), []byte(results(2, 6, "B-2 1 ns/op"))})
	require.NoError(t, err)
	files, together = m.filesOf(both)
	require.Equal(t, []int{0, 1}, files)
	require.False(t, together)
}

func TestParity(t *testing.T) {
	for _, test := range []struct {
		name      string
		numCPU    int
		ratios    map[int]float64 // to the GIL with one thread, by number of threads
		low, high float64
		verdict   string
	}{
		{"at 7", 8, map[int]float64{1: 1.3, 2: 2, 4: 1.4, 6: 1.1, 7: 0.9, 8: 0.8}, 7, 7, reproduced},
		{"between 4 and 8", 8, map[int]float64{1: 1.3, 2: 2, 4: 1.2, 8: 0.7}, 5, 8, undecided},
		{"between 4 and 8 of 12", 12, map[int]float64{1: 1.3, 2: 2, 4: 1.2, 8: 0.7}, 5, 8, undecided},
		{"between 1 and 8", 8, map[int]float64{1: 0.998, 8: 0.7}, 1, 8, undecided},
		{"between 6 and 8", 8, map[int]float64{1: 1.3, 2: 2, 5: 1.2, 8: 0.7}, 6, 8, reproduced},
		{"perhaps at 6, surely at 8", 8, map[int]float64{1: 1.3, 5: 1.2, 6: 1, 8: 0.7}, 6, 8, reproduced},
		{"at 4", 8, map[int]float64{1: 1.3, 3: 1.2, 4: 0.9}, 4, 4, inDirection},
		{"at once", 8, map[int]float64{1: 0.9, 2: 0.5}, 1, 1, notReproduced},
		{"never, on 2 processors", 2, map[int]float64{1: 1.3, 2: 2}, 3, 0, notMeasured},
		{"never, on 10 processors", 10, map[int]float64{1: 1.3, 10: 2}, 11, 0, inDirection},
		{"never, on 64 processors", 64, map[int]float64{1: 1.3, 64: 2}, 65, 0, inDirection},
		{"in a column not measured", 12, map[int]float64{1: 1.3, 2: 2}, 3, 0, notMeasured},
		{"only oversubscribed", 2, map[int]float64{1: 1.3, 2: 2, 7: 0.9}, 3, 0, notMeasured},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows := []string{"FibBoxed/system=gil 1000 ns/op"}
			for procs, ratio := range test.ratios {
				rows = append(rows, strings.Replace(fmt.Sprintf("FibBoxed/system=gilectomy-buffered-%d %g ns/op", procs, 1000*ratio), "buffered-1 ", "buffered ", 1))
			}
			slices.Sort(rows)
			f := only(t, judged(t, results(test.numCPU, 6, rows...), "C23")).figures[0]
			require.Equal(t, test.verdict, f.verdict)
			require.Equal(t, test.low, f.estimate.lo)
			if test.high == 0 {
				require.Equal(t, fmt.Sprint(test.low)+" or more", f.here())
				note := map[bool]string{true: "no column of 12 threads", false: "parity may lie beyond the processors"}[test.numCPU == 12]
				require.Equal(t, map[bool]string{true: note, false: ""}[test.verdict == notMeasured], f.note)
				require.Equal(t, test.numCPU == 12, strings.Contains(measure(f.missing, nil), "-cpu 1,2,4,8,12 -skip '/=nogil$/without=' -bench 'BenchmarkFibBoxed$/system=gilectomy-buffered$'"))
			} else {
				require.Equal(t, test.high, f.estimate.hi)
				require.NotContains(t, f.note, "no column", "another column cannot lie between two that were measured")
			}
		})
	}
	// A column with too few rounds for an interval leaves none, wherever it stands.
	for few := range 4 {
		text := head(8)
		for round := range 6 {
			text += "BenchmarkFibBoxed/system=gil 1 1000 ns/op\n"
			for i, row := range []string{"-2 1 1200 ns/op\n", "-4 1 1100 ns/op\n", "-8 1 700 ns/op\n"} {
				if i != few || round < 2 {
					text += "BenchmarkFibBoxed/system=gilectomy-buffered" + row
				}
			}
		}
		require.Equal(t, few == 3, only(t, judged(t, text, "C23")).figures[0].estimate.interval, "%d", few)
	}
	here := figureReport{unit: threads, estimate: estimate{lo: 3, center: 6, hi: math.Inf(1), interval: true}}.here()
	require.Equal(t, "6 [3 or more]", here)
}

// A number of threads that reaches parity in one round may be enough.
func TestParityInOneRound(t *testing.T) {
	for _, test := range []struct{ ratios, want []float64 }{
		{[]float64{0.99, 1.02, 1.02, 1.02, 1.02, 1.02}, []float64{6, 8, 8}},
		{[]float64{1, 1, 1, 1, 1, 1}, []float64{6, 6, 6}},
	} {
		text := head(8)
		for _, ratio := range test.ratios {
			text += fmt.Sprintf("BenchmarkFibBoxed/system=gil 1 1000 ns/op\nBenchmarkFibBoxed/system=gilectomy-buffered-5 1 1200 ns/op\n"+
				"BenchmarkFibBoxed/system=gilectomy-buffered-6 1 %g ns/op\nBenchmarkFibBoxed/system=gilectomy-buffered-8 1 700 ns/op\n", 1000*ratio)
		}
		e := only(t, judged(t, text, "C23")).figures[0].estimate
		require.Equal(t, test.want, []float64{e.lo, e.center, e.hi})
	}
}

// The verdict decides which of several figures is the closest, and then the distance.
func TestClosest(t *testing.T) {
	figure := func(verdict string, center float64) figureReport {
		return figureReport{present: true, verdict: verdict, estimate: estimate{center: center}}
	}
	figures := []figureReport{figure(notReproduced, 3.1), figure(reproduced, 3.5), figure(notMeasured, 3), figure(reproduced, 3.2), {verdict: reproduced}}
	require.Equal(t, 3, closest(figures, band{2, 3}))
	require.Equal(t, 1, closest(figures[:3], band{2, 3}))
}

// A figure for each Python that has the rows, oldest first.
func TestSeveralPythons(t *testing.T) {
	rows := []string{"SharedLoopBoxed/system=gil-jumps 100 ns/op", "SharedLoopBoxed/system=gil-jumps-2 104 ns/op",
		"FibBoxed/system=gil 100 ns/op", "FibBoxed/system=nogil 105 ns/op", "FibBoxed/system=gil-2 100 ns/op", "FibBoxed/system=nogil-2 52 ns/op"}
	for _, system := range []string{"cpython-3.13.0-gil", "cpython-3.9.1-gil", "cpython-3.13.0-nogil"} {
		for _, row := range []string{"PyLoop/system=%s 40 ns/op", "PyLoop/system=%s-2 41 ns/op", "PyFib/system=%s 40 ns/op", "PyFib/system=%s-2 41 ns/op"} {
			rows = append(rows, fmt.Sprintf(row, system))
		}
	}
	labels := func(id string) (labels []string) {
		for _, f := range only(t, judged(t, results(2, 1, rows...), id)).figures {
			if f.present {
				labels = append(labels, f.label)
			}
		}
		return labels
	}
	require.Equal(t, []string{"", "cpython-3.9.1-gil", "cpython-3.13.0-gil"}, labels("C5"))
	require.Equal(t, []string{"gain", "gain alone", "gain, cpython-3.13.0", "gain alone, cpython-3.13.0"}, labels("C27"))

	// A claim that names no version lists all of them, and one decides.
	var deciding []string
	all := only(t, judged(t, results(2, 6, "PySpawn/start=thread/system=cpython-3.9.1-gil 400000 ns/op", "PySpawn/start=process/system=cpython-3.9.1-gil 60000000 ns/op",
		"PySpawn/start=thread/system=cpython-3.13.0-gil 200000 ns/op", "PySpawn/start=process/system=cpython-3.13.0-gil 50000000 ns/op"), "C28"))
	for _, f := range all.figures {
		if f.decides {
			deciding = append(deciding, f.label)
		}
	}
	require.Equal(t, []string{"thread, cpython-3.13.0-gil", "process, cpython-3.9.1-gil"}, deciding)
	require.Equal(t, notReproduced, all.verdict)
	require.Contains(t, Report{claims: []claimReport{all}, input: &input{}}.Text(true), "beside it: thread, cpython-3.9.1-gil, article: ")
}

// What a machine of two processors may print, Python included.
var golden = []string{
	"Loop/sync=serial 0.27 ns/op 0.27 user+sys-ns/op",
	"Loop/sync=private 0.27 ns/op", "Loop/sync=private-2 0.14 ns/op",
	"Loop/sync=atomic 5.3 ns/op", "Loop/sync=atomic-2 8.3 ns/op",
	"Fib/sync=serial 32000 ns/op",
	"LoopBoxed/system=plain 60 ns/op 60 user+sys-ns/op",
	"LoopBoxed/system=gil 62 ns/op 62 user+sys-ns/op",
	"LoopBoxed/system=nogil 66 ns/op", "LoopBoxed/system=nogil-2 70 ns/op",
	"LoopBoxed/system=subinterpreters 62 ns/op", "LoopBoxed/system=subinterpreters-2 32 ns/op",
	"SharedLoopBoxed/system=gil-jumps 62 ns/op 62 user+sys-ns/op", "SharedLoopBoxed/system=gil-jumps-2 63 ns/op 64 user+sys-ns/op 0 lost-updates/op",
	"SharedLoopBoxed/system=gil-2 63 ns/op 64 user+sys-ns/op 0.34 lost-updates/op",
	"SharedLoopBoxed/system=nogil 66 ns/op", "SharedLoopBoxed/system=nogil-2 70 ns/op 0.47 lost-updates/op",
	"CountdownBoxed/system=plain 28 ns/op", "CountdownBoxed/system=gil-ticks 30 ns/op", "CountdownBoxed/system=gil-ticks-2 40 ns/op",
	"CountdownBoxed/system=free-threading 105 ns/op", "CountdownBoxed/system=free-threading-2 250 ns/op",
	"FibBoxed/system=plain 90000 ns/op 90000 user+sys-ns/op",
	"FibBoxed/system=gil 92000 ns/op 92000 user+sys-ns/op", "FibBoxed/system=gil-2 93000 ns/op 94000 user+sys-ns/op",
	"FibBoxed/system=gilectomy 170000 ns/op 170000 user+sys-ns/op", "FibBoxed/system=gilectomy-2 250000 ns/op 475000 user+sys-ns/op",
	"FibBoxed/system=gilectomy/without=locks 140000 ns/op", "FibBoxed/system=gilectomy-buffered 150000 ns/op", "FibBoxed/system=gilectomy-buffered-2 140000 ns/op",
	"FibBoxed/system=nogil 98000 ns/op 98000 user+sys-ns/op", "FibBoxed/system=nogil-2 50500 ns/op 101000 user+sys-ns/op",
	"FibBoxed/system=subinterpreters 92000 ns/op", "FibBoxed/system=subinterpreters-2 47000 ns/op",
	"StoneBoxed/system=plain 4000 ns/op", "StoneBoxed/system=gil 4100 ns/op", "StoneBoxed/system=gil-ticks 4700 ns/op",
	"StoneBoxed/system=free-threading 13000 ns/op", "StoneBoxed/system=nogil 5240 ns/op",
	"WorkerPool/task=io/sync=gil 1100000 ns/op", "WorkerPool/task=io/sync=gil-4 280000 ns/op",
	"Respond/load=idle/sync=gil-2 14000 ns/op 12700 p50-ns", "Respond/load=idle/sync=goroutine-2 14000 ns/op 12000 p50-ns",
	"Respond/load=busy/sync=gil-2 5500000 ns/op 5300000 p50-ns", "Respond/load=busy/sync=goroutine-2 20000 ns/op 13000 p50-ns",
	"Respond/load=stuck/sync=goroutine-2 20000 ns/op 14000 p50-ns",
	"Procs/payload=8B/sync=pipe-2 1800 ns/op", "Procs/payload=8B/sync=channel-2 77 ns/op", "Procs/payload=8B/sync=channel 77 ns/op", "Procs/payload=8B/sync=lock-free 5.8 ns/op",
	"ProcsFib/sync=private 27000 ns/op", "ProcsFib/sync=private-2 14300 ns/op",
	"Race/case=refcount/sync=racy-2 40 ns/op 0.31 lost/try",
	"AsyncIO/latency=1ms/sync=serial 1100000 ns/op", "AsyncIO/latency=1ms/sync=event-loop 34000 ns/op",
	"PyLoop/system=cpython-3.11.7-gil 40 ns/op 40 user+sys-ns/op 0 lost-updates/op", "PyLoop/system=cpython-3.11.7-gil-2 42 ns/op 43 user+sys-ns/op 0 lost-updates/op",
	"PyFib/system=cpython-3.11.7-gil 1100000 ns/op 1100000 user+sys-ns/op", "PyFib/system=cpython-3.11.7-gil-2 1150000 ns/op 1160000 user+sys-ns/op",
	"PySpawn/start=thread/system=cpython-3.11.7-gil 92000 ns/op", "PySpawn/start=process/system=cpython-3.11.7-gil 54000000 ns/op",
}

func TestOutput(t *testing.T) {
	r := judged(t, results(2, 6, golden...))
	for file, got := range map[string]string{"claims.txt": r.Text(false), "verbose.txt": r.Text(true), "claims.md": r.Markdown()} {
		file := filepath.Join("testdata", file)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o666))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), got, "go test ./internal/claims -update writes it")
		for line := range strings.Lines(got) {
			if strings.HasPrefix(line, "|") {
				for cell := range strings.SplitSeq(line, " | ") {
					require.LessOrEqual(t, len([]rune(cell)), 120, line)
				}
			} else if filepath.Ext(file) == ".txt" && !strings.Contains(line, "go test ") && !strings.Contains(line, "make ") {
				require.LessOrEqual(t, len([]rune(line)), 140, line)
			}
		}
	}
	// Each claim is one line.
	require.Equal(t, len(claims), len(regexp.MustCompile(`(?m)^C\d+ `).FindAllString(r.Text(false), -1)))
}

// What a file says is no markup.
func TestMarkdownOfAFile(t *testing.T) {
	text := judged(t, strings.Replace(results(2, 1, "Loop/sync=serial 1 ns/op"), "Thing 3000", "<b>|*x*", 1)).Markdown()
	require.Contains(t, text, `&lt;b>\|\*x\*`)
}

func TestBadInput(t *testing.T) {
	good := results(2, 1, "Loop/sync=serial 1 ns/op")
	processor := func(text, model string) string {
		return strings.Replace(text, "cpu: Thing", "# processor: family 26, model "+model+", stepping 1\ncpu: Thing", 1)
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"good.txt": good, "same.txt": good, "empty.txt": "",
		"other.txt": results(2, 1, "Thing 1 ns/op"),
		"8.txt":     results(8, 1, "Loop/sync=serial 1 ns/op"),
		"arm.txt":   strings.Replace(good, "amd64", "arm64", 1),
		"zero.txt":  strings.Replace(good, "numcpu: 2", "numcpu: two", 1),
		"long.txt":  good + strings.Repeat("x", 1<<20),
		"zen5.txt":  processor(good, "2"),
		"zen5c.txt": processor(results(2, 1, "Loop/sync=serial 2 ns/op"), "17"),
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
	}
	for _, test := range []struct{ files, ids, want string }{
		{"none.txt", "", "open none.txt: "},
		{"good.txt none.txt", "", "open none.txt: "},
		{".", "", ". is a folder; want the output of go test -bench"},
		{"empty.txt", "", "empty.txt: the file is empty; want the output of go test -bench"},
		{"zero.txt", "", `zero.txt:1: numcpu is "two", want a number of at least 1`},
		{"good.txt same.txt", "", "same.txt has the same content as good.txt; want each file once"},
		{"good.txt 8.txt", "", "8.txt: numcpu is 8, but 2 in good.txt: these are two machines; want the files of one"},
		{"good.txt arm.txt", "", "arm.txt: goarch is arm64, but amd64 in good.txt: these are two machines; want the files of one"},
		// Two virtual machines whose processors have one name.
		{"zen5.txt zen5c.txt", "", "zen5c.txt: processor is family 26, model 17, stepping 1, but family 26, model 2, stepping 1 in zen5.txt: these are two machines; want the files of one"},
		{"good.txt zen5.txt zen5c.txt", "", "zen5c.txt: processor is family 26, model 17, stepping 1, but family 26, model 2, stepping 1 in zen5.txt: these are two machines; want the files of one"},
		{"other.txt", "", "other.txt: no row that a claim needs ("},
		{"good.txt", "C5", "good.txt: no row that the claims C5 need (boundaries claims -measure -claim C5 prints what measures them)"},
		{"long.txt", "", ""}, // a line of a log
	} {
		files, err := benchfile.Read(t.Context(), strings.Fields(test.files))
		if err == nil {
			_, err = Judge(files, strings.Fields(test.ids))
		}
		if test.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, test.want)
		}
	}
}

// A line of a log that looks like a key of the machine does not make two machines.
func TestLogLines(t *testing.T) {
	rows := []string{"SharedLoopBoxed/system=gil-jumps 100 ns/op", "SharedLoopBoxed/system=gil-jumps-2 104 ns/op"}
	for _, text := range []string{
		"cpu: 93 % of 2\n" + results(2, 6, rows...),
		results(2, 6, rows...) + "cpu: 12 %\ngoarch: none\n" + "BenchmarkX 1 1 ns/op\n",
		strings.Replace(results(2, 6, rows...), "BenchmarkSharedLoopBoxed/system=gil-jumps-2", "cpu: hot\nnumcpu: 3\nBenchmarkSharedLoopBoxed/system=gil-jumps-2", 1),
		results(2, 3, rows...) + "a log\ncpu: hot\n" + results(2, 3, rows...),
	} {
		r := judged(t, text, "C5")
		require.Equal(t, "Thing 3000", r.input.machine.Keys["cpu"])
		require.Equal(t, reproduced, only(t, r).verdict)
	}
}

// Each mistake in the input is a problem of one line, and the rest is judged.
func TestDamagedInput(t *testing.T) {
	rows := results(2, 6, "SharedLoopBoxed/system=gil-jumps 100 ns/op", "SharedLoopBoxed/system=gil-jumps-2 104 ns/op")
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"failed benchmark", rows + "--- FAIL: BenchmarkLoop/sync=gil-2\n    bench_test.go:99: got 3, want 4\nFAIL\nexit status 1\nFAIL\tboundaries\t1s\n",
			[]string{"bench.txt:20: --- FAIL: BenchmarkLoop/sync=gil-2 bench_test.go:99: got 3, want 4"}},
		{"panic", rows + "panic: lost\n\ngoroutine 1 [running]:\nexit status 2\nFAIL\tboundaries\t1s\n", []string{"bench.txt:20: panic: lost"}},
		{"does not build", rows + "FAIL\tboundaries [build failed]\n", []string{"bench.txt:20: FAIL boundaries [build failed]"}},
		{"no values", rows + "BenchmarkLoop/sync=gil \t 12\n", []string{"bench.txt:20: missing measurements; the line is left out"}},
		{"no unit", rows + "BenchmarkLoop/sync=gil \t 12\t 3.4\n", []string{"bench.txt:20: missing units; the line is left out"}},
		{"not a number", rows + "BenchmarkLoop/sync=gil \t 12\t three ns/op\n", []string{"bench.txt:20: parsing measurement: invalid syntax; the line is left out"}},
		{"cut off in the name", rows + "BenchmarkLoopBoxed/system=gil", []string{"bench.txt:20: the line is cut off; left out"}},
		{"cut off in a unit", rows + "BenchmarkLoopBoxed/system=gil-2 \t 12\t 3400 ns/op\t 3 user+sy", []string{"bench.txt:20: the line is cut off; left out"}},
		{"two of them", rows + "BenchmarkLoop/sync=gil \t 12\n--- FAIL: BenchmarkFib\nBenchmarkX", []string{
			"bench.txt:20: missing measurements; the line is left out", "bench.txt:21: --- FAIL: BenchmarkFib", "bench.txt:22: the line is cut off; left out"}},
		{"name alone, as with -v", rows + "BenchmarkLoop/sync=gil\n", nil},
		{"a row of another package", rows + "goos: linux\ngoarch: amd64\npkg: fork\n" + strings.Repeat("BenchmarkSharedLoopBoxed/system=gil-jumps-2 1 900 ns/op\n", 6) + "# disturbed: SharedLoopBoxed/system=gil-jumps-2 9.00 times (x; 6 of 6 runs)\n",
			[]string{"bench.txt:23: SharedLoopBoxed/system=gil-jumps-2 is here a row of package fork, and before of boundaries; left out"}},
		{"an empty file beside it", rows, []string{"empty.txt: the file is empty; want the output of go test -bench"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, contents := []string{"bench.txt"}, [][]byte{[]byte(test.text)}
			if strings.HasPrefix(test.name, "an empty") {
				files, contents = append(files, "empty.txt"), append(contents, nil)
			}
			m, err := parse(files, contents)
			require.NoError(t, err)
			r := m.report([]string{"C5"})
			require.Equal(t, reproduced, only(t, r).verdict)
			if test.want == nil {
				require.NoError(t, m.err())
				return
			}
			require.EqualError(t, m.err(), strings.Join(test.want, "\n"))
			require.Contains(t, r.summary(), fmt.Sprintf("Problems with the input, on standard error: %d.", len(test.want)))
		})
	}
}

// Whatever the bytes are, there is a report, or an error.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(results(2, 1, golden...)))
	f.Add([]byte(results(0, 2, "LoopBoxed/system=gil 0 ns/op", "LoopBoxed/system=gil-2 1e300 ns/op", "FibBoxed/system=gil-0 NaN ns/op")))
	f.Add([]byte("BenchmarkPyLoop/system=-gil 1 Inf ns/op -1 lost-updates/op\nBenchmarkLoop/sync=serial 1 1 ns/op Inf user+sys-ns/op\n--- FAIL: x\n y\npanic: z"))
	f.Add([]byte("numcpu: -1\nBenchmarkFibBoxed/system=gilectomy-99999999999999999999 1 1 ns/op\nUnit ns/op better=higher better=lower\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse([]string{"bench.txt"}, [][]byte{data})
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		for _, problem := range m.problems {
			require.NotContains(t, problem.Error(), "\n")
		}
		r := m.report(nil)
		require.Len(t, r.claims, len(claims))
		require.NotEmpty(t, r.Text(true)+r.Text(false)+r.Markdown())
	})
}
