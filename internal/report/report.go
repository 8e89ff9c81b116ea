// Package report makes a self-contained page from benchmark files. The page needs no
// script, no font and no picture, so a reader can mail it, keep it with a build, and
// open it years later.
//
// The page has the machines, three findings, the article's graphs drawn again, for
// each workload its charts and tables, the claims, what ran disturbed, and how it
// was measured. [Charts] returns the same charts as files. Both depend on the
// files alone: the same files make the same bytes.
//
// The package does not trust a file: all text from it goes through html/template.
package report

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"boundaries/internal/benchfile"
	"boundaries/internal/chart"
	"boundaries/internal/claims"
	"boundaries/internal/scaling"
	"boundaries/internal/stats"
)

// A File is a chart as a file of its own.
type File struct {
	Name string // without the .svg
	SVG  []byte
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Page returns the page of the files. Lines may be empty.
func Page(files []*benchfile.File, lines []claims.Line) ([]byte, error) {
	var b bytes.Buffer
	err := page.Execute(&b, build(files, lines))
	// The template escapes markup, but leaves control codes and bytes that are not UTF-8.
	return bytes.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, b.Bytes()), err
}

// Charts returns the charts of the page, in its order.
func Charts(files []*benchfile.File) []File {
	var all []File
	for _, c := range build(files, nil).charts {
		all = append(all, File{c.ID, c.File()})
	}
	return all
}

// These are what the template shows.
type (
	pageData struct {
		Style      template.CSS
		Lead       string
		Incomplete []string
		Machines   []*machine
		Several    bool
		Findings   []findings
		Graphs     []graph
		Workloads  []workload
		SideBySide []sideBySide
		Claims     []claims.Line
		Problems   []string
		Ignored    []string
		charts     []chart.Chart
		ids        map[string]bool
	}
	findings struct {
		Machine string // empty if there is one
		List    []finding
	}
	finding struct{ Figure, Says string }
	graph   struct {
		Note    string
		Figures []figure
	}
	workload struct {
		ID, Title string
		Machines  []onMachine
	}
	onMachine struct {
		Machine string // empty if there is one
		Figures []figure
		Scaling table
		Others  []table // of the other units
		Fits    []string
		Notes   []string
	}
	// A sideBySide has charts that show all machines.
	sideBySide struct {
		Title   string
		Figures []figure
	}
	figure struct {
		SVG   template.HTML
		Says  string
		Table table
	}
	table struct {
		Caption string
		Head    []string
		Rows    []row
	}
	row struct {
		Name  string
		Cells []cell
	}
	cell struct {
		Text, More string
		Disturbed  bool
	}
	machine struct {
		*benchfile.File
		Short     string // M1
		Says      string
		Command   string
		Facts     []benchfile.Fact
		Disturbed []disturbedRow
		workloads []*scaling.Workload
		scaled    map[*scaling.Workload][]scaling.Scaled
	}
	disturbedRow struct {
		Name  string
		Runs  int
		Times string
	}
)

func build(files []*benchfile.File, lines []claims.Line) *pageData {
	d := &pageData{Style: chart.Style, Claims: lines, ids: map[string]bool{}}
	for _, id := range []string{"findings", "graphs", "workloads", "beside", "claims", "measured"} {
		d.ids[id] = true // of the headings in page.html
	}
	for i, f := range benchfile.ByMachine(files) {
		m := &machine{File: f, Short: "M" + strconv.Itoa(i+1), Says: f.Machine.String(), workloads: scaling.Workloads(f), scaled: map[*scaling.Workload][]scaling.Scaled{}}
		for _, w := range m.workloads {
			m.scaled[w] = w.Scaling()
		}
		incomplete := f.Incomplete()
		d.Incomplete = append(d.Incomplete, incomplete...)
		for _, fact := range f.Machine.Facts {
			switch {
			case fact.Key == "command":
				m.Command = fact.Value
			case fact.Key == "interrupted", fact.Key == "complete" && incomplete != nil: // said above, if it still holds
			default:
				m.Facts = append(m.Facts, fact)
			}
		}
		m.Disturbed = disturbedRows(f)
		d.Machines = append(d.Machines, m)
		d.Ignored = append(d.Ignored, f.Ignored...)
		for _, p := range f.Problems {
			d.Problems = append(d.Problems, p.Error())
		}
	}
	d.Several = len(d.Machines) > 1
	for _, m := range d.Machines {
		if list := m.findings(); len(list) > 0 {
			d.Findings = append(d.Findings, findings{d.name(m), list})
		}
	}
	d.articleGraphs()
	var order []string // of the workloads of all machines
	for _, m := range d.Machines {
		for _, w := range m.workloads {
			if name := w.Pkg + " " + w.Name; !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
	}
	for _, name := range order {
		var w workload
		for _, m := range d.Machines {
			for _, t := range m.workloads {
				if t.Pkg+" "+t.Name == name {
					if w.Title == "" {
						w.Title, w.ID = t.Title(), d.id(t.Title())
					}
					w.Machines = append(w.Machines, d.workload(w.ID, m, t))
				}
			}
		}
		d.Workloads = append(d.Workloads, w)
		d.compareMachines(w, name)
	}
	d.Lead = d.lead()
	return d
}

func (d *pageData) lead() string {
	rows, rounds := 0, 0
	for _, m := range d.Machines {
		for _, r := range m.Rows {
			if !r.Control() {
				rows, rounds = rows+1, max(rounds, len(r.Rounds))
			}
		}
	}
	text := counted(rows, "benchmark row") + ", up to " + counted(rounds, "round") + " each"
	if d.Several {
		return text + fmt.Sprintf(", on %d machines.", len(d.Machines))
	}
	return text + ", on " + d.Machines[0].Says + "."
}

// name returns the name of a machine if there are several, or else "".
func (d *pageData) name(m *machine) string {
	if !d.Several {
		return ""
	}
	if host := m.Machine.Fact("host"); host != "" {
		return m.Short + ", " + host
	}
	return m.Short
}

// id returns an id that no other element of the page has.
func (d *pageData) id(text string) string {
	id := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return unicode.ToLower(r)
		}
		return '-'
	}, text), "-")
	if len(id) > 60 {
		id = id[:60]
	}
	if id == "" {
		id = "chart"
	}
	for base, n := id, 2; d.ids[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	d.ids[id] = true
	return id
}

// figure puts a chart on the page.
func (d *pageData) figure(id string, c chart.Chart, t table) figure {
	c.ID = d.id(id)
	d.charts = append(d.charts, c)
	return figure{c.SVG(), chart.Clean(c.Desc), t}
}

func disturbedRows(f *benchfile.File) []disturbedRow {
	var rows []disturbedRow
	left := f.DisturbedRows()
	for _, first := range f.Disturbed {
		if d, ok := left[first.Pkg][first.Name]; ok {
			name := d.Name
			if slices.ContainsFunc(f.Disturbed, func(o benchfile.Disturbance) bool { return o.Name == d.Name && o.Pkg != d.Pkg }) {
				name = d.Pkg + " " + d.Name
			}
			rows = append(rows, disturbedRow{name, d.Runs, strconv.FormatFloat(d.Times, 'f', 2, 64)})
			delete(left[d.Pkg], d.Name)
		}
	}
	return rows
}

// estimate is the median of a cell, with an interval if there are enough rounds.
func estimate(values []float64) (stats.Interval, bool) {
	if !stats.Usable(values) {
		return stats.Interval{}, false
	}
	return stats.Median(values, 0.95), true
}

func toPoint(x float64, i stats.Interval) chart.Point {
	p := chart.Point{X: x, Y: i.Center}
	if i.Bounded() {
		p.Low, p.High = i.Low, i.High
	}
	return p
}

// axes sets what the charts of a workload have in common.
func axes(c *chart.Chart, columns []scaling.Column) {
	c.X = "procs"
	powers := true
	for _, col := range columns {
		c.Columns = append(c.Columns, float64(col.Procs))
		powers = powers && col.Procs&(col.Procs-1) == 0
		if col.Oversubscribed && c.Oversub == 0 {
			c.Oversub = float64(col.Procs)
		}
	}
	c.LogX = powers
}

// format labels an axis, whose values are round.
func format(unit string) func(float64) string {
	return func(v float64) string {
		number, prefix, _ := strings.Cut(scaling.FormatValue(v, unit), " ")
		if strings.Contains(number, ".") {
			number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
		}
		return strings.TrimSpace(number + " " + prefix)
	}
}

func ratio(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// header returns the heads of the columns, with the oversubscribed marked.
func header(w *scaling.Workload) []string {
	head := []string{w.Key}
	if w.Key == "" {
		head[0] = "row"
	}
	for _, c := range w.Columns {
		text := strconv.Itoa(c.Procs)
		if c.Oversubscribed {
			text += "*"
		}
		head = append(head, text)
	}
	return head
}

// last returns the index of the last column that is not oversubscribed, or 0 if all are.
func last(w *scaling.Workload) int {
	n := 0
	for i, c := range w.Columns {
		if !c.Oversubscribed {
			n = i
		}
	}
	return n
}

func procs(n int) string { return counted(n, "proc") }

func counted(n int, noun string) string {
	if n == 1 {
		return "one " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func (d *pageData) workload(id string, m *machine, w *scaling.Workload) onMachine {
	o := onMachine{Machine: d.name(m)}
	if d.Several {
		id += "-" + strings.ToLower(m.Short)
	}
	of := ""
	if d.Several {
		of = ", " + m.Short
	}
	for _, q := range []struct{ unit, id, what string }{{scaling.Wall, "wall", "wall time of a step"}, {scaling.CPU, "cpu", "processor time of a step"}} {
		c := chart.Chart{Name: w.Title() + of, What: q.what, Y: "time of a step", LogY: true, Format: format(q.unit)}
		axes(&c, w.Columns)
		t := table{Caption: c.Title() + ", medians and how far their 95 % intervals reach", Head: header(w)}
		for i, r := range w.Rows {
			s, line := chart.Series{Name: r.Name, Style: i}, row{Name: r.Name}
			for j, col := range w.Columns {
				e, ok := estimate(r.Values(j, q.unit))
				if !ok {
					line.Cells = append(line.Cells, cell{})
					continue
				}
				s.Points = append(s.Points, toPoint(float64(col.Procs), e))
				line.Cells = append(line.Cells, cell{Text: strings.TrimSpace(scaling.FormatValue(e.Center, q.unit) + " " + scaling.FormatSpread(e)), Disturbed: r.Disturbed(j).Runs > 0})
			}
			if len(s.Points) > 0 {
				c.Series = append(c.Series, s)
				t.Rows = append(t.Rows, line)
			}
		}
		if len(c.Series) > 0 {
			c.Desc = extremes(w, q.unit)
			o.Figures = append(o.Figures, d.figure(id+"-"+q.id, c, t))
		}
	}
	for _, unit := range w.Units {
		if unit == scaling.Wall || unit == scaling.CPU {
			continue
		}
		t := table{Caption: w.Title() + of + ": " + unit + ", medians and how far their 95 % intervals reach", Head: header(w)}
		for _, r := range w.Rows {
			line, found := row{Name: r.Name}, false
			for j := range w.Columns {
				values := r.Values(j, unit)
				c := cell{Disturbed: len(values) > 0 && r.Disturbed(j).Runs > 0}
				if e, ok := estimate(values); ok {
					c.Text = strings.TrimSpace(scaling.FormatValue(e.Center, unit) + " " + scaling.FormatSpread(e))
				} else if len(values) > 0 {
					c.Text = scaling.FormatValue(stats.Middle(values), unit)
				}
				line.Cells, found = append(line.Cells, c), found || len(values) > 0
			}
			if found {
				t.Rows = append(t.Rows, line)
			}
		}
		o.Others = append(o.Others, t)
	}
	d.scaling(&o, id, of, w, m.scaled[w])
	o.Notes = append(o.Notes, w.TooCoarse("figure")...)
	return o
}

// scaling adds the chart of speed-up, the table and the fits.
func (d *pageData) scaling(o *onMachine, id, of string, w *scaling.Workload, scaled []scaling.Scaled) {
	c := chart.Chart{Name: w.Title() + of, What: "speed-up over one proc", Y: "speed-up", Ideal: true, Format: ratio}
	axes(&c, w.Columns)
	c.LogY = c.LogX
	plain := table{Caption: c.Title() + ", with 95 % intervals", Head: header(w)}
	o.Scaling = table{Caption: w.Title() + of + ": speed-up over one proc with its 95 % interval, then efficiency (speed-up a proc) and processor time of a step relative to one proc", Head: header(w)}
	at := last(w)
	var ranks []ranked
	for i := range scaled {
		r := &scaled[i]
		s, line, simple := chart.Series{Name: r.Name, Style: i}, row{Name: r.Name}, row{Name: r.Name}
		for j, col := range w.Columns {
			k := r.Cells[j]
			if k.SpeedUp.Center == 0 {
				line.Cells, simple.Cells = append(line.Cells, cell{}), append(simple.Cells, cell{})
				continue
			}
			s.Points = append(s.Points, toPoint(float64(col.Procs), k.SpeedUp))
			more := "efficiency " + scaling.FormatRatio(stats.Interval{Center: k.Efficiency.Center, High: math.Inf(1)})
			if k.CPU.Center != 0 {
				more += ", cpu " + scaling.FormatRatio(stats.Interval{Center: k.CPU.Center, High: math.Inf(1)})
			}
			text := cell{Text: scaling.FormatRatio(k.SpeedUp), More: more, Disturbed: r.Disturbed(j).Runs > 0}
			line.Cells = append(line.Cells, text)
			text.More = ""
			simple.Cells = append(simple.Cells, text)
		}
		if len(s.Points) == 0 {
			continue
		}
		o.Scaling.Rows, plain.Rows = append(o.Scaling.Rows, line), append(plain.Rows, simple)
		if len(w.Columns) > 1 {
			c.Series = append(c.Series, s)
		}
		if v := r.Cells[at].SpeedUp; v.Center > 0 {
			ranks = append(ranks, ranked{r.Name, w.Columns[at].Procs, v})
		}
		for _, law := range []struct {
			name string
			fit  scaling.Fit
		}{{"Amdahl's law", r.Amdahl}, {"USL", r.USL}} {
			if law.fit.Refused == "" || law.fit.Points >= 4 && !strings.Contains(law.fit.Refused, " needs ") {
				o.Fits = append(o.Fits, r.Name+", "+law.name+": "+law.fit.Describe())
			}
		}
	}
	if len(o.Scaling.Rows) == 0 {
		o.Notes = []string{"No row has a usable time at one proc, so there is no speed-up."}
		o.Scaling = table{}
		return
	}
	if len(o.Fits) == 0 {
		o.Notes = []string{"No law of scaling is fitted: " + scaled[0].Amdahl.Refused + "."}
	}
	if len(c.Series) > 0 && len(ranks) > 0 {
		c.Desc = fastest(w, ranks)
		o.Figures = append(o.Figures, d.figure(id+"-speedup", c, plain))
	}
}

// A ranked is a row at a number of procs, among others.
type ranked struct {
	name   string
	procs  int
	figure stats.Interval
}

func ascending(a, b ranked) int { return cmp.Compare(a.figure.Center, b.figure.Center) }

// ties returns the other rows whose intervals overlap that of row i.
func ties(rows []ranked, i int) (tied []ranked) {
	for j, r := range rows {
		if j != i && r.figure.Low <= rows[i].figure.High && rows[i].figure.Low <= r.figure.High {
			tied = append(tied, r)
		}
	}
	return tied
}

func names(rows []ranked) string {
	var all []string
	for _, r := range rows {
		all = append(all, r.name)
	}
	return strings.Join(all, ", ")
}

const (
	tooFew    = " There are too few rounds to rank the rows."
	ofControl = "Boundaries run measures these rows itself, at both ends of each round: they show whether the machine became slower or faster."
)

func bounded(rows []ranked) bool {
	return !slices.ContainsFunc(rows, func(r ranked) bool { return !r.figure.Bounded() })
}

// doubt says which other rows may be in the place of the first or of the last of them.
func doubt(rows []ranked) (text string) {
	end := len(rows) - 1
	if !bounded(rows) {
		return tooFew
	} else if len(ties([]ranked{rows[0], rows[end]}, 0)) > 0 {
		return " Their intervals overlap, so nothing ranks them."
	}
	for _, i := range []int{0, end} {
		if tied := ties(rows, i); len(tied) > 0 {
			text += " The intervals of " + rows[i].name + " and these overlap: " + names(tied) + "."
		}
	}
	return text
}

// fastest says which of the rows have the highest and the lowest speed-up.
func fastest(w *scaling.Workload, rows []ranked) string {
	if w.Pkg == benchfile.ControlPkg {
		return ofControl
	}
	slices.SortStableFunc(rows, func(a, b ranked) int { return ascending(b, a) })
	best, worst, n := rows[0], rows[len(rows)-1], procs(rows[0].procs)
	switch {
	case len(rows) == 1:
		return fmt.Sprintf("At %s, %s reaches %s times the speed of one.", n, best.name, scaling.FormatRatio(best.figure))
	case short(best.figure.Center) == short(worst.figure.Center):
		return fmt.Sprintf("At %s, these rows reach %s times the speed of one: %s.", n, short(best.figure.Center), names(rows))
	}
	return fmt.Sprintf("At %s, %s has the highest speed-up: %s times the speed of one. %s has the lowest: %s.%s", n, best.name, scaling.FormatRatio(best.figure),
		worst.name, scaling.FormatRatio(worst.figure), doubt(rows))
}

// extremes says which rows are fastest and slowest, and which may be as fast.
func extremes(w *scaling.Workload, unit string) string {
	if w.Pkg == benchfile.ControlPkg {
		return ofControl
	}
	at := last(w)
	var all []ranked
	for _, r := range w.Rows {
		if e, ok := estimate(r.Values(at, unit)); ok {
			all = append(all, ranked{r.Name, w.Columns[at].Procs, e})
		}
	}
	if len(all) == 0 {
		return "No row has a figure in the last column that is not oversubscribed."
	}
	slices.SortStableFunc(all, ascending)
	verb := map[bool]string{true: "take", false: "use"}[unit == scaling.Wall]
	n, least, most := procs(all[0].procs), all[0], all[len(all)-1]
	low, high := scaling.FormatValue(least.figure.Center, unit), scaling.FormatValue(most.figure.Center, unit)
	switch {
	case len(all) == 1:
		return fmt.Sprintf("At %s, %s %ss %s for a step.", n, least.name, verb, low)
	case low == high:
		return fmt.Sprintf("At %s, these rows %s %s for a step: %s.", n, verb, low, names(all))
	}
	return fmt.Sprintf("At %s, %s %ss the least for a step, %s. %s %ss the most, %s: %s times as much.%s", n, least.name, verb, low,
		most.name, verb, high, short(most.figure.Center/least.figure.Center), doubt(all))
}

func short(v float64) string {
	return scaling.FormatRatio(stats.Interval{Center: v, Low: v, High: v})
}

// compareMachines draws a chart for every variant of a workload, with a series for each
// machine.
func (d *pageData) compareMachines(w workload, name string) {
	if !d.Several {
		return
	}
	type on struct {
		m *machine
		w *scaling.Workload
		s []scaling.Scaled
	}
	var all []on
	var variants []string
	columns := map[int]bool{}
	for _, m := range d.Machines {
		for _, t := range m.workloads {
			if t.Pkg+" "+t.Name == name {
				all = append(all, on{m, t, m.scaled[t]})
				for _, r := range t.Rows {
					if !slices.Contains(variants, r.Name) {
						variants = append(variants, r.Name)
					}
				}
				for _, c := range t.Columns {
					columns[c.Procs] = true
				}
			}
		}
	}
	if len(all) < 2 {
		return
	}
	var shared []scaling.Column
	for n := range columns {
		shared = append(shared, scaling.Column{Procs: n})
	}
	slices.SortFunc(shared, func(a, b scaling.Column) int { return a.Procs - b.Procs })
	b := sideBySide{Title: w.Title}
	for _, variant := range variants {
		c := chart.Chart{Name: w.Title + " " + variant, What: "speed-up over one proc", Y: "speed-up", Ideal: true, Format: ratio}
		axes(&c, shared)
		c.LogY = c.LogX
		t := table{Caption: c.Title() + ", with 95 % intervals", Head: []string{"machine"}}
		for _, col := range shared {
			t.Head = append(t.Head, strconv.Itoa(col.Procs))
		}
		var says []string
		for i, o := range all {
			for _, r := range o.s {
				if r.Name != variant {
					continue
				}
				s, line, at := chart.Series{Name: d.name(o.m), Style: i}, row{Name: d.name(o.m)}, 0
				for _, col := range shared {
					j := slices.IndexFunc(o.w.Columns, func(c scaling.Column) bool { return c.Procs == col.Procs })
					if j < 0 || r.Cells[j].SpeedUp.Center == 0 {
						line.Cells = append(line.Cells, cell{})
						continue
					}
					text := scaling.FormatRatio(r.Cells[j].SpeedUp)
					if o.w.Columns[j].Oversubscribed {
						text += " *"
					} else {
						at = j
					}
					s.Points = append(s.Points, toPoint(float64(col.Procs), r.Cells[j].SpeedUp))
					line.Cells = append(line.Cells, cell{Text: text, Disturbed: r.Disturbed(j).Runs > 0})
				}
				if len(s.Points) > 1 {
					c.Series = append(c.Series, s)
					t.Rows = append(t.Rows, line)
					says = append(says, fmt.Sprintf("%s at %s on %s", short(r.Cells[at].SpeedUp.Center), procs(o.w.Columns[at].Procs), o.m.Short))
				}
			}
		}
		if len(c.Series) > 1 {
			c.Desc = "Speed-up is " + strings.Join(says, ", ") + "."
			b.Figures = append(b.Figures, d.figure(w.ID+"-"+variant+"-machines", c, t))
		}
	}
	if len(b.Figures) > 0 {
		d.SideBySide = append(d.SideBySide, b)
	}
}
