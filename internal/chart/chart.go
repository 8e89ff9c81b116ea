// Package chart draws lines against the number of procs as SVG, for light and dark
// screens, for gray prints, and for screen readers.
//
// A chart says what it shows in its title and what follows from that in its desc,
// and has the role of an image. Two series differ in color, dashes or marker, and
// mostly in all three. Colors are CSS variables that follow the reader's color scheme.
// The same chart is always the same bytes.
//
// Two libraries did not fit. Gonum/plot and go-analyze/charts write colors into
// every element, so they have no dark mode, and neither writes a title or a role.
package chart

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Chart is lines in one pair of axes. All x and y are positive if their axis is
// logarithmic.
type Chart struct {
	ID   string // of the elements that others refer to; letters, digits and hyphens
	Name string // of the workload or row that the lines show
	What string // what the lines show
	Desc string // what follows from it, in a sentence
	X, Y string // what the axes are, with units

	Columns []float64 // the measured values of x, in order
	LogX    bool      // a logarithmic axis
	LogY    bool
	Format  func(y float64) string // of the labels of the y axis
	Ideal   bool                   // draws y = x
	Flat    bool                   // draws y = 1
	Oversub float64                // the first oversubscribed column, or 0
	Series  []Series
}

// A Series is a line.
type Series struct {
	Name   string
	Style  int // series of one chart have different ones
	Points []Point
}

// A Point has an interval from Low to High, unless both are 0.
type Point struct{ X, Y, Low, High float64 }

// Title returns what is shown.
func (c Chart) Title() string { return c.Name + ": " + c.What }

// Clean removes characters that do not belong in a document: control codes, and
// marks that change the direction of the text beside them.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8Error || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, text)
}

const utf8Error = '\uFFFD'

// The size of a chart in its own units, which are CSS pixels if there is room. A chart
// fits a small telephone, so its text is never smaller than intended.
const (
	width      = 352
	left       = 60.0
	right      = width - 10.0
	top        = 48.0
	bottom     = 254.0
	lineHeight = 17.0
)

type tick struct {
	At    string
	Label string
}

type line struct {
	Class  string
	Path   string   // through the points
	Band   string   // around them
	Marks  []string // paths
	Name   string
	LX, LY string // of the legend's sample
	LX2    string
	TX, TY string
	Sample string // path of the legend's marker, or ""
}

type layout struct {
	ID, Title, Desc, Name, What string
	X, Y                        string
	Width, Height               int
	Left, Right, Top, Bottom    string
	MidX, MidY, XLabelY         string
	TickY, TickX, OverTextX     string
	XTicks, YTicks              []tick
	Over                        string // where the oversubscribed part begins, or ""
	OverWidth, PlotHeight       string
	Ideal                       string
	Lines                       []line
	Standalone                  bool
	Style                       template.CSS
}

var page = template.Must(template.New("chart").Parse(`<svg class="chart" role="img" aria-labelledby="{{.ID}}-title {{.ID}}-desc" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}"{{if .Standalone}} xmlns="http://www.w3.org/2000/svg"{{end}}>
<title id="{{.ID}}-title">{{.Title}}</title>
<desc id="{{.ID}}-desc">{{.Desc}}</desc>
{{- if .Standalone}}
<style>{{.Style}}</style>
<rect class="paper" x="0" y="0" width="{{.Width}}" height="{{.Height}}"/>
{{- end}}
<text class="name" x="6" y="17">{{.Name}}</text>
<text class="small" x="6" y="34">{{.What}}</text>
{{- if .Over}}
<rect class="over" x="{{.Over}}" y="{{.Top}}" width="{{.OverWidth}}" height="{{.PlotHeight}}"/>
<text class="small" x="{{.OverTextX}}" y="{{.Top}}" dy="-4" text-anchor="end">oversubscribed</text>
{{- end}}
{{- range .YTicks}}
<path class="grid" d="M{{$.Left}} {{.At}}H{{$.Right}}"/>
<text class="small" x="{{$.TickX}}" y="{{.At}}" dy="3.5" text-anchor="end">{{.Label}}</text>
{{- end}}
{{- range .XTicks}}
<path class="grid" d="M{{.At}} {{$.Bottom}}v4"/>
{{- if .Label}}
<text class="small" x="{{.At}}" y="{{$.TickY}}" text-anchor="middle">{{.Label}}</text>
{{- end}}
{{- end}}
<path class="axis" d="M{{.Left}} {{.Top}}V{{.Bottom}}H{{.Right}}"/>
<text class="small" x="{{.MidX}}" y="{{.XLabelY}}" text-anchor="middle">{{.X}}</text>
<text class="small" x="9" y="{{.MidY}}" dy="3" text-anchor="middle" transform="rotate(-90 9 {{.MidY}})">{{.Y}}</text>
{{- range .Lines}}{{if .Band}}
<path class="band {{.Class}}" d="{{.Band}}"/>
{{- end}}{{end}}
{{- if .Ideal}}
<path class="ideal" d="{{.Ideal}}"/>
{{- end}}
{{- range .Lines}}
<g class="{{.Class}}">{{if .Path}}<path class="line" d="{{.Path}}"/>{{end}}{{range .Marks}}<path class="mark" d="{{.}}"/>{{end}}<path class="{{if .Sample}}line{{else}}ideal{{end}}" d="M{{.LX}} {{.LY}}H{{.LX2}}"/>{{if .Sample}}<path class="mark" d="{{.Sample}}"/>{{end}}<text class="label" x="{{.TX}}" y="{{.TY}}">{{.Name}}</text></g>
{{- end}}
</svg>
`))

// SVG returns the chart for a page that has [Style] in its style.
func (c Chart) SVG() template.HTML {
	return template.HTML(c.draw(false)) //nolint:gosec // made by html/template
}

// File returns the chart as a file of its own.
func (c Chart) File() []byte { return c.draw(true) }

func (c Chart) draw(standalone bool) []byte {
	var b bytes.Buffer
	if err := page.Execute(&b, c.layout(standalone)); err != nil {
		panic(fmt.Sprintf("chart: %v", err)) // of a template and values that are ours
	}
	return b.Bytes()
}

func (c Chart) layout(standalone bool) layout {
	x, y := c.axes()
	l := layout{
		ID: c.ID, Title: Clean(c.Title()), Desc: Clean(c.Desc), Name: fit(Clean(c.Name), 13.5, width-12), What: fit(Clean(c.What), 11, width-12), X: Clean(c.X), Y: Clean(c.Y),
		Width: width, Left: num(left), Right: num(right), Top: num(top), Bottom: num(bottom),
		MidX: num((left + right) / 2), MidY: num((top + bottom) / 2), XLabelY: num(bottom + 31), TickY: num(bottom + 16), TickX: num(left - 5),
		PlotHeight: num(bottom - top), OverTextX: num(right), Standalone: standalone, Style: Style,
	}
	for _, v := range y.ticks {
		l.YTicks = append(l.YTicks, tick{num(y.at(v)), c.Format(v)})
	}
	free := math.Inf(-1)
	for _, v := range c.Columns {
		t := tick{At: num(x.at(v))}
		if label := strconv.FormatFloat(v, 'g', -1, 64); x.at(v)-free > 6*float64(len(label))+4 {
			t.Label, free = label, x.at(v)
		}
		l.XTicks = append(l.XTicks, t)
	}
	if i := slices.Index(c.Columns, c.Oversub); c.Oversub > 0 && i >= 0 {
		from := left
		if i > 0 {
			from = (x.at(c.Columns[i-1]) + x.at(c.Columns[i])) / 2
		}
		l.Over, l.OverWidth = num(from), num(right-from)
	}
	legendX, legendY := 8.0, bottom+52
	place := func(name, class string, kind int) line { // kind is that of the marker, or -1
		wide := 41 + textWidth(name, 11.5)
		if legendX > 8 && legendX+wide > width {
			legendX, legendY = 8, legendY+lineHeight
		}
		item := line{Name: name, Class: class, LX: num(legendX), LX2: num(legendX + 24), LY: num(legendY - 4), TX: num(legendX + 29), TY: num(legendY)}
		if kind >= 0 {
			item.Sample = marker(kind, legendX+12, legendY-4)
		}
		legendX += wide
		return item
	}
	for _, s := range c.Series {
		class := "s" + strconv.Itoa(s.Style%colors) + " d" + strconv.Itoa(s.Style%dashes) + " m" + strconv.Itoa(s.Style%markers)
		item := place(fit(Clean(s.Name), 11.5, width-46), class, s.Style%markers)
		var path, upper, lower []string
		for _, p := range s.Points {
			px, py := x.at(p.X), y.at(p.Y)
			path = append(path, num(px)+" "+num(py))
			item.Marks = append(item.Marks, marker(s.Style%markers, px, py))
			high, low := p.Y, p.Y
			if p.Low != 0 || p.High != 0 {
				low, high = p.Low, p.High
			}
			upper = append(upper, num(px)+" "+num(y.at(high)))
			lower = append(lower, num(px)+" "+num(y.at(low)))
		}
		if len(path) > 1 {
			item.Path = "M" + strings.Join(path, "L")
			slices.Reverse(lower)
			if band := append(upper, lower...); slices.ContainsFunc(s.Points, func(p Point) bool { return p.Low != p.High }) {
				item.Band = "M" + strings.Join(band, "L") + "Z"
			}
		}
		l.Lines = append(l.Lines, item)
	}
	if c.Ideal || c.Flat {
		first, last := c.Columns[0], c.Columns[len(c.Columns)-1]
		name, from, to := "ideal", first, min(last, y.most)
		if c.Flat {
			name, from, to = "1: no difference", 1, 1
		}
		end := last
		if c.Ideal {
			end = to
		}
		l.Ideal = "M" + num(x.at(first)) + " " + num(y.at(from)) + "L" + num(x.at(end)) + " " + num(y.at(to))
		l.Lines = append(l.Lines, place(name, "", -1))
	}
	l.Height = int(legendY + 10)
	return l
}

// An axis maps values to units of the chart.
type axis struct {
	least, most float64
	log         bool
	from, to    float64
	ticks       []float64
}

func (a axis) at(v float64) float64 {
	v = max(a.least, min(a.most, v))
	if a.most == a.least {
		return (a.from + a.to) / 2
	}
	if a.log {
		return a.from + (a.to-a.from)*math.Log(v/a.least)/math.Log(a.most/a.least)
	}
	return a.from + (a.to-a.from)*(v-a.least)/(a.most-a.least)
}

func (c Chart) axes() (x, y axis) {
	x = axis{least: c.Columns[0], most: c.Columns[len(c.Columns)-1], log: c.LogX, from: left + 14, to: right - 14}
	y = axis{least: math.Inf(1), most: math.Inf(-1), log: c.LogY, from: bottom, to: top}
	for _, s := range c.Series {
		for _, p := range s.Points {
			y.least, y.most = min(y.least, p.Y), max(y.most, p.Y)
			if p.Low > 0 {
				// Cut off intervals that are so wide that the lines would look flat.
				y.least = min(y.least, max(p.Low, p.Y/2))
				y.most = max(y.most, min(p.High, p.Y*2))
			}
		}
	}
	if math.IsInf(y.least, 0) {
		y.least, y.most = 1, 2
	}
	if c.Ideal {
		y.most = max(y.most, min(x.most, y.most*1.5))
		y.least = min(y.least, x.least)
	}
	if c.Flat {
		y.least, y.most = min(y.least, 1), max(y.most, 1)
	}
	// Beyond these bounds the ratio of two values, or a margin, is not a number.
	y.least, y.most = min(max(y.least, 1e-100), 1e100), min(max(y.most, 1e-100), 1e100)
	if c.LogY {
		// A label has three digits. Ticks of a shorter axis need more.
		room := max(math.Pow(y.most/y.least, 0.06), math.Sqrt(1.2*y.least/y.most))
		y.least, y.most = y.least/room, y.most*room
		y.ticks = logTicks(y.least, y.most)
		return x, y
	}
	y.least, y.most = 0, y.most*1.06
	y.ticks = linearTicks(y.least, y.most)
	return x, y
}

func linearTicks(least, most float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((most-least)/4)))
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if (most-least)/(step*factor) <= 6 {
			step *= factor
			break
		}
	}
	var ticks []float64
	for i := math.Ceil(least / step); i*step <= most; i++ {
		ticks = append(ticks, i*step)
	}
	return ticks
}

// logTicks returns at least three ticks, because two do not tell this axis from a linear one.
func logTicks(least, most float64) []float64 {
	ratio := most / least
	if ratio < 10 {
		return linearTicks(least, most)
	}
	digits, every := []float64{1, 2, 5}, 1
	if ratio >= 1000 {
		digits = []float64{1}
		every = int(math.Ceil(math.Log10(ratio) / 7))
	}
	var ticks []float64
	for e := int(math.Floor(math.Log10(least))); e <= int(math.Ceil(math.Log10(most))); e++ {
		for _, d := range digits {
			// Not d * Pow10(e), which is 9.999e-8 for 1e-7.
			v, _ := strconv.ParseFloat(fmt.Sprintf("%ge%d", d, e), 64)
			if least <= v && v <= most && e%every == 0 {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// marker returns the path of a marker about a point.
func marker(kind int, x, y float64) string {
	at := num(x) + " " + num(y)
	switch kind {
	case 0:
		return "M" + at + "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z"
	case 1:
		return "M" + at + "m-2.8 -2.8h5.6v5.6h-5.6z"
	case 2:
		return "M" + at + "m0 -3.6l3.5 6.2h-7z"
	case 3:
		return "M" + at + "m0 -3.8l3.8 3.8l-3.8 3.8l-3.8 -3.8z"
	case 4:
		return "M" + at + "m0 3.6l3.5 -6.2h-7z"
	}
	return "M" + at + "m-3.2 -1h2.2v-2.2h2v2.2h2.2v2h-2.2v2.2h-2v-2.2h-2.2z"
}

func num(v float64) string {
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// fit shortens a text that is wider than the room.
func fit(text string, size, room float64) string {
	if textWidth(text, size) <= room {
		return text
	}
	r := []rune(text)
	for len(r) > 0 && textWidth(string(r)+"…", size) > room {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// textWidth estimates the width of a text. The estimate errs on the large side, because
// the reader's browser chooses the font.
func textWidth(text string, size float64) (width float64) {
	for _, r := range text {
		switch {
		case strings.ContainsRune("iljtfr.,:;|!'()[]/ -", r):
			width += 0.42
		case strings.ContainsRune("mwMW@%…—", r) || r > 0x2e80:
			width += 1.02
		case unicode.IsUpper(r):
			width += 0.74
		default:
			width += 0.62
		}
	}
	return width * size
}
