// Package noise tells how quiet the machine was while a benchmark ran.
//
// A [Meter] looks at the machine before and after a timed run and never during it:
//
//   - It times a fixed computation, on each processor if the row uses all of them. If a
//     quota limits this process, no processor is chosen. The computation shows a processor
//     that is slower than before, because its clock is lower or because another virtual
//     machine takes part of its time. It counts only if it is slow both before and after
//     the run: of the rows for which it was slow only once, nine in ten ran at full speed.
//     The computation does not show another virtual machine that runs beside it on the same
//     core. Its steps depend on each other and leave most of the core unused, so that
//     neighbor does not slow it down. But the neighbor halves the speed of a loop with
//     independent steps.
//   - It reads how much processor time other processes used, and how long the
//     threads of this process waited for a processor (Linux). Only both together
//     show a disturbance: other processes may run on processors that the row does
//     not need, and the threads of the row may wait for each other.
//   - It reads the involuntary context switches and, in a virtual machine, the time
//     that the host gave to others.
//
// A [Log] holds the runs of a process. How fast the fixed computation can be is
// known only at the end. So only then does the log say which runs were disturbed,
// by how much (an estimate), and which commands measure them again.
//
// [Usable] and [Facts] describe the machine itself.
package noise

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"boundaries/internal/cputime"
)

// Signals are what changed during a run.
type Signals struct {
	Procs      int           // procs of the row
	Processors int           // processors that this process may use
	Wall       time.Duration // from the return of Start to the call of Stop

	Probe    time.Duration // what the fixed computation took on the slowest processor: the shorter of before and after
	Probed   int           // on how many processors at once
	Own      time.Duration // processor time of this process and the row's children
	Foreign  time.Duration // processor time of all others; valid if Others
	Idle     time.Duration // time in which processors were idle; valid if Others
	Others   bool
	Waited   time.Duration // for a processor, over all threads; valid if Waits
	Waits    bool
	Stolen   time.Duration // by the host of a virtual machine
	Switches int           // involuntary

	// Outside says that the row ran in another process, which has ended. How long its
	// threads waited is not known.
	Outside bool
}

// A Meter observes one run, from Start to Stop.
type Meter struct {
	procs, processors int
	children          []int
	probe             time.Duration
	before            counters
}

// Start looks at the machine before a run. procs is the number of procs of the row, and
// processors the number of processors that this process may use. children are the ids of
// live processes whose work belongs to the row. Start takes about 0.2 ms.
func Start(procs, processors int, children ...int) *Meter {
	m := &Meter{procs: procs, processors: processors, children: children}
	m.probe = probe(m.probed(), m.pins())
	m.before = read("/", children)
	return m
}

func (m *Meter) probed() int { return max(1, min(m.procs, m.processors)) }

// pins reports whether each processor is to be probed. With a quota, this process may run
// on more processors than it gets time for, and the row runs on any of them.
func (m *Meter) pins() bool { return m.probed() == runtime.NumCPU() }

// Stop looks again and returns what has changed.
func (m *Meter) Stop() Signals {
	s := m.before.until(read("/", m.children))
	s.Procs, s.Processors, s.Probed = m.procs, m.processors, m.probed()
	s.Foreign = s.possible()
	s.Probe = min(m.probe, probe(m.probed(), m.pins()))
	return s
}

// possible returns as much of Foreign as the run had time for. The kernel rounds the time of
// each processor to ticks, which can add up to more than a short run has.
func (s Signals) possible() time.Duration {
	return max(0, min(s.Foreign, s.Wall*time.Duration(s.Processors)-s.Own))
}

// counters are readings that only grow.
type counters struct {
	at                 time.Time
	own                time.Duration
	busy, idle, stolen time.Duration // of the processors that this process may use
	hasBusy            bool
	waited             time.Duration
	hasWaited          bool
	switches           int64
}

func read(root string, children []int) (c counters) {
	c.own, _ = cputime.Used(children...)
	c.switches = switches()
	c.busy, c.idle, c.stolen, c.hasBusy = processorTimes(root)
	c.waited, c.hasWaited = waited(root, children)
	c.at = time.Now()
	return c
}

func (c counters) until(d counters) Signals {
	s := Signals{
		Wall: d.at.Sub(c.at), Own: max(0, d.own-c.own), Stolen: max(0, d.stolen-c.stolen), Switches: int(max(0, d.switches-c.switches)),
		Waits: c.hasWaited && d.hasWaited, Others: c.hasBusy && d.hasBusy,
	}
	if s.Waits {
		s.Waited = max(0, d.waited-c.waited) // threads that ended are missing
	}
	if s.Others {
		s.Foreign, s.Idle = max(0, d.busy-c.busy-s.Own), max(0, d.idle-c.idle)
	}
	return s
}

const (
	// Disturbed is the factor from which a run counts as disturbed. Beside two busy
	// loops, 611 rows took at least 15 % longer, and this factor reports 606 of them.
	// With nothing else running, it reports 78 of 4416 rows. A factor of 1.10 reports
	// 610 of the 611, and 98 of the 4416.
	Disturbed = 1.15
	// On a quiet machine, other processes use less than this share of the processors'
	// time. The kernel counts in ticks of 10 ms, so a disturbance must also take two ticks.
	busy, ticks = 0.05, 20 * time.Millisecond
	// On a quiet machine there are fewer involuntary switches per second and
	// processor than rate. slice is the time that the other thread takes at each
	// switch. Judge uses them only if nothing better is known.
	rate, slice = 100, 3 * time.Millisecond
)

// Judge estimates by what factor disturbances made the run slower, and says which they
// were. fastest is the shortest time seen for as many fixed computations at once.
func (s Signals) Judge(fastest time.Duration) (times float64, why string) {
	times = 1
	var reasons []string
	because := func(estimate float64, format string, args ...any) {
		times = max(times, estimate)
		reasons = append(reasons, fmt.Sprintf(format, args...))
	}
	if r := float64(s.Probe) / float64(max(1, fastest)); fastest > 0 && r >= Disturbed {
		because(r, "a processor %.2f times as slow", r)
	}
	whole := float64(s.Wall) * float64(s.Processors)
	if whole <= 0 {
		return times, strings.Join(reasons, ", ")
	}
	used := float64(s.Wall) * float64(max(1, min(s.Procs, s.Processors)))
	if share := float64(s.Stolen) / used; share >= busy && s.Stolen >= ticks {
		because(1/(1-min(0.9, share)), "%.0f %% stolen by the host", 100*share)
	}
	share := float64(s.Foreign) / whole
	switch {
	case s.Others && (share < busy || s.Foreign < ticks):
	case s.Others && (s.Outside || s.Procs > s.Processors):
		// Threads of the row wait for each other or cannot be seen, so only the time
		// that others used counts, and only if no processor was idle. A row that used its
		// procs all the time has lost nothing.
		if float64(s.Idle) < 0.1*whole {
			because(min(1/(1-min(0.9, share)), max(1, used/float64(max(1, s.Own)))), "others used %.2f processors", share*float64(s.Processors))
		}
	case s.Others && s.Waits:
		if wait := float64(s.Waited) / float64(max(1, s.Own)); wait >= Disturbed-1 {
			because(1+wait, "others used %.2f processors", share*float64(s.Processors))
		}
	case s.Procs <= s.Processors:
		if n := float64(s.Switches) / used; n*float64(time.Second) >= rate {
			because(1+float64(slice)*n, "threads lost their processor")
		}
	}
	if s.Switches > 0 && len(reasons) > 0 {
		reasons = append(reasons, plural(s.Switches, "involuntary switch", "involuntary switches"))
	}
	return times, strings.Join(reasons, ", ")
}

// A Fastest holds the shortest times of the fixed computation, by how many ran at once.
type Fastest map[int]time.Duration

func (f Fastest) add(s Signals) {
	if t, ok := f[s.Probed]; !ok || s.Probe < t {
		f[s.Probed] = s.Probe
	}
}

// JudgeOutside judges a run in another process by it and the runs before it.
func (f Fastest) JudgeOutside(s Signals) (times float64, why string) {
	f.add(s)
	s.Outside = true
	return s.Judge(f[s.Probed])
}

// A Log holds the runs of a process. Only one goroutine may use it.
type Log struct {
	// Arguments stand after the flags in the commands that measure rows again: the
	// package, if it is not that of the current folder, and what follows -args.
	Arguments []string

	runs    []run
	fastest Fastest
}

type run struct {
	name    string
	steps   int
	signals Signals
}

// Add records a run of the given number of steps. name is the row's name as package testing has
// it, without the number of procs. Package testing runs a row with more and more
// steps until a run takes long enough: only the last run of such a series counts.
func (l *Log) Add(name string, steps int, s Signals) {
	if l.fastest == nil {
		l.fastest = Fastest{}
	}
	l.fastest.add(s)
	if i := len(l.runs) - 1; i >= 0 && l.runs[i].name == name && l.runs[i].signals.Procs == s.Procs && l.runs[i].steps < steps {
		l.runs = l.runs[:i]
	}
	l.runs = append(l.runs, run{name, steps, s})
}

// A row says how often a row of the benchmarks ran disturbed.
type row struct {
	Name  string // without "Benchmark" and without the number of procs
	Procs int
	Runs  int     // how many runs were disturbed
	Of    int     // how many runs there were
	Times float64 // as Judge returns it for the worst run
	Why   string  // what disturbed the worst run
}

// fullName returns the name with its number of procs, as go test prints it.
func (r row) fullName() string {
	if r.Procs == 1 {
		return r.Name
	}
	return r.Name + "-" + strconv.Itoa(r.Procs)
}

// rows returns all rows, in the order of the runs.
func (l *Log) rows() []row {
	var rows []row
	for _, run := range l.runs {
		name := strings.TrimPrefix(run.name, "Benchmark")
		i := slices.IndexFunc(rows, func(r row) bool { return r.Name == name && r.Procs == run.signals.Procs })
		if i < 0 {
			i = len(rows)
			rows = append(rows, row{Name: name, Procs: run.signals.Procs})
		}
		rows[i].Of++
		if times, why := run.signals.Judge(l.fastest[run.signals.Probed]); times >= Disturbed {
			rows[i].Runs++
			if times > rows[i].Times {
				rows[i].Times, rows[i].Why = times, why
			}
		}
	}
	return rows
}

// Write writes "#" lines that say how steady the machine was, which rows ran
// disturbed, and which commands measure them again. Package benchfile reads the lines
// of the disturbed rows.
func (l *Log) Write(w io.Writer) error {
	if len(l.runs) == 0 {
		return nil
	}
	all := l.rows()
	rows := slices.DeleteFunc(slices.Clone(all), func(r row) bool { return r.Runs == 0 })
	var text strings.Builder
	fmt.Fprintf(&text, "# steady: %d of %s ran undisturbed", len(all)-len(rows), plural(len(all), "row", "rows"))
	if middle, fastest := l.middle(); fastest > 0 {
		fmt.Fprintf(&text, "; a fixed computation took %v at best, and %.2f times that at the median", fastest.Round(time.Microsecond), float64(middle)/float64(fastest))
	}
	text.WriteString("\n")
	for _, r := range rows {
		fmt.Fprintf(&text, "# disturbed: %s %.2f times (%s", r.fullName(), r.Times, r.Why)
		if r.Of > 1 {
			fmt.Fprintf(&text, "; %d of %d runs", r.Runs, r.Of)
		}
		text.WriteString(")\n")
	}
	for _, command := range again(rows, all) {
		for _, argument := range l.Arguments {
			command += " " + quote(argument)
		}
		text.WriteString("# again: " + command + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// middle returns the median and the fastest time of the fixed computation, for the
// number of processors on which it ran most often.
func (l *Log) middle() (middle, fastest time.Duration) {
	byCount := map[int][]time.Duration{}
	most := 0
	for _, r := range l.runs {
		n := r.signals.Probed
		byCount[n] = append(byCount[n], r.signals.Probe)
		if len(byCount[n]) > len(byCount[most]) {
			most = n
		}
	}
	probes := byCount[most]
	slices.Sort(probes)
	return probes[len(probes)/2], l.fastest[most]
}

// again returns the commands that measure those rows and no other row in all. Rows
// with the same numbers of procs share a command.
func again(rows, all []row) []string {
	procs := map[string][]string{} // of each name
	var names, others []string
	for _, r := range rows {
		if procs[r.Name] == nil {
			names = append(names, r.Name)
		}
		procs[r.Name] = append(procs[r.Name], strconv.Itoa(r.Procs))
	}
	for _, r := range all {
		others = append(others, r.Name)
	}
	groups := map[string][]string{}
	var order []string
	for _, name := range names {
		cpu := strings.Join(procs[name], ",")
		if groups[cpu] == nil {
			order = append(order, cpu)
		}
		groups[cpu] = append(groups[cpu], name)
	}
	var commands []string
	for _, cpu := range order {
		bench, skip := Select(groups[cpu], others)
		command := "go test -bench " + quote(bench)
		if skip != "" {
			command += " -skip " + quote(skip)
		}
		commands = append(commands, command+" -cpu "+cpu)
	}
	return commands
}

// Select returns the values of go test's -bench and -skip that select the rows with
// those names and no other row in all. The names do not begin with "Benchmark". skip is
// empty if it is not needed.
func Select(names, all []string) (bench, skip string) {
	var selects, skips []string
	for _, name := range names {
		selects = append(selects, pattern(name))
		// The pattern of a row also selects the rows below it.
		for _, other := range all {
			if strings.HasPrefix(other, name+"/") && !slices.Contains(names, other) && !slices.Contains(skips, pattern(other)) {
				skips = append(skips, pattern(other))
			}
		}
	}
	return strings.Join(selects, "|"), strings.Join(skips, "|")
}

func pattern(name string) string {
	levels := strings.Split("Benchmark"+name, "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	return strings.Join(levels, "/")
}

// quote returns the text as one word of a shell command.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}
