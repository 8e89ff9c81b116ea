package main

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// results is what so many rounds of the rows print, on a machine with so many
// processors. A row is a benchmark line from the name on, without "Benchmark" and
// the number of iterations. The rounds differ by up to 1 %, each row in its own way.
func results(numCPU, rounds int, rows ...string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "numcpu: %d\ngoos: linux\ngoarch: amd64\npkg: boundaries\ncpu: Thing 3000\n", numCPU)
	for round := range rounds {
		for i, row := range rows {
			fields := strings.Fields(row)
			fmt.Fprintf(&text, "Benchmark%s\t1000", fields[0])
			for v := range slices.Chunk(fields[1:], 2) {
				var value float64
				_, err := fmt.Sscan(v[0], &value)
				if err != nil {
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

func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "bench.txt")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
	return name
}

// judged runs the command on the text and returns what it reports.
func judged(t testing.TB, text string, args ...string) report {
	t.Helper()
	args = append([]string{"claims", "-format=json"}, args...)
	status, stdout, stderr := boundaries(append(args, file(t, text))...)
	require.Zero(t, status, stderr)
	require.Empty(t, stderr)
	var r report
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	return r
}

// The same claim on figures that bear it out and on figures that do not. What the
// figures are is written out here, and not taken from the table.
func TestVerdictsFollowTheFigures(t *testing.T) {
	// Rows takes wall times in the order of the names.
	rows := func(names []string, unit string, values ...float64) (rows []string) {
		require.Len(t, values, len(names))
		for i, name := range names {
			rows = append(rows, fmt.Sprintf("%s %g %s", name, values[i], unit))
		}
		return rows
	}
	cpuPerWall := func(row string, cpu float64) []string {
		return []string{fmt.Sprintf("%s 100 ns/op %g user+sys-ns/op", row, cpu)}
	}
	const cpuUnit = "user+sys-ns/op"
	names := func(s string) []string { return strings.Fields(s) }
	type verdicts []struct {
		rows []string
		want string
	}
	tests := map[string]verdicts{
		"C1": {
			{rows(names("PyLoop/system=cpython-3.11.7-gil PyFib/system=cpython-3.11.7-gil Loop/sync=serial Fib/sync=serial"), "ns/op", 35, 40, 1, 1), reproduced},
			{rows(names("PyLoop/system=cpython-3.11.7-gil PyFib/system=cpython-3.11.7-gil Loop/sync=serial Fib/sync=serial"), "ns/op", 150, 40, 1, 1), inDirection},
			{rows(names("PyLoop/system=cpython-3.11.7-gil PyFib/system=cpython-3.11.7-gil Loop/sync=serial Fib/sync=serial"), "ns/op", 35, 0.9, 1, 1), notReproduced},
		},
		"C2": {
			{cpuPerWall("LoopBoxed/system=plain", 99), reproduced},
			{cpuPerWall("LoopBoxed/system=plain", 50), notReproduced},
		},
		"C4": {
			{rows(names("LoopBoxed/system=subinterpreters LoopBoxed/system=subinterpreters-2 LoopBoxed/system=nogil LoopBoxed/system=nogil-2"), "ns/op", 100, 52, 100, 55), reproduced},
			{rows(names("LoopBoxed/system=subinterpreters LoopBoxed/system=subinterpreters-2 LoopBoxed/system=nogil LoopBoxed/system=nogil-2"), "ns/op", 100, 52, 100, 110), notReproduced},
			{rows(names("LoopBoxed/system=subinterpreters LoopBoxed/system=subinterpreters-2 LoopBoxed/system=nogil LoopBoxed/system=nogil-2"), "ns/op", 100, 98, 100, 55), notReproduced},
		},
		"C5": {
			{rows(names("LoopBoxed/system=gil LoopBoxed/system=gil-2"), "ns/op", 100, 104), reproduced},
			{rows(names("LoopBoxed/system=gil LoopBoxed/system=gil-2"), "ns/op", 100, 55), notReproduced},
			{rows(names("LoopBoxed/system=gil LoopBoxed/system=gil-2"), "ns/op", 100, 190), notReproduced},
		},
		"C8": {
			{rows(names("WorkerPool/task=io/sync=gil WorkerPool/task=io/sync=gil-2"), "ns/op", 100, 51), reproduced},
			{rows(names("WorkerPool/task=io/sync=gil WorkerPool/task=io/sync=gil-2"), "ns/op", 100, 80), inDirection},
			{rows(names("WorkerPool/task=io/sync=gil WorkerPool/task=io/sync=gil-2"), "ns/op", 100, 120), notReproduced},
		},
		"C10": {
			{cpuPerWall("LoopBoxed/system=gil-2", 101), reproduced},
			{cpuPerWall("LoopBoxed/system=gil-2", 200), notReproduced},
		},
		"C12": {
			{rows(names("LoopBoxed/system=free-threading LoopBoxed/system=plain"), "ns/op", 670, 100), reproduced},
			{rows(names("LoopBoxed/system=free-threading LoopBoxed/system=plain"), "ns/op", 250, 100), inDirection},
			{rows(names("LoopBoxed/system=free-threading LoopBoxed/system=plain"), "ns/op", 90, 100), notReproduced},
		},
		"C13": {
			{rows(names("StoneBoxed/system=free-threading StoneBoxed/system=plain"), "ns/op", 400, 100), reproduced},
			{rows(names("StoneBoxed/system=free-threading StoneBoxed/system=plain"), "ns/op", 170, 100), inDirection},
			{rows(names("StoneBoxed/system=free-threading StoneBoxed/system=plain"), "ns/op", 80, 100), notReproduced},
		},
		"C14": {
			{rows(names("LoopBoxed/system=gil-ticks-2 LoopBoxed/system=gil-ticks"), "ns/op", 130, 100), reproduced},
			{rows(names("LoopBoxed/system=gil-ticks-2 LoopBoxed/system=gil-ticks"), "ns/op", 600, 100), inDirection},
			{rows(names("LoopBoxed/system=gil-ticks-2 LoopBoxed/system=gil-ticks"), "ns/op", 90, 100), notReproduced},
		},
		"C15": {
			{rows(names("LoopBoxed/system=free-threading-2 LoopBoxed/system=free-threading"), "ns/op", 145, 100), reproduced},
			{rows(names("LoopBoxed/system=free-threading-2 LoopBoxed/system=free-threading"), "ns/op", 300, 100), inDirection},
			{rows(names("LoopBoxed/system=free-threading-2 LoopBoxed/system=free-threading"), "ns/op", 60, 100), notReproduced},
		},
		"C16": {
			{rows(names("LoopBoxed/system=free-threading-2 LoopBoxed/system=gil-ticks-2"), "ns/op", 740, 100), reproduced},
			{rows(names("LoopBoxed/system=free-threading-2 LoopBoxed/system=gil-ticks-2"), "ns/op", 200, 100), inDirection},
			{rows(names("LoopBoxed/system=free-threading-2 LoopBoxed/system=gil-ticks-2"), "ns/op", 60, 100), notReproduced},
		},
		"C17": {
			{rows(names("Respond/load=busy/sync=gil-2 Respond/load=busy/sync=goroutine-2"), "p50-ns", 5e6, 13e3), reproduced},
			{rows(names("Respond/load=busy/sync=gil-2 Respond/load=busy/sync=goroutine-2"), "p50-ns", 13e3, 15e3), notReproduced},
		},
		"C18": {
			{rows(names("FibBoxed/system=gilectomy FibBoxed/system=plain"), "ns/op", 130, 100), reproduced},
			{rows(names("FibBoxed/system=gilectomy FibBoxed/system=plain"), "ns/op", 250, 100), inDirection},
			{rows(names("FibBoxed/system=gilectomy FibBoxed/system=plain"), "ns/op", 95, 100), notReproduced},
		},
		"C19": {
			{rows(names("FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2"), "ns/op", 200, 100), reproduced},
			{rows(names("FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2"), "ns/op", 500, 100), inDirection},
			{rows(names("FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2"), "ns/op", 80, 100), notReproduced},
		},
		"C20": {
			{rows(names("FibBoxed/system=gilectomy FibBoxed/system=gil"), cpuUnit, 200, 100), reproduced},
			{rows(names("FibBoxed/system=gilectomy FibBoxed/system=gil"), cpuUnit, 115, 100), inDirection},
			{rows(names("FibBoxed/system=gilectomy FibBoxed/system=gil"), cpuUnit, 95, 100), notReproduced},
		},
		"C21": {
			{rows(names("FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2"), cpuUnit, 1000, 100), reproduced},
			{rows(names("FibBoxed/system=gilectomy-2 FibBoxed/system=gil-2"), cpuUnit, 400, 100), notReproduced},
		},
		"C22": {
			{rows(names("FibBoxed/system=gilectomy-17 FibBoxed/system=gil-17"), cpuUnit, 1950, 100), reproduced},
			{rows(names("FibBoxed/system=gilectomy-17 FibBoxed/system=gil-17"), cpuUnit, 400, 100), inDirection},
			{rows(names("FibBoxed/system=gilectomy-17 FibBoxed/system=gil-17"), cpuUnit, 90, 100), notReproduced},
		},
		"C23": {
			{rows(names("FibBoxed/system=gil FibBoxed/system=gilectomy FibBoxed/system=gilectomy-6 FibBoxed/system=gilectomy-7"), "ns/op", 100, 130, 110, 95), reproduced},
			{rows(names("FibBoxed/system=gil FibBoxed/system=gilectomy FibBoxed/system=gilectomy-2 FibBoxed/system=gilectomy-3"), "ns/op", 100, 130, 110, 95), inDirection},
			{rows(names("FibBoxed/system=gil FibBoxed/system=gilectomy FibBoxed/system=gilectomy-2"), "ns/op", 100, 90, 60), notReproduced},
		},
		"C25": {
			{cpuPerWall("FibBoxed/system=nogil-4", 396), reproduced},
			{cpuPerWall("FibBoxed/system=nogil-4", 110), notReproduced},
		},
		"C26": {
			{cpuPerWall("FibBoxed/system=gil-4", 101), reproduced},
			{cpuPerWall("FibBoxed/system=gil-4", 390), notReproduced},
		},
		"C27": {
			{rows(names("FibBoxed/system=gil-7 FibBoxed/system=nogil-7 FibBoxed/system=gil FibBoxed/system=nogil"), "ns/op", 500, 100, 110, 100), reproduced},
			{rows(names("FibBoxed/system=gil-7 FibBoxed/system=nogil-7 FibBoxed/system=gil FibBoxed/system=nogil"), "ns/op", 500, 100, 100, 110), notReproduced},
			{rows(names("FibBoxed/system=gil-7 FibBoxed/system=nogil-7 FibBoxed/system=gil FibBoxed/system=nogil"), "ns/op", 300, 100, 110, 100), notReproduced},
		},
		"C28": {
			{rows(names("Spawn/start=process Spawn/start=thread"), "ns/op", 50e6, 100e3), reproduced},
			{rows(names("Spawn/start=process Spawn/start=thread"), "ns/op", 2e6, 40e3), inDirection},
			{rows(names("Spawn/start=process Spawn/start=thread"), "ns/op", 30e3, 40e3), notReproduced},
		},
		"C29": {
			{rows(names("ProcsFib/sync=private ProcsFib/sync=private-2"), "ns/op", 100, 51), reproduced},
			{rows(names("ProcsFib/sync=private ProcsFib/sync=private-2"), "ns/op", 100, 100), notReproduced},
		},
		"C30": {
			{rows(names("Procs/payload=8B/sync=pipe Procs/payload=8B/sync=channel Procs/payload=64KiB/sync=pipe Procs/payload=64KiB/sync=channel"), "ns/op", 1800, 80, 76000, 14000), reproduced},
			{rows(names("Procs/payload=8B/sync=pipe Procs/payload=8B/sync=channel Procs/payload=64KiB/sync=pipe Procs/payload=64KiB/sync=channel"), "ns/op", 1800, 80, 7000, 14000), notReproduced},
		},
		"C31": {
			{rows(names("FibBoxed/system=subinterpreters FibBoxed/system=subinterpreters-2"), "ns/op", 100, 52), reproduced},
			{rows(names("FibBoxed/system=subinterpreters FibBoxed/system=subinterpreters-2"), "ns/op", 100, 101), notReproduced},
		},
		"C32": {
			{rows(names("FibBoxed/system=nogil FibBoxed/system=gil LoopBoxed/system=nogil LoopBoxed/system=gil StoneBoxed/system=nogil StoneBoxed/system=gil"), "ns/op", 98, 100, 95, 100, 99, 100), reproduced},
			{rows(names("FibBoxed/system=nogil FibBoxed/system=gil LoopBoxed/system=nogil LoopBoxed/system=gil StoneBoxed/system=nogil StoneBoxed/system=gil"), "ns/op", 98, 100, 95, 100, 120, 100), notReproduced},
		},
		"C34": {
			{rows(names("AsyncIO/latency=1ms/sync=serial AsyncIO/latency=1ms/sync=event-loop"), "ns/op", 1.1e6, 34e3), reproduced},
			{rows(names("AsyncIO/latency=1ms/sync=serial AsyncIO/latency=1ms/sync=event-loop"), "ns/op", 1.1e6, 0.7e6), inDirection},
			{rows(names("AsyncIO/latency=1ms/sync=serial AsyncIO/latency=1ms/sync=event-loop"), "ns/op", 1.1e6, 1.2e6), notReproduced},
		},
	}
	for _, c := range claims {
		if c.settled != "" {
			require.NotContains(t, tests, c.id)
			continue
		}
		t.Run(c.id, func(t *testing.T) {
			seen := map[string]bool{}
			for _, test := range tests[c.id] {
				seen[test.want] = true
				for _, rounds := range []int{1, 6} {
					r := judged(t, results(8, rounds, test.rows...), "-claim="+c.id)
					require.Len(t, r.Claims, 1)
					require.Equal(t, test.want, r.Claims[0].Verdict, "%d rounds of %v", rounds, test.rows)
					require.Equal(t, 1, r.Summary[test.want])
				}
			}
			require.True(t, seen[reproduced] && seen[notReproduced], "want figures for both")
			for _, f := range c.figures {
				require.True(t, f.aside || f.direction == band{} || seen[inDirection], "want figures for its direction")
			}
		})
	}
}

// Every figure, those aside included, is made of each of its rows: what is twice as
// large makes it twice as large, or half.
func TestFiguresAreMadeOfTheirRows(t *testing.T) {
	for _, c := range claims {
		for i, f := range c.figures {
			if f.parity {
				continue // TestParity
			}
			name := fmt.Sprintf("%s, figure %d", c.id, i)
			m := &measured{rows: map[string]bool{}, samples: map[cell][]float64{}, numCPU: 8}
			f.num, f.den = withPython(f.num, "python-1.2.3"), withPython(f.den, "python-1.2.3")
			cells := slices.Concat(withProcs(f.num, 4), withProcs(f.den, 4))
			for _, c := range cells {
				m.samples[c] = []float64{1}
			}
			base := m.judge(f)
			require.NotNil(t, base.Value, name)
			for j, c := range cells {
				m.samples[c] = []float64{2}
				want := *base.Value
				for k, other := range cells {
					if other == c && k < len(f.num) {
						want *= 2
					} else if other == c {
						want /= 2
					}
				}
				require.InEpsilon(t, want, *m.judge(f).Value, 1e-9, "%s, row %d", name, j)
				m.samples[c] = []float64{1}
			}
			if (f.want == band{}) {
				require.Empty(t, base.Verdict, name)
				require.True(t, f.aside, name)
				continue
			}
			// In the middle of the band the claim holds, outside it does not.
			middle := math.Sqrt(max(f.want.lo, 1e-3) * min(f.want.hi, 1e3))
			for _, test := range []struct {
				value float64
				holds bool
			}{{middle, true}, {f.want.lo / 2, false}, {f.want.hi * 2, false}} {
				if test.value == 0 || math.IsInf(test.value, 0) {
					continue
				}
				m.samples[cells[0]] = []float64{test.value / *base.Value}
				require.Equal(t, test.holds, m.judge(f).Verdict == reproduced, "%s at %v: %v", name, test.value, m.judge(f))
			}
		}
	}
}

func TestTable(t *testing.T) {
	for i, c := range claims {
		require.Equal(t, fmt.Sprintf("C%d", i+1), c.id)
		require.NotEmpty(t, c.says, c.id)
		require.NotEmpty(t, c.where, c.id)
		require.NotEmpty(t, c.why, c.id)
		require.Contains(t, verdicts, c.expect, c.id)
		header := fmt.Sprintf("%-4s %-24s %s (%s)", c.id, inDirection, c.says, c.where)
		require.LessOrEqual(t, len([]rune(header)), 120, c.id)
		decides := slices.ContainsFunc(c.figures, func(f figure) bool { return !f.aside })
		require.Equal(t, c.settled == "", decides, c.id)
		if c.settled != "" {
			require.Equal(t, c.settled, c.expect, c.id)
		}
		for _, f := range c.figures {
			require.NotEmpty(t, f.num, c.id)
			require.NotEmpty(t, f.article, c.id)
			if f.direction != (band{}) {
				require.Equal(t, f.want, both(f.want, f.direction), "%s: what the article says is in its direction", c.id)
			}
		}
	}
	require.Len(t, claims, 34)
}

// The rows that the claims name are those that the suite has.
func TestRowsExist(t *testing.T) {
	cmd := exec.Command("go", "test", "-bench", pattern(cellsOf(nil)), "-cpu", "1", "-benchtime", "1x", ".")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	m, err := parse([]string{"stdout"}, [][]byte{out})
	require.NoError(t, err)
	require.Empty(t, m.problems)
	for _, c := range cellsOf(nil) {
		if c.python() {
			continue
		}
		c.procs = 1
		require.NotEmpty(t, m.samples[c], "%s has no %s", c.row, c.shortUnit())
	}
}

func only(t *testing.T, r report) claimReport {
	t.Helper()
	require.Len(t, r.Claims, 1)
	return r.Claims[0]
}

func TestSettledClaims(t *testing.T) {
	r := judged(t, results(2, 1, "Loop/sync=serial 1 ns/op"))
	require.Len(t, r.Claims, 34)
	settled := map[string]string{}
	for _, c := range r.Claims {
		if c.Verdict != notMeasured || c.ID == "C24" {
			settled[c.ID] = c.Verdict
		}
	}
	require.Equal(t, map[string]string{
		"C3": byConstruction, "C6": corrected, "C7": byConstruction, "C9": corrected, "C11": notMeasurable, "C24": notMeasured, "C33": corrected,
	}, settled)
	require.Equal(t, map[string]int{
		reproduced: 0, inDirection: 0, notReproduced: 0, notMeasured: 28, byConstruction: 2, corrected: 3, notMeasurable: 1,
	}, r.Summary)
	_, stdout, _ := boundaries("claims", "-claim=c24", file(t, results(2, 1, "FibBoxed/system=nogil 110 ns/op", "FibBoxed/system=plain 100 ns/op")))
	require.Contains(t, stdout, "a picture we have not got")
	require.Contains(t, stdout, "here: 1.09")
}

func TestIntervals(t *testing.T) {
	// Alone and with two threads, in rounds that differ from one another by a third,
	// as on a machine that is busy at times.
	var rounds []string
	for i, drift := range []float64{1, 1.3, 1.1, 1.2, 1.05, 1.33} {
		rounds = append(rounds, results(2, 1,
			fmt.Sprintf("LoopBoxed/system=gil %g ns/op", 100*drift),
			fmt.Sprintf("LoopBoxed/system=gil-2 %g ns/op", (100+float64(i))*drift)))
	}
	r := only(t, judged(t, strings.Join(rounds, ""), "-claim=C5"))
	f := r.Figures[0]
	require.Equal(t, reproduced, r.Verdict)
	require.Equal(t, 6, f.Rounds)
	require.Empty(t, f.Note)
	// The ratio is taken within rounds: the drift is in neither end.
	require.InDelta(t, 1.031, *f.Value, 0.001)
	require.InDelta(t, 1.006, *f.Low, 0.001)
	require.InDelta(t, 1.056, *f.High, 0.001)

	t.Run("one round", func(t *testing.T) {
		text := rounds[0]
		f := only(t, judged(t, text, "-claim=C5")).Figures[0]
		require.NotNil(t, f.Value)
		require.Nil(t, f.Low)
		require.Nil(t, f.High)
		require.Equal(t, 1, f.Rounds)
		_, stdout, _ := boundaries("claims", "-claim=C5", file(t, text))
		require.Contains(t, stdout, "article: 1, here: 1.01 (1 round, no interval)\n")
	})
	t.Run("five rounds", func(t *testing.T) {
		_, stdout, _ := boundaries("claims", "-claim=C5", file(t, strings.Join(rounds[:5], "")))
		require.Contains(t, stdout, "here: 1.03 (5 rounds, no interval)\n")
	})
	t.Run("over an edge", func(t *testing.T) {
		var text string
		for i := range 6 {
			text += results(2, 1, "LoopBoxed/system=gil 100 ns/op", fmt.Sprintf("LoopBoxed/system=gil-2 %d ns/op", 115+4*i))
		}
		r := only(t, judged(t, text, "-claim=C5"))
		require.Equal(t, notMeasured, r.Verdict)
		require.Equal(t, "the interval reaches over an edge", r.Figures[0].Note)
		require.Equal(t, "go test -bench 'BenchmarkLoopBoxed$/system=gil$' -cpu 1,2 -count 12", r.Figures[0].Measure)
	})
	t.Run("different numbers of rounds", func(t *testing.T) {
		text := strings.Join(rounds, "") + results(2, 1, "LoopBoxed/system=gil-2 105 ns/op")
		f := only(t, judged(t, text, "-claim=C5")).Figures[0]
		require.Equal(t, 6, f.Rounds)
		require.Contains(t, f.Note, "different numbers of rounds")
		// 100 to 140 over 100 to 133.
		require.Less(t, *f.Low, 0.8)
		require.Greater(t, *f.High, 1.3)
		require.Equal(t, notMeasured, f.Verdict)
	})
}

func TestNotMeasured(t *testing.T) {
	gil := []string{"LoopBoxed/system=gil 100 ns/op 100 user+sys-ns/op", "LoopBoxed/system=gil-2 104 ns/op 105 user+sys-ns/op"}
	for _, test := range []struct {
		name, claim   string
		text          string
		verdict       string
		note, measure string
	}{
		{"a row is missing", "C5", results(2, 6, gil[0]), notMeasured,
			"no row LoopBoxed/system=gil-2", "go test -bench 'BenchmarkLoopBoxed$/system=gil$' -cpu 1,2 -count 6"},
		{"two processors are missing", "C5", results(1, 6, gil[0]), notMeasured,
			"needs 2 processors", "there: go test -bench 'BenchmarkLoopBoxed$/system=gil$' -cpu 1,2 -count 6"},
		{"oversubscribed", "C5", results(1, 6, gil...), notMeasured,
			"oversubscribed: 2 threads, numcpu 1; needs 2 processors", "there: go test -bench 'BenchmarkLoopBoxed$/system=gil$' -cpu 1,2 -count 6"},
		{"the claim is of an oversubscribed column", "C22",
			results(2, 6, "FibBoxed/system=gilectomy-17 1 ns/op 2000 user+sys-ns/op", "FibBoxed/system=gil-17 1 ns/op 100 user+sys-ns/op"), reproduced,
			"oversubscribed: 17 threads, numcpu 2", ""},
		{"numcpu is missing", "C5", strings.ReplaceAll(results(2, 6, gil...), "numcpu: 2\n", ""), reproduced,
			"numcpu is not in the files, so this may be oversubscribed", ""},
		{"no column of several procs", "C26", results(4, 6, "FibBoxed/system=gil 100 ns/op 100 user+sys-ns/op"), notMeasured,
			"no row FibBoxed/system=gil-4", "go test -bench 'BenchmarkFibBoxed$/system=gil$' -cpu 4 -count 6"},
		{"a clock too coarse", "C10", results(2, 6, "LoopBoxed/system=gil-2 100 ns/op 0 user+sys-ns/op"), notMeasured,
			"LoopBoxed/system=gil-2 has a user+sys-ns/op that no run can have; 0 is a clock too coarse for it",
			"go test -bench 'BenchmarkLoopBoxed$/system=gil$' -cpu 2 -count 6 -benchtime 1s"},
		{"no Python", "C1", results(2, 6, "Loop/sync=serial 1 ns/op"), notMeasured,
			"no row PyLoop/system=cpython-*-gil", `make python PYTHONS="python3 python3.14t"`},
		{"only Python", "C1", results(2, 6, "PyLoop/system=cpython-3.11.7-gil 40 ns/op"), notMeasured,
			"no row Loop/sync=serial", "go test -bench 'BenchmarkLoop$/sync=serial$' -cpu 1 -count 6"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := only(t, judged(t, test.text, "-claim="+test.claim))
			require.Equal(t, test.verdict, c.Verdict)
			require.Equal(t, test.note, c.Figures[0].Note)
			require.Equal(t, test.measure, c.Figures[0].Measure)
		})
	}
}

func TestBusyMachine(t *testing.T) {
	for used, busy := range map[float64]bool{100: false, 95: false, 60: true} {
		text := results(2, 6, fmt.Sprintf("LoopBoxed/system=plain 100 ns/op %g user+sys-ns/op", used), fmt.Sprintf("Loop/sync=serial 1 ns/op %g user+sys-ns/op", used/100))
		require.InEpsilon(t, used/100, *judged(t, text).Machine.Share, 0.01)
		_, stdout, _ := boundaries("claims", file(t, text))
		require.Equal(t, busy, strings.Contains(stdout, "The machine was busy: rows that only compute had 0.60 of a processor."), stdout)
	}
	require.Nil(t, judged(t, results(2, 6, "Loop/sync=serial 1 ns/op")).Machine.Share)
}

// Where a claim is of many threads, the columns that the machine has processors for
// are what counts.
func TestWidestColumn(t *testing.T) {
	rows := []string{
		"FibBoxed/system=gil-2 100 ns/op 100 user+sys-ns/op", "FibBoxed/system=gil-4 100 ns/op 101 user+sys-ns/op",
		"FibBoxed/system=gil-8 100 ns/op 150 user+sys-ns/op",
	}
	for numCPU, procs := range map[int]int{1: 2, 2: 2, 3: 2, 4: 4, 7: 4, 8: 8, 64: 8} {
		f := only(t, judged(t, results(numCPU, 6, rows...), "-claim=C26")).Figures[0]
		require.Equal(t, procs, f.Procs, "numcpu %d", numCPU)
		require.Equal(t, numCPU == 1, f.Oversubscribed)
	}
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
		{"between 4 and 8", 8, map[int]float64{1: 1.3, 2: 2, 4: 1.2, 8: 0.7}, 5, 8, reproduced},
		{"between 2 and 8", 8, map[int]float64{1: 1.3, 2: 2, 8: 0.7}, 3, 8, inDirection},
		{"perhaps at 6, surely at 8", 8, map[int]float64{1: 1.3, 5: 1.2, 6: 1, 8: 0.7}, 6, 8, reproduced},
		{"at once", 8, map[int]float64{1: 0.9, 2: 0.5}, 1, 1, notReproduced},
		{"never, on 2 processors", 2, map[int]float64{1: 1.3, 2: 2}, 3, 0, inDirection},
		{"never, on 64 processors", 64, map[int]float64{1: 1.3, 64: 2}, 65, 0, inDirection},
		{"only oversubscribed", 2, map[int]float64{1: 1.3, 2: 2, 7: 0.9}, 3, 0, inDirection},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows := []string{"FibBoxed/system=gil 1000 ns/op"}
			for procs, ratio := range test.ratios {
				rows = append(rows, strings.Replace(fmt.Sprintf("FibBoxed/system=gilectomy-%d %g ns/op", procs, 1000*ratio), "gilectomy-1 ", "gilectomy ", 1))
			}
			slices.Sort(rows)
			f := only(t, judged(t, results(test.numCPU, 6, rows...), "-claim=C23")).Figures[0]
			require.Equal(t, test.verdict, f.Verdict)
			require.Equal(t, test.low, *f.Low)
			if test.high == 0 {
				require.Nil(t, f.High)
				require.Nil(t, f.Value)
			} else {
				require.Equal(t, test.high, *f.High)
				require.True(t, test.low <= *f.Value && *f.Value <= test.high)
			}
		})
	}
}

// A figure for each Python that has the rows, oldest first.
func TestSeveralPythons(t *testing.T) {
	rows := []string{"LoopBoxed/system=gil 100 ns/op", "LoopBoxed/system=gil-2 104 ns/op",
		"FibBoxed/system=gil 100 ns/op", "FibBoxed/system=nogil 105 ns/op", "FibBoxed/system=gil-2 100 ns/op", "FibBoxed/system=nogil-2 52 ns/op"}
	for _, system := range []string{"cpython-3.13.0-gil", "cpython-3.9.1-gil", "cpython-3.13.0-nogil"} {
		for _, row := range []string{"PyLoop/system=%s 40 ns/op", "PyLoop/system=%s-2 41 ns/op", "PyFib/system=%s 40 ns/op", "PyFib/system=%s-2 41 ns/op"} {
			rows = append(rows, fmt.Sprintf(row, system))
		}
	}
	labels := func(id string) (labels []string) {
		for _, f := range only(t, judged(t, results(2, 1, rows...), "-claim="+id)).Figures {
			if f.Value != nil {
				labels = append(labels, f.Label)
			}
		}
		return labels
	}
	require.Equal(t, []string{"", "cpython-3.9.1-gil", "cpython-3.13.0-gil"}, labels("C5"))
	require.Equal(t, []string{"gain per thread", "gain alone", "gain per thread, cpython-3.13.0", "gain alone, cpython-3.13.0"}, labels("C27"))
}

var update = flag.Bool("update", false, "write the golden files")

// What a machine of two processors may print, Python among it.
var golden = []string{
	"Loop/sync=serial 0.27 ns/op 0.27 user+sys-ns/op",
	"Loop/sync=private 0.27 ns/op", "Loop/sync=private-2 0.14 ns/op",
	"Loop/sync=atomic 5.3 ns/op", "Loop/sync=atomic-2 8.3 ns/op",
	"Fib/sync=serial 32000 ns/op",
	"LoopBoxed/system=plain 60 ns/op 60 user+sys-ns/op", "LoopBoxed/system=plain-2 60 ns/op 60 user+sys-ns/op",
	"LoopBoxed/system=gil 62 ns/op 62 user+sys-ns/op", "LoopBoxed/system=gil-2 63 ns/op 64 user+sys-ns/op",
	"LoopBoxed/system=gil-ticks 75 ns/op", "LoopBoxed/system=gil-ticks-2 140 ns/op",
	"LoopBoxed/system=free-threading 150 ns/op", "LoopBoxed/system=free-threading-2 260 ns/op",
	"LoopBoxed/system=nogil 66 ns/op", "LoopBoxed/system=nogil-2 70 ns/op",
	"LoopBoxed/system=subinterpreters 62 ns/op", "LoopBoxed/system=subinterpreters-2 32 ns/op",
	"FibBoxed/system=plain 90000 ns/op 90000 user+sys-ns/op",
	"FibBoxed/system=gil 92000 ns/op 92000 user+sys-ns/op", "FibBoxed/system=gil-2 93000 ns/op 94000 user+sys-ns/op",
	"FibBoxed/system=gilectomy 115000 ns/op 115000 user+sys-ns/op", "FibBoxed/system=gilectomy-2 180000 ns/op 355000 user+sys-ns/op",
	"FibBoxed/system=nogil 98000 ns/op 98000 user+sys-ns/op", "FibBoxed/system=nogil-2 50500 ns/op 101000 user+sys-ns/op",
	"FibBoxed/system=subinterpreters 92000 ns/op", "FibBoxed/system=subinterpreters-2 47000 ns/op",
	"StoneBoxed/system=plain 4000 ns/op", "StoneBoxed/system=gil 4100 ns/op", "StoneBoxed/system=free-threading 7800 ns/op", "StoneBoxed/system=nogil 4240 ns/op",
	"WorkerPool/task=io/sync=gil 1100000 ns/op", "WorkerPool/task=io/sync=gil-2 560000 ns/op",
	"Respond/load=idle/sync=gil-2 14000 ns/op 12700 p50-ns",
	"Respond/load=busy/sync=gil-2 5500000 ns/op 5300000 p50-ns",
	"Respond/load=busy/sync=goroutine-2 20000 ns/op 13000 p50-ns",
	"Procs/payload=8B/sync=pipe 1800 ns/op", "Procs/payload=8B/sync=channel 77 ns/op", "Procs/payload=8B/sync=lock-free 5.8 ns/op",
	"ProcsFib/sync=private 27000 ns/op", "ProcsFib/sync=private-2 14300 ns/op",
	"Spawn/start=thread 35000 ns/op", "Spawn/start=process 2400000 ns/op",
	"AsyncIO/latency=1ms/sync=serial 1100000 ns/op", "AsyncIO/latency=1ms/sync=event-loop 34000 ns/op",
	"PyLoop/system=cpython-3.11.7-gil 40 ns/op 40 user+sys-ns/op 0 lost-updates/op", "PyLoop/system=cpython-3.11.7-gil-2 42 ns/op 43 user+sys-ns/op 0 lost-updates/op",
	"PyFib/system=cpython-3.11.7-gil 1100000 ns/op 1100000 user+sys-ns/op", "PyFib/system=cpython-3.11.7-gil-2 1150000 ns/op 1160000 user+sys-ns/op",
	"PySpawn/start=thread/system=cpython-3.11.7-gil 92000 ns/op", "PySpawn/start=process/system=cpython-3.11.7-gil 54000000 ns/op",
}

func TestFormats(t *testing.T) {
	testdata, err := filepath.Abs("testdata")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	write(t, map[string]string{"bench.txt": results(2, 6, golden...)})
	for format, file := range map[string]string{"text": "claims.txt", "markdown": "claims.md", "json": "claims.json", "csv": "claims.csv"} {
		t.Run(format, func(t *testing.T) {
			file := filepath.Join(testdata, file)
			status, stdout, stderr := boundaries("claims", "-format", format, "bench.txt")
			require.Zero(t, status, stderr)
			require.Empty(t, stderr)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(stdout), 0o666))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), stdout)
			for _, c := range claims {
				require.Regexp(t, `(?m)`+regexp.QuoteMeta(c.id)+`\b.*`, stdout)
			}
			switch format {
			case "text":
				for line := range strings.Lines(stdout) {
					command := strings.HasPrefix(strings.TrimSpace(line), "go test ") || strings.HasPrefix(strings.TrimSpace(line), "there: ")
					require.True(t, command || len([]rune(line)) <= 121, line)
				}
			case "csv":
				records, err := csv.NewReader(strings.NewReader(stdout)).ReadAll() // all of one length
				require.NoError(t, err)
				require.Greater(t, len(records), 34)
			}
		})
	}
}

func TestBadClaims(t *testing.T) {
	good := results(2, 1, "Loop/sync=serial 1 ns/op")
	t.Chdir(t.TempDir())
	write(t, map[string]string{
		"good.txt":  good,
		"same.txt":  good,
		"empty.txt": "", "endless.txt": good,
		"other.txt": results(2, 1, "Thing 1 ns/op"),
		"8.txt":     results(8, 1, "Loop/sync=serial 1 ns/op"),
		"arm.txt":   strings.Replace(good, "amd64", "arm64", 1),
		"zero.txt":  strings.Replace(good, "numcpu: 2", "numcpu: two", 1),
		"long.txt":  good + strings.Repeat("x", 1<<20),
	})
	require.NoError(t, os.Truncate("endless.txt", maxFile+1))
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, `want a FILE of benchmark output, or - for standard input ("boundaries claims -h" says more)`},
		{[]string{"-x", "good.txt"}, `flag provided but not defined: -x ("boundaries claims -h" lists the flags)`},
		{[]string{"good.txt", "-format=json"}, `want flags before files, but got "-format=json" after "good.txt"`},
		{[]string{"-format=xml", "good.txt"}, `invalid value "xml" for flag -format: want text, markdown, json or csv`},
		{[]string{"-claim=C5,C35", "good.txt"}, `invalid value "C5,C35" for flag -claim: want ids from C1 to C34, separated by commas`},
		{[]string{"none.txt"}, "want benchmark output: open none.txt: "},
		{[]string{"good.txt", "none.txt"}, "want benchmark output: open none.txt: "},
		{[]string{"."}, "want benchmark output: read .: "},
		{[]string{"endless.txt"}, "want benchmark output: endless.txt is longer than 64 MiB"},
		{[]string{"empty.txt"}, "no benchmark result in empty.txt (the output of go test -bench is wanted)"},
		{[]string{"long.txt"}, "want benchmark output: long.txt:8: bufio.Scanner: token too long"},
		{[]string{"zero.txt"}, `zero.txt:6: numcpu is "two", want a number of at least 1`},
		{[]string{"good.txt", "same.txt"}, "same.txt has the same content as good.txt, and would be counted twice"},
		{[]string{"good.txt", "8.txt"}, "8.txt:6: numcpu is 8, but 2 at good.txt:6: these are two machines"},
		{[]string{"good.txt", "arm.txt"}, "arm.txt:6: goarch is arm64, but amd64 at good.txt:6: these are two machines"},
		{[]string{"other.txt"}, "other.txt: no row that a claim needs (go test -bench 'Benchmark"},
		{[]string{"-claim=C5", "good.txt"}, "good.txt: no row that a claim needs (go test -bench 'BenchmarkLoopBoxed$/system=gil$' -cpu 1,2 measures them)"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			requireBadInput(t, "boundaries: claims: "+test.want, append([]string{"claims"}, test.args...)...)
		})
	}
}

// What is wrong with a part of the input has a line each, and the rest is judged.
func TestDamagedInput(t *testing.T) {
	rows := results(2, 6, "LoopBoxed/system=gil 100 ns/op", "LoopBoxed/system=gil-2 104 ns/op")
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
			"bench.txt:22: the line is cut off; left out", "bench.txt:21: --- FAIL: BenchmarkFib", "bench.txt:20: missing measurements; the line is left out"}},
		{"name alone, as with -v", rows + "BenchmarkLoop/sync=gil\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, map[string]string{"bench.txt": test.text})
			status, stdout, stderr := boundaries("claims", "-claim=C5", "bench.txt")
			require.Regexp(t, `^The claims .*\n\nC5   reproduced  .*\n.*\[1\.\d\d, 1\.\d\d\] \(6 rounds\)\n`, stdout)
			if test.want == nil {
				require.Zero(t, status, stderr)
				require.Empty(t, stderr)
				return
			}
			require.Equal(t, 1, status)
			require.Equal(t, "boundaries: claims: "+strings.Join(test.want, "\nboundaries: claims: ")+"\n", stderr)
			require.Contains(t, stdout, fmt.Sprintf("something is wrong with the input in %d places, see standard error", len(test.want)))
			_, stdout, _ = boundaries("claims", "-format=json", "bench.txt")
			var r report
			require.NoError(t, json.Unmarshal([]byte(stdout), &r))
			require.Equal(t, test.want, r.Problems)
		})
	}
}

// Go's rows and Python's, in a file each.
func TestTwoFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, map[string]string{
		"go.txt":      results(2, 6, "Loop/sync=serial 1 ns/op", "Fib/sync=serial 1 ns/op"),
		"python.txt":  results(2, 6, "PyLoop/system=cpython-3.11.7-gil 40 ns/op", "PyFib/system=cpython-3.11.7-gil 35 ns/op"),
		"nothing.txt": "# no python\n",
	})
	status, stdout, stderr := boundaries("claims", "-claim=C1", "go.txt", "python.txt")
	require.Zero(t, status, stderr)
	require.Regexp(t, `C1   reproduced  `, stdout)
	require.Contains(t, stdout, "here: 40.")

	status, stdout, stderr = boundaries("claims", "-claim=C1", "go.txt", "nothing.txt")
	require.Equal(t, 1, status)
	require.Equal(t, "boundaries: claims: nothing.txt: no benchmark result\n", stderr)
	require.Regexp(t, `C1   not measured  `, stdout)

	// Twice the same rows, measured twice, are more rounds.
	more := results(2, 6, "Loop/sync=serial 1.001 ns/op", "Fib/sync=serial 1 ns/op")
	write(t, map[string]string{"more.txt": more})
	r := judged(t, results(2, 6, "Loop/sync=serial 1 ns/op", "PyLoop/system=cpython-3.11.7-gil 40 ns/op")+more, "-claim=C1")
	require.Equal(t, 6, r.Claims[0].Figures[0].Rounds)
}

func TestClaimsHelp(t *testing.T) {
	status, stdout, stderr := boundaries("claims", "-h")
	require.Zero(t, status)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "Usage: boundaries claims [flags] FILE...")
	_, stdout, _ = boundaries("claims", "-rows", "-claim=C5,C23")
	require.Equal(t, "BenchmarkFibBoxed$/system=(gilectomy|gil|gilectomy-buffered)$|BenchmarkLoopBoxed$/system=gil$\n", stdout)
}

func TestStandardInput(t *testing.T) {
	cmd := exec.Command(os.Args[0], "claims", "-claim=C5", "-")
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Stdin = strings.NewReader(results(2, 6, golden...) + "BenchmarkX 1\n")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	require.Error(t, err)
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Contains(t, string(stdout), "held against standard input, measured on")
	require.Regexp(t, `^boundaries: claims: standard input:\d+: missing measurements; the line is left out\n$`, stderr.String())
}

// Whatever the bytes are, there is a report in every format, or an error.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(results(2, 1, golden...)))
	f.Add([]byte(results(0, 2, "LoopBoxed/system=gil 0 ns/op", "LoopBoxed/system=gil-2 1e300 ns/op", "FibBoxed/system=gil-0 NaN ns/op")))
	f.Add([]byte("BenchmarkPyLoop/system=-gil 1 Inf ns/op -1 lost-updates/op\nBenchmarkLoop/sync=serial 1 1 ns/op Inf user+sys-ns/op\n--- FAIL: x\n y\npanic: z"))
	f.Add([]byte("numcpu: -1\nBenchmarkFibBoxed/system=gilectomy-99999999999999999999 1 1 ns/op\nUnit ns/op better=higher better=lower\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse([]string{"bench.txt"}, [][]byte{data})
		if err != nil {
			require.ErrorAs(t, err, new(statusError))
			return
		}
		for _, problem := range m.problems {
			require.NotContains(t, problem.Error(), "\n")
		}
		r := judge(m, nil)
		require.Len(t, r.Claims, len(claims))
		for _, c := range r.Claims {
			require.Contains(t, verdicts, c.Verdict)
		}
		for format, write := range formats {
			var text strings.Builder
			require.NoError(t, write(&text, r), format)
		}
	})
}
