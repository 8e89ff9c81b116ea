package gate

import (
	"fmt"
	"strings"

	"boundaries/internal/benchfile"
)

// Files compares two files of benchmark results. The control rows of the run verb are of the
// machine, and no part of the decision.
func (c Config) Files(base, head *benchfile.File) *Report {
	data, control := &Data{}, &Data{Procs: []int{}} // without speed-up
	for side, f := range []*benchfile.File{base, head} {
		own, machine := &benchfile.File{Better: f.Better}, &benchfile.File{}
		for _, row := range f.Rows {
			if row.Control() {
				machine.Rows = append(machine.Rows, row)
			} else {
				own.Rows = append(own.Rows, row)
			}
		}
		data.Add(Side(side), "", own)
		control.Add(Side(side), benchfile.ControlPkg, machine)
	}
	r := &Report{Decision: c.decideOnce(data), Files: true, Base: "base: " + base.Name, Head: "head: " + head.Name, Machine: head.Machine.String()}
	for _, f := range []*benchfile.File{base, head} {
		most := 1
		for _, row := range f.Rows {
			r.Rounds, most = max(r.Rounds, len(row.Rounds)), max(most, row.Procs)
		}
		if f.Machine.Oversubscribed(most) {
			r.Notes = append(r.Notes, f.Name+": "+Oversubscribed(f.Machine.NumCPU()))
		}
		if len(f.Ignored) > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%d lines look like keys and are none, such as %s", len(f.Ignored), f.Ignored[0]))
		}
		disturbed := 0
		for _, d := range f.Disturbed {
			disturbed += d.Runs
		}
		if disturbed > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s says that %d of its runs were disturbed; they count anyway", f.Name, disturbed))
		}
	}
	if !base.Machine.Same(head.Machine) {
		r.Notes = append(r.Notes, fmt.Sprintf("these are two machines, and differ in more than the code: %s, and %s", base.Machine, head.Machine))
	}
	r.Notes = append(r.Notes, c.decideOnce(control).drift()...)
	return r
}

// drift says how much slower and faster the machine was in head, if d is about control rows.
func (d *Decision) drift() (notes []string) {
	for i, what := range []string{"slower", "faster"} {
		var rows []string
		for _, r := range d.of([]Verdict{Regression, Gain}[i]) {
			rows = append(rows, r.FullName()+" "+percent(r.Ratio.Center))
		}
		if len(rows) > 0 {
			notes = append(notes, fmt.Sprintf("the machine itself was %s in head, and may have changed other rows too: %s", what, strings.Join(rows, ", ")))
		}
	}
	return notes
}

// Oversubscribed is the note about rows of more procs than usable processors.
func Oversubscribed(processors int) string {
	return fmt.Sprintf("rows of more than %d procs are oversubscribed: their workers wait for processors", processors)
}
