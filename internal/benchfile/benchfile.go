// Package benchfile reads the output of go test -bench, in the forms that users' files
// really have.
//
// A [File] holds the rows of one file, the machine that measured them, and what
// is wrong with the file. Package benchfmt parses the result lines. This package
// decides which lines benchfmt sees, because a file has more in it than results:
//
//   - It may be UTF-8 with a byte order mark, or UTF-16 with or without one, as
//     PowerShell writes it. A file that changes its encoding halfway is an error.
//   - Color codes of a terminal, stray unprintable bytes and spaces before a result
//     are removed. The output of go test -json, and results with a time in front as
//     the logs of CI have them, are errors that say what the package expects.
//   - A line such as "cpu: 97 % busy" that a benchmark logs looks like a key of
//     the format. Only the keys goos, goarch, pkg, cpu and numcpu count, and only
//     in the head of a file or in the block that go test prints before the results
//     of a package. Between results, the "# key: value" lines that tell one run from
//     another, such as # host, count only before such a block. The others are in Ignored.
//   - A value that is not a finite number, the second value of a unit in a line, a
//     result that is cut off, and every line in which go test reports a failure are
//     in Problems. The rest of the file is read.
//   - A file may be in another one twice, as after cat f f. That is in Problems, too.
//
// Reading keeps the values in memory, up to a limit, but not the text.
package benchfile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"
)

// StandardInput is the name of the file "-".
const StandardInput = "standard input"

// want ends an error about a file that has no results.
const want = "want the output of go test -bench"

const (
	maxValues = 1 << 24 // of all rows of a file: 128 MiB
	maxKept   = 100     // of each kind of line that is kept
)

// A File holds the content of one file.
type File struct {
	Name     string // StandardInput for "-"
	Machine  Machine
	Rows     []*Row            // in the order of their first lines
	Better   map[string]string // unit to "higher" or "lower", where a Unit line says it
	Problems []error           // file:line: what was left out or has failed
	Failures int               // how many lines say that something has failed
	Ignored  []string          // file:line: text that looks like a key but is not one

	// Disturbed lists the runs that, according to the file, ran on a disturbed
	// machine.
	Disturbed []Disturbance

	// Parts are the files that ByMachine or OneMachine has put together.
	Parts []*File

	problems int               // how many there are, of which Problems has the first
	unended  int               // how many runs the file begins and does not complete
	planned  []string          // the numbers of procs that the "# plan:" lines list, or nil if a row is not planned
	sum      [sha256.Size]byte // of the lines, to find a file that is given twice
}

// A Row is a benchmark at one number of procs.
type Row struct {
	Pkg   string
	Name  string // without "Benchmark" and without the number of procs
	Procs int
	// Values has the values of each unit, as benchunit tidies it, in the order of
	// the file. A value that is missing in a line is missing here too.
	Values map[string][]float64
	// Rounds has the round of each line, where the file says it in "# round: N"
	// lines, or else 0.
	Rounds []int
	// Shortest is the time of the shortest run, in seconds, or 0 if no line has a time.
	Shortest float64
	Line     int // number of the first line, in the first file that has the row

	seen map[uint64]bool // the hashes of the first lines with a figure of four digits or more
}

// A Disturbance says that a row ran on a disturbed machine.
type Disturbance struct {
	Pkg   string  // of the row
	Name  string  // of the row, with its number of procs as go test prints it
	Times float64 // how many times as long the worst run took
	Runs  int     // how many runs were disturbed, at least 1
}

// DisturbedRows returns one Disturbance for each disturbed row, by package and name: the sum of its
// runs, and the worst of its times.
func (f *File) DisturbedRows() map[string]map[string]Disturbance {
	all := map[string]map[string]Disturbance{}
	for _, d := range f.Disturbed {
		rows := all[d.Pkg]
		if rows == nil {
			rows = map[string]Disturbance{}
			all[d.Pkg] = rows
		}
		rows[d.Name] = Disturbance{d.Pkg, d.Name, max(rows[d.Name].Times, d.Times), rows[d.Name].Runs + d.Runs}
	}
	return all
}

// FullName returns the name as go test prints it, without "Benchmark".
func (r *Row) FullName() string {
	if r.Procs == 1 {
		return r.Name
	}
	return r.Name + "-" + strconv.Itoa(r.Procs)
}

// ControlPkg is the package of the rows that boundaries run measures itself, before and after
// the others of a round. Their workers share nothing, so only the machine changes them.
const ControlPkg = "boundaries/control"

// Control reports whether the row is one that boundaries run measures itself, as ControlPkg
// says. It finds such a row also in a file that has lost its pkg lines.
func (r *Row) Control() bool {
	return r.Pkg == ControlPkg || r.Pkg == "" && (r.Name == "Control/at=first" || r.Name == "Control/at=last")
}

// ran notes a run and its time in seconds, which is 0 if it is not known.
func (r *Row) ran(seconds float64) {
	if seconds > 0 && (r.Shortest == 0 || seconds < r.Shortest) {
		r.Shortest = seconds
	}
}

// Read reads the named files. "-" is standard input. It returns when ctx
// ends, even while it waits for a terminal or a pipe.
//
// If ctx has ended, the error is ctx.Err(). Every other error is one line that names the
// file, and means that the input is at fault. It is an error if no file has a result, or if
// two with results have the same content.
func Read(ctx context.Context, names []string) ([]*File, error) {
	var files []*File
	var empty error
	results := 0
	for i, name := range names {
		if name == "-" && slices.Contains(names[:i], name) {
			return nil, errors.New("standard input is named twice; want each file once")
		}
		f, err := readNamed(ctx, name)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.As(err, &noResult{}) {
			// The other files may have some.
			f.Problems = append(f.Problems, err)
			empty = cmp.Or(empty, err)
		} else if err != nil {
			return nil, err
		}
		for _, other := range files {
			if other.sum == f.sum && len(f.Rows) > 0 {
				return nil, fmt.Errorf("%s has the same content as %s; want each file once", f.Name, other.Name)
			}
		}
		results += len(f.Rows)
		files = append(files, f)
	}
	if results == 0 {
		return nil, cmp.Or(empty, errors.New("no file is named; "+want))
	}
	distinguish(files)
	return files, nil
}

// fibRows are the rows of which the fact fib says the size, and whose names do not.
var fibRows = regexp.MustCompile(`^(FibBoxed|ProcsFib)/`)

// jobs lists the facts that say which job some rows of this suite do, although the
// names of the rows do not say it.
var jobs = []struct {
	fact string
	rows *regexp.Regexp
	name func(value string) string // the part of a name that says it, or ""
}{
	{"fib", fibRows, func(size string) string {
		if size == "" {
			return ""
		}
		return "/fib=" + size
	}},
	{"database", regexp.MustCompile(`^AsyncIO/`), func(database string) string {
		if !strings.HasPrefix(database, "the Redis at ") {
			return ""
		}
		return "/database=redis"
	}},
}

// distinguish renames rows that have one name in several files but do different jobs, so
// that nothing takes them for one row.
func distinguish(files []*File) {
	for _, job := range jobs {
		names := map[string]bool{}
		does := func(r *Row) bool { return job.rows.MatchString(r.Name) }
		for _, f := range files {
			if slices.ContainsFunc(f.Rows, does) {
				names[job.name(f.Machine.Fact(job.fact))] = true
			}
		}
		if len(names) < 2 {
			continue
		}
		for _, f := range files {
			for _, r := range f.Rows {
				if !does(r) {
					continue
				}
				before := r.FullName()
				r.Name += job.name(f.Machine.Fact(job.fact))
				for i := range f.Disturbed {
					if f.Disturbed[i].Name == before && f.Disturbed[i].Pkg == r.Pkg {
						f.Disturbed[i].Name = r.FullName()
					}
				}
			}
		}
	}
}

// noResult is the error of a file that can be read and has no result.
type noResult struct{ text string }

func (e noResult) Error() string { return e.text }

func readNamed(ctx context.Context, name string) (*File, error) {
	type result struct {
		file *File
		err  error
	}
	read := make(chan result, 1) // no goroutine receives from it after the context has ended
	stdin := os.Stdin
	go func() {
		if name == "-" {
			f, err := ReadFrom(stdin, StandardInput)
			read <- result{f, err}
			return
		}
		file, err := os.Open(name)
		if err != nil {
			read <- result{nil, fmt.Errorf("%w; %s", err, want)}
			return
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.IsDir() {
			read <- result{nil, fmt.Errorf("%s is a folder; %s", name, want)}
			return
		}
		f, err := ReadFrom(file, name)
		read <- result{f, err}
	}()
	select {
	case r := <-read:
		return r.file, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ReadFrom reads one file. The name is used in texts.
//
// If the only error is that the file has no result, the File is not nil.
func ReadFrom(r io.Reader, name string) (*File, error) {
	f := &File{Name: name, Machine: Machine{Keys: map[string]string{}}, Better: map[string]string{}}
	lines := &filter{file: f, source: newSource(r), sum: sha256.New()}
	if err := f.read(lines); err != nil {
		return nil, err
	}
	lines.sum.Sum(f.sum[:0])
	if len(f.Rows) == 0 {
		text := "no benchmark result in " + plural(lines.number, "line")
		if lines.number == 0 {
			text = "the file is empty"
		} else if len(f.Problems) > 0 && lines.prefixed == "" {
			return f, noResult{fmt.Sprintf("%v; %s", f.Problems[0], want)}
		} else if lines.prefixed != "" {
			text = lines.prefixed
		}
		return f, noResult{fmt.Sprintf("%s: %s; %s", name, text, want)}
	}
	f.splitNames()
	f.findDisturbed()
	return f, nil
}

// findDisturbed finds the package of each Disturbance whose line no longer stands below the row,
// as in a file that somebody has sorted.
func (f *File) findDisturbed() {
	rows, pkgs := map[rowKey]bool{}, map[string]string{}
	for _, r := range f.Rows {
		rows[rowKey{r.Pkg, r.FullName()}], pkgs[r.FullName()] = true, r.Pkg
	}
	for i, d := range f.Disturbed {
		if pkg, ok := pkgs[d.Name]; ok && !rows[rowKey{d.Pkg, d.Name}] {
			f.Disturbed[i].Pkg = pkg
		}
	}
}

type rowKey struct{ pkg, name string }

func (f *File) read(lines *filter) error {
	rows := map[rowKey]*Row{}
	values, again := 0, repeats{first: map[string]place{}}
	reader := benchfmt.NewReader(lines, f.Name)
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			text := record.Msg
			if err := Spliced(string(lines.last)); err != nil && strings.Contains(text, "iteration count") {
				text = err.Error()
			}
			f.problem(record.Line, text+"; the line is left out")
		case *benchfmt.UnitMetadata:
			switch _, line := record.Pos(); {
			case record.Key == "better" && (record.Value == "higher" || record.Value == "lower"):
				f.Better[record.Unit] = record.Value
			case record.Key == "better":
				f.problem(line, fmt.Sprintf("the unit %s has better=%s, want better=higher or better=lower; left out", record.OrigUnit, record.Value))
			case record.Key != "assume": // which benchstat knows
				lines.ignore(keyLine{line, "Unit " + record.OrigUnit, record.Key + "=" + record.Value})
			}
		case *benchfmt.Result:
			_, line := record.Pos()
			if record.Iters < 1 {
				f.problem(line, fmt.Sprintf("Benchmark%s has the iteration count %d, want 1 or more; the line is left out", record.Name, record.Iters))
				continue
			}
			row := rows[rowKey{lines.pkg, string(record.Name)}]
			if row == nil {
				row = &Row{Pkg: lines.pkg, Name: string(record.Name), Procs: 1, Values: map[string][]float64{}, Line: line, seen: map[uint64]bool{}}
				rows[rowKey{row.Pkg, row.Name}] = row
				f.Rows = append(f.Rows, row)
			}
			row.Rounds = append(row.Rounds, lines.round)
			lines.results++
			if lines.results <= 100*maxKept && fourDigits.Match(lines.last) {
				row.seen[maphash.Bytes(seed, lines.last)] = true
			}
			if from, to, ok := again.add(lines.last, line, len(row.Rounds) > 1); ok {
				f.problem(to, fmt.Sprintf("the results from here on repeat those from line %d on, figure by figure, and count twice; want each file once", from))
			}
			for i, v := range record.Values {
				// Benchfmt leaves the unit of a zero as it is.
				_, unit := benchunit.Tidy(1, v.Unit)
				wrong := ""
				switch {
				case math.IsNaN(v.Value) || math.IsInf(v.Value, 0):
					wrong = "want a finite number; the value is left out"
				case v.Value < 0 && IsTime(unit):
					wrong = "want a time of 0 or more; the value is left out"
				case slices.ContainsFunc(record.Values[:i], func(v benchfmt.Value) bool { _, u := benchunit.Tidy(1, v.Unit); return u == unit }):
					wrong = "after another value of this unit; the second is left out"
				}
				if wrong != "" {
					f.problem(line, fmt.Sprintf("Benchmark%s has %v %s, %s", record.Name,
						cmp.Or(v.OrigValue, v.Value), cmp.Or(v.OrigUnit, v.Unit), wrong))
					continue
				}
				if values++; values > maxValues {
					return fmt.Errorf("%s:%d: more than %d values in one file", f.Name, line, maxValues)
				}
				row.Values[unit] = append(row.Values[unit], v.Value)
				if unit == "sec/op" {
					row.ran(v.Value * float64(record.Iters))
				}
			}
		}
	}
	// The values of the others are all in Problems.
	f.Rows = slices.DeleteFunc(f.Rows, func(r *Row) bool { return len(r.Values) == 0 })
	if lines.err != nil {
		return lines.err
	}
	if err := reader.Err(); err != nil {
		return fmt.Errorf("%w; %s", err, want)
	}
	if n := f.problems - maxKept; n > 0 {
		f.Problems = append(f.Problems, fmt.Errorf("%s: and %s more like these", f.Name, plural(n, "problem")))
	}
	return nil
}

// A repeats finds a file that is in another one twice, as after cat f f. Only figures that
// change from round to round prove it: other rows have the same lines in each round.
type repeats struct {
	first     map[string]place // where a result stands first, of the first 100*maxKept
	next      int              // the number of the result that comes next, if this goes on
	from, at  int              // the lines of the first result that repeats, and of its repetition
	surprises int              // how many of the results that repeat prove it
	found     bool
}

type place struct {
	number, line int
	later        bool // not the first result of its row
}

// enough is how many surprises cannot be chance.
const enough = 6

// few is how many equal results of two files cannot be chance, if they are most of one.
const few = 3

var seed = maphash.MakeSeed()

// fourDigits matches a result with a figure of at least four digits, such as 0.02500 ns/op.
var fourDigits = regexp.MustCompile(`\s[0.]*[1-9](\.?[0-9]){3}\S* [^\s0-9]`)

// add takes the next result. When it is certain that it and those before it repeat earlier
// ones, add returns the lines of the first of each, once.
func (r *repeats) add(text []byte, line int, later bool) (from, at int, ok bool) {
	p, known := r.first[string(text)]
	if !known {
		if len(r.first) < 100*maxKept {
			r.first[string(text)] = place{len(r.first), line, later}
		}
		r.next = -1
		return 0, 0, false
	}
	if p.number != r.next {
		r.from, r.at, r.surprises = p.line, line, 0
	}
	r.next = p.number + 1
	if p.later && !r.found && fourDigits.Match(text) {
		r.surprises++
		r.found = r.surprises == enough
		return r.from, r.at, r.found
	}
	return 0, 0, false
}

func (f *File) problem(line int, text string) {
	if f.problems++; f.problems <= maxKept {
		f.Problems = append(f.Problems, fmt.Errorf("%s:%d: %s", f.Name, line, shorten(text)))
	}
}

// splitNames removes the number of procs from the names. go test appends it if it is
// not 1.
//
// A name at one proc can end in a number, too: size-1000. If there is also a
// size-1000-4, then size-1000 is the name, and 1000 is not a number of procs. A file of
// boundaries run lists its numbers of procs, and any other number belongs to the name. If 1
// is not among them, every name has a number of procs. If several such files follow each
// other in one, the lists of all count. Otherwise nothing tells a size-1000 at one proc from
// a size at 1000 procs.
func (f *File) splitNames() {
	planned := func(procs int) bool { return f.planned == nil || slices.Contains(f.planned, strconv.Itoa(procs)) }
	all := f.planned != nil && !planned(1)
	longer := map[rowKey]bool{} // the names to which a suffix was added
	for _, r := range f.Rows {
		if name, _, ok := CutProcs(r.Name); ok {
			longer[rowKey{r.Pkg, name}] = true
		}
	}
	for _, r := range f.Rows {
		if name, procs, ok := CutProcs(r.Name); ok && planned(procs) && (all || !longer[rowKey{r.Pkg, r.Name}]) {
			r.Name, r.Procs = name, procs
		}
	}
}

// planCPU matches the "# plan:" line of boundaries run.
var planCPU = regexp.MustCompile(`^-bench "(?:[^"\\]|\\.)*" -cpu ([0-9,]+) (?:-benchtime (\S+) )?`)

// CutProcs cuts the number of procs from a printed name, if it has one. A "-1" at its end
// is the benchmark's.
func CutProcs(name string) (base string, procs int, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return name, 1, false
	}
	procs, err := strconv.Atoi(name[i+1:])
	if err != nil || procs < 2 || name[i+1] == '0' || name[i+1] == '+' {
		return name, 1, false
	}
	return name[:i], procs, true
}

// goTestKeys are the keys that describe the machine and what was measured on it, in the
// order of go test. The last is this suite's.
var goTestKeys = []string{"goos", "goarch", "pkg", "cpu", "numcpu"}

// A Machine is the machine on which a file was measured, according to the file.
type Machine struct {
	Keys  map[string]string // of goTestKeys, without pkg
	Facts []Fact            // of the "# key: value" lines, the first of each key
}

// A Fact is a "# key: value" line.
type Fact struct{ Key, Value string }

// Fact returns the value of the "# key: value" line with that key, or "".
func (m Machine) Fact(key string) string {
	for _, f := range m.Facts {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// Setting returns the value of a fact that a user chooses, or "". The benchtime of boundaries run
// is in its plan.
func (m Machine) Setting(key string) string {
	value := m.Fact(key)
	if match := planCPU.FindStringSubmatch(m.Fact("plan")); key == "benchtime" && match != nil {
		value = match[2]
	}
	value, _, _ = strings.Cut(value, ", rounds: ") // the Python rows add it
	return value
}

// NumCPU returns how many processors the benchmarks might use, or 0 if the file
// does not say.
func (m Machine) NumCPU() int {
	n, _ := strconv.Atoi(m.Keys["numcpu"])
	return n
}

// Oversubscribed reports whether procs is more than the number of processors that the
// machine has. It is false if the number of processors is not known.
func (m Machine) Oversubscribed(procs int) bool { return m.NumCPU() > 0 && procs > m.NumCPU() }

// String describes the machine in one line.
func (m Machine) String() string {
	const nameless = "a machine that the file does not name"
	filled := func(separator string, words ...string) string {
		return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), separator)
	}
	text := cmp.Or(filled(", ", filled("/", m.Keys["goos"], m.Keys["goarch"]), m.Fact("host"), m.Keys["cpu"]), nameless)
	switch n := m.NumCPU(); {
	case n > 0:
		text += ", " + plural(n, "processor")
	case text != nameless:
		text += ", an unknown number of processors"
	}
	return text
}

// identity lists the keys that can tell two machines apart. The name of a processor
// alone cannot: virtual machines hide it, and different processors share one name.
var identity = []string{"goos", "goarch", "cpu", "numcpu", "processor", "host"}

func (m Machine) says(key string) string { return cmp.Or(m.Keys[key], m.Fact(key)) }

// difference returns the first key for which both machines have a value and the values
// differ, or "".
func (m Machine) difference(other Machine) string {
	for _, key := range identity {
		mine, theirs := m.says(key), other.says(key)
		if mine == "" || theirs == "" || mine == theirs {
			continue
		}
		// Python's rows have the name that Linux has for the processor.
		if key == "cpu" && (mine == other.Fact("cpuinfo") || theirs == m.Fact("cpuinfo")) {
			continue
		}
		return key
	}
	return ""
}

// Same reports whether no key tells the machines apart.
func (m Machine) Same(other Machine) bool { return m.difference(other) == "" }

// OneMachine puts the files together. It is an error if they are of two machines.
func OneMachine(files []*File) (*File, error) {
	for i, other := range files {
		for _, f := range files[:i] {
			if key := f.Machine.difference(other.Machine); key != "" {
				return nil, fmt.Errorf("%s: %s is %s, but %s in %s: these are two machines; want the files of one", other.Name, key, other.Machine.says(key), f.Machine.says(key), f.Name)
			}
		}
	}
	return ByMachine(files)[0], nil
}

// ByMachine puts the files of each machine together, in the order of the files. A
// row that several files of a machine have becomes one. A file that could be from either
// of two machines is kept separate, and has a problem that says so.
func ByMachine(files []*File) []*File {
	var machines []*File
	alone := map[*File]bool{} // of machines
	for _, f := range files {
		one, other := f.fits(files)
		i := slices.IndexFunc(machines, func(m *File) bool { return other == nil && !alone[m] && m.Machine.Same(f.Machine) })
		if i < 0 {
			merged := &File{Machine: Machine{Keys: map[string]string{}}, Better: map[string]string{}}
			machines = append(machines, merged)
			i = len(machines) - 1
		}
		machines[i].merge(f)
		if other != nil {
			alone[machines[i]] = true
			Warn(fmt.Errorf("%s does not say whether it is of the machine of %s or of that of %s, and stands alone; want the lines before its results, such as numcpu or # host",
				f.Name, one.Name, other.Name), f, machines[i])
		}
	}
	return machines
}

// fits returns two files of different machines if f could be of either. A file without
// rows may be of any.
func (f *File) fits(files []*File) (one, other *File) {
	if len(f.Rows) == 0 {
		return nil, nil
	}
	for i, one := range files {
		for _, other := range files[:i] {
			if f.Machine.Same(one.Machine) && f.Machine.Same(other.Machine) && !one.Machine.Same(other.Machine) {
				return other, one
			}
		}
	}
	return nil, nil
}

// Incomplete says which of the parts boundaries run has begun and not completed. A file
// that was not put together is its only part.
func (f *File) Incomplete() (notes []string) {
	parts := f.Parts
	if parts == nil {
		parts = []*File{f}
	}
	for _, part := range parts {
		if part.unended > 0 {
			notes = append(notes, part.Name+": the run is not complete, so rows can lack rounds.")
		}
	}
	return notes
}

// Unusual says which of the parts were measured with settings that can change times, such as
// -race=true or GOGC=off.
func (f *File) Unusual() (notes []string) {
	parts := f.Parts
	if parts == nil {
		parts = []*File{f}
	}
	for _, part := range parts {
		var set []string
		for _, key := range []string{"build", "environment"} {
			if value := part.Machine.Fact(key); value != "" {
				set = append(set, key+" "+value)
			}
		}
		if set != nil {
			notes = append(notes, part.Name+": measured with settings that can change times: "+strings.Join(set, ", ")+".")
		}
	}
	return notes
}

// Warn adds a problem to a file and to what it was put together with, once.
func Warn(err error, files ...*File) {
	for _, f := range files {
		if !slices.ContainsFunc(f.Problems, func(known error) bool { return known.Error() == err.Error() }) {
			f.Problems = append(f.Problems, err)
		}
	}
}

// mixed lists the facts in which files of one machine should agree if they have the same
// row: a median over two versions describes neither.
var mixed = []string{"go", "commit"}

// settings lists the facts in which they should agree, too.
var settings = []string{"build", "environment"}

// inRows matches the variables whose values distinguish adds to the names of rows.
var inRows = regexp.MustCompile(`BOUNDARIES_\w+="[^"]*" ?`)

// mixes returns a fact of mixed or settings, or "" if the file does not say it. Only a file that
// names its version of Go names all settings that are set.
func (m Machine) mixes(key string) string {
	switch {
	case !slices.Contains(settings, key):
		return m.Fact(key)
	case m.Fact("go") == "":
		return ""
	}
	return cmp.Or(strings.TrimSpace(inRows.ReplaceAllString(m.Fact(key), "")), "not set")
}

func (f *File) merge(other *File) {
	before, name := slices.Clone(f.Parts), f.Name
	f.Name = strings.TrimPrefix(f.Name+", "+other.Name, ", ")
	f.Parts = append(f.Parts, other)
	for key, value := range other.Machine.Keys {
		if f.Machine.Keys[key] == "" {
			f.Machine.Keys[key] = value
		}
	}
	for _, fact := range other.Machine.Facts {
		if f.Machine.Fact(fact.Key) == "" {
			f.Machine.Facts = append(f.Machine.Facts, fact)
		}
	}
	for unit, better := range other.Better {
		if mine := f.Better[unit]; mine != "" && mine != better {
			Warn(fmt.Errorf("%s: a Unit line says better=%s of %s, but better=%s in %s; want the same in all files", other.Name, better, unit, mine, name), f, other)
		}
		f.Better[unit] = better
	}
	rows := map[string]*Row{}
	key := func(r *Row) string { return r.Pkg + " " + r.FullName() }
	for _, r := range f.Rows {
		rows[key(r)] = r
	}
	both, again, fewest := 0, 0, 0
	for _, r := range other.Rows {
		mine := rows[key(r)]
		if mine != nil {
			both++
			if len(mine.seen) > 1 { // its figures change from round to round
				fewest += min(len(mine.seen), len(r.seen))
				for line := range r.seen {
					if mine.seen[line] {
						again++
					}
				}
			}
		} else {
			mine = &Row{Pkg: r.Pkg, Name: r.Name, Procs: r.Procs, Values: map[string][]float64{}, Line: r.Line, seen: map[uint64]bool{}}
			rows[key(r)] = mine
			f.Rows = append(f.Rows, mine)
		}
		for unit, values := range r.Values {
			mine.Values[unit] = append(mine.Values[unit], values...)
		}
		mine.Rounds = append(mine.Rounds, r.Rounds...)
		maps.Copy(mine.seen, r.seen)
		mine.ran(r.Shortest)
	}
	if again >= few && 2*again > fewest {
		Warn(fmt.Errorf("%s: %d of its results stand in %s too, figure by figure, and count twice; want each result once",
			other.Name, again, name), f, other)
	}
	f.Problems = append(f.Problems, other.Problems...)
	f.Ignored = append(f.Ignored, other.Ignored...)
	f.Disturbed = append(f.Disturbed, other.Disturbed...)
	if both == 0 {
		return
	}
	for _, key := range slices.Concat(mixed, settings) {
		advice := "boundaries compare tells them apart"
		if slices.Contains(settings, key) {
			advice = "want files with the same settings"
		}
		for _, part := range before {
			first, second := part.Machine.mixes(key), other.Machine.mixes(key)
			if first != "" && second != "" && first != second {
				Warn(fmt.Errorf("%s: %s is %s, but %s in %s, and the figures of the rows in both mix the two; %s",
					other.Name, key, second, first, part.Name, advice), f, other)
				break
			}
		}
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

var unprintable = regexp.MustCompile(`[\x00-\x08\x0e-\x1f\x7f\x{80}-\x{9f}]+`)

// shorten returns the text as one line of at most 200 bytes.
func shorten(text string) string {
	if text = printable(text); len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "..."
	}
	return text
}

// printable returns a text without unprintable characters, and with one space where
// there are several.
func printable(text string) string {
	return strings.Join(strings.Fields(unprintable.ReplaceAllString(text, " ")), " ")
}

const number = `([-+]?[0-9][-+0-9.e]*|NaN|[-+]Inf)`

// Package testing prints the name of a benchmark, spaces, a tab, and later the number of
// iterations and the values, each after a tab. A program's own line about a benchmark has
// no such tabs. Files may have other spaces in a result.
var (
	resultLine = regexp.MustCompile(`^Benchmark([^\p{Ll}\s]\S*)?\s+\d+\s+` + number + ` \S`)
	nameFirst  = regexp.MustCompile(`^(Benchmark[^\p{Ll}\s]\S*|Benchmark) *\t(.*)$`)
	nameLater  = regexp.MustCompile(`^([^#].*?)(Benchmark[^\p{Ll}\s]\S*|Benchmark) *\t *\d+\t *` + number + ` \S`)
	iterations = regexp.MustCompile(`^ *\d+$`)
)

// ResultName returns the name in a line that is the result of a benchmark, without
// "Benchmark". It returns false for any other line.
func ResultName(line string) (name string, ok bool) {
	if m := resultLine.FindStringSubmatch(line); m != nil {
		return m[1], true
	}
	return "", false
}

// Spliced returns an error if line is the result of a benchmark that printed into it, or a
// result without a value. Package testing prints the name of a benchmark after its first
// iteration and before the others, and the figures at the end.
func Spliced(line string) error {
	line = strings.TrimRight(line, "\r\n")
	if _, ok := ResultName(line); ok {
		return nil
	}
	name, printed := "", ""
	if m := nameFirst.FindStringSubmatch(line); m != nil && iterations.MatchString(m[2]) {
		return fmt.Errorf("%s has a result without a value; want one, by b.ReportMetric if not ns/op", m[1])
	} else if m != nil {
		name, printed = m[1], strings.TrimSpace(m[2])
	} else if m := nameLater.FindStringSubmatch(line); m != nil {
		name, printed = m[2], m[1]
	} else {
		return nil
	}
	return fmt.Errorf("%s printed %.100q to standard output in the middle of its result; want it on standard error, or by b.Log", name, printed)
}

// Refused returns a problem of a file without the words that something is left out, for a
// caller that does not use the file then.
func Refused(problem error) error { return errors.New(leftOut.ReplaceAllString(problem.Error(), "")) }

var leftOut = regexp.MustCompile(`(?m); [^;\n]*left out(; want the output of go test -bench)?$`)

// ListedName returns the benchmark that a line of -test.list names, or "". TestMain may print
// lines of its own, and text without a newline before the first name.
func ListedName(line string) string {
	line = strings.TrimSpace(line)
	if i := strings.LastIndex(line, "Benchmark"); i > 0 && !listed.MatchString(line) {
		line = line[i:]
	}
	if !listed.MatchString(line) {
		return ""
	}
	return line
}

var listed = regexp.MustCompile(`^Benchmark([^\p{Ll}\s]\S*)?$`)
