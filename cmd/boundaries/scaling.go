package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"boundaries/internal/benchfile"
	"boundaries/internal/scaling"
	"boundaries/internal/stats"
)

const scalingUsage = `Usage: boundaries scaling [-format text|markdown|csv|json] FILE...

Scaling says how each row of benchmark output scales with the number of procs. It
reads whatever go test -bench -cpu prints. A FILE of "-" is standard input. Files of
one machine are put together.

  speed-up    how many times as many steps in the same time as at one proc
  efficiency  speed-up divided by procs: the part of a processor that each proc is worth
  cpu         how many times the processor time for a step (needs user+sys-ns/op)

each with its 95 % interval, which needs 4 rounds. Columns of more procs than usable
processors are marked *, and no law is fitted to them. Amdahl's law is fitted to 4 or
more other columns, the universal scalability law to 6 or more, each with 6 rounds or
more. If the data refute a law, scaling does not fit it and says why.

The format csv has a line for each quantity and each note. The format json has

  machines[]               files, machine, numcpu, workloads[], notes[] (what is
                           missing, and why, and what is unusual)
  workloads[]              name, key, columns[], rows[]
  columns[]                procs, oversubscribed
  rows[]                   name, row (as in the file), cells[], amdahl, usl
  cells[]                  of the columns: rounds, disturbed (runs, times), and speed_up,
                           efficiency, cpu: value, low, high, or null
  amdahl, usl              refused: why there is no fit, or ""; base_sec, sigma, kappa,
                           peak: value, low, high; high is null where there is no bound

`

func scalingVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	write := scalingText
	flags := newFlags("scaling")
	flags.Func("format", "print `text`, markdown, csv or json (default text)", func(s string) error {
		var ok bool
		if write, ok = scalingFormats[s]; !ok {
			return errors.New("want text, markdown, csv or json")
		}
		return nil
	})
	files, err := readArgs(ctx, flags, args, scalingUsage, stdout)
	if files == nil {
		return err
	}
	var machines []scaledMachine
	for _, f := range benchfile.ByMachine(files) {
		workloads := scaling.Workloads(f)
		m := scaledMachine{File: f, notes: notes(f, workloads, "ratio")}
		for _, w := range workloads {
			m.workloads = append(m.workloads, scaledWorkload{w, w.Scaling()})
		}
		machines = append(machines, m)
	}
	var text strings.Builder
	if err := write(&text, machines); err != nil {
		return err
	}
	return finish(stdout, text.String(), files)
}

type scaledMachine struct {
	*benchfile.File
	notes     []string
	workloads []scaledWorkload
}

type scaledWorkload struct {
	*scaling.Workload
	rows []scaling.Scaled
}

var scalingFormats = map[string]func(*strings.Builder, []scaledMachine) error{
	"text": scalingText, "markdown": scalingMarkdown, "csv": scalingCSV, "json": scalingJSON,
}

var quantities = []struct {
	name, says string
	of         func(scaling.Cell) stats.Interval
}{
	{"speed-up", "speed-up over one proc", func(c scaling.Cell) stats.Interval { return c.SpeedUp }},
	{"efficiency", "efficiency", func(c scaling.Cell) stats.Interval { return c.Efficiency }},
	{"cpu", "processor time of a step, relative to one proc", func(c scaling.Cell) stats.Interval { return c.CPU }},
}

// has reports whether a table of that quantity has a figure.
func (w scaledWorkload) has(of func(scaling.Cell) stats.Interval) bool {
	for _, r := range w.rows {
		for _, c := range r.Cells {
			if of(c).Center != 0 {
				return true
			}
		}
	}
	return false
}

func scalingText(text *strings.Builder, machines []scaledMachine) error {
	for _, m := range machines {
		fmt.Fprintln(text, m.Machine)
		var seen marks
		for _, w := range m.workloads {
			byName := map[string]scaling.Scaled{}
			for _, r := range w.rows {
				byName[r.FullName] = r
			}
			for _, q := range quantities {
				if w.has(q.of) {
					seen.add(writeTable(text, w.Workload, w.Title()+": "+q.says, func(r scaling.Row, column int) string {
						cell := byName[r.FullName].Cells[column]
						if cell.Rounds == 0 {
							return ""
						}
						return marked(scaling.FormatRatio(q.of(cell)), r.Disturbed(column).Runs > 0)
					}))
				}
			}
			text.WriteString("\n")
			for _, line := range w.fits() {
				fmt.Fprintln(text, "  "+line)
			}
			if !w.has(quantities[0].of) {
				fmt.Fprintf(text, "\n%s: no row has a usable time at one proc, so there is no speed-up\n", w.Title())
			}
		}
		seen.explain(text, m.File, m.notes)
		fmt.Fprintln(text)
	}
	return nil
}

// fits describes the fits of the rows, law by law. If all rows have the same description,
// as when none has a fit for the same reason, there is one line for them.
func (w scaledWorkload) fits() []string {
	var lines []string
	for _, law := range []struct {
		name string
		of   func(scaling.Scaled) scaling.Fit
	}{
		{"Amdahl", func(r scaling.Scaled) scaling.Fit { return r.Amdahl }},
		{"USL", func(r scaling.Scaled) scaling.Fit { return r.USL }},
	} {
		for i, r := range w.rows {
			text := law.of(r).Describe()
			alike := i == 0
			for _, other := range w.rows {
				alike = alike && law.of(other).Describe() == text
			}
			if alike {
				lines = append(lines, law.name+", "+text)
				break
			}
			lines = append(lines, law.name+", "+r.Name+": "+text)
		}
	}
	return lines
}

func scalingMarkdown(text *strings.Builder, machines []scaledMachine) error {
	for _, m := range machines {
		fmt.Fprintf(text, "%s\n", markdown(m.Machine.String()))
		var seen marks
		for _, w := range m.workloads {
			for _, q := range quantities {
				if !w.has(q.of) {
					continue
				}
				fmt.Fprintf(text, "\n**%s**: %s\n\n| %s |", markdown(w.Title()), q.says, markdown(w.Key))
				for _, c := range w.Columns {
					fmt.Fprintf(text, " %d", c.Procs)
					if c.Oversubscribed {
						text.WriteString(`\*`)
						seen.oversubscribed = true
					}
					text.WriteString(" |")
				}
				text.WriteString("\n|---|" + strings.Repeat("--:|", len(w.Columns)) + "\n")
				for _, r := range w.rows {
					fmt.Fprintf(text, "| %s |", markdown(r.Name))
					for j, c := range r.Cells {
						cell := ""
						if c.Rounds > 0 {
							disturbed := r.Disturbed(j).Runs > 0
							seen.disturbed = seen.disturbed || disturbed
							cell = strings.ReplaceAll(marked(scaling.FormatRatio(q.of(c)), disturbed), "~", `\~`)
						}
						fmt.Fprintf(text, " %s |", cell)
					}
					text.WriteString("\n")
				}
			}
			if lines := w.fits(); len(lines) > 0 {
				text.WriteString("\n")
				for _, line := range lines {
					fmt.Fprintf(text, "* %s\n", markdown(line))
				}
			}
		}
		var notes strings.Builder
		seen.explain(&notes, m.File, m.notes)
		text.WriteString(strings.ReplaceAll(strings.ReplaceAll(markdown(notes.String()), "\n", "\n\n"), "\n\n\n", "\n\n"))
	}
	return nil
}

// markdown escapes what a file says.
var markdown = strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "~", `\~`, "#", `\#`).Replace

func scalingCSV(text *strings.Builder, machines []scaledMachine) error {
	w := csv.NewWriter(text)
	_ = w.Write([]string{"machine", "workload", "row", "procs", "oversubscribed", "rounds", "disturbed", "quantity", "value", "low", "high", "note"})
	number := func(v float64) string {
		if math.IsInf(v, 0) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	line := func(head []string, quantity string, i stats.Interval, note string) {
		low, high := number(i.Low), number(i.High)
		if i.High == 0 || math.IsInf(i.High, 1) && i.Low == 0 {
			low, high = "", ""
		}
		_ = w.Write(append(head, quantity, number(i.Center), low, high, note))
	}
	for _, m := range machines {
		for _, note := range m.notes {
			_ = w.Write([]string{m.Machine.String(), "", "", "", "", "", "", "", "", "", "", note})
		}
		for _, t := range m.workloads {
			for _, r := range t.rows {
				for j, c := range r.Cells {
					for _, q := range quantities {
						if i := q.of(c); i.Center != 0 {
							line([]string{m.Machine.String(), t.Title(), r.FullName, strconv.Itoa(t.Columns[j].Procs), strconv.FormatBool(t.Columns[j].Oversubscribed),
								strconv.Itoa(c.Rounds), strconv.Itoa(r.Disturbed(j).Runs)}, q.name, i, "")
						}
					}
				}
				for _, law := range []struct {
					name string
					fit  scaling.Fit
				}{{"amdahl", r.Amdahl}, {"usl", r.USL}} {
					head := []string{m.Machine.String(), t.Title(), r.FullName, "", "", "", ""}
					if law.fit.Refused != "" {
						_ = w.Write(append(head, law.name, "", "", "", law.fit.Refused))
						continue
					}
					line(head, law.name+"-sigma", law.fit.Sigma, "")
					if law.name == "usl" {
						line(head, "usl-kappa", law.fit.Kappa, "")
						line(head, "usl-peak", law.fit.Peak, "")
					}
				}
			}
		}
	}
	w.Flush()
	return w.Error()
}

// These types are the JSON that the scaling verb prints. Do not rename a field:
// programs read it.
type (
	machineJSON struct {
		Files     []string       `json:"files"`
		Machine   string         `json:"machine"`
		NumCPU    int            `json:"numcpu"` // 0 if the files do not say
		Notes     []string       `json:"notes"`
		Workloads []workloadJSON `json:"workloads"`
	}
	workloadJSON struct {
		Name    string           `json:"name"`
		Key     string           `json:"key"`
		Columns []scaling.Column `json:"columns"`
		Rows    []rowJSON        `json:"rows"`
	}
	rowJSON struct {
		Name   string     `json:"name"`
		Row    string     `json:"row"`
		Cells  []cellJSON `json:"cells"`
		Amdahl fitJSON    `json:"amdahl"`
		USL    fitJSON    `json:"usl"`
	}
	cellJSON struct {
		Rounds     int               `json:"rounds"`
		Disturbed  scaling.Disturbed `json:"disturbed"`
		SpeedUp    *intervalJSON     `json:"speed_up"`
		Efficiency *intervalJSON     `json:"efficiency"`
		CPU        *intervalJSON     `json:"cpu"`
	}
	fitJSON struct {
		Refused string        `json:"refused"`
		Base    float64       `json:"base_sec"`
		Sigma   *intervalJSON `json:"sigma"`
		Kappa   *intervalJSON `json:"kappa"`
		Peak    *intervalJSON `json:"peak"`
	}
	intervalJSON struct {
		Value *float64 `json:"value"` // null where it is infinite
		Low   *float64 `json:"low"`
		High  *float64 `json:"high"`
	}
)

func interval(i stats.Interval) *intervalJSON {
	finite := func(v float64) *float64 {
		if math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	j := &intervalJSON{finite(i.Center), finite(i.Low), finite(i.High)}
	if i.Low == 0 && math.IsInf(i.High, 1) {
		j.Low = nil
	}
	return j
}

func cellInterval(i stats.Interval) *intervalJSON {
	if i.Center == 0 {
		return nil
	}
	return interval(i)
}

func asJSON(f scaling.Fit) fitJSON {
	if f.Refused != "" {
		return fitJSON{Refused: f.Refused}
	}
	return fitJSON{Base: f.Base, Sigma: interval(f.Sigma), Kappa: interval(f.Kappa), Peak: interval(f.Peak)}
}

func names(files []*benchfile.File) (names []string) {
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

func scalingJSON(text *strings.Builder, machines []scaledMachine) error {
	var all []machineJSON
	for _, m := range machines {
		mj := machineJSON{Files: names(m.Parts), Machine: m.Machine.String(), NumCPU: m.Machine.NumCPU(), Notes: append([]string{}, m.notes...), Workloads: []workloadJSON{}}
		for _, w := range m.workloads {
			wj := workloadJSON{Name: w.Title(), Key: w.Key, Columns: w.Columns}
			for _, r := range w.rows {
				rj := rowJSON{Name: r.Name, Row: r.FullName, Amdahl: asJSON(r.Amdahl), USL: asJSON(r.USL)}
				for j, c := range r.Cells {
					rj.Cells = append(rj.Cells, cellJSON{c.Rounds, r.Disturbed(j), cellInterval(c.SpeedUp), cellInterval(c.Efficiency), cellInterval(c.CPU)})
				}
				wj.Rows = append(wj.Rows, rj)
			}
			mj.Workloads = append(mj.Workloads, wj)
		}
		all = append(all, mj)
	}
	e := json.NewEncoder(text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{"machines": all})
}
