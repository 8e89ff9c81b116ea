// Package runner measures benchmarks in rounds, so that they can be compared.
//
// Each test binary is built once. A round runs every row at every number of procs once,
// each in a process of its own. The order is shuffled anew for each round, from a seed
// that the file names. So a machine that becomes slower or faster does so for all rows
// alike, and no row always follows the same other row. A control that shares nothing
// runs first and last in each round.
//
// A run on a disturbed machine is repeated at the end of its round, within a bound, and
// the quieter of the two counts.
//
// Each result is written as soon as it is measured. So a run that is interrupted or
// killed leaves a file that is right as far as it goes, and [Config].Resume continues
// it. A run removes its other files when it ends. On Unix, a keeper process waits until this
// process ends in any way, then ends what this process started and removes what it made.
// On Windows, a run that is killed leaves its files in the temporary folder.
package runner

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
	"boundaries/internal/noise"
	"boundaries/internal/process"
)

// A Config says what to measure. All fields before Resume must be set, except Out if
// Prebuilt is set.
type Config struct {
	Out       string   // the file that results go to
	Packages  []string // patterns, as in go list
	Bench     string   // as in go test -bench
	CPU       []int    // as in go test -cpu
	Rounds    int
	Benchtime string        // as in go test -benchtime
	Seed      uint64        // of the order of the rows
	Command   string        // the command that measures the same again
	Timeout   time.Duration // how long one process may take

	// Resume continues a file that an earlier run has begun with the same Packages,
	// Bench, CPU, Benchtime and Seed, on the same machine and from the same source.
	Resume bool

	// Report is called while Run looks for rows (Total is 0), before each run, and at the
	// end. It may be nil.
	Report func(Progress)

	// Host names the machine in the file, if it is not empty.
	Host string

	// Prebuilt lists test binaries to run instead of those of Packages. Results then
	// go to the standard output.
	Prebuilt []Prebuilt
}

// Prebuilt is the test binary of a package.
type Prebuilt struct{ Pkg, Path string }

// Progress is how far a run has come.
type Progress struct {
	Done, Total int           // runs, of all rounds
	Round       int           // from 1
	Row         string        // what runs next; "" at the end
	Left        time.Duration // about how long until the end; 0 before anything is known
}

// repeats bounds how many runs are repeated because the machine was disturbed: about one
// run in this many, and up to two more.
const repeats = 4

// A unit is a row at a number of procs.
type unit struct {
	binary *binary
	row    string // without "Benchmark"
	procs  int
}

func (u unit) String() string {
	if u.procs == 1 {
		return u.row
	}
	return u.row + "-" + strconv.Itoa(u.procs)
}

type binary struct {
	path, dir, pkg string
	rows           []string
}

// A result is what a unit has printed, without the facts that every process prints.
type result struct {
	unit      unit
	facts     string          // the facts that the file has not
	keys      map[string]bool // of the facts
	head      string          // goos, goarch, pkg, cpu
	lines     string
	disturbed float64 // by what factor it was slower than on a quiet machine, or 0
	why       string
}

type runner struct {
	Config
	file     *os.File
	temp     string
	started  func(pid int) // tells the process that cleans up which group runs, or 0
	binaries []*binary
	env      []string // the environment of the commands that build
	usable   noise.Processors
	fastest  noise.Fastest

	done     map[string]bool // "round pkg unit" of results in the file
	failed   map[string]bool // units that are not tried again
	facts    map[string]bool // the facts that the file has
	head     string          // the head that applies to the last result in the file
	problems []error
	repeated int
	wrote    bool // a result, in this run

	begunWith string // the fact "binaries" of the file that Resume continues

	stderr string // of the last command, if it failed
}

// Run measures. If ctx ends, it kills the running process, marks the file as interrupted
// and returns ctx.Err(). If rows fail, Run returns a [command.Problems] with an error for
// each. If rows are missing too, its last error says why, such as ctx.Err().
func Run(ctx context.Context, c Config) (err error) {
	r := &runner{Config: c, usable: noise.Usable(), done: map[string]bool{}, failed: map[string]bool{}, facts: map[string]bool{}, fastest: noise.Fastest{}}
	end, err := r.keep()
	if err != nil {
		return err
	}
	defer end()
	// Building takes long, so Run opens the file first: an error in it ends the run at once.
	err = r.open()
	if r.file != nil {
		defer func() { err = cmp.Or(err, r.file.Close()) }()
	}
	if err != nil { // perhaps because an interrupt ended the git that it asks
		return cmp.Or(ctx.Err(), err)
	}
	if err := r.build(ctx); err != nil {
		r.discard()
		return cmp.Or(ctx.Err(), err)
	}
	err = r.rounds(ctx)
	if err != nil && ctx.Err() != nil {
		err = cmp.Or(r.write("# interrupted: the rounds are not complete\n"), ctx.Err())
	}
	if !r.wrote {
		r.discard()
	}
	if len(r.problems) == 0 {
		return err
	} else if err != nil {
		r.problems = append(r.problems, err)
	}
	return command.Problems(r.problems)
}

// keep starts the process that cleans up, and makes the folder that it removes.
func (r *runner) keep() (end func(), err error) {
	if r.temp, err = filepath.Abs(filepath.Join(process.TempDir(), fmt.Sprintf("boundaries-run-%d", rand.Uint64()))); err != nil {
		return nil, err
	}
	// The keeper starts before the folder is made, so that no crash leaves the folder behind.
	keeper, err := process.Keep(r.temp, nil)
	if err != nil {
		return nil, fmt.Errorf("starting the process that cleans up: %w", err)
	}
	r.started = keeper.Started
	if err := os.Mkdir(r.temp, 0o700); err != nil {
		keeper.End()
		return nil, fmt.Errorf("making a folder for the test binaries: %w", err)
	}
	return keeper.End, nil
}

// build builds the test binaries and finds their rows.
func (r *runner) build(ctx context.Context) error {
	for _, b := range r.Prebuilt {
		r.binaries = append(r.binaries, &binary{b.Path, r.temp, b.Pkg, nil})
	}
	if r.Prebuilt == nil {
		if err := r.compile(ctx); err != nil {
			return err
		}
		if err := r.identify(); err != nil {
			return err
		}
	}
	for _, b := range r.binaries {
		r.report(Progress{Row: "looking for the rows of " + b.pkg})
		// A run of one iteration of each row lists the rows.
		text, err := r.test(ctx, b, r.Bench, "", 1, "1x")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.add(text)
		r.problems = append(r.problems, splicedIn(text)...)
		if err != nil && strings.HasSuffix(text, "\nFAIL\n") { // all have had their turn
			r.problem(b.pkg, text, err)
		} else if err != nil {
			if err := r.each(ctx, b, text, err); err != nil {
				return err
			}
		}
	}
	if !slices.ContainsFunc(r.binaries, func(b *binary) bool { return len(b.rows) > 0 }) {
		missing := fmt.Errorf("no benchmark of %s matches %q, or all skip", strings.Join(r.Packages, " "), r.Bench)
		if len(r.binaries) == 0 {
			missing = fmt.Errorf("no package of %s has tests", strings.Join(r.Packages, " "))
		}
		if len(r.problems) > 0 {
			return command.Problems(r.problems)
		}
		return missing
	}
	return nil
}

// each looks for the rows of a binary's benchmarks, each in a process of its own, after one
// of them has ended the process of all: the benchmarks behind that one have rows, too. It
// leaves out those whose rows are known. If all succeed alone, the failure was that of the
// common process.
func (r *runner) each(ctx context.Context, b *binary, text string, err error) error {
	limited, cancel := context.WithTimeout(ctx, r.Timeout)
	list, _ := r.exec(limited, b.dir, b.path, "-test.list=^Benchmark")
	cancel()
	var names []string
	for line := range strings.Lines(list) {
		if name := benchfile.ListedName(line); name != "" {
			names = append(names, name)
		}
	}
	known := map[string]bool{}
	last := "" // which may have failed after its first rows
	for _, row := range b.rows {
		last, _, _ = strings.Cut("Benchmark"+row, "/")
		known[last] = true
	}
	failed := false
	for _, name := range names {
		if known[name] && name != last {
			continue
		}
		skip := ""
		if others := slices.DeleteFunc(slices.Clone(names), func(other string) bool { return other == name }); len(others) > 0 {
			skip = "^(" + strings.Join(others, "|") + ")$"
		}
		r.report(Progress{Row: "looking for the rows of " + b.pkg + ", " + name})
		text, err := r.test(ctx, b, r.Bench, skip, 1, "1x")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b.add(text)
		if err != nil {
			failed = true
			r.problem(b.pkg+", "+name, text, err)
		}
	}
	if !failed {
		r.problem(b.pkg, text, err)
	}
	return nil
}

// add adds the rows of an output.
func (b *binary) add(text string) {
	for line := range strings.Lines(text) {
		if name, ok := benchfile.ResultName(line); ok && !slices.Contains(b.rows, name) {
			b.rows = append(b.rows, name)
		}
	}
}

func (r *runner) compile(ctx context.Context) error {
	out, err := r.goTool(ctx, append([]string{"list", "-json=false", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}\t{{.Dir}}{{end}}", "--"}, r.Packages...)...)
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		pkg, dir, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			continue
		}
		b := &binary{filepath.Join(r.temp, strconv.Itoa(len(r.binaries))+".test.exe"), dir, pkg, nil}
		if _, err := r.goTool(ctx, "test", "-c", "-n=false", "-json=false", "-vet=off", "-o", b.path, pkg); err != nil {
			return fmt.Errorf("building the tests of %s: %w", pkg, err)
		}
		r.binaries = append(r.binaries, b)
	}
	return nil
}

// identify writes what tells the test binaries from others, or compares it with what the
// file has. Two edits of one commit have the same fact "commit". The go command builds the
// same binary from the same source.
func (r *runner) identify() error {
	sum := sha256.New()
	for _, b := range r.binaries {
		text, err := os.ReadFile(b.path)
		if err != nil {
			return err
		}
		sum.Write(text)
	}
	hash := fmt.Sprintf("%x", sum.Sum(nil)[:8])
	if !r.Resume || r.begunWith == "" && len(r.done) == 0 {
		return r.write("# binaries: " + hash + "\n")
	} else if r.begunWith != "" && r.begunWith != hash {
		return fmt.Errorf("-resume: %s was begun with other test binaries: their source has changed, or how they are built; want the same, or a new file", r.Out)
	}
	return nil
}

// splicedIn returns an error for each benchmark that printed into its own result.
func splicedIn(output string) (errs []error) {
	for line := range strings.Lines(output) {
		if err := benchfile.Spliced(line); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (r *runner) problem(what, output string, err error) {
	text := err.Error()
	if said := strings.TrimSpace(r.stderr); said != "" {
		text += ": " + said[strings.LastIndexByte(said, '\n')+1:]
	}
	r.problems = append(r.problems, fmt.Errorf("%s: %s", what, cmp.Or(benchfile.Failure(output, r.stderr), text)))
}

// plan returns the settings that two runs must have in common to share a file.
func (r *runner) plan() string {
	cpus := make([]string, len(r.CPU))
	for i, n := range r.CPU {
		cpus[i] = strconv.Itoa(n)
	}
	return fmt.Sprintf("# plan: -bench %q -cpu %s -benchtime %s -seed %d %s\n", r.Bench, strings.Join(cpus, ","), r.Benchtime, r.Seed, strings.Join(r.Packages, " "))
}

// open makes the file, or finds out which results it has.
func (r *runner) open() (err error) {
	if r.Resume {
		return r.reopen()
	}
	if r.Prebuilt != nil {
		r.file = os.Stdout
	} else if r.file, err = os.OpenFile(r.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already; want a new file, or -resume", r.Out)
	} else if err != nil {
		return err
	} else if err := r.lock(); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "numcpu: %d\n%s# command: %s\n# seed: %d\n", r.usable.N(), r.plan(), r.Command, r.Seed)
	fmt.Fprintf(&text, "# usable: %s\n# oversubscribed: rows of more than %d procs\n", r.usable, r.usable.N())
	if r.Host != "" {
		fmt.Fprintf(&text, "# host: %s\n", r.Host)
	}
	for _, f := range noise.Facts() {
		fmt.Fprintf(&text, "# %s: %s\n", f.Key, f.Value)
		r.facts[f.Key] = true
	}
	for _, f := range r.origin() {
		if f[1] != "" {
			fmt.Fprintf(&text, "# %s: %s\n", f[0], f[1])
			r.facts[f[0]] = true
		}
	}
	for _, fact := range []string{"numcpu", "plan", "command", "seed", "usable", "oversubscribed", "binaries", "round", "interrupted", "complete"} {
		r.facts[fact] = true
	}
	err = r.write(text.String())
	if err != nil {
		r.discard()
	}
	return err
}

// discard removes a new file that has no result.
func (r *runner) discard() {
	if !r.Resume && r.Prebuilt == nil {
		_ = r.file.Close() // Windows removes no open file
		_ = os.Remove(r.Out)
	}
}

// origin returns the facts about the source, if this process built it.
func (r *runner) origin() [][2]string {
	if r.Prebuilt != nil {
		return [][2]string{{"go", runtime.Version()}}
	}
	return [][2]string{{"go", ask("go", "env", "-json=false", "GOVERSION")}, {"commit", ask("git", "describe", "--always", "--dirty")}}
}

// ask returns what a command prints, or "" if it fails.
func ask(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// SeedOf returns the seed of a file that a run has begun.
func SeedOf(file string) (uint64, error) {
	if err := noPipe(file); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("-resume: %w", err)
	}
	m := regexp.MustCompile(`(?m)^# seed: (\d+)\r?$`).FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("-resume: %s has no line \"# seed:\"; want a file that boundaries run wrote", file)
	}
	seed, err := strconv.ParseUint(string(m[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: want a seed of 64 bits: %w", file, err)
	}
	return seed, nil
}

// noPipe returns an error for what is no file. A read of a pipe would wait for a writer.
func noPipe(name string) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("-resume: %s is no file; want one that boundaries run wrote", name)
	}
	return nil
}

// lock keeps other runs from the file, until it is closed.
func (r *runner) lock() error {
	if err := lock(r.file); err != nil {
		return fmt.Errorf("another run is writing %s; wait for its end, or name another file", r.Out)
	}
	return nil
}

func (r *runner) reopen() (err error) {
	if err := noPipe(r.Out); err != nil {
		return err
	}
	if r.file, err = os.OpenFile(r.Out, os.O_RDWR, 0); err != nil {
		return fmt.Errorf("-resume: %w", err)
	}
	if err := r.lock(); err != nil {
		return err
	}
	text, err := io.ReadAll(r.file)
	if err != nil {
		return fmt.Errorf("-resume: %w", err)
	}
	// Drop a line that the run was writing when something killed it.
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	round, pkg, planned, begun := 0, "", false, map[string]string{}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\r\n", "\n")) { // git may change the ends of lines
		fact, isFact := strings.CutPrefix(line, "# ")
		key, value, _ := strings.Cut(strings.TrimSuffix(fact, "\n"), ": ")
		name, isResult := benchfile.ResultName(line)
		switch {
		case isFact && key == "plan":
			planned = true
			if line != r.plan() {
				return fmt.Errorf("%s was begun with %s, and this is %s", r.Out, value, strings.TrimSpace(strings.TrimPrefix(r.plan(), "# plan: ")))
			}
		case isFact && key == "round":
			round, _ = strconv.Atoi(value)
		case isResult:
			r.done[fmt.Sprint(round, " ", pkg, " ", name)] = true
		case strings.HasPrefix(line, "pkg: "):
			pkg = strings.TrimSpace(strings.TrimPrefix(line, "pkg: "))
		}
		if isFact {
			if !r.facts[key] {
				begun[key] = value
			}
			r.facts[key] = true
		} else if jobLine.MatchString(line) {
			r.facts[strings.TrimSpace(line)] = true
		}
	}
	r.begunWith = begun["binaries"]
	if !planned {
		return fmt.Errorf("-resume: %s has no line \"# plan:\"; want a file that boundaries run wrote", r.Out)
	}
	// Rows of another machine, other code or other settings must not mix.
	now := map[string]string{"usable": fmt.Sprint(r.usable)}
	for _, f := range r.origin() {
		now[f[0]] = f[1]
	}
	for _, f := range noise.Facts() {
		now[f.Key] = f.Value
	}
	for _, key := range []string{"usable", "processor", "environment", "go", "commit"} {
		if begun[key] != now[key] {
			return fmt.Errorf("-resume: %s was begun with %s %q, and now it is %q; want the same, or a new file", r.Out, cmp.Or(map[string]string{"usable": "usable processors"}[key], key), begun[key], now[key])
		}
	}
	if err := r.file.Truncate(int64(len(text))); err != nil {
		return err
	}
	_, err = r.file.Seek(0, 2)
	return err
}

// write appends to the file, and returns when the disk has it.
func (r *runner) write(text string) error {
	if _, err := r.file.WriteString(text); err != nil || r.Prebuilt != nil {
		return err
	}
	return r.file.Sync()
}

func (r *runner) rounds(ctx context.Context) error {
	var units []unit
	for _, b := range r.binaries {
		for _, row := range b.rows {
			for _, n := range r.CPU {
				units = append(units, unit{b, row, n})
			}
		}
	}
	named := map[string]unit{}
	for _, u := range units {
		if other, ok := named[u.key()]; ok {
			return fmt.Errorf("two rows would be called %s: Benchmark%s at -cpu %d and Benchmark%s at -cpu %d; want another -cpu, or a -bench that leaves out one of them",
				u, other.row, other.procs, u.row, u.procs)
		}
		named[u.key()] = u
	}
	began, measured := time.Now(), 0
	p := Progress{Total: r.Rounds * len(units)}
	for p.Round = 1; p.Round <= r.Rounds; p.Round++ {
		order := slices.Clone(units)
		rand.New(rand.NewPCG(r.Seed, uint64(p.Round))).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		left := slices.DeleteFunc(slices.Clone(order), func(u unit) bool { return r.have(p.Round, u) || r.failed[u.key()] })
		if len(left) == 0 {
			p.Done += len(order)
			continue
		}
		p.Done += len(order) - len(left)
		if err := r.write(fmt.Sprintf("# round: %d\n", p.Round)); err != nil {
			return err
		}
		if err := r.control(ctx, "first"); err != nil {
			return err
		}
		var again []result
		for _, u := range left {
			p.Row = u.String()
			if measured > 0 {
				p.Left = time.Since(began) / time.Duration(measured) * time.Duration(p.Total-p.Done)
			}
			r.report(p)
			got, err := r.measure(ctx, u)
			if ctx.Err() != nil {
				return cmp.Or(r.writeAll(again), ctx.Err())
			}
			measured++
			p.Done++
			if err != nil {
				// The unit's later rounds would fail as well, or lack this round.
				r.failed[u.key()] = true
				r.problem(u.String(), got.lines, err)
				continue
			}
			if got.disturbed > 0 && (r.repeated+len(again))*repeats < measured+repeats {
				if text := r.above(&got); text != "" { // the facts belong above the results of this binary
					if err := r.write(text); err != nil {
						return err
					}
				}
				again = append(again, got)
			} else if err := r.writeResult(got); err != nil {
				return err
			}
		}
		for i, first := range again {
			p.Row = first.unit.String() + " again, because the machine was disturbed"
			r.report(p)
			got, err := r.measure(ctx, first.unit)
			r.repeated++
			if ctx.Err() != nil {
				return cmp.Or(r.writeAll(again[i:]), ctx.Err())
			}
			if err != nil || got.disturbed > first.disturbed {
				got = first
			}
			if err := r.writeResult(got); err != nil {
				return err
			}
		}
		if err := r.control(ctx, "last"); err != nil {
			return err
		}
	}
	p.Round, p.Row, p.Left = r.Rounds, "", 0
	r.report(p)
	return r.write(fmt.Sprintf("# complete: %d rounds, %d runs repeated because the machine was disturbed\n", r.Rounds, r.repeated))
}

func (u unit) key() string { return u.binary.pkg + " " + u.String() }

func (r *runner) have(round int, u unit) bool { return r.done[fmt.Sprint(round, " ", u.key())] }

func (r *runner) report(p Progress) {
	if r.Report != nil {
		r.Report(p)
	}
}

func (r *runner) writeAll(results []result) error {
	for _, one := range results {
		if err := r.writeResult(one); err != nil {
			return err
		}
	}
	return nil
}

// above returns what must stand above a result and does not stand there already. Facts
// count where the block of go test follows.
func (r *runner) above(one *result) string {
	text := one.facts
	if text != "" || one.head != r.head {
		text += one.head
	}
	maps.Copy(r.facts, one.keys)
	one.facts, r.head = "", one.head
	return text
}

func (r *runner) writeResult(one result) error {
	text := r.above(&one) + one.lines
	if one.disturbed > 0 {
		text += fmt.Sprintf("# disturbed: %s %.2f times (%s)\n", one.unit, one.disturbed, one.why)
	}
	r.wrote = true
	return r.write(text)
}

// measure runs a unit once.
func (r *runner) measure(ctx context.Context, u unit) (result, error) {
	bench, skip := noise.Select([]string{u.row}, u.binary.rows)
	meter := noise.Start(u.procs, r.usable.N())
	text, err := r.test(ctx, u.binary, bench, skip, u.procs, r.Benchtime)
	signals := meter.Stop()
	one := result{unit: u, keys: map[string]bool{}}
	if err != nil {
		one.lines = text
		return one, err
	}
	one.head = cmp.Or(goTestBlock.FindString(text), fmt.Sprintf("goos: %s\ngoarch: %s\npkg: %s\n", runtime.GOOS, runtime.GOARCH, u.binary.pkg))
	found, judged, inHead := false, false, false
	for line := range strings.Lines(text) {
		fact, isFact := strings.CutPrefix(line, "# ")
		key, value, _ := strings.Cut(fact, ": ")
		name, isResult := benchfile.ResultName(line)
		isJob := jobLine.MatchString(line)
		inHead = strings.HasPrefix(line, "numcpu: ") || inHead && (isFact || isJob)
		switch {
		case isResult && name == u.String():
			found = true
			one.lines += line
		case isFact && key == "steady":
			judged = true // by the benchmark itself, which knows how long its threads waited
		case isFact && key == "disturbed":
			if m := ofDisturbed.FindStringSubmatch(value); m != nil {
				one.disturbed, _ = strconv.ParseFloat(m[1], 64)
				one.why = m[2]
			}
		case isFact && key == "again":
		case isFact && inHead && value != "" && !r.facts[key] && !one.keys[key]:
			// The facts of the first result hold for all.
			one.keys[key] = true
			one.facts += line
		case isJob && (inHead || !strings.HasPrefix(line, "fib: ")) && !r.facts[strings.TrimSpace(line)] && !one.keys[strings.TrimSpace(line)]:
			one.keys[strings.TrimSpace(line)] = true
			one.facts += line
		}
	}
	if !found {
		one.lines = text
		return one, cmp.Or(errors.Join(splicedIn(text)...), process.Room(r.temp), errors.New("no result, though it had one before"))
	}
	if file, err := benchfile.ReadFrom(strings.NewReader(one.lines), "the result"); err != nil || len(file.Problems) > 0 {
		return one, benchfile.Refused(cmp.Or(err, errors.Join(file.Problems...)))
	}
	if !judged {
		if times, why := r.fastest.JudgeOutside(signals); times >= noise.Disturbed {
			one.disturbed, one.why = times, why
		}
	}
	return one, nil
}

var (
	ofDisturbed = regexp.MustCompile(`^\S+ ([0-9.]+) times \((.*)\)`)
	// Text without a newline may stand before the block.
	goTestBlock = regexp.MustCompile(`goos: \S+\ngoarch: \S+\npkg: \S+\n(cpu: .+\n)?`)
	jobLine     = regexp.MustCompile(`^(Unit[ \t]+\S+([ \t]+[a-z]+=\S+)+\s*|fib: \d+)\n`)
)

// test runs benchmarks of a binary, as go test would.
func (r *runner) test(ctx context.Context, b *binary, bench, skip string, procs int, benchtime string) (string, error) {
	args := []string{"-test.run=^$", "-test.bench=" + bench, "-test.cpu=" + strconv.Itoa(procs), "-test.benchtime=" + benchtime,
		"-test.count=1", "-test.timeout=0", "-test.paniconexit0"}
	if skip != "" {
		args = append(args, "-test.skip="+skip)
	}
	// Package testing applies its timeout to tests only.
	limited, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	text, err := r.exec(limited, b.dir, b.path, args...)
	if limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("it took longer than -timeout %v", r.Timeout)
	} else if err == nil && benchfile.Failed(text) { // TestMain may choose the status
		err = errors.New("FAIL")
	}
	return text, err
}

func (r *runner) goTool(ctx context.Context, args ...string) (string, error) {
	out, err := r.exec(ctx, "", "go", args...)
	if err != nil && ctx.Err() == nil {
		text := ""
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "go: downloading ") {
				if text = strings.TrimSpace(text + " " + line); !strings.HasSuffix(line, ":") {
					break // a line that ends in a colon goes on in the next
				}
			}
		}
		if text != "" {
			return "", errors.New(text)
		}
	}
	return out, err
}

// exec runs a command in a process group of its own, and leaves no process of the group
// running. The output goes to a file, because a process that outlives the command
// could hold a pipe open.
func (r *runner) exec(ctx context.Context, dir, name string, args ...string) (string, error) {
	out, err := os.CreateTemp(r.temp, "output-")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout = dir, out
	cmd.Env = append(os.Environ(), "TMPDIR="+r.temp, "TMP="+r.temp, "TEMP="+r.temp, "GOTMPDIR="+r.temp)
	stderr, err := os.CreateTemp(r.temp, "output-")
	if err != nil {
		return "", err
	}
	defer os.Remove(stderr.Name())
	defer stderr.Close()
	cmd.Stderr = stderr // which has the reason if it fails
	if name == "go" {
		cmd.Stderr = out
		cmd.Env = append(cmd.Env, r.env...)
	}
	process.OwnGroup(cmd)
	runtime.LockOSThread() // see process.OwnGroup
	defer runtime.UnlockOSThread()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := cmd.Start(); errors.Is(err, syscall.ENOEXEC) {
		return "", fmt.Errorf("this machine cannot run the test binary; want its own GOOS and GOARCH, %s and %s", runtime.GOOS, runtime.GOARCH)
	} else if err != nil {
		return "", err
	}
	r.started(cmd.Process.Pid)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		process.EndGroup(cmd)
		<-ended
		err = ctx.Err()
	}
	process.EndGroup(cmd)
	r.started(0)
	r.stderr = ""
	if err != nil {
		text, _ := os.ReadFile(stderr.Name())
		r.stderr = string(text)
	}
	text, readErr := os.ReadFile(out.Name())
	if err != nil && len(text)+len(r.stderr) == 0 && ctx.Err() == nil {
		err = cmp.Or(process.Room(r.temp), err)
	}
	return string(text), cmp.Or(err, readErr)
}
