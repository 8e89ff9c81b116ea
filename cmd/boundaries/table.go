package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"boundaries/internal/benchfile"
	"boundaries/internal/scaling"
	"boundaries/internal/stats"
)

const tableUsage = `Usage: boundaries table FILE...

Table prints benchmark output as tables: a table for each workload and unit, a line
for each variant, a column for each number of procs. A FILE of "-" is standard input.
Files of one machine are put together. In a file that run has not made, size-8 at one
proc looks like size at 8 procs.

A figure is the median over the rounds. After it stands how far its 95 % interval
reaches, if there are at least 6 rounds and all values are above 0. Columns of more procs
than usable processors are marked *, and figures with rounds on a disturbed machine are
marked ~.

The exit status is 1 when a file has a FAIL or a line that cannot be read (the rest
is printed), and 2 when there is nothing to print.
`

// tableWidth is a width that terminals and mails show without wrapping.
const tableWidth = 100

func tableVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newFlags("table")
	files, err := readArgs(ctx, flags, args, tableUsage, stdout)
	if files == nil {
		return err
	}
	var text strings.Builder
	for _, f := range benchfile.ByMachine(files) {
		fmt.Fprintln(&text, f.Machine)
		var seen marks
		workloads := scaling.Workloads(f)
		for _, w := range workloads {
			for _, unit := range w.Units {
				seen.add(writeTable(&text, w, heading(w, unit), func(r scaling.Row, column int) string {
					v := r.Values(column, unit)
					if len(v) == 0 {
						return ""
					}
					i, disturbed := stats.Interval{Center: stats.Middle(v)}, r.Disturbed(column).Runs > 0
					if stats.Usable(v) {
						i = stats.Median(v, 0.95)
					}
					return marked(strings.TrimSpace(scaling.FormatValue(i.Center, unit)+" "+scaling.FormatSpread(i)), disturbed)
				}))
			}
		}
		seen.explain(&text, f, notes(f, workloads, "interval"))
		fmt.Fprintln(&text)
	}
	return finish(stdout, text.String(), files)
}

func heading(w *scaling.Workload, unit string) string {
	what := unit
	switch unit {
	case scaling.Wall:
		what = "wall time of a step"
	case scaling.CPU:
		what = "processor time of a step"
	}
	return w.Title() + ": " + what
}

// marks says which marks need an explanation below the tables.
type marks struct{ oversubscribed, disturbed bool }

func (m *marks) add(other marks) {
	m.oversubscribed = m.oversubscribed || other.oversubscribed
	m.disturbed = m.disturbed || other.disturbed
}

// notes says what the tables of a machine lack, and why, and what is unusual.
func notes(f *benchfile.File, workloads []*scaling.Workload, lost string) []string {
	all := append(f.Incomplete(), f.Unusual()...)
	for _, w := range workloads {
		all = append(all, w.TooCoarse(lost)...)
	}
	return all
}

func (m *marks) explain(text io.Writer, f *benchfile.File, notes []string) {
	fmt.Fprintln(text)
	if m.oversubscribed {
		fmt.Fprintf(text, "* oversubscribed: more procs than processors (%d)\n", f.Machine.NumCPU())
	}
	if f.Machine.NumCPU() == 0 {
		fmt.Fprintln(text, "No file says how many processors the machine has, so any column may be oversubscribed.")
	}
	if m.disturbed {
		fmt.Fprintln(text, "~ some rounds of this figure ran on a disturbed machine; the file names them")
	}
	for _, note := range notes {
		fmt.Fprintln(text, note)
	}
	if n := len(f.Ignored); n > 0 {
		fmt.Fprintf(text, "Ignored, although it looks like a key: %s", f.Ignored[0])
		if n > 1 {
			fmt.Fprintf(text, " and %d more", n-1)
		}
		fmt.Fprintln(text)
	}
}

func marked(cell string, disturbed bool) string {
	if disturbed {
		return cell + " ~"
	}
	return cell
}

// writeTable prints a table. Columns that do not fit go below the others.
func writeTable(text *strings.Builder, w *scaling.Workload, title string, cell func(r scaling.Row, column int) string) marks {
	var m marks
	first := []string{w.Key}
	for _, r := range w.Rows {
		first = append(first, r.Name)
	}
	columns := [][]string{}
	for j, c := range w.Columns {
		head := strconv.Itoa(c.Procs)
		if c.Oversubscribed {
			head += "*"
			m.oversubscribed = true
		}
		column := []string{head}
		for _, r := range w.Rows {
			s := cell(r, j)
			m.disturbed = m.disturbed || strings.HasSuffix(s, "~")
			column = append(column, s)
		}
		columns = append(columns, column)
	}
	fmt.Fprintf(text, "\n%s\n", title)
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = widest(c)
	}
	names := widest(first)
	for len(columns) > 0 {
		width, fits := 2+names, 0
		for fits < len(columns) && (fits == 0 || width+2+widths[fits] <= tableWidth) {
			width += 2 + widths[fits]
			fits++
		}
		for i, name := range first {
			line := "  " + pad(name, names, false)
			for j, c := range columns[:fits] {
				line += "  " + pad(c[i], widths[j], true)
			}
			fmt.Fprintln(text, strings.TrimRight(line, " "))
		}
		columns, widths = columns[fits:], widths[fits:]
	}
	return m
}

func widest(column []string) (width int) {
	for _, s := range column {
		width = max(width, utf8.RuneCountInString(s))
	}
	return width
}

func pad(s string, width int, right bool) string {
	space := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
	if right {
		return space + s
	}
	return s + space
}
