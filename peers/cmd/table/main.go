// Table prints what go tool boundaries run has measured of package peers: a table for
// each job, the suite's rows first. The argument is the file.
//
// A ratio is the time of a row divided by that of our fastest row at that number of
// procs, with its 95 % interval (Hodges and Lehmann, on logarithms). Our fastest row is
// that with the smallest median, in the same rounds. So where several of our rows are equally
// fast it is a lucky one, and the ratios are a little too large, which favors ours. A peer
// whose interval is below 1 is marked as faster.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchunit"

	"boundaries/internal/benchfile"
	"boundaries/internal/stats"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "table: want one argument, the file that go tool boundaries run has written")
		os.Exit(2)
	}
	files, err := benchfile.Read(context.Background(), os.Args[1:])
	if err == nil {
		err = print(os.Stdout, files[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(2)
	}
	for _, problem := range files[0].Problems {
		fmt.Fprintln(os.Stderr, "table:", problem)
	}
	if len(files[0].Problems) > 0 {
		os.Exit(1)
	}
}

const unit = "sec/op"

// A line is a row of a table: a variant or a peer at all numbers of procs.
type line struct {
	key, name string // sync or peer, and its value
	times     map[int][]float64
}

// A table is a job, with its lines in the order of the file.
type table struct {
	job   string
	lines []*line
	procs []int
}

// print prints all tables.
func print(w io.Writer, file *benchfile.File) error {
	var tables []*table
	for _, row := range file.Rows {
		if row.Control() {
			continue
		}
		job := path.Dir(row.Name)
		key, name, ok := strings.Cut(path.Base(row.Name), "=")
		if !ok || key != "sync" && key != "peer" || !stats.Usable(row.Values[unit]) {
			return fmt.Errorf("%s: the row %s is not one of package peers, or has no time", file.Name, row.FullName())
		}
		i := slices.IndexFunc(tables, func(t *table) bool { return t.job == job })
		if i < 0 {
			i = len(tables)
			tables = append(tables, &table{job: job})
		}
		tables[i].add(key, name, row.Procs, row.Values[unit])
	}
	slices.SortFunc(tables, func(a, b *table) int { return strings.Compare(a.job, b.job) })
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := t.print(out, file.Machine); err != nil {
			return err
		}
	}
	if len(file.Disturbed) > 0 {
		fmt.Fprintf(out, "\nrows that ran while the machine was disturbed: %d; %s names them\n", len(file.Disturbed), file.Name)
	}
	return out.Flush()
}

func (t *table) add(key, name string, procs int, times []float64) {
	i := slices.IndexFunc(t.lines, func(l *line) bool { return l.key == key && l.name == name })
	if i < 0 {
		i = len(t.lines)
		t.lines = append(t.lines, &line{key, name, map[int][]float64{}})
	}
	t.lines[i].times[procs] = times
	if !slices.Contains(t.procs, procs) {
		t.procs = append(t.procs, procs)
		slices.Sort(t.procs)
	}
}

// best returns the suite's fastest line at that number of procs, or nil if it has none.
func (t *table) best(procs int) (best *line) {
	for _, l := range t.lines {
		if l.key == "sync" && l.times[procs] != nil && (best == nil || l.median(procs) < best.median(procs)) {
			best = l
		}
	}
	return best
}

func (l *line) median(procs int) float64 { return stats.Median(l.times[procs], 0.95).Center }

// print prints the table, ours first, each kind in the order of its median at the most
// procs.
func (t *table) print(w io.Writer, machine benchfile.Machine) error {
	fmt.Fprint(w, t.job)
	for _, procs := range t.procs {
		if t.best(procs) == nil {
			return fmt.Errorf("%s: no row of ours at %d procs to compare with", t.job, procs)
		}
		oversubscribed := ""
		if machine.Oversubscribed(procs) {
			oversubscribed = ", oversubscribed"
		}
		fmt.Fprintf(w, "\t-cpu %d%s: time\tratio", procs, oversubscribed)
	}
	fmt.Fprintln(w, "\t")
	most := t.procs[len(t.procs)-1]
	slices.SortStableFunc(t.lines, func(a, b *line) int {
		if order := -strings.Compare(a.key, b.key); order != 0 {
			return order
		}
		if a.times[most] == nil || b.times[most] == nil || a.median(most) == b.median(most) {
			return 0
		} else if a.median(most) < b.median(most) {
			return -1
		}
		return 1
	})
	for _, l := range t.lines {
		fmt.Fprintf(w, "  %s=%s", l.key, l.name)
		var faster []string
		for _, procs := range t.procs {
			if l.times[procs] == nil {
				fmt.Fprint(w, "\tnone\t")
				continue
			}
			best := t.best(procs)
			fmt.Fprintf(w, "\t%ss\t", benchunit.Scale(l.median(procs), benchunit.Decimal))
			if l == best {
				fmt.Fprint(w, "1, our best")
				continue
			}
			ratio := stats.Ratio(l.times[procs], best.times[procs], 0.95)
			fmt.Fprintf(w, "%.3g", ratio.Center)
			if ratio.Bounded() {
				fmt.Fprintf(w, " [%.3g, %.3g]", ratio.Low, ratio.High)
			}
			if l.key == "peer" && ratio.High < 1 {
				faster = append(faster, fmt.Sprint(procs))
			}
		}
		mark := ""
		if faster != nil {
			mark = "FASTER THAN OURS at -cpu " + strings.Join(faster, " and ")
		}
		fmt.Fprintln(w, "\t"+mark)
	}
	return nil
}
