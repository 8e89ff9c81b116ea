package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"boundaries/internal/benchfile"
	"boundaries/internal/scaling"
	"boundaries/internal/stats"
	"boundaries/internal/suite/suitetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const twoRows = `numcpu: 2
# processor: family 26, model 2, stepping 1
goos: linux
goarch: amd64
pkg: boundaries
cpu: AMD EPYC
BenchmarkLoopBoxed/system=gil          1  44 ns/op   44 user+sys-ns/op
BenchmarkLoopBoxed/system=gil-2        1  44 ns/op   44 user+sys-ns/op
BenchmarkLoopBoxed/system=gil-4        1  46 ns/op   46 user+sys-ns/op
BenchmarkLoopBoxed/system=nogil/without=immortal    1  50 ns/op  50 user+sys-ns/op
BenchmarkLoopBoxed/system=nogil/without=immortal-2  1  75 ns/op 150 user+sys-ns/op
# disturbed: LoopBoxed/system=gil-2 1.31 times (a processor 1.28 times)
`

// inFiles runs a verb in a folder with files of those texts, named 1.txt, 2.txt.
func inFiles(t *testing.T, texts []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		name := filepath.Join(dir, string(rune('1'+i))+".txt")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
		args = append(args, name)
	}
	var out, err bytes.Buffer
	status = statusOf(t.Context(), args, &out, &err)
	return status, out.String(), strings.ReplaceAll(err.String(), dir+string(filepath.Separator), "")
}

func TestTableVerb(t *testing.T) {
	status, stdout, stderr := inFiles(t, []string{twoRows}, "table")
	assert.Equal(t, 0, status)
	assert.Empty(t, stderr)
	assert.Equal(t, `linux/amd64, AMD EPYC, 2 processors

LoopBoxed: wall time of a step
  system                        1          2       4*
  gil                     44.0 ns  44.0 ns ~  46.0 ns
  nogil without immortal  50.0 ns    75.0 ns

LoopBoxed: processor time of a step
  system                        1          2       4*
  gil                     44.0 ns  44.0 ns ~  46.0 ns
  nogil without immortal  50.0 ns     150 ns

* oversubscribed: more procs than processors (2)
~ some rounds of this figure ran on a disturbed machine; the file names them

`, stdout)

	// The marks of every table are explained, and any numbers have a median.
	_, stdout, _ = inFiles(t, []string{twoRows + "BenchmarkX 1 0 lost/op\nBenchmarkX 1 1 lost/op\n"}, "table")
	assert.Contains(t, stdout, "* oversubscribed: more procs than processors (2)\n~ some rounds")
	assert.Contains(t, stdout, "  X  0.50\n")
	_, stdout, _ = inFiles(t, []string{"BenchmarkX 1 5 ns/op\nport: 1\nseed: 2\n"}, "table")
	assert.Regexp(t, `(?m)^Ignored, although it looks like a key: .*1\.txt:2: port: 1 and 1 more$`, stdout)
	assert.Contains(t, stdout, "\nNo file says how many processors the machine has, so any column may be oversubscribed.\n")

	// An unknown key gives rows of their own, and never merges two rows.
	_, stdout, _ = inFiles(t, []string{"BenchmarkLoop/new=a/sync=gil 1 1 ns/op\nBenchmarkLoop/new=b/sync=gil 1 2 ns/op\nBenchmarkX/new=a 1 3 ns/op\nBenchmarkX/new=b 1 4 ns/op\n"}, "table")
	for _, want := range []string{"Loop/new=a: wall", "Loop/new=b: wall", "a    3.00 ns", "b    4.00 ns"} {
		assert.Contains(t, stdout, want)
	}

	var wide strings.Builder
	for n := range 40 {
		wide.WriteString("BenchmarkLoop/sync=own-lock-" + string(rune('1'+n/10)) + string(rune('0'+n%10)) + " 1 44 ns/op\n")
	}
	_, stdout, _ = inFiles(t, []string{wide.String()}, "table")
	for line := range strings.Lines(stdout) {
		assert.LessOrEqual(t, len([]rune(line)), tableWidth+1, line)
	}
	assert.Equal(t, 40, strings.Count(stdout, "44.0 ns"))
	assert.Equal(t, 4, strings.Count(stdout, "  own-lock  "), "a line is as wide as it may be")

	// Marks of one machine are not explained below the next.
	for _, args := range [][]string{{"table"}, {"scaling"}, {"scaling", "-format", "markdown"}} {
		_, stdout, _ = inFiles(t, []string{twoRows, "numcpu: 8\ncpu: other\nBenchmarkX 1 5 ns/op\n"}, args...)
		assert.Contains(t, stdout, "other, 8 processors", args)
		assert.Equal(t, 1, strings.Count(stdout, "* oversubscribed: "), args)
		assert.Equal(t, 1, strings.Count(stdout, "~ some rounds"), args)
	}
}

func TestFileVerbErrors(t *testing.T) {
	for _, verb := range []string{"table", "scaling", "report"} {
		for name, c := range map[string]struct {
			texts  []string
			status int
			want   string
		}{
			"no file":                       {nil, 2, verb + `: want a FILE of benchmark output, or - for standard input ("boundaries ` + verb + ` -h" says more)` + "\n"},
			"no result":                     {[]string{"PASS\n"}, 2, verb + ": 1.txt: no benchmark result in 1 line; want the output of go test -bench\n"},
			"twice":                         {[]string{twoRows, twoRows}, 2, verb + ": 2.txt has the same content as 1.txt; want each file once\n"},
			"a failure":                     {[]string{twoRows + "--- FAIL: BenchmarkX\n    a wrong answer\n"}, 1, verb + ": 1.txt:13: --- FAIL: BenchmarkX a wrong answer\n"},
			"a failure in the first of two": {[]string{twoRows + "--- FAIL: BenchmarkX\n", twoRows}, 1, verb + ": 1.txt:13: --- FAIL: BenchmarkX\n"},
			"half a value":                  {[]string{twoRows + "BenchmarkX 1 NaN ns/op\n"}, 1, verb + ": 1.txt:13: BenchmarkX has NaN ns/op, want a finite number; the value is left out\n"},
		} {
			args := []string{verb}
			if verb == "report" {
				args = append(args, "-o", filepath.Join(t.TempDir(), "r.html"))
			}
			status, stdout, stderr := inFiles(t, c.texts, args...)
			assert.Equal(t, c.status, status, "%s: %s", verb, name)
			assert.Equal(t, "boundaries: "+c.want, stderr, "%s: %s", verb, name)
			if c.status == 2 {
				assert.Empty(t, stdout, "%s: %s", verb, name)
			}
		}
		status, _, stderr := inFiles(t, []string{twoRows}, verb, "-x")
		assert.Equal(t, 2, status)
		assert.Contains(t, stderr, verb+": flag provided but not defined")
		status, stdout, _ := inFiles(t, nil, verb, "-h")
		assert.Equal(t, 0, status)
		assert.Contains(t, stdout, "Usage: boundaries "+verb)
	}
	status, _, stderr := inFiles(t, []string{twoRows}, "scaling", "-format", "xml")
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "want text, markdown, csv or json")
}

func TestScalingVerb(t *testing.T) {
	other := strings.NewReplacer("family 26", "family 25", "44 ns/op", "22 ns/op").Replace(twoRows)
	status, stdout, _ := inFiles(t, []string{twoRows, other}, "scaling")
	assert.Equal(t, 0, status)
	assert.Contains(t, stdout, `linux/amd64, AMD EPYC, 2 processors

LoopBoxed: speed-up over one proc
  system                     1       2    4*
  gil                     1.00  1.00 ~  0.96
  nogil without immortal  1.00    0.67

LoopBoxed: efficiency
  system                     1       2    4*
  gil                     1.00  0.50 ~  0.24
  nogil without immortal  1.00    0.33

LoopBoxed: processor time of a step, relative to one proc
  system                     1       2    4*
  gil                     1.00  1.00 ~  1.05
  nogil without immortal  1.00    3.00

  Amdahl, no fit: Amdahl's law needs 4 columns that are not oversubscribed, and there are 2
`)
	assert.Equal(t, 2, strings.Count(stdout, "LoopBoxed: speed-up"), "a part for each machine")

	_, stdout, _ = inFiles(t, []string{twoRows}, "scaling", "-format", "markdown")
	assert.Contains(t, stdout, "| system | 1 | 2 | 4\\* |\n|---|--:|--:|--:|\n| gil | 1.00 | 1.00 \\~ | 0.96 |\n| nogil without immortal | 1.00 | 0.67 |  |\n")
	assert.Contains(t, stdout, `\* oversubscribed: more procs than processors (2)`)
	assert.Contains(t, stdout, `\~ some rounds of this figure ran on a disturbed machine`)
	_, stdout, _ = inFiles(t, []string{"BenchmarkX/sync=a|b 1 5 ns/op\n"}, "scaling", "-format", "markdown")
	assert.Contains(t, stdout, "\n| a\\|b | 1.00 |\n", "a name adds no column")

	_, stdout, _ = inFiles(t, []string{twoRows}, "scaling", "-format", "csv")
	lines, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	require.NoError(t, err)
	assert.Contains(t, lines, []string{"linux/amd64, AMD EPYC, 2 processors", "LoopBoxed", "LoopBoxed/system=nogil/without=immortal", "2", "false", "1", "0", "cpu", "3", "", "", ""})
	assert.NotContains(t, stdout, "LoopBoxed/system=nogil/without=immortal,4,", "no row ran there, so there is no figure")

	_, stdout, _ = inFiles(t, []string{twoRows, other}, "scaling", "-format", "json")
	var got struct{ Machines []machineJSON }
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Len(t, got.Machines, 2)
	w := got.Machines[0].Workloads[0]
	assert.True(t, w.Columns[2].Oversubscribed)
	assert.InDelta(t, 2/3.0, *w.Rows[1].Cells[1].SpeedUp.Value, 1e-9)
	assert.Nil(t, w.Rows[1].Cells[1].SpeedUp.High)
	assert.Nil(t, w.Rows[1].Cells[1].SpeedUp.Low)
	assert.Nil(t, w.Rows[1].Cells[2].SpeedUp)
	assert.Equal(t, 1.31, w.Rows[0].Cells[1].Disturbed.Times)
	assert.NotEmpty(t, w.Rows[0].USL.Refused)
}

// Each figure of the forms for programs stands under its own name.
func TestScalingFigures(t *testing.T) {
	var text strings.Builder
	text.WriteString("numcpu: 32\n")
	for round := range 7 {
		for _, n := range []int{1, 2, 4, 8, 16, 32, 64} {
			name, procs := "A/sync=x", float64(n)
			if n > 1 {
				name += "-" + strconv.Itoa(n)
			}
			wall := 10 * (1 + 0.05*(procs-1) + 0.002*procs*(procs-1)) / procs * (1 + 0.005*float64((5*round+n)%7-3))
			fmt.Fprintf(&text, "Benchmark%s 1 %v ns/op %v user+sys-ns/op\n", name, wall, wall*math.Pow(procs, 1.2))
		}
	}
	text.WriteString("# disturbed: A/sync=x-2 1.31 times (x)\n")
	f, err := benchfile.ReadFrom(strings.NewReader(text.String()), "f")
	require.NoError(t, err)
	want := scaling.Workloads(f)[0].Scaling()[0]
	require.Empty(t, want.USL.Refused)
	require.NotEmpty(t, want.Amdahl.Refused)

	files := []string{text.String(), "BenchmarkB 1 5 ns/op\n"}
	_, stdout, _ := inFiles(t, files, "scaling", "-format", "json")
	var got struct{ Machines []machineJSON }
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	m := got.Machines[0]
	assert.Len(t, m.Files, 2)
	assert.Equal(t, 32, m.NumCPU)
	assert.Equal(t, "benchmarks", m.Workloads[1].Name)
	row := m.Workloads[0].Rows[0]
	same := func(want stats.Interval, got *intervalJSON) {
		t.Helper()
		assert.Equal(t, []float64{want.Low, want.Center, want.High}, []float64{*got.Low, *got.Value, *got.High})
	}
	for j, c := range want.Cells {
		same(c.SpeedUp, row.Cells[j].SpeedUp)
		same(c.Efficiency, row.Cells[j].Efficiency)
		same(c.CPU, row.Cells[j].CPU)
		assert.Equal(t, 7, row.Cells[j].Rounds)
		assert.Equal(t, want.Disturbed(j), row.Cells[j].Disturbed)
	}
	assert.Equal(t, fitJSON{Refused: want.Amdahl.Refused}, row.Amdahl)
	assert.Empty(t, row.USL.Refused)
	assert.Equal(t, want.USL.Base, row.USL.Base)
	same(want.USL.Sigma, row.USL.Sigma)
	same(want.USL.Kappa, row.USL.Kappa)
	same(want.USL.Peak, row.USL.Peak)

	_, stdout, _ = inFiles(t, files, "scaling", "-format", "csv")
	lines, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	require.NoError(t, err)
	head := []string{m.Machine, "A", "A/sync=x"}
	line := func(cell []string, quantity string, i stats.Interval) {
		t.Helper()
		for _, v := range []float64{i.Center, i.Low, i.High} {
			quantity += " " + strconv.FormatFloat(v, 'g', 6, 64)
		}
		assert.Contains(t, lines, slices.Concat(head, cell, strings.Fields(quantity), []string{""}))
	}
	for j, column := range [][]string{{"1", "false", "7", "0"}, {"2", "false", "7", "1"}, 6: {"64", "true", "7", "0"}} {
		if column != nil {
			line(column, "speed-up", want.Cells[j].SpeedUp)
			line(column, "efficiency", want.Cells[j].Efficiency)
			line(column, "cpu", want.Cells[j].CPU)
		}
	}
	none := make([]string, 4)
	line(none, "usl-sigma", want.USL.Sigma)
	line(none, "usl-kappa", want.USL.Kappa)
	line(none, "usl-peak", want.USL.Peak)
	assert.Contains(t, lines, slices.Concat(head, none, []string{"amdahl", "", "", "", want.Amdahl.Refused}))
}

// A peak without an upper bound keeps its lower one.
func TestOneBound(t *testing.T) {
	row := scaling.Scaled{USL: scaling.Fit{Peak: stats.Interval{Low: 4, Center: 8, High: math.Inf(1)}}}
	machines := []scaledMachine{{File: &benchfile.File{}, workloads: []scaledWorkload{{&scaling.Workload{}, []scaling.Scaled{row}}}}}
	for format, want := range map[string]string{"csv": ",usl-kappa,0,,, a machine that the file does not name,benchmarks,,,,,,usl-peak,8,4,,", "json": `"peak": { "value": 8, "low": 4, "high": null }`} {
		var text strings.Builder
		require.NoError(t, scalingFormats[format](&text, machines))
		assert.Contains(t, strings.Join(strings.Fields(text.String()), " "), want)
	}
}

// A run that is not complete, settings that can change times, and figures without a time
// have a note in every form.
func TestNotes(t *testing.T) {
	const rows = "# build: -race=true\n# plan: -bench \".\" -cpu 1 -benchtime 200ms -seed 1 .\n# round: 1\nBenchmarkX/sync=a 1 5 ns/op 0 user+sys-ns/op\n"
	const partial = "1.txt: the run is not complete, so rows can lack rounds."
	for _, test := range []struct {
		args []string
		lost string
	}{
		{[]string{"table"}, "interval"},
		{[]string{"scaling"}, "ratio"},
		{[]string{"scaling", "-format", "markdown"}, "ratio"},
		{[]string{"scaling", "-format", "csv"}, "ratio"},
		{[]string{"scaling", "-format", "json"}, "ratio"},
		{[]string{"report", "-o", "-"}, "figure"},
	} {
		_, stdout, _ := inFiles(t, []string{rows}, test.args...)
		assert.Contains(t, stdout, partial, test.args)
		if test.args[0] != "report" { // which lists all facts
			assert.Contains(t, strings.ReplaceAll(stdout, `\u003d`, "="), "1.txt: measured with settings that can change times: build -race=true.", test.args)
		}
		assert.Contains(t, stdout, "No "+test.lost+" for the processor time of X/sync=a: it is 0 in a round, which means that the clock is too coarse for it.", test.args)
		_, stdout, _ = inFiles(t, []string{strings.ReplaceAll(rows, " 0 user", " 5 user") + "# complete: 1 rounds, 0 runs\n"}, test.args...)
		assert.NotRegexp(t, "not complete|too coarse", stdout, test.args)
	}
	// A row that has times at one proc is not said to have none.
	for _, args := range [][]string{{"scaling"}, {"report", "-o", "-"}} {
		_, stdout, _ := inFiles(t, []string{"BenchmarkX 1 0 ns/op\nBenchmarkX 1 5 ns/op\nBenchmarkX-2 1 5 ns/op\n"}, args...)
		assert.Regexp(t, "(?i)no row has a usable time at one proc, so there is no speed-up", stdout)
		assert.Regexp(t, "No (ratio|figure) for the wall time of X: it is 0", stdout)
	}
}

// Rows with one fit share a line, and others have one each.
func TestFits(t *testing.T) {
	row := func(name, amdahl, usl string) scaling.Scaled {
		return scaling.Scaled{Row: scaling.Row{Name: name}, Amdahl: scaling.Fit{Refused: amdahl}, USL: scaling.Fit{Refused: usl}}
	}
	assert.Equal(t, []string{"Amdahl, a: no fit: x", "Amdahl, b: no fit: y", "Amdahl, c: no fit: y", "USL, no fit: z"},
		scaledWorkload{rows: []scaling.Scaled{row("a", "x", "z"), row("b", "y", "z"), row("c", "y", "z")}}.fits())
}

// A page replaces what a link leads to and keeps the mode, and no other file is left.
func TestReplaceFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and modes are others there")
	}
	dir := t.TempDir()
	name, link := filepath.Join(dir, "page.html"), filepath.Join(dir, "link.html")
	require.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
	require.NoError(t, os.Symlink("page.html", link))
	require.NoError(t, replaceFile(t.Context(), link, []byte("new")))
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "new", string(text))
	info, err := os.Lstat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	t.Chdir(dir)
	require.Error(t, replaceFile(t.Context(), "", []byte("new")), "nothing has this name")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 2)
	require.NoError(t, replaceFile(t.Context(), "new.html", []byte("new")))
	info, err = os.Stat("new.html")
	require.NoError(t, err)
	plain, err := os.OpenFile("plain", os.O_CREATE, 0o666)
	require.NoError(t, err)
	defer plain.Close()
	usual, err := plain.Stat()
	require.NoError(t, err)
	assert.Equal(t, usual.Mode(), info.Mode(), "the mode of a new page is that of any new file")
	require.NoError(t, os.Symlink("later.html", "dangling.html"))
	require.NoError(t, replaceFile(t.Context(), "dangling.html", []byte("new")))
	text, err = os.ReadFile("later.html")
	require.NoError(t, err, "a link stays a link")
	assert.Equal(t, "new", string(text))
	require.NoError(t, replaceFile(t.Context(), strings.Repeat("x", 250), []byte("new")), "a name may be as long as the file system allows")
	assert.EqualError(t, replaceFile(t.Context(), filepath.Join("none", "page.html"), nil),
		filepath.Join("none", "page.html")+": no such file or directory; want a file in a folder that exists and can be written to")
}

// The page does not replace the file that standard input comes from.
func TestReportOverItsInput(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("bench.txt", []byte(twoRows), 0o666))
	in, err := os.Open("bench.txt")
	require.NoError(t, err)
	stdin := os.Stdin
	os.Stdin = in
	t.Cleanup(func() { os.Stdin = stdin; _ = in.Close() })
	status, _, stderr := boundaries(t, "report", "-o", "bench.txt", "-")
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "-o bench.txt would replace the benchmark output")
	text, err := os.ReadFile("bench.txt")
	require.NoError(t, err)
	assert.Equal(t, twoRows, string(text))
}

// A comma in the name of a file does not make it two.
func TestNameWithAComma(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("a, b.txt", []byte(twoRows), 0o666))
	_, stdout, _ := boundaries(t, "scaling", "-format", "json", "a, b.txt")
	assert.Contains(t, strings.Join(strings.Fields(stdout), " "), `"files": [ "a, b.txt" ]`)
}

// With -svg alone there is no page.
func TestReportOfChartsAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	status, stdout, stderr := inFiles(t, []string{twoRows}, "report", "-svg", "charts")
	require.Zero(t, status, stderr)
	assert.Equal(t, "charts: 3 charts\n", stdout)
	assert.NoFileExists(t, "report.html")
	_, stdout, _ = inFiles(t, []string{twoRows}, "report", "-o", "-", "-svg", "charts")
	assert.Regexp(t, `</html>\s*$`, stdout, "a page on standard output has nothing behind it")
}

// The page has the claims of each machine, and none for other benchmarks.
func TestReportVerbHasClaims(t *testing.T) {
	page := func(texts ...string) string {
		name := filepath.Join(t.TempDir(), "r.html")
		status, _, stderr := inFiles(t, texts, "report", "-o", name)
		require.Equal(t, 0, status, stderr)
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	const c12 = `<th scope="row">C12`
	machine := bench("CountdownBoxed/system=free-threading 9 127 ns/op") + bench("CountdownBoxed/system=plain 9 19 ns/op")
	alone := page(machine)
	assert.Contains(t, alone, c12+`</th><td class="wide">without the GIL a loop needs 6.7 times as long`)
	assert.Contains(t, alone, `<td class="wide">6.68 [6.68, 6.68]</td><td>reproduced</td>`)
	two := page(machine, strings.ReplaceAll(machine, "amd64", "arm64"))
	assert.Contains(t, two, c12+" M1<")
	assert.Contains(t, two, c12+" M2<")
	assert.NotContains(t, page(bench("Sort/size=10 9 10 ns/op")), "C12")
	second := page(strings.ReplaceAll(bench("Sort/size=10 9 10 ns/op"), "amd64", "arm64"), machine)
	assert.Contains(t, second, c12+" M2<", "the first has no row that a claim needs")
	assert.NotContains(t, second, c12+" M1<")
}

// README's picture and the page of its rows are what report makes of them.
func TestCommittedPage(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	dir := t.TempDir()
	page := filepath.Join(dir, "report.html")
	rows := []string{"docs/results/epyc-2-go.txt", "docs/results/epyc-2-python.txt"}
	var stdout, stderr bytes.Buffer
	require.Zero(t, statusOf(t.Context(), append([]string{"report", "-o", page, "-svg", dir}, rows...), &stdout, &stderr), stderr.String())
	for _, name := range []string{"report.html", "loop-wall.svg"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join("docs", "results", name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "docs/results/%s is not what its rows make: go tool boundaries report -o docs/results/report.html -svg DIR %s, and copy DIR/loop-wall.svg", name, strings.Join(rows, " "))
	}
}

// docs/which.md is what "boundaries map -format which" makes of the committed rows, and
// README has its answers.
func TestWhichPage(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", "docs"))
	var stdout, stderr bytes.Buffer
	require.Zero(t, statusOf(t.Context(), []string{"map", "-format", "which", "results/lab.txt"}, &stdout, &stderr), stderr.String())
	page, err := os.ReadFile("which.md")
	require.NoError(t, err)
	require.True(t, stdout.String() == string(page), `docs/which.md is not what its rows and the lab's variants make: in docs, run go tool boundaries map -format which results/lab.txt > which.md`)
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	answers, _, _ := strings.Cut(string(page), "## ")
	for line := range strings.Lines(answers) {
		if strings.HasPrefix(line, "|") || strings.HasPrefix(line, "**Start with") {
			require.Contains(t, string(readme), strings.ReplaceAll(line, "](results/", "](docs/results/"))
		}
	}
}

// The time of a table grows with its rows, and not with their square.
func TestTableOfManyRows(t *testing.T) {
	suitetest.Guard(t, "a table measures all its names for each row")
	var results strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&results, "BenchmarkMany/sync=v%d 1 1 ns/op\n", i)
	}
	status, stdout, stderr := inFiles(t, []string{results.String()}, "table")
	require.Zero(t, status, stderr)
	require.Contains(t, stdout, "  v49999  ")
}
