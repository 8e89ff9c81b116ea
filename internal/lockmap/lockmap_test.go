package lockmap

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/contention"
	"boundaries/contention/counter"
	"boundaries/internal/benchfile"
	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

var update = flag.Bool("update", false, "write the files of testdata anew")

// output returns the output of some rounds of the rows. A row is a benchmark's name without
// "Contention/", its ns/op, and more metrics. The rounds differ by up to 2 %.
func output(rounds int, rows ...string) []byte {
	var text strings.Builder
	text.WriteString("numcpu: 2\n# go: go1.26.8\n# date: 2026-11-25T18:50:45Z\ngoos: linux\ngoarch: amd64\npkg: boundaries/contention\ncpu: Thing 3000\n")
	for round := range rounds {
		for _, row := range rows {
			var cost float64
			name, more, _ := strings.Cut(row, " ")
			value, more, _ := strings.Cut(more, " ")
			if _, err := fmt.Sscan(value, &cost); err != nil {
				panic(row)
			}
			fmt.Fprintf(&text, "BenchmarkContention/%s\t1000\t%.8g ns/op\t%s\n", name, cost*(1+0.002*float64(7*round%11-5)), more)
		}
	}
	text.WriteString("PASS\nok  \tboundaries/contention\t1.0s\n")
	return []byte(text.String())
}

// rows returns the rows of a case at 2 procs, one for each variant=cost.
func rows(c contention.Case, costs ...string) []string {
	var all []string
	for _, cost := range costs {
		variant, value, _ := strings.Cut(cost, "=")
		all = append(all, fmt.Sprintf("shape=record/%s/sync=%s-2 %s", c, variant, value))
	}
	return all
}

func at(hold time.Duration, read int) contention.Case {
	c := contention.Default
	c.Hold, c.Read = hold, read
	return c
}

func parsed(t *testing.T, name string, data []byte) *benchfile.File {
	t.Helper()
	f, err := benchfile.ReadFrom(bytes.NewReader(data), name)
	require.NoError(t, err)
	return f
}

func read(t *testing.T, data []byte) *Results {
	t.Helper()
	r, err := Read([]*benchfile.File{parsed(t, "docs/results/lab.txt", data)})
	require.NoError(t, err)
	return r
}

// sample has a cell that is decided, one that is not, one that is not measured, and
// one that is measured without the plain mutex.
func sample() []byte {
	return output(6, append(append(append(
		rows(at(0, 0), "gil=1", "global-mutex=20", "rw-mutex=30", "lock-free=40", "private=2"),
		rows(at(0, 95), "global-mutex=40", "rw-mutex=60", "lock-free=10", "atomic=10.05", "private=2")...),
		rows(at(10*time.Microsecond, 0), "global-mutex=10000", "rw-mutex=15000", "lock-free=12000 12000 hold-ns", "private=5000")...),
		rows(at(time.Microsecond, 95), "rw-mutex=1000", "lock-free=500", "private=500")...)...)
}

func maps(r *Results, x, y string) []Map {
	across, _ := DialOf(x)
	down, _ := DialOf(y)
	return r.Maps(across, down, "ns/op")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o666))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func text(t *testing.T, maps []Map) string {
	var b bytes.Buffer
	require.NoError(t, WriteText(&b, maps))
	return b.String()
}

func page(t *testing.T, r *Results) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteWhich(&b, r))
	return b.String()
}

func drawing(t *testing.T, maps []Map) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteSVG(&b, "map", maps))
	return html.UnescapeString(b.String())
}

func TestText(t *testing.T) { golden(t, "map.txt", text(t, maps(read(t, sample()), "read", "hold"))) }

func TestRanking(t *testing.T) {
	data := output(6, rows(at(300, 95), "global-mutex=400 900 read-p99-ns 950 update-p99-ns 2e6 read-max-ns 5e6 update-max-ns",
		"lock-free=100 120 read-p99-ns 4e6 read-max-ns 3e6 update-max-ns", "mine=101 110 read-p99-ns", "private=50", "gil=10")...)
	data = append(data, "# forbids mine: sleeping\n# forbids lock-free: nothing\n"...) // the suite knows its own variants
	golden(t, "ranking.txt", text(t, maps(read(t, data), "read", "hold")))
}

func TestSVG(t *testing.T) {
	var b bytes.Buffer
	m := maps(read(t, sample()), "read", "hold")
	require.NoError(t, WriteSVG(&b, "map", m))
	require.NotContains(t, b.String(), "ZgotmplZ")
	hatched, titles, root := 0, 0, xml.StartElement{}
	decoder := xml.NewDecoder(&b)
	var inDesc bool
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			inDesc = token.Name.Local == "desc"
			switch token.Name.Local {
			case "svg":
				root = token.Copy()
			case "title":
				titles++
			}
			for _, a := range token.Attr {
				if a.Value == "url(#map-hatch)" {
					hatched++
				}
				require.NotEqual(t, "style", a.Name.Local)
			}
		case xml.CharData:
			if inDesc {
				require.Contains(t, string(token), m[0].finding())
				inDesc = false
			}
		}
	}
	require.Equal(t, 1+6, titles, "the drawing and each cell have one")
	require.Equal(t, 1, hatched, "one cell is undecided")
	require.Contains(t, fmt.Sprint(root.Attr), "img")
}

// Each cell of each map stands in its own place, beside its row and below its column, in
// the color of its cheapest variant.
func TestPlacesInTheDrawing(t *testing.T) {
	m := maps(read(t, append(sample(), output(6,
		"shape=counter/"+counter.Default.String()+"/sync=global-mutex-2 5", "shape=counter/"+counter.Default.String()+"/sync=atomic-2 2")...)), "read", "hold")
	require.Len(t, m, 2)
	m = append(m, Map{X: m[0].X, Y: m[0].Y, Title: "a map without a row"})
	var b bytes.Buffer
	require.NoError(t, WriteSVG(&b, "other", m))
	svg := html.UnescapeString(b.String())
	require.NotContains(t, svg, "a map without a row")
	require.Contains(t, svg, `id="other-hatch"`)
	require.NotContains(t, strings.ReplaceAll(svg, "url(#other-hatch)", ""), "url(", "the hatching of another drawing")
	var width, height int
	_, err := fmt.Sscanf(svg[strings.Index(svg, "viewBox"):], `viewBox="0 0 %d %d"`, &width, &height)
	require.NoError(t, err)
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	labels := map[[2]int]string{}
	for _, l := range regexp.MustCompile(`<text x="(\d+)" y="(\d+)" class="(?:head|axis|)">([^<]+)<`).FindAllStringSubmatch(svg, -1) {
		at := [2]int{number(l[1]), number(l[2])}
		require.Less(t, at[1], height)
		require.NotContains(t, labels, at, "two texts in one place")
		labels[at] = l[3]
	}
	boxes := regexp.MustCompile(`<title>hold=(\S+) read=(\S+): ([^<]*)</title><rect class="(?:box v(\d+)|empty)" x="(\d+)" y="(\d+)"`).FindAllStringSubmatch(svg, -1)
	require.Len(t, boxes, 6+len(m[1].Columns)*len(m[1].Rows))
	top := 0 // of the map's first row
	for i, box := range boxes {
		x, y := number(box[5]), number(box[6])
		if i == 0 || i == 6 {
			require.Greater(t, y, top)
			top = y
		}
		require.Equal(t, box[1], labels[[2]int{margin, y + cellHeight/2}], box[0])
		require.Equal(t, box[2], labels[[2]int{x + 8, top - 12}], box[0])
		require.LessOrEqual(t, x+cellWidth, width)
		require.LessOrEqual(t, y+cellHeight, height)
		if box[4] != "" {
			require.Equal(t, colors[number(box[4])], strings.Fields(strings.TrimLeft(box[3], "!~ "))[0])
		}
	}
}

// A variant of the user's own has a color, too, and the drawing says what its marks mean.
func TestOwnVariantInTheDrawing(t *testing.T) {
	svg := drawing(t, maps(read(t, output(6, rows(at(0, 0), "mine=1", "atomic=2")...)), "read", "hold"))
	class := fmt.Sprintf("v%d", len(colors))
	require.Contains(t, svg, `class="box `+class+`"`)
	require.Contains(t, svg, ".lockmap ."+class+" { fill: hsl(")
	for _, says := range []string{">Second and third line: how many times as expensive the second variant and the plain mutex are.<", ">Hatched and ~: "} {
		require.Contains(t, svg, says)
	}
}

// Maps are in the order of their dials, whatever the order of the rows.
func TestOrderOfMaps(t *testing.T) {
	var all []string
	for records := 24; records > 0; records-- {
		c := at(0, 95)
		c.Records = records
		all = append(all, rows(c, "atomic=1")...)
	}
	for i, m := range maps(read(t, output(1, all...)), "read", "hold") {
		require.Contains(t, m.Title, fmt.Sprintf(" records=%d ", i+1))
	}
}

// The page says of the machine what the file knows, and nothing else.
func TestDescribe(t *testing.T) {
	for want, lines := range map[string]string{
		"a processor without a name":                                         "pkg: p\n",
		"Thing, 2 processors, linux/amd64, go1.26.8, kernel 6.1, 2026-11-25": "goos: linux\ngoarch: amd64\ncpu: Thing\nnumcpu: 2\n# go: go1.26.8\n# kernel: 6.1\n# date: 2026-11-25T18:50:45Z\n",
	} {
		require.Equal(t, want, describe(parsed(t, "a", []byte(lines+"BenchmarkA 1 1 ns/op\n")).Machine))
	}
}

// The drawing is as wide as its longest line, however few columns it has.
func TestLongLinesInTheDrawing(t *testing.T) {
	costs := func(cheapest int) (all []string) {
		for _, name := range colors {
			all = append(all, name+"=20")
		}
		all[cheapest] = colors[cheapest] + "=1"
		return all
	}
	var each []string // variant is the cheapest once
	for i := range colors {
		each = append(each, rows(at(time.Duration(i)*time.Microsecond, 0), costs(i)...)...)
	}
	for longest, all := range map[string][]string{
		`class="">(Cheapest by .*)<`: each,
		`class="">(! .* lacks .*)<`:  append(rows(at(0, 0), costs(0)...), rows(at(1, 0), colors[0]+"=1")...),
	} {
		svg := drawing(t, maps(read(t, output(6, all...)), "read", "hold"))
		line := regexp.MustCompile(longest).FindStringSubmatch(svg)
		require.NotNil(t, line, longest)
		require.Greater(t, len(line[1]), 130, "for this test")
		var width int
		_, err := fmt.Sscanf(svg[strings.Index(svg, "viewBox"):], `viewBox="0 0 %d`, &width)
		require.NoError(t, err)
		require.Equal(t, 2*margin+7*len(line[1]), width)
	}
}

func TestWhich(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteWhich(&b, read(t, sample())))
	page := b.String()
	require.Len(t, questions, 10)
	golden(t, "which.txt", page)

	// Rows that are oversubscribed, or of fewer procs than others, answer nothing.
	for _, procs := range []string{"-8\t", "\t"} {
		more := bytes.ReplaceAll(output(6, rows(at(0, 0), "global-mutex=90", "lock-free=4")...), []byte("-2\t"), []byte(procs))
		r := read(t, append(sample(), more...))
		for range 50 { // the cells are in any order
			b.Reset()
			require.NoError(t, WriteWhich(&b, r))
			require.Equal(t, page, b.String())
		}
	}
	only := read(t, bytes.ReplaceAll(output(6, rows(at(0, 0), "global-mutex=90", "lock-free=4")...), []byte("-2\t"), []byte("-8\t")))
	require.EqualError(t, WriteWhich(&b, only), "all rows are of more procs than the 2 processors there are: want some of 2 or fewer")
}

// One variant is cheaper than another where their intervals do not meet.
func TestCrossing(t *testing.T) {
	var all []Ranking
	least, most := math.Inf(-1), math.Inf(1) // the bounds of too few rounds
	for read, bounds := range map[int][4]float64{1: {1, 2, 3, 4}, 2: {1, 3, 2, 4}, 3: {1, 2, 2, 3}, 4: {2, 3, 2, 3}, 5: {5, 6, 1, 2}, 8: {2, 3, 1, 2}, 6: {least, most, 1, 2}, 7: {1, 2, least, most}} {
		all = append(all, Ranking{Cell: Cell{Case: contention.Case{Read: read}}, Choices: []Entry{
			{Variant: "a", Cost: Figure{Median: 1, Low: bounds[0], High: bounds[1]}}, {Variant: "b", Cost: Figure{Median: 1, Low: bounds[2], High: bounds[3]}}}})
	}
	slices.SortFunc(all, func(a, b Ranking) int { return a.Cell.Read - b.Cell.Read })
	for i := range 2 { // one of the two alone
		all = append(all, Ranking{Cell: Cell{Case: contention.Case{Read: 9 + i}}, Choices: all[0].Choices[i : i+1]})
	}
	require.Equal(t, "`a` is cheaper at read 1 (1.00x); `b` is cheaper at read 5 (1.00x); undecided at read 2, 3, 4, 8; too few rounds for an interval at read 6, 7; not both measured at read 9, 10",
		crossing(all, question{along: "read", than: [2]string{"a", "b"}}))
}

// A question along a dial has an answer for each value.
func TestCheapestAlong(t *testing.T) {
	var all []Ranking
	for read, names := range []string{"ab", "ba"} {
		all = append(all, Ranking{Cell: Cell{Case: contention.Case{Read: read}}, Unit: "ns/op", Choices: []Entry{
			{Variant: names[:1], Cost: Figure{Median: 2}}, {Variant: names[1:], Cost: Figure{Median: 3}}}})
	}
	require.Equal(t, "read 0: `a`, 2ns; then `b` 1.50x. read 1: `b`, 2ns; then `a` 1.50x", cheapestAlong(all, "read"))
}

// What one sync.Mutex costs at most is over all cases of the table, with intervals or not.
func TestMutexTimes(t *testing.T) {
	least, most := math.Inf(-1), math.Inf(1)
	require.Equal(t, 3.0, mutexTimes([]Ranking{
		{Choices: []Entry{{Variant: "a", Cost: Figure{Median: 1, Low: 1, High: 1}}, {Variant: plainMutex, Cost: Figure{Median: 2, Low: 2, High: 2}}}},
		{Choices: []Entry{{Variant: "a", Cost: Figure{Median: 1, Low: least, High: most}}, {Variant: plainMutex, Cost: Figure{Median: 3, Low: 3, High: 3}}}},
		{Choices: []Entry{{Variant: "a", Cost: Figure{Median: 1}}, {Variant: "b", Cost: Figure{Median: 9}}}},
		{Choices: []Entry{{Variant: "a"}, {Variant: plainMutex, Cost: Figure{Median: 5}}}},
		{Choices: []Entry{{Variant: plainMutex}}},
	}))
}

// Nothing is sure of a case without rows.
func TestNoChoices(t *testing.T) {
	require.False(t, Ranking{}.sure())
	require.False(t, Ranking{}.few())
}

// Intervals that share one value overlap.
func TestTiedAtAnEdge(t *testing.T) {
	var data []byte
	for i := range 6 {
		data = append(data, output(1, rows(at(0, 0), fmt.Sprint("global-mutex=", 10+i), fmt.Sprint("atomic=", 15+i))...)...)
	}
	require.True(t, maps(read(t, data), "read", "hold")[0].Cells[0][0].Choices[1].Tied)
}

// The map shows what was measured, and nothing else.
func TestNothingIsExtrapolated(t *testing.T) {
	r := read(t, sample())
	procs, _ := DialOf("procs")
	hold, _ := DialOf("hold")
	require.EqualError(t, r.Select(procs, "4"), "procs=4 was not measured in the selected cases, and the map does not extrapolate: they have 2")
	require.EqualError(t, r.Select(hold, "0", "5us"), "hold=5us was not measured in the selected cases, and the map does not extrapolate: they have 0, 1us, 10us")
	require.NoError(t, r.Select(hold, "0", "10us"))
	m := maps(r, "read", "hold")
	require.Len(t, m, 1)
	require.Equal(t, []string{"0", "10us"}, m[0].Rows)
	require.Nil(t, m[0].Cells[1][1])

	// The values are in the order of the dial, and not in that of the cases.
	r = read(t, output(6, append(rows(at(0, 95), "atomic=10"), rows(at(time.Microsecond, 0), "atomic=10")...)...))
	share, _ := DialOf("read")
	require.ErrorContains(t, r.Select(share, "50"), "they have 0, 95")
}

// By another metric another variant may be the cheapest; procs can be an axis.
func TestAxesAndUnits(t *testing.T) {
	r := read(t, output(6,
		"shape=record/"+at(0, 0).String()+"/sync=global-mutex 10 700 update-p99-ns",
		"shape=record/"+at(0, 0).String()+"/sync=atomic 20 70 update-p99-ns",
		"shape=record/"+at(0, 0).String()+"/sync=global-mutex-8 40 700 update-p99-ns",
		"shape=record/"+at(0, 0).String()+"/sync=atomic-8 20 800 update-p99-ns"))
	procs, _ := DialOf("procs")
	hold, _ := DialOf("hold")
	for unit, want := range map[string][]string{"ns/op": {"global-mutex", "atomic"}, "update-p99-ns": {"atomic", "global-mutex"}} {
		m := r.Maps(procs, hold, unit)
		require.Len(t, m, 1)
		require.Equal(t, []string{"1", "8*"}, m[0].Columns)
		require.Contains(t, m[0].Title, ", on 2 processors (* oversubscribed)")
		require.Equal(t, []string{"1", "8*"}, r.Maps(hold, procs, unit)[0].Rows)
		for i, name := range want {
			require.Equal(t, name, m[0].Cells[0][i].Choices[0].Variant)
			require.True(t, m[0].Cells[0][i].sure())
		}
	}
	require.False(t, Any(r.Maps(procs, hold, "parsecs")))
	require.Regexp(t, `^shape=record .*: no row has the unit parsecs\n$`, text(t, r.Maps(procs, hold, "parsecs")))
	all := maps(r, "read", "hold")
	require.True(t, strings.HasSuffix(all[0].Title, ", 1 proc"), all[0].Title)
	require.Contains(t, all[1].Title, ", 8 procs on 2 processors (oversubscribed)")
}

func TestFewRoundsGiveNoVerdict(t *testing.T) {
	r := read(t, append(output(5, rows(at(0, 0), "global-mutex=10", "atomic=1000")...), output(1, rows(at(0, 0), "atomic=1000")...)...))
	m := maps(r, "read", "hold")
	require.False(t, m[0].Cells[0][0].sure())
	const note = "Fewer than 6 rounds give figures but no verdict, and there are 5: want -count 6."
	require.Contains(t, text(t, m), note)
	require.Contains(t, drawing(t, m), note)
	require.Contains(t, page(t, r), note)
	require.Regexp(t, `\n1~  global-mutex +\S+ +none `, text(t, maps(read(t, output(5, rows(at(0, 0), "global-mutex=10", "atomic=1000")...)), "read", "hold")))

	// What has no interval does not overlap another.
	r = read(t, append(output(6, rows(at(0, 95), "lock-free=3", "global-mutex=9")...), output(1, rows(at(0, 95), "channel=300")...)...))
	require.Contains(t, page(t, r), "| `lock-free`, 3ns; `global-mutex` 3.00x; `channel` 99x; too few rounds for an interval |")
	r = read(t, output(1, rows(at(0, 95), "lock-free=3", "rw-mutex=11", "global-mutex=9", "channel=300")...))
	require.Contains(t, page(t, r), "| `lock-free`, 2.97ns; `global-mutex` 3.00x; `rw-mutex` 3.67x; `channel` 100x; too few rounds for an interval |")
	require.Contains(t, page(t, r), "| too few rounds for an interval at hold 0 |")
	require.Equal(t, "Cheapest by ns/op: lock-free in 1 of 1; undecided, because rounds are too few for an interval: 1.", maps(r, "read", "hold")[0].finding())
}

// A reference with few rounds takes no verdict away.
func TestFewRoundsOfAReference(t *testing.T) {
	data := append(output(6, rows(at(0, 0), "global-mutex=10", "atomic=1000")...), output(1, rows(at(0, 0), "private=1")...)...)
	require.NotContains(t, text(t, maps(read(t, data), "read", "hold")), "Fewer than 6 rounds")
}

// Each dial shows its own value, and has its values in their order.
func TestDials(t *testing.T) {
	r := &Results{cells: map[Cell]map[string]*row{
		{"record", contention.Case{Hold: 900, Think: 9000, Read: 9, Records: 8, Skew: "none", Roles: "mixed", Goroutines: 2}, 4}:        nil,
		{"counter", contention.Case{Hold: 1000, Think: 10000, Read: 10, Records: 64, Skew: "zipf", Roles: "split", Goroutines: 16}, 12}: nil,
		{"map", contention.Case{Hold: 1000, Think: 10000, Read: 10, Records: 64, Skew: "zipf", Roles: "split", Goroutines: 16}, 12}:     nil,
	}}
	want := map[string][]string{"shape": {"record", "counter", "map"}, "hold": {"900ns", "1us"}, "think": {"9us", "10us"}, "read": {"9", "10"},
		"records": {"8", "64"}, "skew": {"none", "zipf"}, "roles": {"mixed", "split"}, "goroutines": {"2", "16"}, "procs": {"4", "12"}}
	require.Len(t, Dials, len(want))
	for _, d := range Dials {
		require.Equal(t, want[d.Name], r.values(d), d.Name)
	}
}

// A hold or a think that was off its setting is said to be, as far as the farthest run.
func TestOffTheDial(t *testing.T) {
	c := at(time.Microsecond, 0)
	c.Think = 10 * time.Microsecond
	m := maps(read(t, output(6, rows(c, "global-mutex=10 500 hold-ns 15000 think-ns", "atomic=20 1200 hold-ns")...)), "read", "hold")
	for _, want := range []string{
		"In 12 of these 12 runs the measured hold was more than 10 % off its setting, by -50 % at most: a busy machine, or one whose clock speed changes.\n",
		"In 6 of these 12 runs the measured think was more than 10 % off its setting, by +50 % at most: a busy machine, or one whose clock speed changes.\n",
	} {
		require.Contains(t, text(t, m), want)
	}
	m = maps(read(t, output(1, rows(c, "global-mutex=10 1600 hold-ns")...)), "read", "hold")
	require.Contains(t, text(t, m), "In 1 of these 1 runs the measured hold was more than 10 % off its setting, by +60 % at most:")
	m = maps(read(t, output(6, rows(at(0, 0), "global-mutex=10 500 hold-ns")...)), "read", "hold")
	require.NotContains(t, text(t, m), "off its setting", "nothing is off a hold of 0")
}

// The order is that of the costs, then of the names, and that of the finding is by wins.
func TestOrder(t *testing.T) {
	const names = "abcdefghijkl"
	var costs []string
	for _, name := range strings.Split(names, "") {
		costs = append(costs, name+"=7")
	}
	order := ""
	for _, e := range maps(read(t, output(6, rows(at(0, 0), costs...)...)), "read", "hold")[0].Cells[0][0].Choices {
		order += e.Variant
	}
	require.Equal(t, names, order)
	r := read(t, output(6, slices.Concat(rows(at(0, 0), "atomic=1", "rw-mutex=2"), rows(at(0, 50), "atomic=2", "rw-mutex=1"), rows(at(0, 95), "atomic=2", "rw-mutex=1"))...))
	require.Equal(t, "Cheapest by ns/op: rw-mutex in 2 of 3, atomic in 1.", maps(r, "read", "hold")[0].finding())
}

// What is as cheap as the cheapest is not more expensive as well.
func TestTiedMutex(t *testing.T) {
	require.Contains(t, page(t, read(t, output(6, rows(at(0, 95), "lock-free=10", "global-mutex=10.05", "rw-mutex=30")...))),
		"| `lock-free`, 9.99ns; about as cheap: `global-mutex`; then `rw-mutex` 3.00x |")
	require.Contains(t, page(t, read(t, output(6, rows(at(0, 95), "lock-free=10", "rw-mutex=30", "global-mutex=50")...))),
		"| `lock-free`, 9.99ns; then `rw-mutex` 3.00x; `global-mutex` 5.00x |", "that of the mutex is always said")
}

// A mutex that is the second is not named in the third line again.
func TestSecondMutex(t *testing.T) {
	mutex := rows(at(0, 95), "lock-free=10", "global-mutex=20")
	data := output(6, append(rows(at(0, 0), "lock-free=10", "global-mutex=20"), mutex...)...)
	require.Equal(t, 2, strings.Count(text(t, maps(read(t, data), "read", "hold")), "global-mutex"))
}

// A figure is of the file that has it, wherever other benchmarks stand.
func TestFileOfARow(t *testing.T) {
	foreign := []byte("BenchmarkLoop/sync=gil 1 2 ns/op\n")
	r, err := Read([]*benchfile.File{parsed(t, "docs/results/a.txt", append(foreign, output(6, rows(at(0, 95), "atomic=1")...)...)),
		parsed(t, "docs/results/b.txt", output(6, rows(at(0, 100), "atomic=1", "rw-mutex=2")...))})
	require.NoError(t, err)
	require.Contains(t, page(t, r), "| [line 9](results/a.txt#L9) |")
	require.Contains(t, page(t, r), "| [line 8](results/b.txt#L8) |")
}

// What costs nothing has no ratio, and neither has what is below 0.
func TestZero(t *testing.T) {
	r := read(t, output(6, rows(at(0, 0), "global-mutex=5", "atomic=0", "rw-mutex=0")...))
	for _, got := range []string{text(t, maps(r, "read", "hold")), text(t, maps(read(t, append(output(6, rows(at(0, 0), "global-mutex=5", "atomic=0")...),
		output(6, rows(at(0, 95), "global-mutex=0", "atomic=0")...)...)), "read", "hold"))} {
		require.NotRegexp(t, "NaN|Inf", got)
	}
	for _, pair := range [][2]float64{{-4, -5}, {-5, 4}, {1e300, 1e-300}, {5, 0}} {
		require.Equal(t, "-", times(Entry{Cost: Figure{Median: pair[0]}}, Entry{Cost: Figure{Median: pair[1]}}), pair)
	}
}

// A run that was interrupted, or a variant that failed, leaves cells that lack variants.
// A reference is not missed.
func TestCellsThatLackVariants(t *testing.T) {
	data := output(6, append(append(append(
		rows(at(0, 0), "rw-mutex=11"),
		rows(at(0, 95), "global-mutex=9", "rw-mutex=11", "lock-free=3", "private=1")...),
		rows(at(0, 100), "global-mutex=9", "rw-mutex=11")...),
		"shape=counter/"+counter.Default.String()+"/sync=global-mutex-2 5", "shape=counter/"+counter.Default.String()+"/sync=atomic-2 2")...)
	r := read(t, data)
	m := maps(r, "read", "hold")
	golden(t, "lacking.txt", text(t, m))
	svg := drawing(t, m)
	for _, want := range []string{">! only rw-mutex 11ns<", ">! global-mutex 8.99ns<", ">! hold=0 read=100 lacks lock-free, which other cases have.<", "; variants are missing (!): 2."} {
		require.Contains(t, svg, want)
	}
	require.Equal(t, 1, strings.Count(svg, `class="empty"`), "one variant alone has no color")
	for _, want := range []string{
		"| A counter, by the percentage of reads | read 1: `atomic`, 2ns; then `global-mutex` 2.50x |",
		"| Reads only, as short as can be | `global-mutex`, 8.99ns; then `rw-mutex` 1.22x; not measured: `lock-free` |",
		"| Updates only, as short as can be | only `rw-mutex`, 11ns; not measured: `global-mutex`, `lock-free` |",
		"| Mostly reads (95 %), as short as can be | `lock-free`, 3ns; then `global-mutex` 3.00x |",
		"In the cases below that have a row of it, it takes at most 3 times as long",
	} {
		require.Contains(t, page(t, r), want)
	}
	read, _ := DialOf("read")
	require.NoError(t, r.Select(read, "100"))
	require.Contains(t, maps(r, "read", "hold")[0].finding(), "; variants are missing (!): 1.")
	require.Contains(t, text(t, maps(r, "read", "hold")), "\n1!  global-mutex ")
	require.Contains(t, text(t, maps(r, "read", "hold")), "\n2   rw-mutex ", "the first place has the mark of all")
	require.Contains(t, text(t, maps(r, "read", "hold")), "\n! hold=0 read=100 lacks lock-free, which other cases have.\n")
}

// One variant alone is not the cheapest.
func TestOneVariant(t *testing.T) {
	r := read(t, output(6, append(rows(at(0, 0), "atomic=1"), rows(at(0, 95), "atomic=1")...)...))
	m := maps(r, "read", "hold")
	require.Equal(t, "Cheapest by ns/op: nothing to compare in 2 of 2.", m[0].finding())
	require.Contains(t, text(t, m), "only atomic 0.999ns   only atomic 0.999ns\n")
	require.Contains(t, page(t, r), "| only `atomic`, 0.999ns |")
	require.Contains(t, page(t, r), "| not both measured at hold 0 |")
	require.NotContains(t, page(t, r), "Start with one sync.Mutex", "it was not measured")
	m = maps(read(t, output(6, rows(at(0, 0), "atomic=1 0 update-p99-ns")...)), "read", "hold")
	require.True(t, Any(m), "one case is something to show")
	require.Regexp(t, `\n1 +atomic +0\.999ns .* 0ns `, text(t, m), "it has no other to be mixed up with")
}

func TestDisturbed(t *testing.T) {
	says := "# disturbed: Contention/shape=record/" + at(0, 0).String() + "/sync=atomic-2 1.31 times (others used 1.00 processors; %d of 6 runs)\n"
	var files []*benchfile.File
	for i := range 2 {
		files = append(files, parsed(t, fmt.Sprint(i), fmt.Appendf(output(6, rows(at(0, 0), "global-mutex=5", "atomic=10")...), says, 1+i)))
	}
	r, err := Read(files)
	require.NoError(t, err)
	m := maps(r, "read", "hold")
	const note = "3 of these 24 runs were on a disturbed machine. They count too; the file names them."
	require.Contains(t, text(t, m), "\n"+note+"\n")
	require.Contains(t, page(t, r), "\n"+note+"\n")
	require.Equal(t, 2, strings.Count(drawing(t, m), note), "to see, and in the description")
	require.Contains(t, text(t, maps(read(t, fmt.Appendf(output(6, rows(at(0, 0), "atomic=10")...), says, 1)), "read", "hold")), "\n1 of these 6 runs were on a disturbed machine.")
	// A run counts by any unit, also if it has no value of the one of the ranking.
	data := append(output(5, rows(at(0, 0), "atomic=10")...), output(1, rows(at(0, 0), "atomic=10 20 update-p99-ns")...)...)
	for _, unit := range []string{"ns/op", "update-p99-ns"} {
		require.Contains(t, text(t, read(t, fmt.Appendf(data, says, 5)).Maps(Dials[1], Dials[3], unit)), "\n5 of these 6 runs were on a disturbed machine.")
	}
}

// Whatever the form of the answer, it says what may make it wrong.
func TestAbout(t *testing.T) {
	long := strings.Repeat("GODEBUG=x ", 9) + "GOGC=off"
	plain := string(output(6, rows(at(0, 0), "global-mutex=5", "atomic=10")...))
	for note, data := range map[string]string{
		"docs/results/lab.txt: measured with settings that can change times: build -race=true, environment " + long + ".": "# build: -race=true\n# environment: " + long + "\n" + plain,
		"docs/results/lab.txt: the run is not complete, so rows can lack rounds.":                                         "# plan: -bench \".\" -cpu 2 -rounds 9\n" + plain,
		"No file says how many processors the machine has, so any case may be oversubscribed.":                            strings.Replace(plain, "numcpu: 2\n", "", 1),
	} {
		r := read(t, []byte(data))
		m := maps(r, "read", "hold")
		require.True(t, strings.HasSuffix(text(t, m), "\n\n"+note+"\n"), text(t, m))
		require.Contains(t, page(t, r), "\n\n"+note+"\n\n")
		svg := drawing(t, m)
		require.Equal(t, 2, strings.Count(svg, note), "to see, and in the description")
		places := regexp.MustCompile(`<text x="\d+" y="\d+"`).FindAllString(svg, -1)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(places))), len(places), "two texts in one place")
		require.Contains(t, svg, fmt.Sprintf(`viewBox="0 0 %d `, max(900, 2*margin+7*len(note))))
	}
}

func TestFilesThatAreAtFault(t *testing.T) {
	good := output(1, rows(at(0, 0), "atomic=1")...)
	other := bytes.Replace(good, []byte("Thing 3000"), []byte("Thing 4000"), 1)
	peers := bytes.Replace(good, []byte("pkg: boundaries/contention"), []byte("pkg: boundaries/peers"), 1)
	for want, contents := range map[string][][]byte{
		"b:8: this row is of package boundaries/peers, but that at a:8 is of boundaries/contention: want the rows of one package": {good, peers},
		"b: cpu is Thing 4000, but Thing 3000 in a: these are two machines; want the files of one":                                {good, other},
		"a: no row of the lab (go test -bench . ./contention measures them)":                                                      {[]byte("BenchmarkLoop/sync=gil 1 2 ns/op\n")},
		"a, b: no row of the lab (go test -bench . ./contention measures them)":                                                   {[]byte("BenchmarkLoop/sync=gil 1 2 ns/op\n"), []byte("BenchmarkFib/sync=gil 1 2 ns/op\n")},
	} {
		var files []*benchfile.File
		for i, data := range contents {
			files = append(files, parsed(t, string(rune('a'+i)), data))
		}
		_, err := Read(files)
		require.EqualError(t, err, want)
	}
	_, err := Read([]*benchfile.File{parsed(t, "a", good), parsed(t, "b", bytes.Replace(good, []byte("pkg: boundaries/contention\n"), nil, 1))})
	require.NoError(t, err, "a file need not say its package")
}

// The map can read every case that the lab names.
func TestNamesAreRead(t *testing.T) {
	for _, c := range []contention.Case{at(0, 0), at(1500, 95), counter.Default,
		{Hold: 1, Think: time.Second, Read: 3, Records: 64, Skew: "zipf", Roles: "split", Goroutines: 16}} {
		w := c.Workload("record", contention.Variants)
		cell, variant, ok := parse(w.Name+"/"+w.Key+"="+w.Benches[2].Name, 8)
		require.True(t, ok)
		require.Equal(t, Cell{"record", c, 8}, cell)
		require.Equal(t, "rw-mutex", variant)
	}
	good := "Contention/shape=record/" + at(300, 95).String() + "/sync=gil"
	_, _, ok := parse(good, 1)
	require.True(t, ok)
	for _, name := range []string{"Loop/sync=gil", "Contention", "Contention/shape=record/sync=gil", "Contention/hold=x/sync=gil",
		strings.Replace(good, "Contention", "Loop", 1), strings.Replace(good, "hold=300ns", "hold=300", 1), strings.Replace(good, "read=95", "read=95x", 1),
		strings.TrimSuffix(good, "/sync=gil")} { // each of the last four has one fault
		_, _, ok := parse(name, 1)
		require.False(t, ok, name)
	}
}

// A reader's own variant may have a name that ends in a number, which is no number of procs.
func TestVariantThatEndsInANumber(t *testing.T) {
	var all []string
	for i, name := range []string{"atomic", "mine-2"} {
		for j, suffix := range []string{"", "-2"} {
			all = append(all, fmt.Sprintf("shape=record/%s/sync=%s%s %d", at(0, 0), name, suffix, 1+2*i+j))
		}
	}
	for j, m := range maps(read(t, output(6, all...)), "read", "hold") {
		for i, e := range m.Cells[0][0].Choices {
			require.Equal(t, []string{"atomic", "mine-2"}[i], e.Variant)
			require.Equal(t, float64(1+2*i+j), math.Round(e.Cost.Median))
			require.Equal(t, 6, e.Cost.Rounds)
		}
	}
}

func TestFormat(t *testing.T) {
	for want, value := range map[string]float64{"0ns": 0, "5.25ns": 5.25, "123ns": 123.4, "1us": 1000, "1.5us": 1500, "12.3ms": 12.34e6, "2s": 2e9, "2000s": 2e12} {
		require.Equal(t, want, format(value, "ns/op"))
	}
	for want, ratio := range map[string]float64{"9.50x": 9.5, "10x": 10, "11x": 10.6} {
		require.Equal(t, want, times(Entry{Cost: Figure{Median: ratio}}, Entry{Cost: Figure{Median: 1}}))
	}
	require.Equal(t, "0.952", format(0.9519, "min-share"))

	// A unit that is no time is printed as it was measured.
	across, _ := DialOf("read")
	m := read(t, output(6, rows(at(0, 0), "atomic=1 0.5 min-share")...)).Maps(across, across, "min-share")
	require.Equal(t, 0.5, m[0].Cells[0][0].Choices[0].Cost.Median)
}
