package claims

import (
	"fmt"
	"slices"

	"boundaries/internal/benchfile"
)

// filesOf returns the files whose rounds a ratio of the cells is made of, and whether
// each of them has all the cells. A file with a cell that ran disturbed in most rounds
// counts only if there is no other.
func (m *input) filesOf(cells []cell) (files []int, together bool) {
	var some, all, calm []int
	for file := range m.files {
		has := func(c cell) bool { return m.ofFile(c, file) != nil }
		if !slices.ContainsFunc(cells, has) {
			continue
		}
		some = append(some, file)
		if slices.ContainsFunc(cells, func(c cell) bool { return !has(c) }) {
			continue
		}
		all = append(all, file)
		if m.mostly(cells, file) == "" {
			calm = append(calm, file)
		}
	}
	switch {
	case calm != nil:
		return calm, true
	case all != nil:
		return all, true
	}
	return some, false
}

// mostly names a cell that ran disturbed in most of its rounds in the file, or is "".
func (m *input) mostly(cells []cell, file int) string {
	for _, c := range cells {
		if d, n := m.disturbed[file][c.name()], len(m.ofFile(c, file)); c.time() && n > 0 && 2*d.Runs > n {
			return fmt.Sprintf("disturbed: %s took up to %.2f times as long in %d of %s", c.name(), d.Times, min(d.Runs, n), rounds(n))
		}
	}
	return ""
}

// long is the time, in seconds, in which the lock of Python 3.2 and later changes hands
// ten times. A run that is too short for the lock to change hands twice loses nothing.
const long = 0.050

// shaken says why the verdict of a figure cannot be trusted: a run that lost nothing
// was too short to lose anything, or a cell ran disturbed in most rounds, or by enough
// to turn the verdict. It returns "" if none of this is so.
func (m *input) shaken(f figure, cells []cell, procs int, verdict string) string {
	for _, c := range cells {
		if took := m.shortest[c.name()]; c.unit == lost && verdict == reproduced && took < long {
			return fmt.Sprintf("a run of %s took %.2g ms, want at least %g, so that the lock changes hands", c.name(), 1e3*took, 1e3*long)
		}
	}
	files, _ := m.filesOf(cells)
	for _, file := range files {
		if why := m.mostly(cells, file); why != "" {
			return why
		}
	}
	for _, calm := range []calming{m.calmNum, m.calmDen} {
		if !open(verdict) && f.verdict(m.estimate(f, procs, calm)) != verdict {
			d := m.disturbance(files, cells)
			return fmt.Sprintf("disturbed: %s took up to %.2f times as long in %s, which is enough to turn this", d.Name, d.Times, rounds(d.Runs))
		}
	}
	return ""
}

// disturbance adds up what the files say about the times of the cells, counting each
// row once. The result has the name of the cell that was disturbed most.
func (m *input) disturbance(files []int, cells []cell) (all benchfile.Disturbance) {
	for _, file := range files {
		counted := map[string]bool{}
		for _, c := range cells {
			d := m.disturbed[file][c.name()]
			if d.Runs == 0 || !c.time() || counted[d.Name] {
				continue
			}
			counted[d.Name] = true
			if d.Times > all.Times {
				all.Name, all.Times = d.Name, d.Times
			}
			all.Runs += d.Runs
		}
	}
	return all
}

// A calming changes the ratios of num to den to what they may have been on a quiet
// machine. A file says how often a row was disturbed and how much longer the worst of
// its runs took, but not which runs these were. So a calming assumes that they had the
// extreme ratios. It leaves out a row that is in both num and den, as in the ratio of
// the row's processor time to its wall time, because both are of the same runs.
type calming func(ratios []float64, files []int, num, den []cell)

func (m *input) calmNum(ratios []float64, files []int, num, den []cell) {
	slices.Sort(ratios)
	d := m.disturbance(files, withoutRows(num, den))
	for i := range min(d.Runs, len(ratios)) {
		ratios[len(ratios)-1-i] /= d.Times
	}
}

func (m *input) calmDen(ratios []float64, files []int, num, den []cell) {
	slices.Sort(ratios)
	d := m.disturbance(files, withoutRows(den, num))
	for i := range min(d.Runs, len(ratios)) {
		ratios[i] *= d.Times
	}
}

// withoutRows returns the cells whose rows are not among those of the others.
func withoutRows(cells, others []cell) []cell {
	return slices.DeleteFunc(slices.Clone(cells), func(c cell) bool {
		return slices.ContainsFunc(others, func(o cell) bool { return o.name() == c.name() })
	})
}
