package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

func example() Chart {
	c := Chart{ID: "x", Name: "Loop", What: "wall time", Desc: "cas is slowest.", X: "procs", Y: "time", Columns: []float64{1, 2, 4, 8},
		LogX: true, LogY: true, Ideal: true, Oversub: 4, Format: func(y float64) string { return strconv.FormatFloat(y, 'g', 3, 64) }}
	for i, name := range []string{"serial", "gil"} {
		s := Series{Name: name, Style: i}
		for _, x := range c.Columns {
			y := 1e-9 * math.Pow(10, float64(i)) / x
			s.Points = append(s.Points, Point{x, y, y * 0.9, y * 1.1})
		}
		c.Series = append(c.Series, s)
	}
	return c
}

// texts returns the character data of each element, and fails if it is no XML.
func texts(t *testing.T, svg []byte) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	d := xml.NewDecoder(bytes.NewReader(svg))
	element := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err, "%s", svg)
		switch token := token.(type) {
		case xml.StartElement:
			element = token.Name.Local
			found["<"] = append(found["<"], element)
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" {
				found[element] = append(found[element], text)
			}
		}
	}
}

func TestSaysWhatItShows(t *testing.T) {
	svg := example().File()
	found := texts(t, svg)
	assert.Equal(t, []string{"Loop: wall time"}, found["title"])
	assert.Equal(t, []string{"cas is slowest."}, found["desc"])
	for _, want := range []string{"Loop", "wall time", "oversubscribed", "serial", "gil", "ideal", "procs", "time", "1", "2", "4", "8", "1e-09"} {
		assert.Contains(t, found["text"], want)
	}
	assert.Contains(t, string(svg), `role="img" aria-labelledby="x-title x-desc"`)
	assert.Contains(t, string(svg), "prefers-color-scheme: dark")
	assert.NotContains(t, string(example().SVG()), "<style>", "the page has it")
	assert.Equal(t, svg, example().File(), "the same chart is the same bytes")
	assert.NotContains(t, string(svg), "NaN")
}

// No color is written into an element.
func TestColorsFollowTheReader(t *testing.T) {
	assert.NotRegexp(t, `(fill|stroke)="|style="|#[0-9a-f]{3,6}`, string(example().SVG()))
}

func TestHostileText(t *testing.T) {
	c := example()
	evil := "</title></svg><script>alert(1)</script>\" onload=\"x\u202e\x01\xff&amp;"
	c.Name, c.What, c.Desc, c.X, c.Y = evil, evil, evil, evil, evil
	c.Series[0].Name = evil
	svg := c.File()
	found := texts(t, svg)
	assert.NotContains(t, found["<"], "script")
	assert.NotContains(t, string(svg), `onload="`)
	assert.NotContains(t, string(svg), "\u202e")
	assert.Contains(t, found["desc"], `</title></svg><script>alert(1)</script>" onload="x&amp;`)
}

var coordinates = regexp.MustCompile(`[ML](-?[0-9.]+) (-?[0-9.]+)`)

// Everything is drawn within the chart, whatever the values are.
func TestStaysInside(t *testing.T) {
	for name, change := range map[string]func(*Chart){
		"as it is": func(*Chart) {},
		"linear":   func(c *Chart) { c.LogX, c.LogY = false, false },
		"one column": func(c *Chart) {
			c.Columns = c.Columns[:1]
			c.Series[0].Points = c.Series[0].Points[:1]
			c.Series = c.Series[:1]
		},
		"all equal":   func(c *Chart) { c.Series[1].Points = c.Series[0].Points },
		"no series":   func(c *Chart) { c.Series = nil },
		"wide":        func(c *Chart) { c.Series[0].Points[0].Low, c.Series[0].Points[0].High = 1e-30, math.Inf(1) },
		"any number":  func(c *Chart) { c.Series[0].Points[0].Y, c.Series[0].Points[1].Y = 5e-324, math.MaxFloat64 },
		"fifteen":     func(c *Chart) { c.Series[0].Points[3].Y = 1e6 },
		"a flat line": func(c *Chart) { c.Ideal, c.Flat = false, true },
		"all is over": func(c *Chart) { c.Oversub = 1 },
		"many columns": func(c *Chart) {
			c.LogX = false
			c.Columns = nil
			for i := range 128 {
				c.Columns = append(c.Columns, float64(i+1))
			}
		},
	} {
		c := example()
		change(&c)
		svg := string(c.File())
		texts(t, []byte(svg))
		assert.NotContains(t, svg, "NaN", name)
		assert.NotContains(t, svg, "Inf", name)
		for _, m := range coordinates.FindAllStringSubmatch(svg, -1) {
			x, _ := strconv.ParseFloat(m[1], 64)
			y, _ := strconv.ParseFloat(m[2], 64)
			assert.True(t, 0 <= x && x <= width && 0 <= y && y <= 400, "%s: %s", name, m[0])
		}
	}
}

// What is drawn is where the axes have it.
func TestPlaces(t *testing.T) {
	c := example()
	c.Columns, c.LogX, c.LogY, c.Ideal, c.Oversub = []float64{1, 2}, false, false, false, 2
	c.Series = []Series{{Name: "a", Points: []Point{{1, 10, 8, 12}, {2, 20, 0.001, 1e6}}}}
	x, y := c.axes()
	assert.Zero(t, y.least, "a linear axis begins at 0")
	assert.InDelta(t, 2*20*1.06, y.most, 1e-9, "a wide interval is cut off at twice the value")
	l := c.layout(false)
	at := func(vx, vy float64) string { return num(x.at(vx)) + " " + num(y.at(vy)) }
	assert.Equal(t, "M"+at(1, 10)+"L"+at(2, 20), l.Lines[0].Path)
	assert.Equal(t, "M"+at(1, 12)+"L"+at(2, 1e6)+"L"+at(2, 0.001)+"L"+at(1, 8)+"Z", l.Lines[0].Band)
	assert.Equal(t, []string{marker(0, x.at(1), y.at(10)), marker(0, x.at(2), y.at(20))}, l.Lines[0].Marks)
	assert.Equal(t, []string{c.X, c.Y}, []string{l.X, l.Y})
	assert.Equal(t, num((x.at(1)+x.at(2))/2), l.Over, "halfway before the column")
	assert.Equal(t, num(right-(x.at(1)+x.at(2))/2), l.OverWidth, "to the end")
	assert.Empty(t, l.Ideal)
	assert.Len(t, l.Lines, 1, "a line that is not drawn is not in the legend")
	for _, none := range []float64{0, 16} {
		c.Oversub = none
		assert.Empty(t, c.layout(false).Over, "no column is oversubscribed")
	}
	c.Oversub = 1
	assert.Equal(t, []string{num(left), num(right - left)}, []string{c.layout(false).Over, c.layout(false).OverWidth}, "all of it")
	c.Series[0].Points[0] = Point{X: 1, Y: 10}
	assert.Equal(t, "M"+at(1, 10)+"L"+at(2, 1e6)+"L"+at(2, 0.001)+"L"+at(1, 10)+"Z", c.layout(false).Lines[0].Band, "a point without an interval")
	c.Series[0].Points[0] = Point{1, 10, 8, 12}
	c.LogY = true
	_, y = c.axes()
	assert.InEpsilon(t, 8, y.least*math.Pow(40.0/8, 0.06), 1e-9)
	c.Series[0].Points[0].Low = 0.001
	_, y = c.axes()
	assert.InEpsilon(t, 5, y.least*math.Pow(40.0/5, 0.06), 1e-9, "and at half of it")
}

// A chart without a point has axes, too.
func TestNoPoints(t *testing.T) {
	for _, log := range []bool{true, false} {
		c := example()
		c.Series, c.LogY, c.Ideal = nil, log, false
		_, y := c.axes()
		assert.Less(t, y.least, y.most)
		assert.InDelta(t, 2, y.most, 0.2)
		assert.NotEmpty(t, y.ticks)
	}
}

// A logarithmic axis has equal ratios in equal steps, each axis its own way.
func TestLogarithm(t *testing.T) {
	c := example()
	c.Columns, c.LogX, c.LogY, c.Ideal = []float64{1, 10, 100}, true, false, false
	c.Series = []Series{{Points: []Point{{X: 1, Y: 1}, {X: 100, Y: 100}}}}
	x, y := c.axes()
	assert.InDelta(t, (x.from+x.to)/2, x.at(10), 1e-9)
	assert.InDelta(t, (y.from+y.to)/2, y.at(y.most/2), 1e-9)
	assert.InDelta(t, 106, y.most, 1e-9, "points without an interval")
	c.LogX, c.LogY = false, true
	x, y = c.axes()
	assert.InDelta(t, (x.from+x.to)/2, x.at(50.5), 1e-9)
	assert.InDelta(t, (y.at(1)+y.at(100))/2, y.at(10), 1e-9)
}

// The lines that are no series: a speed-up equal to the procs, as far as the axis goes, and
// a speed-up of 1.
func TestLinesToCompareWith(t *testing.T) {
	c := example()
	c.LogX, c.LogY = false, false
	c.Series = []Series{{Points: []Point{{X: 1, Y: 1}, {X: 8, Y: 0.5}}}}
	x, y := c.axes()
	at := func(vx, vy float64) string { return num(x.at(vx)) + " " + num(y.at(vy)) }
	assert.InDelta(t, 1.5*1.06, y.most, 1e-9, "half as much again as the highest point")
	c.Series[0].Points[1].Y = 6
	_, high := c.axes()
	assert.InDelta(t, 8*1.06, high.most, 1e-9, "no more than the procs")
	c.Series[0].Points[1].Y = 0.5
	assert.Equal(t, "M"+at(1, 1)+"L"+at(y.most, y.most), c.layout(false).Ideal)
	c.Ideal, c.Flat = false, true
	c.Series[0].Points[0].Y = 0.25
	x, y = c.axes()
	assert.Greater(t, y.most, 1.0)
	assert.Equal(t, "M"+at(1, 1)+"L"+at(8, 1), c.layout(false).Ideal)
	c.LogY = true
	for _, v := range []float64{0.1, 10} {
		c.Series[0].Points = []Point{{X: 1, Y: v}, {X: 8, Y: v}}
		_, y = c.axes()
		assert.True(t, y.least < 1 && 1 < y.most, "the line is on the axis")
	}
	c.Ideal, c.Flat, c.Columns = true, false, []float64{1, 8}
	c.Series[0].Points = []Point{{X: 1, Y: 4}, {X: 8, Y: 4}}
	_, y = c.axes()
	assert.Less(t, y.least, 1.0, "the line begins at one proc")
}

// A text that has no room at all is cut off, too.
func TestFit(t *testing.T) {
	assert.Equal(t, "…", fit("abc", 11, 0))
	assert.Equal(t, "abc", fit("abc", 11, 100))
}

// Labels of the x axis do not meet, and the legend stays inside.
func TestLabels(t *testing.T) {
	c := example()
	c.LogX, c.Columns, c.Series = false, nil, nil
	for i := range 128 {
		c.Columns = append(c.Columns, float64(i+1))
	}
	for i := range 9 {
		c.Series = append(c.Series, Series{Name: "a name of a row", Style: i})
	}
	l := c.layout(false)
	end, labels := math.Inf(-1), 0
	for _, tick := range l.XTicks {
		if at, err := strconv.ParseFloat(tick.At, 64); tick.Label != "" {
			require.NoError(t, err)
			assert.Greater(t, at, end, tick.Label)
			end, labels = at+6*float64(len(tick.Label)), labels+1
		}
	}
	assert.Greater(t, labels, 5)
	legend := map[string]float64{} // where each of its lines ends
	for _, line := range l.Lines {
		at, err := strconv.ParseFloat(line.TX, 64)
		require.NoError(t, err)
		assert.LessOrEqual(t, at+textWidth(line.Name, 11.5), float64(width), line.Name)
		y, err := strconv.ParseFloat(line.TY, 64)
		require.NoError(t, err)
		assert.Less(t, y, float64(l.Height), "below the chart")
		sample, err := strconv.ParseFloat(line.LX, 64)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, sample, legend[line.TY], "on the name before")
		legend[line.TY] = at + textWidth(line.Name, 11.5)
	}
	assert.Greater(t, len(legend), 2)
	assert.Equal(t, "abc…", fit("abcdefgh", 10, textWidth("abc…", 10)))
}

func TestTicks(t *testing.T) {
	assert.Equal(t, []float64{1e-10, 1e-9, 1e-8, 1e-7}, logTicks(0.9e-10, 2e-7))
	assert.Equal(t, []float64{1e-7, 2e-7, 5e-7, 1e-6}, logTicks(0.9e-7, 1.1e-6))
	assert.Equal(t, []float64{1, 2, 5, 10, 20, 50, 100}, logTicks(1, 100))
	assert.InDeltaSlice(t, []float64{0, 0.5, 1, 1.5, 2}, linearTicks(0, 2.1), 1e-9)
	for _, span := range []float64{1.1, 2, 5, 30, 1e3, 1e9, 1e20} {
		n := len(logTicks(1, span))
		assert.True(t, 2 <= n && n <= 9, "%v: %d", span, n)
		n = len(linearTicks(0, span))
		assert.True(t, 3 <= n && n <= 8, "%v: %d", span, n)
	}
}

// Two ticks do not tell a logarithmic axis from a linear one, and a label of three digits must be
// the value of its tick.
func TestTicksOfALogarithm(t *testing.T) {
	for least := 1e-10; least < 1e3; least *= 1.013 {
		for _, ratio := range []float64{1, 1.001, 1.01, 1.07, 1.15, 1.3, 1.7, 2.4, 4, 7, 9, 12, 40, 95, 160, 400, 800, 2e3, 1e5, 1e8, 1e11} {
			c := Chart{LogY: true, Columns: []float64{1, 2}, Series: []Series{{Points: []Point{{X: 1, Y: least}, {X: 2, Y: least * ratio}}}}}
			_, y := c.axes()
			require.True(t, 3 <= len(y.ticks) && len(y.ticks) <= 9, "%v to %v has the ticks %v", y.least, y.most, y.ticks)
			for _, v := range y.ticks {
				label, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
				require.InEpsilon(t, v, label, 1e-9, "%v", y.ticks)
			}
		}
	}
}

// Series of one chart differ in more than one way.
func TestStyles(t *testing.T) {
	seen := map[[3]int]bool{}
	for i := range 120 {
		style := [3]int{i % colors, i % dashes, i % markers}
		assert.False(t, seen[style])
		seen[style] = true
	}
	c := example()
	for i := range 120 {
		c.Series = append(c.Series, Series{Style: i, Points: []Point{{X: 1, Y: 1}}})
	}
	classes := map[string]bool{}
	for _, line := range c.layout(false).Lines[2:122] {
		assert.False(t, classes[line.Class], line.Class)
		classes[line.Class] = true
		for _, class := range strings.Fields(line.Class) {
			if class != "d0" && class[0] != 'm' { // an unbroken line; markers are paths
				assert.Contains(t, Style, template.CSS(".chart ."+class+" "))
			}
		}
		_, mark, _ := strings.Cut(line.Marks[0], "m")
		_, sample, _ := strings.Cut(line.Sample, "m")
		assert.Equal(t, mark, sample, "the legend shows the marker")
	}
	for i := range markers {
		for j := range i {
			assert.NotEqual(t, marker(i, 5, 5), marker(j, 5, 5))
		}
	}
}

// Text and lines can be told from the paper in both color schemes.
func TestContrast(t *testing.T) {
	light, dark, _ := strings.Cut(string(Style), "@media")
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		value := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z0-9]+): #([0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
			value[m[1]] = m[2]
		}
		require.Len(t, value, 7+colors, scheme)
		for _, paper := range []string{"paper", "shade"} {
			for name := range value {
				if name != "paper" && name != "shade" && name != "grid" {
					assert.GreaterOrEqual(t, contrast(value[name], value[paper]), 4.5, "%s: %s on %s", scheme, name, paper)
				}
			}
		}
	}
}

// contrast is the ratio that WCAG 2 defines.
func contrast(a, b string) float64 {
	luminance := func(hex string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			v := float64(n) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
