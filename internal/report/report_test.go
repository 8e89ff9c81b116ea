package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"boundaries/internal/benchfile"
	"boundaries/internal/chart"
	"boundaries/internal/claims"
	"boundaries/internal/scaling"
	"boundaries/internal/stats"
	"boundaries/internal/suite/suitetest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The code under test has one goroutine, so one value of -cpu is enough.
func TestMain(m *testing.M) { suitetest.RunOnce(suitetest.Watched{M: m}) }

// suite returns the output of some rounds of the rows that the findings and the graphs
// are made of, on a machine with numcpu processors.
func suite(seed uint64, numcpu, rounds int, host string) string {
	random := rand.New(rand.NewPCG(seed, 1))
	var text strings.Builder
	fmt.Fprintf(&text, "numcpu: %d\n# host: %s\n# command: go test -bench . -count %d\n# kernel: 6.18\n", numcpu, host, rounds)
	text.WriteString("goos: linux\ngoarch: amd64\npkg: boundaries\ncpu: AMD EPYC\n")
	for range rounds {
		for _, n := range []float64{1, 2, 4} {
			for _, r := range []struct {
				name      string
				wall, cpu float64
			}{
				{"Loop/sync=serial", 0.25, 0.25},
				{"Loop/sync=global-mutex", 10 + n, 10 * n},
				{"Loop/sync=atomic", 4 + n, 5 * n},
				{"Loop/sync=lock-free", 6 / n, 6},
				{"FibBoxed/system=gil", 100, 100},
				{"FibBoxed/system=gilectomy", 150 + 50*n, 200 * n},
				{"FibBoxed/system=nogil", 115 / n, 115},
				{"FibBoxed/system=nogil/without=immortal", 115 + n, 115 * n},
			} {
				noise := math.Exp(0.0003 * random.NormFloat64())
				fmt.Fprintf(&text, "Benchmark%s%s 100 %.5g ns/op %.5g user+sys-ns/op\n", r.name,
					map[float64]string{1: "", 2: "-2", 4: "-4"}[n], r.wall*noise, r.cpu*noise)
			}
		}
	}
	text.WriteString("# disturbed: Loop/sync=atomic-2 1.30 times (a processor 1.28 times)\n")
	return text.String()
}

func read(t *testing.T, texts ...string) []*benchfile.File {
	t.Helper()
	var files []*benchfile.File
	for i, text := range texts {
		f, err := benchfile.ReadFrom(strings.NewReader(text), fmt.Sprintf("%d.txt", i+1))
		require.NoError(t, err)
		files = append(files, f)
	}
	return files
}

// A node is an element of the page.
type node struct {
	name string
	attr map[string]string
	text string // all below it
	sub  []*node
}

func (n *node) all(name string) (found []*node) {
	for _, s := range n.sub {
		if s.name == name {
			found = append(found, s)
		}
		found = append(found, s.all(name)...)
	}
	return found
}

// parse reads the page. It is stricter than a browser, except for elements that HTML
// does not close.
func parse(t *testing.T, page []byte) *node {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict = false
	d.AutoClose = []string{"meta", "link"}
	d.Entity = xml.HTMLEntity
	root := &node{}
	stack := []*node{root}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			require.Len(t, stack, 1, "an element is not closed")
			return root
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				n.attr[a.Name.Local] = a.Value
			}
			top := stack[len(stack)-1]
			top.sub = append(top.sub, n)
			stack = append(stack, n)
		case xml.EndElement:
			require.Equal(t, stack[len(stack)-1].name, token.Name.Local)
			stack = stack[:len(stack)-1]
		case xml.CharData:
			for _, n := range stack {
				n.text += string(token)
			}
		}
	}
}

func render(t *testing.T, files []*benchfile.File, lines []claims.Line) (*node, string) {
	t.Helper()
	page, err := Page(files, lines)
	require.NoError(t, err)
	again, err := Page(files, lines)
	require.NoError(t, err)
	assert.Equal(t, page, again, "the same files make the same bytes")
	return parse(t, page), string(page)
}

func TestPage(t *testing.T) {
	files := read(t, suite(1, 2, 10, "a"), "numcpu: 2\nBenchmarkPyFib/system=cpython-3.13.0-gil 1 600 ns/op\nBenchmarkPyFib/system=cpython-3.13.0-gil-2 1 610 ns/op NaN x/op\n")
	root, text := render(t, files, []claims.Line{{ID: "C19", Where: "graph 4.4.1", Says: "twice the wall time", Article: "2", Here: "2.50 [2.49, 2.51]", Verdict: "reproduced in direction"}})
	for _, want := range []string{
		"44.0 times", "the time, if the smallest step takes a lock that no other goroutine wants (",
		"0.83 times", "the speed of one proc, if 2 procs add to one shared word (0.83 to 0.83). A step then uses 2.00 times the processor time",
		"With a word for each proc they reach 2.00 times the speed",
		"1.74 times", "the speed of the GIL, if 2 threads compute under nogil, which has no lock (1.74 to 1.74). A single thread takes 1.15 times as long there (1.15 to 1.15)",
		"With 2 threads gil takes 2.00 times as long as with 1, gilectomy 2.50 times.", "With 2 threads gil uses 2.00 times the processor time of 1, gilectomy 4.00 times.",
		"With 2 threads nogil is 1.74 times as fast as the GIL, and with 1 it is 0.87 times as fast.",
		"Graph 4.4.1", "Graph 4.4.2", "Graph 4.5.1", "Graph 4.5.2", "Your interpreters", "cpython-3.13.0-gil",
		"At 2 procs, lock-free has the highest speed-up: 2.00", "2.txt:3: BenchmarkPyFib/system=cpython-3.13.0-gil-2 has NaN x/op, want a finite number",
		"nogil without immortal", "go test -bench . -count 10", "6.18", "1.txt, 2.txt", "Loop/sync=atomic-2", "1.30",
		"C19", "reproduced in direction", "linux/amd64, a, AMD EPYC, 2 processors",
		"Amdahl&#39;s law needs 4 columns that are not oversubscribed, and there are 2",
	} {
		assert.True(t, strings.Contains(text, want), want)
	}
	// A fib(15) for each of 4 threads is 4 times what a step takes.
	for _, f := range root.all("figure") {
		if strings.Contains(f.text, "Loop: wall time of a step, medians") {
			assert.Contains(t, f.text, "4*", "the oversubscribed column")
			assert.Equal(t, 1, strings.Count(f.text, " ~"), "the disturbed figure")
		}
		if strings.Contains(f.text, "Graph 4.4.1: ") {
			assert.Contains(t, f.text, "400 ns")
			assert.Contains(t, f.text, "oversubscribed", "the shaded columns")
			assert.Regexp(t, `1\.40 µs ± \d% \*`, f.text, "gilectomy, oversubscribed")
		}
		if strings.Contains(f.text, "Graph 4.5.1: ") {
			assert.Contains(t, f.text, "nogil")
			assert.NotContains(t, f.text, "gilectomy")
		}
	}
}

// The page works with a screen reader, and needs no other file.
func TestStructure(t *testing.T) {
	for _, files := range [][]*benchfile.File{
		read(t, suite(1, 2, 10, "a")),
		read(t, suite(1, 2, 10, "a"), suite(2, 4, 6, "b"), suite(3, 8, 1, "c")),
		read(t, "BenchmarkX 1 2 ns/op\n"),
		read(t, "BenchmarkX-4 1 0 ns/op 3 x/op\n"),
		read(t, "# host: a\nBenchmarkX/sync=a 1 4 ns/op\nBenchmarkX/sync=a-2 1 2 ns/op\nBenchmarkX/sync=b-2 1 2 ns/op 3 x/op\nBenchmarkX/sync=b-4 1 2 ns/op\n",
			"# host: b\nBenchmarkX/sync=a 1 4 ns/op\nBenchmarkX/sync=a-4 1 1 ns/op\nBenchmarkX/sync=a-8 1 1 ns/op\n"),
	} {
		root, text := render(t, files, []claims.Line{{ID: "C1"}})
		assert.NotRegexp(t, `<script|@import|url\(|src=|https?://`, strings.ReplaceAll(text, "http://www.w3.org/2000/svg", ""))
		ids := map[string]bool{}
		var walk func(n *node)
		heading := 0
		walk = func(n *node) {
			if id := n.attr["id"]; id != "" {
				assert.False(t, ids[id], "the id %s is there twice", id)
				ids[id] = true
			}
			if regexp.MustCompile(`^h[1-6]$`).MatchString(n.name) {
				level := int(n.name[1] - '0')
				assert.LessOrEqual(t, level, heading+1, n.text)
				heading = level
			}
			for _, s := range n.sub {
				walk(s)
			}
		}
		walk(root)
		for _, a := range root.all("a") {
			assert.True(t, ids[strings.TrimPrefix(a.attr["href"], "#")], a.attr["href"])
		}
		for _, th := range root.all("th") {
			assert.Contains(t, []string{"col", "row"}, th.attr["scope"])
		}
		for _, table := range root.all("table") {
			head := len(table.all("thead")[0].all("th"))
			for _, tr := range table.all("tr") {
				assert.Len(t, append(tr.all("th"), tr.all("td")...), head, "a value stands below another head: %s", tr.text)
			}
		}
		for _, f := range root.all("figure") {
			assert.Len(t, f.all("svg"), 1)
			assert.NotEmpty(t, f.all("table"), "the figures of a chart stand below it")
			assert.NotEmpty(t, strings.TrimSpace(f.all("figcaption")[0].text))
			assert.Equal(t, strings.TrimSpace(f.all("figcaption")[0].text), strings.TrimSpace(f.all("desc")[0].text), "what one sees is what one hears")
		}
		assert.Equal(t, "en", root.all("html")[0].attr["lang"])
		assert.NotContains(t, text, "NaN")
		assert.NotContains(t, text, "ZgotmplZ")
	}
}

func TestSeveralMachines(t *testing.T) {
	files := read(t, suite(1, 2, 10, "a"), suite(2, 4, 6, "b"))
	root, text := render(t, files, nil)
	for _, want := range []string{"gil, M1", "gil, M2", "M1, a", "M2, b", "Machines side by side", "up to 10 rounds each, on 2 machines",
		"With 2 threads gil on M1 takes 2.00 times as long as with 1, gilectomy on M1 2.50 times. With 4 threads gil on M2 takes 4.00 times as long as with 1"} {
		assert.True(t, strings.Contains(text, want), want)
	}
	charts := 0
	for _, f := range root.all("figure") {
		if variant, _, ok := strings.Cut(f.text, ": "); ok && (strings.HasSuffix(variant, "Loop lock-free") || strings.HasSuffix(variant, "Loop atomic")) {
			charts++
			assert.Contains(t, f.text, "M1, a")
			assert.Contains(t, f.text, "M2, b")
			if strings.HasSuffix(variant, "lock-free") {
				assert.Contains(t, f.text, "Speed-up is 2.00 at 2 procs on M1, 4.00 at 4 procs on M2.")
				assert.Equal(t, 1, strings.Count(f.text, " *"), "M1 has 2 processors")
			}
			assert.Equal(t, strings.HasSuffix(variant, "atomic"), strings.Contains(f.text, " ~"), "the disturbed row")
		}
	}
	assert.Equal(t, 2, charts, "a series a machine")
	for _, f := range root.all("figure") {
		if strings.Contains(f.text, "Graph 4.4.1: ") {
			assert.NotContains(t, f.text, "oversubscribed", "on one machine of two")
		}
	}
}

// A row without its figure at one proc has no speed-up, and so no line beside another machine's.
func TestSeveralMachinesWithoutOneProc(t *testing.T) {
	one := regexp.MustCompile(`(?m)^BenchmarkLoop/sync=atomic[ \t].*\n`)
	b := suite(2, 2, 6, "b")
	require.Regexp(t, one, b)
	root, _ := render(t, read(t, suite(1, 2, 10, "a"), one.ReplaceAllString(b, "")), nil)
	side := 0
	for _, f := range root.all("figure") {
		variant, _, _ := strings.Cut(f.text, ": ")
		if strings.Contains(f.text, "M1, a") && strings.Contains(f.text, "M2, b") && strings.HasSuffix(variant, "Loop lock-free") {
			side++
		}
		require.False(t, strings.HasSuffix(variant, "Loop atomic"), f.text)
	}
	require.Equal(t, 1, side)
}

// A machine stands in the sentence with the last column in which it has a speed-up.
func TestSeveralMachinesOfOtherColumns(t *testing.T) {
	four := regexp.MustCompile(`(?m)^BenchmarkLoop/sync=atomic-4[ \t].*\n`)
	b := suite(2, 4, 6, "b")
	require.Regexp(t, four, b)
	_, text := render(t, read(t, suite(1, 2, 10, "a"), four.ReplaceAllString(b, "")), nil)
	require.Contains(t, text, "Speed-up is 0.83 at 2 procs on M1, 0.83 at 2 procs on M2.")
}

// Machines with one column each have no speed-ups to compare.
func TestSeveralMachinesOfOneColumn(t *testing.T) {
	more := regexp.MustCompile(`(?m)^Benchmark\S+-[24] .*\n`)
	_, text := render(t, read(t, more.ReplaceAllString(suite(1, 2, 10, "a"), ""), more.ReplaceAllString(suite(2, 4, 6, "b"), "")), nil)
	require.Contains(t, text, "on 2 machines")
	require.NotContains(t, text, "Machines side by side")
}

// A finding leaves out the processor time if one of its two figures is missing.
func TestFindingWithoutProcessorTime(t *testing.T) {
	const says = "A step then uses"
	for _, row := range []string{"", "-2", "-4"} {
		cpu := regexp.MustCompile(`(?m)^(BenchmarkLoop/sync=atomic` + row + `[ \t].*ns/op.*?)[ \t]\S+ user\+sys-ns/op`)
		b := suite(1, 4, 10, "a")
		require.Regexp(t, cpu, b)
		_, text := render(t, read(t, cpu.ReplaceAllString(b, "$1")), nil)
		require.Equal(t, row == "-2", strings.Contains(text, says), row)
	}
}

// Ids are unique, not empty, and short, because they are also the names of files.
func TestIDs(t *testing.T) {
	_, page := render(t, read(t, "BenchmarkMeasured/sync=a 1 2 ns/op\nBenchmarkWorkloads/sync=a 1 2 ns/op\n"), nil)
	for _, id := range []string{"measured", "measured-2", "workloads", "workloads-2"} {
		require.Equal(t, 1, strings.Count(page, `id="`+id+`"`), id)
	}
	d := pageData{ids: map[string]bool{}}
	require.Equal(t, []string{"a-b", "a-b-2", "chart", "chart-2"}, []string{d.id("A b"), d.id("a/B "), d.id(""), d.id("é")})
	require.Len(t, d.id(strings.Repeat("x", 300)), 60)
}

// The page has a table for each other unit, with what the table verb says of it.
func TestOtherUnits(t *testing.T) {
	text := "goos: linux\ngoarch: amd64\npkg: p\n"
	for _, p99 := range []float64{5, 6, 7, 8, 9, 6} {
		text += fmt.Sprintf("BenchmarkX/sync=a 1 2 ns/op %v p99-ns 0 B/op\nBenchmarkX/sync=b 1 3 ns/op 1 allocs/op\nBenchmarkX/sync=a-2 1 1 ns/op\n", p99)
	}
	root, page := render(t, read(t, text+"# disturbed: X/sync=a 1.50 times\n# disturbed: X/sync=a-2 1.50 times\n"), nil)
	cells := map[string][]string{}
	for _, table := range root.all("table") {
		for _, row := range table.all("tr") {
			if head, values := row.all("th"), row.all("td"); len(head) == 1 && len(values) == 2 {
				cells[head[0].text] = append(cells[head[0].text], values[0].text+"|"+values[1].text)
			}
		}
	}
	require.Contains(t, page, "X: p99-sec, medians")
	require.Contains(t, cells["a"], "6.50 ns ± 38% ~|")
	require.Contains(t, cells["a"], "0.00 B ~|")
	require.Contains(t, cells["b"], "1 ± 0%|")
	require.NotContains(t, cells["b"], "|", "a row without a unit is not in its table")
}

// What is to be known of each machine is on the page, and not of one alone.
func TestFactsOfEachMachine(t *testing.T) {
	text := func(host string) string {
		return "# host: " + host + "\n# plan: -bench \".\" -cpu 1 -benchtime 200ms -seed 1 .\nBenchmarkX/sync=" + host + " 1 5 ns/op\nport: " + host + "\n# disturbed: X/sync=" + host + " 1.50 times (x)\n"
	}
	_, page := render(t, read(t, text("one"), text("two")), nil)
	for _, want := range []string{"1.txt: the run is not complete", "2.txt: the run is not complete", "1.txt:4: port: one", "2.txt:4: port: two", "X/sync=one", "X/sync=two"} {
		assert.True(t, strings.Contains(page, want), want)
	}
}

// Each figure of the table of speed-ups stands at its own name, and each law is the row's.
func TestSpeedUpTable(t *testing.T) {
	_, page := render(t, read(t, "BenchmarkX/sync=a 1 100 ns/op 100 user+sys-ns/op\nBenchmarkX/sync=a-2 1 80 ns/op 160 user+sys-ns/op\n# disturbed: X/sync=a-2 1.50 times (x)\n"+
		"goos: linux\ngoarch: amd64\npkg: q\nBenchmarkX/sync=a-2 1 80 ns/op\n# disturbed: X/sync=a-2 1.70 times (x)\n"), nil)
	assert.Contains(t, page, `<th scope="row">q X/sync=a-2</th><td>1</td><td>1.70</td>`)
	assert.Contains(t, page, `<td class="disturbed">1.25 ~<small>efficiency 0.62, cpu 1.60</small></td>`)
	assert.Equal(t, 1, strings.Count(page, `<td class="disturbed">1.25 ~</td>`), "below the chart")
	assert.Contains(t, page, `<td>1.00<small>efficiency 1.00, cpu 1.00</small></td>`)
	assert.Contains(t, page, `<th scope="col">sync</th><th scope="col">1</th>`)

	var text strings.Builder
	for round := range 7 {
		for _, n := range []float64{2, 4, 8, 16, 32, 1} {
			wall := 10 * (1 + 0.05*(n-1) + 0.002*n*(n-1)) / n * (1 + 0.005*float64((5*round+int(n))%7-3))
			fmt.Fprintf(&text, "BenchmarkX/sync=a%s 1 %v ns/op\n", strings.TrimSuffix(fmt.Sprint("-", n), "-1"), wall)
		}
	}
	_, page = render(t, read(t, "numcpu: 32\n"+text.String()), nil)
	assert.Contains(t, page, "a, Amdahl&#39;s law: no fit: Amdahl&#39;s law is off by ")
	assert.Contains(t, page, "a, USL: serial share 0.0")
}

// An interpreter has its processor time beside its wall time.
func TestInterpreters(t *testing.T) {
	root, _ := render(t, read(t, "BenchmarkPyFib/system=x 1 611 ns/op 777 user+sys-ns/op\n"), nil)
	for i, f := range root.all("figure")[:2] {
		assert.Contains(t, f.text, []string{"611 ns", "777 ns"}[i])
		assert.NotContains(t, f.text, []string{"777 ns", "611 ns"}[i])
		assert.Contains(t, f.text, []string{"x takes 611 ns", "x uses 777 ns"}[i])
	}
}

// A graph has a point for each figure and no other, and is of both systems. Its axis is that of
// logarithms if the largest time is more than 30 times the smallest.
func TestGraphs(t *testing.T) {
	const gil = "BenchmarkFibBoxed/system=gil 1 100 ns/op\nBenchmarkFibBoxed/system=gil-2 1 90 ns/op\n"
	for text, linear := range map[string]bool{
		gil + "BenchmarkFibBoxed/system=gilectomy 1 3000 ns/op\nBenchmarkFibBoxed/system=gilectomy-2 1 0 ns/op\n": true,
		gil + "BenchmarkFibBoxed/system=gilectomy 1 3001 ns/op\n":                                                 false,
	} {
		root, page := render(t, read(t, text), nil)
		for _, absent := range []string{"Graph 4.4.2", "Graph 4.5.1", "Graph 4.5.2"} {
			require.NotContains(t, page, absent)
		}
		graph := root.all("figure")[0]
		require.Contains(t, graph.text, "Graph 4.4.1")
		require.Equal(t, linear, strings.Contains(graph.text, "0 s"), text)
		require.Len(t, graph.all("td"), 4)
		marks := 0
		for _, path := range graph.all("path") {
			if path.attr["class"] == "mark" {
				marks++
			}
		}
		require.Equal(t, 3+2, marks, "with those of the legend")
	}
	root, _ := render(t, read(t, suite(1, 2, 10, "a")), nil)
	require.Contains(t, root.all("figure")[3].text, "Graph 4.5.2")
	require.Regexp(t, `gil / nogil\s*0\.\d\d \[0\.\d\d, 0\.\d\d\]`, root.all("figure")[3].text)
}

// Without a time at one proc there is no speed-up, and this is the reason that the page gives.
func TestNoSpeedUp(t *testing.T) {
	_, page := render(t, read(t, "BenchmarkX/sync=a 1 5 widgets/op\n"), nil)
	require.Contains(t, page, "No row has a usable time at one proc, so there is no speed-up.")
	require.NotContains(t, page, "No law of scaling")
}

// A machine is compared with itself.
func TestRatiosOfEachMachine(t *testing.T) {
	text := func(host string, nogil int) string {
		return fmt.Sprintf("# host: %s\nBenchmarkFibBoxed/system=gil 1 100 ns/op\nBenchmarkFibBoxed/system=nogil 1 %d ns/op\n", host, nogil)
	}
	root, _ := render(t, read(t, text("a", 50), text("b", 25)), nil)
	for _, f := range root.all("figure") {
		if strings.Contains(f.text, "Graph 4.5.2: ") {
			assert.Contains(t, f.text, "nogil is 2.00 times as fast as the GIL on M1. With one thread nogil is 4.00 times as fast as the GIL on M2.")
			assert.Contains(t, f.text, "1: no difference")
			return
		}
	}
	t.Error("there is no graph")
}

// The findings are of the most procs, in whatever order they were measured.
func TestMostProcs(t *testing.T) {
	const rows = "Loop/sync=lock-free%s 1 5 ns/op\nBenchmarkLoop/sync=atomic%[1]s 1 6 ns/op\n"
	text := "numcpu: 4\n"
	for _, procs := range []string{"", "-8", "-4", "-2"} {
		text += fmt.Sprintf("Benchmark"+rows, procs)
	}
	_, page := render(t, read(t, text), nil)
	assert.Contains(t, page, "if 4 procs add to one shared word")
	_, page = render(t, read(t, fmt.Sprintf("Benchmark"+rows, "")), nil)
	assert.NotContains(t, page, "add to one shared word", "one proc shares nothing")
}

// The text of a file remains text on the page.
func TestHostileFile(t *testing.T) {
	evil := `</title><script>alert(1)</script><img/src=x/onerror=alert(2)>"'` + "\u202e`{{.}}"
	lines := ""
	for range 6 {
		for _, n := range []string{"", "-2"} {
			lines += "BenchmarkLoop/sync=" + strings.ReplaceAll(evil, "/", "∕") + n + " 1 2 ns/op 3 user+sys-ns/op\n" +
				"Benchmark" + evil + n + " 1 2 ns/op\n" + "BenchmarkFibBoxed/system=gil" + n + " 1 2 ns/op\n" + "BenchmarkFibBoxed/system=nogil" + n + " 1 2 ns/op\n"
		}
	}
	text := "numcpu: 2\n# command: " + evil + "\n# host: " + evil + "\ngoos: linux\ngoarch: " + evil + "\npkg: " + evil + "\ncpu: " + evil + "\n" + lines +
		"port: " + evil + "\n# disturbed: " + evil + " 1.2 times\n--- FAIL: " + evil + "\n"
	files := read(t, text)
	files[0].Name = evil
	root, _ := render(t, files, []claims.Line{{ID: evil, Where: evil, Says: evil, Article: evil, Here: evil, Verdict: evil}})
	for _, name := range []string{"script", "img"} {
		assert.Empty(t, root.all(name))
	}
	var walk func(n *node)
	walk = func(n *node) {
		for key := range n.attr {
			assert.False(t, strings.HasPrefix(key, "on"), key)
		}
		for _, s := range n.sub {
			walk(s)
		}
	}
	walk(root)
	assert.Len(t, root.all("title"), 1+len(root.all("svg")))
	for _, c := range Charts(files) {
		assert.Regexp(t, `^[a-z0-9-]+$`, c.Name)
		assert.NoError(t, xml.Unmarshal(c.SVG, new(any)))
		assert.NotContains(t, string(c.SVG), "<script")
	}
}

// Powers of two have a logarithmic axis.
func TestAxes(t *testing.T) {
	for _, test := range []struct {
		procs   []int
		log     bool
		oversub float64
	}{{[]int{1, 2, 4, 8}, true, 4}, {[]int{1, 2, 3}, false, 3}} {
		var c chart.Chart
		var columns []scaling.Column
		for _, n := range test.procs {
			columns = append(columns, scaling.Column{Procs: n, Oversubscribed: n > 2})
		}
		axes(&c, columns)
		assert.Equal(t, test.log, c.LogX)
		assert.Equal(t, test.oversub, c.Oversub)
	}
}

// Too few rounds for an interval draw no band that reaches from 0 to infinity.
func TestPointWithoutAnInterval(t *testing.T) {
	require.Equal(t, chart.Point{X: 2, Y: 3}, toPoint(2, stats.Interval{Low: 0, Center: 3, High: math.Inf(1)}))
	require.Equal(t, chart.Point{X: 2, Y: 3, Low: 1, High: 4}, toPoint(2, stats.Interval{Low: 1, Center: 3, High: 4}))
}

func TestCharts(t *testing.T) {
	files := read(t, suite(1, 2, 10, "a"))
	charts := Charts(files)
	var names []string
	for _, c := range charts {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{"graph-4-4-1", "graph-4-4-2", "graph-4-5-1", "graph-4-5-2",
		"loop-wall", "loop-cpu", "loop-speedup", "fibboxed-wall", "fibboxed-cpu", "fibboxed-speedup"}, names)
	assert.Equal(t, charts, Charts(files))
}

// Files of other benchmarks have findings too.
func TestFindingsOfOthers(t *testing.T) {
	_, page := render(t, read(t, inRounds(6, "A 1 10%d ns/op", "A-4 1 3%d ns/op", "B 1 10%d ns/op", "B-4 1 20%d ns/op")), nil)
	assert.Contains(t, page, "the speed of one proc for A at 4 procs, the most of all rows (")
	assert.Contains(t, page, "the speed of one proc for B at 4 procs, the least of all rows (")
}

// inRounds returns some rounds of the rows, which have the number of the round for %d.
func inRounds(n int, rows ...string) string {
	var text strings.Builder
	text.WriteString("numcpu: 4\npkg: p\n")
	for i := range n {
		for _, row := range rows {
			text.WriteString("Benchmark" + strings.ReplaceAll(row, "%d", fmt.Sprint(i)) + "\n")
		}
	}
	return text.String()
}

// What the page says of a run is of its end, and no longer of an interrupt before.
func TestInterrupted(t *testing.T) {
	const row = "# plan: -bench \".\" -cpu 1 -benchtime 200ms -seed 1 .\nBenchmarkX 1 5 ns/op\n"
	const interrupted, complete = "# interrupted: the rounds are not complete\n", "# complete: 1 rounds, 0 runs repeated\n"
	for text, want := range map[string][3]bool{
		row + interrupted:            {true, false, false},
		row + interrupted + complete: {false, true, false},
		row + complete + row + "BenchmarkY 1 5 ns/op\n" + interrupted: {true, false, false},
	} {
		_, page := render(t, read(t, text), nil)
		assert.Equal(t, want, [3]bool{strings.Contains(page, "1.txt: the run is not complete, so rows can lack rounds."),
			strings.Contains(page, "<dt>complete</dt>"), strings.Contains(page, "interrupted")}, text)
	}
}

// What the page says of the order of rows is no more than their intervals allow.
func TestRanks(t *testing.T) {
	const a, b, a2, b2 = "X/sync=a 1 20%d ns/op", "X/sync=b 1 20%d ns/op", "X/sync=a-2 1 1%d0 ns/op", "X/sync=b-2 1 1%d5 ns/op"
	for name, test := range map[string]struct{ text, wants, nots string }{
		"far apart": {inRounds(7, a, b, a2, "X/sync=b-2 1 5%d0 ns/op"), `
At 2 procs, a takes the least for a step, 130 ns. b takes the most, 530 ns: 4.08 times as much.<
At 2 procs, a has the highest speed-up: 1.56 [1.34, 1.86] times the speed of one. b has the lowest: 0.38 [0.37, 0.40].<
the speed of one proc for X/sync=a at 2 procs, the most of all rows (1.34 to 1.86).<
the speed of one proc for X/sync=b at 2 procs, the least of all rows (0.37 to 0.40).<`,
			"rank|overlap"},
		"overlapping": {inRounds(7, a, b, a2, b2), `
At 2 procs, a takes the least for a step, 130 ns. b takes the most, 135 ns: 1.04 times as much. Their intervals overlap, so nothing ranks them.<
a has the highest speed-up: 1.56 [1.34, 1.86] times the speed of one. b has the lowest: 1.50 [1.30, 1.78]. Their intervals overlap, so nothing ranks them.<
the most of all rows (1.34 to 1.86). Intervals of other rows overlap with this one, so nothing ranks them.<
the least of all rows (1.30 to 1.78). Intervals of other rows overlap with this one, so nothing ranks them.<`,
			"few"},
		"overlapping at both ends": {inRounds(7, a, b, a2, b2, "X/sync=c 1 20%d ns/op", "X/sync=d 1 20%d ns/op", "X/sync=c-2 1 5%d0 ns/op", "X/sync=d-2 1 5%d5 ns/op"), `
d takes the most, 535 ns: 4.12 times as much. The intervals of a and these overlap: b. The intervals of d and these overlap: c.<
d has the lowest: 0.38 [0.36, 0.40]. The intervals of a and these overlap: b. The intervals of d and these overlap: c.<`,
			"few"},
		"few rounds": {inRounds(1, a, b, a2, b2), `
b takes the most, 105 ns: 1.05 times as much. There are too few rounds to rank the rows.<
b has the lowest: 1.90. There are too few rounds to rank the rows.<
the speed of one proc for X/sync=a at 2 procs, the most of all rows. There are too few rounds to rank the rows.<
the speed of one proc for X/sync=b at 2 procs, the least of all rows. There are too few rounds to rank the rows.<`,
			"overlap"},
		"one row of few rounds": {inRounds(7, a, a2) + "BenchmarkX/sync=b-2 1 500 ns/op\n", `
b takes the most, 500 ns: 3.85 times as much. There are too few rounds to rank the rows.<`,
			"overlap"},
		"equal": {inRounds(7, a, b, a2, "X/sync=b-2 1 1%d0 ns/op"), `
At 2 procs, these rows take 130 ns for a step: a, b.<
At 2 procs, these rows reach 1.56 times the speed of one: a, b.<
<b>1.56 times</b> the speed of one proc for each of 2 rows.<`,
			"the most|the least|highest|lowest|rank"},
		"a row without the last column": {inRounds(7, a, b, a2, "X/sync=b-2 1 5%d0 ns/op", "X/sync=c 1 20%d ns/op", "X/sync=c-2 1 0 ns/op"), `
At 2 procs, a has the highest speed-up: 1.56 [1.34, 1.86] times the speed of one. b has the lowest: 0.38 [0.37, 0.40].<`,
			"rank|overlap"},
		"one row": {inRounds(7, a, a2), `
At 2 procs, a takes 130 ns for a step.<
At 2 procs, a reaches 1.56 [1.34, 1.86] times the speed of one.<
<b>1.56 times</b> the speed of one proc for X/sync=a at 2 procs (1.34 to 1.86).<`,
			"the most|the least|highest|lowest|rank"},
		"one row of one round": {inRounds(1, a, a2), `
<p>2 benchmark rows, up to one round each,
<b>2.00 times</b> the speed of one proc for X/sync=a at 2 procs.<`,
			"the most|the least|highest|lowest|rank"},
		"processor time": {inRounds(1, a+" 20%d user+sys-ns/op", b+" 20%d user+sys-ns/op", a2+" 1%d0 user+sys-ns/op", b2+" 1%d5 user+sys-ns/op"), `
At 2 procs, a uses the least for a step, 100 ns. b uses the most, 105 ns: 1.05 times as much. There are too few rounds to rank the rows.<
the processor time of one proc for a step of X/sync=b at 2 procs, the most of all rows. There are too few rounds to rank the rows.<`,
			"overlap"},
		"the rows of the run verb": {strings.Replace(inRounds(7, "Control/at=first 1 2.%d ns/op", "Control/at=first-2 1 1.%d ns/op", "Control/at=last 1 3.%d ns/op", "Control/at=last-2 1 2.%d ns/op"),
			"pkg: p", "goos: linux\ngoarch: amd64\npkg: boundaries/control", 1) + "goos: linux\ngoarch: amd64\npkg: p\n" + strings.Repeat("BenchmarkParse 1 50 ns/op\nBenchmarkParse-2 1 40 ns/op\n", 7), `
<p>2 benchmark rows, up to 7 rounds each,
<b>1.25 times</b> the speed of one proc for Parse at 2 procs (1.25 to 1.25).<
<figcaption>Boundaries run measures these rows itself, at both ends of each round: they show whether the machine became slower or faster.<`,
			"the most|the least|highest|lowest|rank|first takes|(for|of) Control"},
	} {
		_, page := render(t, read(t, test.text), nil)
		for want := range strings.SplitSeq(strings.TrimSpace(test.wants), "\n") {
			assert.True(t, strings.Contains(page, want), "%s: %s", name, want)
		}
		assert.Empty(t, regexp.MustCompile(`>[^<>]*\b(`+test.nots+`)\b[^<>]*<`).FindAllString(page, -1), name)
	}
}

// A fastest row is named with the rows that may be as fast.
func TestExtremesNameTies(t *testing.T) {
	var text strings.Builder
	text.WriteString("numcpu: 1\npkg: p\n")
	for i := range 8 {
		fmt.Fprintf(&text, "BenchmarkX/sync=a 1 %d ns/op\nBenchmarkX/sync=b 1 %d ns/op\nBenchmarkX/sync=c 1 %d ns/op\n", 100+i, 104+2*i, 300+i)
	}
	w := scaling.Workloads(read(t, text.String())[0])[0]
	require.Equal(t, "At one proc, a takes the least for a step, 104 ns. c takes the most, 304 ns: 2.93 times as much. The intervals of a and these overlap: b.",
		extremes(w, scaling.Wall))
	w = scaling.Workloads(read(t, "numcpu: 1\npkg: p\nBenchmarkX/sync=a 1 100 ns/op\nBenchmarkX/sync=b 1 300 ns/op\n")[0])[0]
	require.NotContains(t, extremes(w, scaling.Wall), "overlap", "one value has no interval")
}
