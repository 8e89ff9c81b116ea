package gate

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/benchfile"
	"boundaries/internal/stats"
)

// report returns a report that has something of everything.
func report(t *testing.T) *Report {
	d := &Data{}
	noisy := []float64{100, 110, 92, 105, 90, 108, 96, 103, 112, 94}
	add(t, d, Base, "Slow/n=1|2", "ns/op", steady...)
	add(t, d, Head, "Slow/n=1|2", "ns/op", slow...)
	add(t, d, Base, "Fast-4", "ns/op", slow...)
	add(t, d, Head, "Fast-4", "ns/op", steady...)
	add(t, d, Base, "Noisy", "ns/op", noisy...)
	add(t, d, Head, "Noisy", "ns/op", noisy...)
	add(t, d, Base, "Same", "ns/op", steady...)
	add(t, d, Head, "Same", "ns/op", steady...)
	add(t, d, Base, "Fresh", "allocs/op", repeated(0)...)
	add(t, d, Head, "Fresh", "allocs/op", repeated(3)...)
	add(t, d, Base, "Rate", "hit-rate", steady...)
	add(t, d, Head, "Rate", "hit-rate", slow...)
	add(t, d, Base, "Below", "delta", repeated(-1)...)
	add(t, d, Head, "Below", "delta", repeated(1)...)
	add(t, d, Base, "Same", "p99-ns", 1)
	add(t, d, Base, "Old", "ns/op", 1)
	add(t, d, Head, "New", "ns/op", 1)
	return &Report{
		Decision: Default.Decide(d, d), Base: "base: 1234567", Head: "head: 89abcde", Machine: "a <machine>", Command: "boundaries compare main",
		Rounds: 10, Seeds: "-seed 7", Notes: []string{"a note"}, Unreached: []string{"./far_off"},
	}
}

const summary = "2 rows of 7 have a confirmed regression; 1 with a gain; 1 changed in a unit that does not say what is better; 1 undecided, which -rounds "

// No name of a file and no note controls the terminal.
func TestPrintable(t *testing.T) {
	r := report(t)
	r.Base, r.Notes = "base: a\x1b[31m.txt", []string{"b\u009b31m"}
	for _, text := range []string{r.Text(), r.Markdown()} {
		require.Contains(t, text, `base: a\x1b`)
		require.NotContains(t, text, "\x1b")
		require.NotContains(t, text, "\u009b")
	}
}

func TestText(t *testing.T) {
	text := report(t).Text()
	require.Regexp(t, `^base: 1234567
head: 89abcde
machine: a <machine>
10 rounds of 7 rows; 4 values looked different, and their rows were measured again
threshold: 5 %
noise floor: .*
repeat: boundaries compare main
seeds: -seed 7

Regressions
  Slow/n=1\|2  sec/op     100\.0n  120\.1n  \+20\.0 % \[\+19\.\d %, \+20\.\d %\]  p=1\.1e-05 \(Holm .*\)  would see .* %
  Fresh       allocs/op   0\.000   3\.000  ∞ .*

Gains
  Fast-4  sec/op  120\.1n  100\.0n  -16\.7 % .*

Changed, in a unit that does not say what is better .*
  Rate .*

Undecided: noise hides a change as large as the threshold, or the change is close to it
  Noisy .* needs \d+ rounds

Unchanged
  Same .*

Not judged
  Below .*a value is below 0 .*

Only in base
  Old
  the unit p99-sec

Only in head
  New

Changed packages that no benchmark reaches
  ./far_off

Notes
  a note

`+summary+`\d+ would probably decide; 1 not judged
$`, text)
}

// A row that has lost its last allocation has no value below 0.
func TestChangeToZero(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "Gone", "allocs/op", repeated(1)...)
	add(t, d, Head, "Gone", "allocs/op", repeated(0)...)
	require.Regexp(t, `Gone +allocs/op +1\.000 +0\.000 +-100\.0 % +p=`, (&Report{Decision: Default.Partial(d)}).Text())
}

func TestMarkdown(t *testing.T) {
	text := report(t).Markdown()
	require.True(t, strings.HasPrefix(text, "### Benchmarks: "+summary), text)
	regressions, gains, folded := strings.Index(text, "**Regressions**"), strings.Index(text, "**Gains**"), strings.Index(text, "<details>")
	require.True(t, 0 < regressions && regressions < gains && gains < folded, text)
	require.Equal(t, strings.Count(text, "<details>"), strings.Count(text, "</details>"))
	require.Contains(t, text, "<summary>Not judged (1)</summary>\n\n| row |", "the table is folded")
	require.Contains(t, text, `| Slow/n=1\|2 | sec/op |`)
	require.Contains(t, text, "a &lt;machine&gt;")
	require.Equal(t, "\\_a\\_ \\*b\\* \\`c\\` \\[d](e) &amp;amp; f\\\\\\|g \\~h\\~", escape(`_a_ *b* `+"`c`"+` [d](e) &amp; f\|g ~h~`))
	require.Contains(t, text, "- ./far\\_off\n")
	require.Contains(t, text, "- repeat: boundaries compare main\n")
	for _, list := range []string{"**Changed", "Gains", "Regressions", "Unchanged", "Undecided", "Not judged", "Only in base", "Notes"} {
		require.NotContains(t, (&Report{Decision: &Decision{}}).Markdown(), list, "of an empty section")
	}
	// Each line of a table has as many cells as its head.
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			require.Equal(t, 9, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
		}
	}
}

func TestJSON(t *testing.T) {
	text, err := report(t).JSON()
	require.NoError(t, err)
	var got struct {
		Regressions int
		Results     []struct {
			Name, Unit, Verdict string
			Procs               int
			Ratio, Low          *float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	require.Equal(t, 2, got.Regressions)
	require.Contains(t, strings.Join(strings.Fields(text), ""), `"removed_units":[{"unit":"p99-sec"}]`)
	require.NotContains(t, text, "added_units")
	verdicts := ""
	for _, r := range got.Results {
		verdicts += fmt.Sprintf("%s-%d %s\n", r.Name, r.Procs, r.Verdict)
		none := r.Name == "Fresh" || r.Name == "Below"
		require.Equal(t, none, r.Ratio == nil, "a ratio that is infinite or unknown is null")
		require.False(t, none && r.Low != nil, "it has no bounds")
	}
	require.Equal(t, "Slow/n=1|2-1 regression\nFast-4 gain\nNoisy-1 undecided\nSame-1 unchanged\nFresh-1 regression\nRate-1 changed\nBelow-1 not judged\n", verdicts)
}

// Programs find each fact and each figure under its own name.
func TestJSONFigures(t *testing.T) {
	r := report(t)
	r.Floor = 0.02
	r.Results = []Result{
		{Cell: Cell{Row{"p", "A", 2}, "sec/op"}, Verdict: Undecided, Base: 1, Head: 2, Values: [2]int{10, 11}, Ratio: stats.Interval{Low: 3, Center: 4, High: 5},
			P: 6, Adjusted: 7, Suspect: true, Detectable: 8, Needed: 9},
		{Cell: Cell{Row{"p", "B", 1}, "x/op"}, Verdict: Undecided, Ratio: stats.Interval{Center: 1, High: math.Inf(1)}, Detectable: math.Inf(1), Needed: -1},
		// What the text says of neither stands in no other field.
		{Cell: Cell{Row{"p", "C", 1}, "x/op"}, Verdict: Unjudged, Ratio: stats.Interval{Center: math.NaN()}, P: 1, Suspect: true},
		{Cell: Cell{Row{"p", "C", 1}, "y/op"}, Verdict: Changed, Ratio: stats.Interval{Low: 2, Center: 2, High: 2}, Needed: 9},
	}
	text, err := r.JSON()
	require.NoError(t, err)
	require.JSONEq(t, `{"summary": "no confirmed regression in 7 rows; 1 changed in a unit that does not say what is better; 2 undecided; 1 not judged", "regressions": 0, "undecided": 2,
		"base": "base: 1234567", "head": "head: 89abcde", "machine": "a <machine>", "command": "boundaries compare main", "seeds": "-seed 7",
		"rounds": 10, "alpha": 0.05, "threshold": 0.05, "noise_floor": 0.02,
		"results": [
			{"package": "p", "name": "A", "procs": 2, "unit": "sec/op", "verdict": "undecided", "base": 1, "head": 2, "values": [10, 11],
				"ratio": 4, "low": 3, "high": 5, "p": 6, "holm": 7, "detectable": 8, "rounds_needed": 9},
			{"package": "p", "name": "B", "procs": 1, "unit": "x/op", "verdict": "undecided", "base": 0, "head": 0, "values": [0, 0],
				"ratio": 1, "low": null, "high": null, "p": 0, "holm": null, "detectable": null},
			{"package": "p", "name": "C", "procs": 1, "unit": "x/op", "verdict": "not judged", "base": 0, "head": 0, "values": [0, 0],
				"ratio": null, "low": null, "high": null, "p": 1, "holm": null, "detectable": null},
			{"package": "p", "name": "C", "procs": 1, "unit": "y/op", "verdict": "changed", "base": 0, "head": 0, "values": [0, 0],
				"ratio": 2, "low": 2, "high": 2, "p": 0, "holm": null, "detectable": 0}],
		"removed": [{"package": "p", "name": "Old", "procs": 1}], "removed_units": [{"unit": "p99-sec"}], "added": [{"package": "p", "name": "New", "procs": 1}],
		"unreached": ["./far_off"], "notes": ["a note"]}`, text)
}

// What a line says of a cell.
func TestColumns(t *testing.T) {
	inf := math.Inf(1)
	for _, test := range []struct {
		result         Result
		p, sees, needs string
	}{
		{Result{Verdict: Undecided, Detectable: inf, Needed: -1}, "p=0", "could not see any change", "needs more rounds"},
		{Result{Verdict: Undecided, Detectable: 0.07}, "p=0", "would see 7.0 %", "needs more than 1000 rounds"},
		{Result{Verdict: Undecided, Detectable: 0.07, Needed: 1}, "p=0", "would see 7.0 %", "needs 1 round"},
		{Result{Verdict: Regression, Detectable: inf, Suspect: true, Adjusted: 0.5}, "p=0 (Holm 0.5)", "", ""},
		{Result{Verdict: Unjudged, Detectable: 0.07, Suspect: true, Needed: 5}, "p=0", "", ""},
	} {
		r := test.result
		require.Equal(t, []string{test.p, test.sees, test.needs}, []string{r.p(), r.sees(), r.needs()}, "%+v", r)
	}
}

// What the last line and the first lines say of a comparison that has an end of its own.
func TestOtherSummaries(t *testing.T) {
	undecided := func(needed ...int) *Decision {
		d := &Decision{Rows: []Row{{"p", "A", 1}}}
		for i, n := range needed {
			d.Results = append(d.Results, Result{Cell: Cell{d.Rows[0], fmt.Sprint(i)}, Verdict: Undecided, Needed: n})
		}
		return d
	}
	beside := undecided(5) // the summary names the rounds of the rows that it calls undecided
	beside.Rows = append(beside.Rows, Row{"p", "Slow", 1})
	for i, v := range []Verdict{Regression, Undecided} {
		beside.Results = append(beside.Results, Result{Cell: Cell{beside.Rows[1], fmt.Sprint(i)}, Verdict: v, Needed: 90})
	}
	for want, r := range map[string]*Report{
		"1 row of 2 has a confirmed regression; 1 undecided, which -rounds 5 would probably decide": {Decision: beside},
		"nothing was measured": {Decision: &Decision{}, Equal: "nothing was measured"},
		"nothing could be compared: no row has a unit on both sides (rows only in base: 1, only in head: 2)": {Decision: &Decision{Removed: make([]Row, 1), Added: make([]Row, 2)}},
		"no confirmed regression in 1 row; 1 undecided, which -rounds 7 would probably decide":               {Decision: undecided(5, 7)},
		"no confirmed regression in 1 row; 1 undecided":                                                      {Decision: undecided(5, 0)}, // more than 1000 rounds
	} {
		require.Equal(t, want, r.Summary())
	}
	equal := &Report{Decision: &Decision{}, Base: "base: a", Head: "head: b", Machine: "m", Equal: "nothing was measured"}
	require.Equal(t, "base: a\nhead: b\n\nnothing was measured\n", equal.Text())
	partial := &Report{Decision: undecided(5), Partial: "interrupted"}
	require.True(t, strings.HasPrefix(partial.Text(), "# interrupted\n"), partial.Text())
	for suspects, want := range map[int]string{0: "", 1: "; 1 value looked different, and its row was measured again", 2: "; 2 values looked different, and their rows were measured again"} {
		r := &Report{Decision: undecided(5), Rounds: 3}
		r.Suspects = suspects
		require.Contains(t, r.Text(), "3 rounds of 1 row"+want+"\n")
	}
}

// Undecided rows are counted and never called fine, and a partial result is no verdict.
func TestSummary(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "ns/op", steady[:2]...)
	add(t, d, Head, "X", "ns/op", slow[:2]...)
	r := &Report{Decision: Default.Decide(d, nil)}
	require.Regexp(t, `^no confirmed regression in 1 row; 1 undecided, which -rounds \d+ would probably decide$`, r.Summary())
	// The most rounds decide, wherever they stand. A row with a regression is counted once.
	for i, noise := range []float64{1, 0.7} {
		for j := range 10 {
			v := 100 + noise*float64(7*(7*j%10)) // up to 142
			add(t, d, Base, fmt.Sprint("Noisy", i), "ns/op", v)
			add(t, d, Head, fmt.Sprint("Noisy", i), "ns/op", v)
			add(t, d, Base, "Slow", "x/op", v)
			add(t, d, Head, "Slow", "x/op", v)
		}
	}
	add(t, d, Base, "Slow", "ns/op", steady...)
	add(t, d, Head, "Slow", "ns/op", slow...)
	r = &Report{Decision: Default.Decide(d, d)}
	var needed []int
	for _, u := range r.of(Undecided) {
		needed = append(needed, u.Needed)
	}
	require.Equal(t, fmt.Sprintf("1 row of 4 has a confirmed regression; 3 undecided, which -rounds %d would probably decide", slices.Max(needed)), r.Summary())
	require.NotEqual(t, slices.Max(needed), needed[len(needed)-1])
	for _, below := range []Side{Base, Head} {
		d := &Data{}
		add(t, d, below, "X", "delta", -1)
		add(t, d, 1-below, "X", "delta", 1)
		r := &Report{Decision: Default.Decide(d, nil)}
		require.Equal(t, "nothing could be compared: every unit that both sides have has a value below 0, and so no ratio", r.Summary())
	}
	r = &Report{Decision: Default.Partial(d), Partial: "interrupted after 2 of 10 rounds"}
	require.Equal(t, "partial: interrupted after 2 of 10 rounds; nothing is decided", r.Summary())
	require.NotContains(t, r.Text(), "Unchanged")
	require.Contains(t, r.Markdown(), "nothing is decided")
	r.Partial = "got <nil>"
	require.NotContains(t, r.Markdown(), "<nil>")
}

// A floor that hides the threshold is said to.
func TestFloorText(t *testing.T) {
	for floor, more := range map[float64]bool{0.04: false, 0.06: true} {
		r := &Report{Decision: &Decision{Config: Default, Floor: floor}}
		require.Equal(t, more, strings.HasSuffix(r.floorText(), "; that is more than the threshold"), r.floorText())
	}
}

func TestFiles(t *testing.T) {
	var lines [2][]string
	for i := range 10 {
		lines[0] = append(lines[0], fmt.Sprintf("BenchmarkX-2 1 %v ns/op", steady[i]), fmt.Sprintf("BenchmarkY-2 1 %v ops/s", steady[i]))
		lines[1] = append(lines[1], fmt.Sprintf("BenchmarkX-2 1 %v ns/op", steady[i]), fmt.Sprintf("BenchmarkY-2 1 %v ops/s", slow[i]))
	}
	head := []string{"goos: linux", "goarch: amd64", "pkg: p", "cpu: A"}
	base := parse(t, append(head, lines[0]...)...)
	r := Default.Files(base, parse(t, append(head, lines[1]...)...))
	require.Equal(t, "no confirmed regression in 2 rows; 1 with a gain", r.Summary())
	require.Contains(t, r.Text(), "Holm's correction is over all comparisons (2)")
	require.NotContains(t, r.Text(), "repeat:", "nobody said which command")
	require.Empty(t, r.Notes)
	one, two := parse(t, lines[0][0]), parse(t, "BenchmarkX-2 1 100 ns/op", "BenchmarkX-2 1 110 ns/op")
	require.Regexp(t, `; 1 undecided, which files of -count \d+ would probably decide$`, Default.Files(two, two).Summary())
	unknown := Default.Files(one, one) // one value says nothing about the noise
	require.Equal(t, "no confirmed regression in 1 row; 1 undecided", unknown.Summary())
	require.Contains(t, unknown.Text(), "needs more rounds")
	both := parse(t, "BenchmarkX-2 1 100 ns/op", "BenchmarkX-2 1 140 ns/op", "BenchmarkZ-2 1 100 ns/op")
	require.Equal(t, "no confirmed regression in 2 rows; 2 undecided", Default.Files(both, both).Summary())
	head[3] = "cpu: B"
	r = Default.Files(parse(t, append(head, lines[1]...)...), base)
	require.Equal(t, "1 row of 2 has a confirmed regression", r.Summary())
	require.Contains(t, r.Text(), "these are two machines")
	r = Default.Files(base, parse(t, append(lines[0], "# disturbed: X-2 1.40 times (a neighbor; 3 of 9 runs)", "# disturbed: Y-2 1.20 times (a neighbor)")...))
	require.Contains(t, r.Text(), "test says that 4 of its runs were disturbed")
	r = Default.Files(base, parse(t, append(lines[0], "port: 4711", "BenchmarkZ 1 1 ns/op")...))
	require.Contains(t, r.Text(), "\n  1 lines look like keys but are not, such as test:21: port: 4711\n")
	require.Equal(t, 10, r.Rounds, "the most of all rows")
	head = append([]string{"numcpu: 1"}, head...)
	r = Default.Files(parse(t, append(append(head, lines[1]...), "BenchmarkZ 1 1 ns/op")...), base)
	require.Contains(t, r.Text(), "  test: rows of more than 1 procs are oversubscribed: their workers wait for processors\n")
}

// A comparison of files says which have fewer results than others.
func TestFewerResults(t *testing.T) {
	file := func(name string, lines ...string) *benchfile.File {
		f := parse(t, lines...)
		f.Name = name
		return f
	}
	ten, four := slices.Repeat([]string{"BenchmarkA 1 100 ns/op"}, 10), slices.Repeat([]string{"BenchmarkB 1 100 ns/op"}, 4)
	both := file("both.txt", slices.Concat(ten, four)...)
	require.Equal(t, []string{"both.txt: 1 row with fewer than 10 results, such as B (4)"}, Default.Files(both, file("ten.txt", append(ten[:10:10], "BenchmarkControl/at=first 1 5 ns/op")...)).Notes)
	three := file("three.txt", slices.Concat(ten, four, four[:1], []string{"BenchmarkC 1 100 ns/op"})...)
	require.Equal(t, []string{"three.txt: 2 rows with fewer than 10 results, such as B (5)"}, Default.Files(three, three).Notes[:1])
	r := Default.Files(both, file("four.txt", four...))
	require.Contains(t, r.Notes, "a row has up to 10 results in base and 4 in head")
	require.Equal(t, 10, r.Rounds)
	require.Equal(t, [2]int{4, 4}, r.Results[0].Values)
	below := parse(t, "BenchmarkX 1 100 ns/op -1 gain")
	require.Contains(t, Default.Files(below, below).Text(), "over all comparisons (1)", "of those that are judged")
	unended := file("unended.txt", append([]string{"# plan: a"}, ten...)...)
	require.Equal(t, []string{"unended.txt: the run is not complete, so rows can lack rounds."}, Default.Files(unended, file("ten.txt", ten...)).Notes)
}

// A comparison of files says in what they differ beside the code, and where the code is the same.
func TestOtherSettings(t *testing.T) {
	const run = "# plan: -bench \".\" -cpu 1 -benchtime "
	for _, c := range []struct {
		base, head string
		want       string
	}{
		{"# go: go1.25", "# go: go1.26", "go is go1.25 in base, and go1.26 in head"},
		{"# go: go1.25", "# kernel: 6", ""},
		{"# kernel: 6", "# go: go1.25", ""},
		{run + "1s -seed 1 .", run + "10ms -seed 2 .", "benchtime is 1s in base, and 10ms in head"},
		{run + "1s -seed 1 .", "# benchtime: 1s", ""},
		{run + "1s -seed 1 .", "# benchtime: 100ms, rounds: 20", "benchtime is 1s in base, and 100ms in head"},
		{"# kernel: 6", "# build: -race=true", "build is not set in base, and -race=true in head"},
		{`# environment: GOGC="off"`, "# kernel: 6", `environment is GOGC="off" in base, and not set in head`},
		{`# environment: GOGC="off"`, `# environment: GOGC="off"`, ""},
		{"# binaries: a", "# binaries: a", "both files are of the same test binaries, so no difference is that of the code"},
		{"# binaries: a", "# binaries: b", ""},
		{"# kernel: 6", "# kernel: 6", ""},
	} {
		var notes []string
		for _, n := range Default.Files(parse(t, c.base, "BenchmarkA 1 100 ns/op", "# complete: 1 rounds"), parse(t, c.head, "BenchmarkA 1 100 ns/op", "# complete: 1 rounds")).Notes {
			notes = append(notes, strings.TrimPrefix(n, "the files differ in more than the code: "))
		}
		if c.want == "" {
			require.Empty(t, notes, c.base)
		} else {
			require.Equal(t, []string{c.want}, notes, c.base)
		}
	}
}

// In two files, a number at the end of a few names is not one of procs.
func TestProcsOfFiles(t *testing.T) {
	text := []string{"BenchmarkAES 1 100 ns/op", "BenchmarkAES-128 1 50 ns/op", "BenchmarkX 1 100 ns/op", "BenchmarkY 1 100 ns/op"}
	require.Equal(t, []int{1}, procs(parse(t, text...)))
	text = append(text, "BenchmarkX-2 1 100 ns/op")
	require.Equal(t, []int{1}, procs(parse(t, text...)))
	require.Equal(t, []int{1, 2}, procs(parse(t, append(text, "BenchmarkY-2 1 100 ns/op")...)))
	require.Equal(t, []int{1, 2}, procs(parse(t, "BenchmarkX 1 100 ns/op", "BenchmarkX-2 1 100 ns/op", "BenchmarkY 1 100 ns/op")), "half of them")
	text = append(text, "numcpu: 2")
	require.NotContains(t, Default.Files(parse(t, text...), parse(t, text...)).Text(), "oversubscribed")
	for _, r := range Default.Files(parse(t, text...), parse(t, text...)).Results {
		require.NotEqual(t, speedUp, r.Unit, r.Name)
	}
}

// Files without a common row: which they are, and what to do.
func TestApart(t *testing.T) {
	for _, test := range []struct {
		name       string
		base, head []string
		want       string
	}{
		{"another package", []string{"pkg: p", "A-8"}, []string{"pkg: p/v2", "A-8"}, "A is of package p in the first and of p/v2 in the second; want the same pkg: line if it is one benchmark"},
		{"another -cpu", []string{"pkg: p", "A-8"}, []string{"pkg: p", "A-16"}, "A-8 of the first ran with 8 procs, and A-16 of the second with 16; want the same -cpu for both"},
		{"one proc", []string{"A"}, []string{"A-2"}, "A of the first ran with 1 proc, and A-2 of the second with 2; want the same -cpu for both"},
		{"head lost its pkg lines", []string{"pkg: p", "A-8"}, []string{"A-8"}, "A has no pkg: line in new; want all that go test printed, or no pkg: line in both"},
		{"base lost its pkg lines", []string{"A-8"}, []string{"pkg: p", "A-8"}, "A has no pkg: line in old; want all that go test printed, or no pkg: line in both"},
		{"both", []string{"pkg: p", "A"}, []string{"A-2"}, "A has no pkg: line in new; want all that go test printed, or no pkg: line in both; A of the first ran with 1 proc, and A-2 of the second with 2; want the same -cpu for both"},
		{"of several packages", []string{"pkg: p", "A-8", "pkg: q", "A-8"}, []string{"pkg: r", "A-4", "pkg: q", "A-4"}, "A-8 of the first ran with 8 procs, and A-4 of the second with 4; want the same -cpu for both"},
		{"of several -cpu", []string{"pkg: p", "A-2", "A-4"}, []string{"pkg: q", "A-4", "A-8"}, "A is of package p in the first and of q in the second; want the same pkg: line if it is one benchmark"},
		{"other benchmarks", []string{"A-8", "B"}, []string{"C", "D"}, "they begin with A-8 and C; want two files of the same benchmarks"},
		{"no benchmarks", []string{"pkg: boundaries/control", "Control/at=first"}, []string{"C"}, "old has only the control rows that boundaries run adds; want benchmarks"},
		{"no benchmarks any more", []string{"C"}, []string{"pkg: boundaries/control", "Control/at=first"}, "new has only the control rows that boundaries run adds; want benchmarks"},
	} {
		var files []*benchfile.File
		for _, lines := range [][]string{test.base, test.head} {
			var text []string
			for _, line := range lines {
				if strings.HasPrefix(line, "pkg") {
					text = append(text, "goos: linux", line)
				} else {
					text = append(text, "Benchmark"+line+" 1 1 ns/op")
				}
			}
			files = append(files, parse(t, text...))
		}
		r := Default.Files(files[0], files[1])
		require.Empty(t, r.Rows, test.name)
		require.Equal(t, test.want, r.NoCommonRow("old", "new"), test.name)
	}
}

// The rows that boundaries run adds are of the machine. They say so if it differs, and decide
// nothing.
func TestControlRows(t *testing.T) {
	const slower = "the machine itself was slower in head, and may have changed other rows too: "
	for _, test := range []struct {
		name        string
		pkgs        []string // the pkg lines of the control rows and of the others
		first, last float64  // how many times as long they take in head
		notes       []string
	}{
		{"the same machine", []string{"pkg: boundaries/control", "pkg: p"}, 1, 1, nil},
		{"less than the threshold", []string{"pkg: boundaries/control", "pkg: p"}, 1.02, 0.99, nil},
		{"a slower machine", []string{"pkg: boundaries/control", "pkg: p"}, 1.4, 1.2, []string{slower + "Control/at=first +40.0 %, Control/at=last-2 +20.0 %"}},
		{"without pkg lines", []string{"", ""}, 1.4, 1, []string{slower + "Control/at=first +40.0 %"}},
		{"slower, and then faster", []string{"pkg: boundaries/control", "pkg: p"}, 1.4, 0.75, []string{
			slower + "Control/at=first +40.0 %",
			strings.Replace(slower, "slower", "faster", 1) + "Control/at=last-2 -25.0 %",
		}},
	} {
		file := func(first, last float64) *benchfile.File {
			var lines []string
			for _, v := range steady {
				lines = append(lines, "goos: linux", test.pkgs[0], fmt.Sprintf("BenchmarkControl/at=first 1 %v ns/op", v*first), fmt.Sprintf("BenchmarkControl/at=last-2 1 %v ns/op", v*last))
				lines = append(lines, "goos: linux", test.pkgs[1], fmt.Sprintf("BenchmarkControl/at=will 1 %v ns/op", v), fmt.Sprintf("BenchmarkControl/at=will-2 1 %v ns/op", v))
			}
			return parse(t, lines...)
		}
		r := Default.Files(file(1, 1), file(test.first, test.last))
		require.Equal(t, test.notes, r.Notes, test.name)
		require.Equal(t, "no confirmed regression in 2 rows", r.Summary(), test.name)
		require.Len(t, r.Results, 3, test.name)
		require.Empty(t, slices.Concat(r.Removed, r.Added), test.name)
	}
}

// Values that are so far apart that the noise floor is infinite have a report as well.
func TestJSONOfExtremeValues(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "ns/op", 1e-290, 1e290, 1e-290, 1e290)
	text, err := (&Report{Decision: Default.Decide(d, nil)}).JSON()
	require.NoError(t, err)
	require.Contains(t, text, `"noise_floor": null`)
}

// No value fills the line.
func TestExtremeValues(t *testing.T) {
	for want, v := range map[string]float64{"1e+300": 1e300, "1.000n": 1e-9, "2e-20": 2e-20, "0.000": 0, "-2e+20": -2e20, "1.200k": 1200} {
		require.Equal(t, want, value(v, "sec/op"))
	}
	require.Equal(t, "1.23x", value(1.234, speedUp))
	require.Equal(t, "1e+300", value(1e300, speedUp))
	require.Equal(t, "+1.0e+302 %", percent(1e300))
	require.Equal(t, "+99900.0 %", percent(1000))
}
