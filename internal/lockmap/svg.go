package lockmap

import (
	"html/template"
	"io"
	"slices"
	"strings"

	"boundaries/contention"
	"boundaries/contention/config"
	"boundaries/contention/counter"
)

// colors are the variants that have a color of their own, one index each.
var colors = func() []string {
	var names []string
	for _, v := range slices.Concat(contention.Variants, counter.Variants, config.Variants) {
		if !v.Reference && !slices.Contains(names, v.Name) {
			names = append(names, v.Name)
		}
	}
	return names
}()

// The dimensions of the drawing, in pixels.
const (
	cellWidth, cellHeight = 200, 62
	labelWidth            = 96
	headHeight            = 76 // title, finding and column heads of a map
	margin                = 16
)

// WriteSVG draws the maps below each other. The image follows the reader's light or
// dark mode. Each cell names the variant that its color stands for, and hatching
// says that intervals overlap. A cell of one variant has no color. The id keeps the
// elements of two drawings on one page apart.
func WriteSVG(w io.Writer, id string, maps []Map) error {
	type line struct {
		X, Y        int
		Class, Text string
	}
	type box struct {
		X, Y          int
		Color         int
		Unsure, Empty bool
		Title         string
		Lines         []line
	}
	drawing := struct {
		ID, Title, Desc       string
		Width, Height         int
		CellWidth, CellHeight int
		Hues                  []int
		Lines                 []line
		Boxes                 []box
	}{ID: id, Title: "Which variant is cheapest", Width: 640, CellWidth: cellWidth, CellHeight: cellHeight}
	for i := range len(colors) + 1 {
		// Steps of the golden angle keep neighbors in the list apart.
		drawing.Hues = append(drawing.Hues, i*137%360)
	}
	y := margin
	var findings []string
	for _, m := range maps {
		if len(m.rankings()) == 0 {
			continue
		}
		findings = append(append(findings, m.Title+": "+m.finding()), m.notes()...)
		drawing.Lines = append(drawing.Lines,
			line{margin, y + 16, "head", m.Title},
			line{margin, y + 38, "", m.finding()},
			line{margin, y + headHeight - 12, "axis", m.Y.Name + " \\ " + m.X.Name})
		drawing.Width = max(drawing.Width, 2*margin+labelWidth+len(m.Columns)*cellWidth, 2*margin+7*len(m.finding()), 2*margin+8*len(m.Title))
		for i, column := range m.Columns {
			drawing.Lines = append(drawing.Lines, line{margin + labelWidth + i*cellWidth + 8, y + headHeight - 12, "axis", column})
		}
		y += headHeight
		for i, row := range m.Rows {
			drawing.Lines = append(drawing.Lines, line{margin, y + cellHeight/2, "axis", row})
			for j, r := range m.Cells[i] {
				x := margin + labelWidth + j*cellWidth
				b := box{X: x, Y: y, Empty: r == nil || len(r.Choices) == 1, Title: m.Y.Name + "=" + row + " " + m.X.Name + "=" + m.Columns[j] + ": " + cheapest(r)}
				if r != nil {
					b.Unsure = !r.sure()
					if b.Color = slices.Index(colors, r.Choices[0].Variant); b.Color < 0 {
						b.Color = len(colors)
					}
				}
				for k, text := range []string{cheapest(r), second(r), plain(r)} {
					if text != "" {
						b.Lines = append(b.Lines, line{x + 8, y + 20 + 17*k, []string{"first", "", ""}[k], text})
					}
				}
				drawing.Boxes = append(drawing.Boxes, b)
			}
			y += cellHeight
		}
		for _, note := range m.notes() {
			y += 18
			drawing.Lines = append(drawing.Lines, line{margin, y, "", note})
			drawing.Width = max(drawing.Width, 2*margin+7*len(note))
		}
		y += 2 * margin
	}
	if len(maps) > 0 {
		findings = append(findings, maps[0].about...)
		for _, note := range maps[0].about {
			drawing.Lines = append(drawing.Lines, line{margin, y, "", note})
			drawing.Width = max(drawing.Width, 2*margin+7*len(note))
			y += 18
		}
	}
	drawing.Lines = append(drawing.Lines, line{margin, y, "", "Second and third line: how many times as expensive the second variant and the plain mutex are."},
		line{margin, y + 18, "", "Hatched and ~: 95 % intervals overlap, or rounds are too few for one."})
	drawing.Width = max(drawing.Width, 900)
	drawing.Height = y + 18 + margin
	drawing.Desc = strings.Join(findings, " ")
	return svg.Execute(w, drawing)
}

var svg = template.Must(template.New("svg").Parse(`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{{.ID}}-title {{.ID}}-desc" class="lockmap" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}">
<title id="{{.ID}}-title">{{.Title}}</title>
<desc id="{{.ID}}-desc">{{.Desc}}</desc>
<style>
.lockmap { --paper: #ffffff; --ink: #1a1a1a; --quiet: #57606a; --saturation: 70%; --lightness: 84%; font: 13px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .lockmap { --paper: #0d1117; --ink: #f0f3f6; --quiet: #9aa4ae; --saturation: 40%; --lightness: 24%; } }
.lockmap .paper { fill: var(--paper); }
.lockmap text { fill: var(--ink); }
.lockmap .head { font-size: 15px; font-weight: 600; }
.lockmap .axis { fill: var(--quiet); font-weight: 600; }
.lockmap .first { font-weight: 600; }
.lockmap .box { stroke: var(--paper); stroke-width: 2; }
.lockmap .empty { fill: none; stroke: var(--quiet); stroke-dasharray: 3 3; }
.lockmap .stroke { stroke: var(--ink); stroke-opacity: .28; stroke-width: 1.5; }
{{range $i, $hue := .Hues}}.lockmap .v{{$i}} { fill: hsl({{$hue}} var(--saturation) var(--lightness)); }
{{end}}</style>
<defs><pattern id="{{.ID}}-hatch" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="stroke" x1="0" y1="0" x2="0" y2="9"/></pattern></defs>
<rect class="paper" width="{{.Width}}" height="{{.Height}}"/>
{{range .Lines}}<text x="{{.X}}" y="{{.Y}}" class="{{.Class}}">{{.Text}}</text>
{{end}}{{range .Boxes}}<g><title>{{.Title}}</title>{{if .Empty}}<rect class="empty" x="{{.X}}" y="{{.Y}}" width="{{$.CellWidth}}" height="{{$.CellHeight}}"/>{{else}}<rect class="box v{{.Color}}" x="{{.X}}" y="{{.Y}}" width="{{$.CellWidth}}" height="{{$.CellHeight}}"/>{{if .Unsure}}<rect fill="url(#{{$.ID}}-hatch)" x="{{.X}}" y="{{.Y}}" width="{{$.CellWidth}}" height="{{$.CellHeight}}"/>{{end}}{{end}}{{range .Lines}}<text x="{{.X}}" y="{{.Y}}" class="{{.Class}}">{{.Text}}</text>{{end}}</g>
{{end}}</svg>
`))
