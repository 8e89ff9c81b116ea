package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"boundaries/internal/benchfile"
	"boundaries/internal/chart"
	"boundaries/internal/scaling"
	"boundaries/internal/stats"
)

// A system is a row of FibBoxed, or one of the reader's interpreters.
type system struct {
	name string
	of   *machine
	rows map[int]*benchfile.Row // by procs
}

// systems returns the systems of a benchmark, in the order of the file.
func (m *machine) systems(benchmark string) []system {
	var all []system
	for _, r := range m.Rows {
		name, ok := strings.CutPrefix(r.Name, benchmark+"/system=")
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(s system) bool { return s.name == name })
		if i < 0 {
			i = len(all)
			all = append(all, system{name, m, map[int]*benchfile.Row{}})
		}
		all[i].rows[r.Procs] = r
	}
	return all
}

// whole returns the times in which n threads compute a fib each, as the article
// plots them: n times the time of a step.
func (s system) whole(n int, unit string) []float64 {
	r := s.rows[n]
	if r == nil || !stats.Usable(r.Values[unit]) {
		return nil
	}
	values := make([]float64, len(r.Values[unit]))
	for i, v := range r.Values[unit] {
		values[i] = float64(n) * v
	}
	return values
}

func find(systems []system, name string) []system {
	for _, s := range systems {
		if s.name == name {
			return []system{s}
		}
	}
	return nil
}

// articleGraphs draws the graphs of the article from FibBoxed, and from PyFib where
// there is a file of it.
func (d *pageData) articleGraphs() {
	var gil, gilectomy, nogil, python []system
	for _, m := range d.Machines {
		boxed := m.systems("FibBoxed")
		gil = append(gil, find(boxed, "gil")...)
		gilectomy = append(gilectomy, find(boxed, "gilectomy")...)
		nogil = append(nogil, find(boxed, "nogil")...)
		python = append(python, m.systems("PyFib")...)
	}
	d.graph("graph-4-4-1", "Graph 4.4.1", "wall time, GIL and Gilectomy", scaling.Wall, interleave(gil, gilectomy), nil,
		"Threads that compute a whole fib each. The article sees the Gilectomy take twice as long.")
	d.graph("graph-4-4-2", "Graph 4.4.2", "processor time, GIL and Gilectomy", scaling.CPU, interleave(gil, gilectomy), nil,
		"The article sees nearly twice as much at one thread, 10 times at two, and 19 to 20 times at seventeen.")
	d.graph("graph-4-5-1", "Graph 4.5.1", "wall time, GIL and nogil", scaling.Wall, interleave(gil, nogil), nil,
		"The article's caption says processor time. But each thread computes a fib of its own, so removing the lock cannot lower it; the graph plots wall time.")
	if len(nogil) > 0 {
		d.graph("graph-4-5-2", "Graph 4.5.2", "how many times as fast nogil is", scaling.Wall, gil, nogil,
			"The article sees up to 5 times with seven threads, and slightly more than 1 alone.")
	}
	if len(python) > 0 {
		d.graph("python-wall", "Your interpreters", "wall time of fib", scaling.Wall, python, nil,
			"The same program on the interpreters that python/ found, a whole fib for each thread.")
		d.graph("python-cpu", "Your interpreters", "processor time of fib", scaling.CPU, python, nil, "")
	}
}

// interleave puts the systems of a machine beside each other.
func interleave(a, b []system) []system {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(a, b system) int { return strings.Compare(a.of.Short, b.of.Short) })
	return all
}

// graph draws the times of systems. If den is not empty, it draws their ratios to the
// times of the system in den of the same machine.
func (d *pageData) graph(id, name, what, unit string, systems, den []system, note string) {
	c := chart.Chart{Name: name, What: what, Format: format(unit)}
	c.Y = map[string]string{scaling.Wall: "wall time", scaling.CPU: "processor time"}[unit]
	if den != nil {
		c.Y, c.Format, c.Flat = "times as fast", ratio, true
	}
	var columns []scaling.Column
	seen := map[int]bool{}
	oversubscribed := true // where every machine is
	for _, s := range systems {
		for n := range s.rows {
			if !seen[n] {
				seen[n] = true
				columns = append(columns, scaling.Column{Procs: n})
			}
		}
	}
	slices.SortFunc(columns, func(a, b scaling.Column) int { return a.Procs - b.Procs })
	for i := range columns {
		oversubscribed = true
		for _, s := range systems {
			oversubscribed = oversubscribed && s.of.Machine.Oversubscribed(columns[i].Procs)
		}
		columns[i].Oversubscribed = oversubscribed
	}
	if len(columns) == 0 {
		return
	}
	axes(&c, columns)
	c.X = "threads"
	t := table{Caption: c.Title() + ", with 95 % intervals", Head: []string{"system"}}
	for _, col := range columns {
		t.Head = append(t.Head, strconv.Itoa(col.Procs))
	}
	var changes []change
	for i, s := range systems {
		name := s.name
		if den != nil {
			name += " / nogil"
		}
		if d.Several {
			name += ", " + s.of.Short
		}
		series, line := chart.Series{Name: name, Style: i}, row{Name: name}
		for _, col := range columns {
			values := s.whole(col.Procs, unit)
			var e stats.Interval
			text, ok := "", len(values) > 0
			if ok && den != nil {
				j := slices.IndexFunc(den, func(o system) bool { return o.of == s.of })
				if ok = j >= 0 && den[j].whole(col.Procs, unit) != nil; ok {
					e = stats.Ratio(values, den[j].whole(col.Procs, unit), 0.95)
					text = scaling.FormatRatio(e)
				}
			} else if ok {
				e, _ = estimate(values)
				text = strings.TrimSpace(scaling.FormatValue(e.Center, unit) + " " + scaling.FormatSpread(e))
			}
			if !ok {
				line.Cells = append(line.Cells, cell{})
				continue
			}
			if s.of.Machine.Oversubscribed(col.Procs) {
				text += " *"
			}
			series.Points = append(series.Points, toPoint(float64(col.Procs), e))
			line.Cells = append(line.Cells, cell{Text: text})
		}
		if len(series.Points) > 0 {
			c.Series = append(c.Series, series)
			t.Rows = append(t.Rows, line)
			change := change{s.name, "", series.Points[0], series.Points[0]}
			if d.Several {
				change.machine = s.of.Short
			}
			for _, p := range series.Points {
				if !s.of.Machine.Oversubscribed(int(p.X)) {
					change.to = p
				}
			}
			changes = append(changes, change)
		}
	}
	if len(c.Series) == 0 {
		return
	}
	least, most := c.Series[0].Points[0].Y, 0.0
	for _, s := range c.Series {
		for _, p := range s.Points {
			least, most = min(least, p.Y), max(most, p.Y)
		}
	}
	c.LogY = den == nil && most/least > 30
	c.Desc = says(changes, unit, den != nil)
	d.Graphs = append(d.Graphs, graph{note, []figure{d.figure(id, c, t)}})
}

// A change is how a series changes between two numbers of threads.
type change struct {
	name     string // of the series
	machine  string // or ""
	from, to chart.Point
}

// says puts the changes into a sentence.
func says(changes []change, unit string, isRatio bool) string {
	var parts []string
	for i, c := range changes {
		of := c.name
		if c.machine != "" {
			of += " on " + c.machine
		}
		times := short(c.to.Y/c.from.Y) + " times"
		verb, as := "takes", "as long as with"
		if unit == scaling.CPU {
			verb, as = "uses", "the processor time of"
		}
		switch {
		case isRatio:
			text := fmt.Sprintf("With %s nogil is %s times as fast as the GIL", threads(c.to.X), short(c.to.Y))
			if c.machine != "" {
				text += " on " + c.machine
			}
			if c.from.X != c.to.X {
				text += fmt.Sprintf(", and with %g it is %s times as fast", c.from.X, short(c.from.Y))
			}
			parts = append(parts, text)
		case c.from.X == c.to.X:
			parts = append(parts, fmt.Sprintf("With %s %s %s %s", threads(c.to.X), of, verb, scaling.FormatValue(c.to.Y, unit)))
		case i > 0 && changes[i-1].from.X == c.from.X && changes[i-1].to.X == c.to.X:
			parts[len(parts)-1] += ", " + of + " " + times
		default:
			parts = append(parts, fmt.Sprintf("With %s %s %s %s %s %g", threads(c.to.X), of, verb, times, as, c.from.X))
		}
	}
	return strings.Join(parts, ". ") + "."
}

func threads(n float64) string { return counted(int(n), "thread") }

// findings returns three findings for the reader, computed from the file: findings
// about the article if the file has their rows, or else the fastest and slowest rows.
func (m *machine) findings() []finding {
	var list []finding
	for _, f := range []func() (finding, bool){m.price, m.sharing, m.lock} {
		if found, ok := f(); ok {
			list = append(list, found)
		}
	}
	for _, f := range m.extremes() {
		if len(list) < 3 {
			list = append(list, f)
		}
	}
	return list
}

// values returns the values of a row of the machine.
func (m *machine) values(name string, procs int, unit string) []float64 {
	for _, r := range m.Rows {
		if r.Name == name && r.Procs == procs && stats.Usable(r.Values[unit]) {
			return r.Values[unit]
		}
	}
	return nil
}

// most returns the largest number of procs, from 2, at which the rows were measured and
// that is not oversubscribed, or 0.
func (m *machine) most(names ...string) int {
	n := 0
	for _, r := range m.Rows {
		if r.Name == names[0] && r.Procs > max(n, 1) && !m.Machine.Oversubscribed(r.Procs) &&
			!slices.ContainsFunc(names, func(name string) bool { return m.values(name, r.Procs, scaling.Wall) == nil }) {
			n = r.Procs
		}
	}
	return n
}

func timeOf(x []float64) string {
	e, _ := estimate(x)
	return scaling.FormatValue(e.Center, scaling.Wall)
}

// price is the cost of an uncontended lock.
func (m *machine) price() (finding, bool) {
	with, without := m.values("Loop/sync=global-mutex", 1, scaling.Wall), m.values("Loop/sync=serial", 1, scaling.Wall)
	if with == nil || without == nil {
		return finding{}, false
	}
	r := stats.Ratio(with, without, 0.95)
	return finding{short(r.Center) + " times", fmt.Sprintf("the time, if the smallest step takes a lock that no other goroutine wants%s: %s with a mutex, %s without.",
		between(r), timeOf(with), timeOf(without))}, true
}

// between formats an interval, for a sentence that has the estimate.
func between(i stats.Interval) string {
	if !i.Bounded() {
		return ""
	}
	return fmt.Sprintf(" (%s to %s)", short(i.Low), short(i.High))
}

// sharing is the cost of a word that several procs share.
func (m *machine) sharing() (finding, bool) {
	const shared, apart = "Loop/sync=atomic", "Loop/sync=lock-free"
	n := m.most(shared, apart)
	one, base := m.values(shared, 1, scaling.Wall), m.values(apart, 1, scaling.Wall)
	if n == 0 || one == nil || base == nil {
		return finding{}, false
	}
	gain := stats.Ratio(one, m.values(shared, n, scaling.Wall), 0.95)
	text := fmt.Sprintf("the speed of one proc, if %d procs add to one shared word%s", n, between(gain))
	if before, after := m.values(shared, 1, scaling.CPU), m.values(shared, n, scaling.CPU); before != nil && after != nil {
		r := stats.Ratio(after, before, 0.95)
		text += fmt.Sprintf(". A step then uses %s times the processor time%s", short(r.Center), between(r))
	}
	r := stats.Ratio(base, m.values(apart, n, scaling.Wall), 0.95)
	text += fmt.Sprintf(". With a word for each proc they reach %s times the speed%s.", short(r.Center), between(r))
	return finding{short(gain.Center) + " times", text}, true
}

// lock is the cost of the GIL, and the cost of removing it.
func (m *machine) lock() (finding, bool) {
	const gil, nogil = "FibBoxed/system=gil", "FibBoxed/system=nogil"
	n := m.most(gil, nogil)
	if n == 0 {
		return finding{}, false
	}
	gain := stats.Ratio(m.values(gil, n, scaling.Wall), m.values(nogil, n, scaling.Wall), 0.95)
	text := fmt.Sprintf("the speed of the GIL, if %d threads compute under nogil, which has no lock%s.", n, between(gain))
	if one, base := m.values(nogil, 1, scaling.Wall), m.values(gil, 1, scaling.Wall); one != nil && base != nil {
		r := stats.Ratio(one, base, 0.95)
		text += fmt.Sprintf(" A single thread takes %s times as long there%s.", short(r.Center), between(r))
	}
	return finding{short(gain.Center) + " times", text}, true
}

// extremes are the findings in files of other benchmarks.
func (m *machine) extremes() []finding {
	var speed, cost []ranked
	for _, w := range m.workloads {
		at := last(w)
		one := slices.IndexFunc(w.Columns, func(c scaling.Column) bool { return c.Procs == 1 })
		if one < 0 || at == one || w.Pkg == benchfile.ControlPkg {
			continue
		}
		for _, r := range w.Rows {
			if x, y := r.Values(one, scaling.Wall), r.Values(at, scaling.Wall); stats.Usable(x) && stats.Usable(y) {
				speed = append(speed, ranked{r.FullName, w.Columns[at].Procs, stats.Ratio(x, y, 0.95)})
			}
			if x, y := r.Values(one, scaling.CPU), r.Values(at, scaling.CPU); stats.Usable(x) && stats.Usable(y) {
				cost = append(cost, ranked{r.FullName, w.Columns[at].Procs, stats.Ratio(y, x, 0.95)})
			}
		}
	}
	var list []finding
	add := func(rows []ranked, i int, what, place string) {
		r, doubt := rows[i], ""
		if len(rows) > 1 && !bounded(rows) {
			doubt = tooFew
		} else if len(ties(rows, i)) > 0 {
			doubt = " Intervals of other rows overlap with this one, so nothing ranks them."
		}
		list = append(list, finding{short(r.figure.Center) + " times", fmt.Sprintf("%s %s at %d procs%s%s.%s", what, r.name, r.procs, place, between(r.figure), doubt)})
	}
	for _, f := range []struct {
		rows  []ranked
		what  string
		least bool
	}{{speed, "the speed of one proc for", true}, {cost, "the processor time of one proc for a step of", false}} {
		slices.SortStableFunc(f.rows, ascending)
		end := len(f.rows) - 1
		switch {
		case end < 0:
		case end == 0:
			add(f.rows, 0, f.what, "")
		case short(f.rows[0].figure.Center) == short(f.rows[end].figure.Center):
			list = append(list, finding{short(f.rows[0].figure.Center) + " times", fmt.Sprintf("%s each of %d rows.", f.what, len(f.rows))})
		default:
			add(f.rows, end, f.what, ", the most of all rows")
			if f.least {
				add(f.rows, 0, f.what, ", the least of all rows")
			}
		}
	}
	return list
}
