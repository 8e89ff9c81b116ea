// Table prints what go tool boundaries run has measured of package peers: a table for
// each job, the suite's rows first. The arguments are files of one machine. With -page it prints
// the page docs/peers.md instead.
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
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchunit"

	"boundaries/internal/benchfile"
	"boundaries/internal/stats"
)

func main() {
	args, print := os.Args[1:], printText
	if len(args) > 0 && args[0] == "-page" {
		args, print = args[1:], printPage
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "table: want the files that go tool boundaries run has written, perhaps after -page")
		os.Exit(2)
	}
	files, err := benchfile.Read(context.Background(), args)
	if err == nil {
		err = print(os.Stdout, files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(2)
	}
	status := 0
	for _, file := range files {
		for _, problem := range file.Problems {
			fmt.Fprintln(os.Stderr, "table:", problem)
			status = 1
		}
	}
	os.Exit(status)
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
	file  *benchfile.File
	lines []*line
	procs []int
}

// tablesOf returns the tables of the files, by job. In each, ours are first, and each kind is in
// the order of its median at the most procs. It refuses a job that two files have: the rows of
// one would be compared with those of the other, which ran at another time.
func tablesOf(files []*benchfile.File) (tables []*table, err error) {
	for _, file := range files {
		if !file.Machine.Same(files[0].Machine) {
			return nil, fmt.Errorf("%s is of another machine than %s", file.Name, files[0].Name)
		}
		for _, row := range file.Rows {
			if row.Control() {
				continue
			}
			job := path.Dir(row.Name)
			key, name, ok := strings.Cut(path.Base(row.Name), "=")
			if !ok || key != "sync" && key != "peer" || !stats.Usable(row.Values[unit]) {
				return nil, fmt.Errorf("%s: the row %s is not one of package peers, or has no time", file.Name, row.FullName())
			}
			i := slices.IndexFunc(tables, func(t *table) bool { return t.job == job })
			if i < 0 {
				i = len(tables)
				tables = append(tables, &table{job: job, file: file})
			}
			if tables[i].file != file {
				return nil, fmt.Errorf("%s and %s have both rows of %s", tables[i].file.Name, file.Name, job)
			}
			tables[i].add(key, name, row.Procs, row.Values[unit])
		}
	}
	slices.SortFunc(tables, func(a, b *table) int { return strings.Compare(a.job, b.job) })
	for _, t := range tables {
		if err := t.sort(); err != nil {
			return nil, err
		}
	}
	return tables, nil
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

func (t *table) sort() error {
	for _, procs := range t.procs {
		if t.best(procs) == nil {
			return fmt.Errorf("%s: no row of ours at %d procs to compare with", t.job, procs)
		}
	}
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
	return nil
}

// cell returns a line's time and its ratio to our best row, as text. It reports whether the
// line is a peer that is faster.
func (t *table) cell(l *line, procs int) (time, ratio string, faster bool) {
	if l.times[procs] == nil {
		return "none", "", false
	}
	time = benchunit.Scale(l.median(procs), benchunit.Decimal) + "s"
	best := t.best(procs)
	if l == best {
		return time, "1, our best", false
	}
	r := stats.Ratio(l.times[procs], best.times[procs], 0.95)
	ratio = fmt.Sprintf("%.3gx", r.Center)
	if r.Bounded() {
		ratio += fmt.Sprintf(" [%.3g, %.3g]", r.Low, r.High)
	}
	return time, ratio, l.key == "peer" && r.High < 1
}

// printText prints all tables.
func printText(w io.Writer, files []*benchfile.File) error {
	tables, err := tablesOf(files)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprint(out, t.job)
		for _, procs := range t.procs {
			oversubscribed := ""
			if t.file.Machine.Oversubscribed(procs) {
				oversubscribed = ", oversubscribed"
			}
			fmt.Fprintf(out, "\t-cpu %d%s: time\tratio", procs, oversubscribed)
		}
		fmt.Fprintln(out, "\t")
		for _, l := range t.lines {
			fmt.Fprintf(out, "  %s=%s", l.key, l.name)
			var where []string
			for _, procs := range t.procs {
				time, ratio, faster := t.cell(l, procs)
				fmt.Fprintf(out, "\t%s\t%s", time, ratio)
				if faster {
					where = append(where, fmt.Sprint(procs))
				}
			}
			mark := ""
			if where != nil {
				mark = "FASTER THAN OURS at -cpu " + strings.Join(where, " and ")
			}
			fmt.Fprintln(out, "\t"+mark)
		}
	}
	for _, file := range files {
		if len(file.Disturbed) > 0 {
			fmt.Fprintf(out, "\nrows that ran while the machine was disturbed: %d; %s names them\n", len(file.Disturbed), file.Name)
		}
	}
	return out.Flush()
}

const intro = `# Beside other libraries

<!-- Made by "go run ./cmd/table -page" from the files that it links to. Regenerate it; do not edit it. -->

Package [peers](../peers/peers.go) does the jobs of this suite with other libraries, and with tricks of a few lines. The
comment of each peer in that folder says which library it is, and what it promises more or less than our rows;
[go.mod](../peers/go.mod) has the versions.
The rows are in %s: %d rounds, each in a new order, on %s.

A cell has the median time of a step, and how many times as long that is as the time of our fastest row at that number of
procs, with the 95 %% interval of this ratio. Rows ` + "`sync=`" + ` are ours. Columns of more procs than processors are marked \*.
On your own machine: ` + "`make peers`" + `.

`

// printPage prints the page docs/peers.md. The files are in docs/results.
func printPage(w io.Writer, files []*benchfile.File) error {
	tables, err := tablesOf(files)
	if err != nil {
		return err
	}
	var links []string
	disturbed := 0
	for _, file := range files {
		links = append(links, fmt.Sprintf("[%s](results/%[1]s)", path.Base(filepath.ToSlash(file.Name))))
		disturbed += len(file.Disturbed)
	}
	rounds, compared, faster := 0, 0, 0
	var ahead []string // a line for each job and peer
	var text strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&text, "\n## %s\n\n| row |", t.job)
		for _, procs := range t.procs {
			mark := ""
			if t.file.Machine.Oversubscribed(procs) {
				mark = ` \*`
			}
			fmt.Fprintf(&text, " %d%s |", procs, mark)
		}
		text.WriteString("\n|---|" + strings.Repeat("---|", len(t.procs)) + "\n")
		for _, l := range t.lines {
			fmt.Fprintf(&text, "| `%s=%s` |", l.key, l.name)
			var where []string
			for _, procs := range t.procs {
				rounds = max(rounds, len(l.times[procs]))
				time, ratio, isFaster := t.cell(l, procs)
				if ratio != "" {
					time += ", " + ratio
				}
				if l.key == "peer" && l.times[procs] != nil {
					compared++
				}
				if isFaster {
					time = "**" + time + ", faster than ours**"
					faster++
					where = append(where, fmt.Sprint(procs))
				}
				fmt.Fprintf(&text, " %s |", time)
			}
			text.WriteString("\n")
			if where != nil {
				ahead = append(ahead, fmt.Sprintf("* `%s` in %s, at %s", l.name, t.job, strings.Join(where, ", ")))
			}
		}
	}
	machine := files[0].Machine.String()
	for _, key := range []string{"processor", "go", "date"} {
		if fact, _, _ := strings.Cut(files[0].Machine.Fact(key), "T"); fact != "" { // of a date without its time
			machine += ", " + fact
		}
	}
	fmt.Fprintf(w, intro, strings.Join(links, " and "), rounds, machine)
	fmt.Fprintf(w, "**Of %d cells of peers, %d are faster than our fastest row**: their whole interval is below 1.\n", compared, faster)
	if len(ahead) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(ahead, "\n"))
	}
	if disturbed > 0 {
		rows := "1 row"
		if disturbed > 1 {
			rows = fmt.Sprintf("%d rows", disturbed)
		}
		fmt.Fprintf(w, "\n%s had runs on a disturbed machine; they count too, and the files name them.\n", rows)
	}
	_, err = io.WriteString(w, text.String())
	return err
}
