package gate

import (
	"fmt"

	"boundaries/internal/benchfile"
)

// Files compares two files of benchmark results.
func (c Config) Files(base, head *benchfile.File) *Report {
	data := &Data{}
	data.Add(Base, "", base)
	data.Add(Head, "", head)
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
	return r
}

// Oversubscribed is the note about rows of more procs than usable processors.
func Oversubscribed(processors int) string {
	return fmt.Sprintf("rows of more than %d procs are oversubscribed: their workers wait for processors", processors)
}
