package lockmap

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes each map as a table, or as a ranking if it has one cell.
func WriteText(w io.Writer, maps []Map) error {
	var text strings.Builder
	for i, m := range maps {
		if i > 0 {
			text.WriteString("\n")
		}
		if all := m.rankings(); len(all) == 1 {
			ranking(&text, m, all[0])
		} else if len(all) > 1 {
			table(&text, m)
		} else {
			fmt.Fprintf(&text, "%s: no row has the unit %s\n", m.Title, m.Unit)
		}
	}
	if len(maps) > 0 {
		for _, note := range maps[0].about {
			fmt.Fprintf(&text, "\n%s\n", note)
		}
	}
	for line := range strings.Lines(text.String()) {
		// Tabwriter also pads empty cells at the end of a line.
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func table(text *strings.Builder, m Map) {
	fmt.Fprintf(text, "%s, cheapest by %s\n%s\n", m.Title, m.Unit, m.finding())
	t := tabwriter.NewWriter(text, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "%s \\ %s\t%s\n", m.Y.Name, m.X.Name, strings.Join(m.Columns, "\t"))
	for i, row := range m.Rows {
		for _, line := range []struct {
			head string
			text func(r *Ranking) string
		}{{row, cheapest}, {"", second}, {"", plain}} {
			cells := []string{line.head}
			for _, cell := range m.Cells[i] {
				cells = append(cells, line.text(cell))
			}
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
	}
	t.Flush()
	text.WriteString("~: the 95 % intervals of the first and of another overlap, or rounds are too few for one.\n")
	for _, note := range m.notes() {
		fmt.Fprintln(text, note)
	}
}

// cheapest, second and plain are the three lines of a cell.
func cheapest(r *Ranking) string {
	if r == nil {
		return "not measured"
	}
	text := r.Choices[0].Variant + " " + format(r.Choices[0].Cost.Median, r.Unit)
	if len(r.Choices) == 1 {
		text = "only " + text
	} else if !r.sure() {
		text = "~ " + text
	}
	if len(r.NotMeasured) > 0 {
		text = "! " + text
	}
	return text
}

func second(r *Ranking) string {
	if r == nil || len(r.Choices) < 2 {
		return ""
	}
	return times(r.Choices[1], r.Choices[0]) + " " + r.Choices[1].Variant
}

func plain(r *Ranking) string {
	if r == nil {
		return ""
	}
	mutex, ok := r.entry(plainMutex)
	if !ok || r.Choices[0].Variant == plainMutex || len(r.Choices) > 1 && r.Choices[1].Variant == plainMutex {
		return ""
	}
	return times(mutex, r.Choices[0]) + " " + plainMutex
}

func ranking(text *strings.Builder, m Map, r Ranking) {
	fmt.Fprintf(text, "%s, by %s\n", title(m.machine, r.Cell), r.Unit)
	t := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tvariant\tcost\t95 % interval\t\tread p99\tupdate p99\tlongest\tforbids")
	for i, e := range r.Choices {
		place := fmt.Sprint(i + 1)
		if e.Tied || i == 0 && !r.sure() {
			place += "~"
		}
		if i == 0 && len(r.NotMeasured) > 0 {
			place += "!"
		}
		fmt.Fprintln(t, place+"\t"+line(e, r))
	}
	for _, e := range r.References {
		fmt.Fprintln(t, "-\t"+line(e, r))
	}
	t.Flush()
	text.WriteString("~: the 95 % interval overlaps that of the first, or rounds are too few for one. -: for reference, not a choice.\n")
	for _, note := range m.notes() {
		fmt.Fprintln(text, note)
	}
}

// line is the line of one variant in a ranking: its cost, its tail, what it forbids.
func line(e Entry, r Ranking) string {
	interval := "none"
	if e.Cost.hasInterval() {
		interval = format(e.Cost.Low, r.Unit) + " to " + format(e.Cost.High, r.Unit)
	}
	tail := func(units ...string) string {
		longest, found := 0.0, false
		for _, unit := range units {
			if value, ok := e.metric(unit); ok {
				longest, found = max(longest, value), true
			}
		}
		if !found {
			return "-"
		}
		return format(longest, "ns")
	}
	return strings.Join([]string{e.Variant, format(e.Cost.Median, r.Unit), interval, times(e, r.Choices[0]),
		tail("read-p99-ns"), tail("update-p99-ns"), tail("read-max-ns", "update-max-ns"), e.Forbids}, "\t")
}
