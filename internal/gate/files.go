package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"boundaries/internal/benchfile"
)

// Files compares two files of benchmark results. The control rows, which boundaries run
// adds, describe the machine. They do not affect the decision.
func (c Config) Files(base, head *benchfile.File) *Report {
	data, control := &Data{Procs: procs(base, head)}, &Data{Procs: []int{}} // without speed-up
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
	var results [2]int // the most that a row has
	for side, f := range []*benchfile.File{base, head} {
		most := 1
		for _, row := range f.Rows {
			results[side] = max(results[side], len(row.Rounds))
			if slices.Contains(data.Procs, row.Procs) { // otherwise the number is part of the name
				most = max(most, row.Procs)
			}
		}
		r.Rounds = max(r.Rounds, results[side])
		var short []string
		for _, row := range f.Rows {
			if n := len(row.Rounds); n < results[side] && !row.Control() {
				short = append(short, fmt.Sprintf("%s (%d)", row.FullName(), n))
			}
		}
		if len(short) > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s: %s with fewer than %s, such as %s", f.Name, plural(len(short), "row"), plural(results[side], "result"), short[0]))
		}
		r.Notes = append(r.Notes, f.Incomplete()...)
		if f.Machine.Oversubscribed(most) {
			r.Notes = append(r.Notes, f.Name+": "+Oversubscribed(f.Machine.NumCPU()))
		}
		if len(f.Ignored) > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%d lines look like keys but are not, such as %s", len(f.Ignored), f.Ignored[0]))
		}
		disturbed := 0
		for _, d := range f.Disturbed {
			disturbed += d.Runs
		}
		if disturbed > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%s says that %d of its runs were disturbed; they count anyway", f.Name, disturbed))
		}
	}
	if results[Base] != results[Head] {
		r.Notes = append(r.Notes, fmt.Sprintf("a row has up to %s in base and %d in head", plural(results[Base], "result"), results[Head]))
	}
	if !base.Machine.Same(head.Machine) {
		r.Notes = append(r.Notes, fmt.Sprintf("these are two machines, and differ in more than the code: %s, and %s", base.Machine, head.Machine))
	}
	for _, key := range []string{"go", "benchtime", "build", "environment"} {
		b, h := base.Machine.Setting(key), head.Machine.Setting(key)
		// The suite prints the last two only where they are set.
		if b != h && (b != "" && h != "" || key == "build" || key == "environment") {
			r.Notes = append(r.Notes, fmt.Sprintf("the files differ in more than the code: %s is %s in base, and %s in head", key, cmp.Or(b, "not set"), cmp.Or(h, "not set")))
		}
	}
	if binaries := base.Machine.Fact("binaries"); binaries != "" && binaries == head.Machine.Fact("binaries") {
		r.Notes = append(r.Notes, "both files are of the same test binaries, so no difference is that of the code")
	}
	r.Notes = append(r.Notes, c.decideOnce(control).drift()...)
	return r
}

// procs returns the numbers of procs of at least half of the benchmarks of a file. A rarer
// number belongs to the name, as in AES-128: -cpu is the same for all.
func procs(files ...*benchfile.File) []int {
	all := []int{1}
	for _, f := range files {
		names, have := map[string]bool{}, map[int]int{}
		for _, r := range f.Rows {
			names[r.Pkg+" "+r.Name] = true
			have[r.Procs]++
		}
		for n, rows := range have {
			if 2*rows >= len(names) && !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
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

// NoCommonRow says why no row of the file base is in the file head, and what to do.
func (d *Decision) NoCommonRow(base, head string) string {
	if len(d.Removed) == 0 || len(d.Added) == 0 {
		return map[bool]string{true: base, false: head}[len(d.Removed) == 0] + " has only the control rows that boundaries run adds; want benchmarks"
	}
	// If several rows have one name, take the pair that differs in the fewest of package,
	// name and procs.
	named := map[string][]Row{}
	for _, y := range d.Added {
		named[y.Name] = append(named[y.Name], y)
	}
	var b, h Row
	least := 3
	for _, x := range d.Removed {
		for _, y := range named[x.Name] {
			differ := 0
			if x.Pkg != y.Pkg {
				differ++
			}
			if x.Procs != y.Procs {
				differ++
			}
			if differ < least {
				b, h, least = x, y, differ
			}
		}
	}
	if least == 3 {
		return fmt.Sprintf("they begin with %s and %s; want two files of the same benchmarks", d.Removed[0].FullName(), d.Added[0].FullName())
	}
	var why []string
	if b.Pkg != h.Pkg && (b.Pkg == "" || h.Pkg == "") {
		why = append(why, fmt.Sprintf("%s has no pkg: line in %s; want all that go test printed, or no pkg: line in both", b.Name, map[bool]string{true: base, false: head}[b.Pkg == ""]))
	} else if b.Pkg != h.Pkg {
		why = append(why, fmt.Sprintf("%s is of package %s in the first and of %s in the second; want the same pkg: line if it is one benchmark", b.Name, b.Pkg, h.Pkg))
	}
	if b.Procs != h.Procs {
		why = append(why, fmt.Sprintf("%s of the first ran with %s, and %s of the second with %d; want the same -cpu for both", b.FullName(), plural(b.Procs, "proc"), h.FullName(), h.Procs))
	}
	return strings.Join(why, "; ")
}

// Oversubscribed is the note about rows of more procs than usable processors.
func Oversubscribed(processors int) string {
	return fmt.Sprintf("rows of more than %d procs are oversubscribed: their workers wait for processors", processors)
}
