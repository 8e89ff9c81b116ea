package revisions

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
	"boundaries/internal/gate"
	"boundaries/internal/noise"
	"boundaries/internal/process"
)

// A task is what one process runs: a benchmark, or a row of one.
type task struct {
	pkg     *pkg
	bench   string // for the reader
	pattern string // for -test.bench
}

// A stage is a number of rounds.
type stage struct {
	name  string // "" or "measuring again, ", which is without the rows beside the suspects
	tasks []task
	data  *gate.Data
	done  int        // whole rounds, on both sides
	seeds [2][]int64 // of the layouts, one for each round
	// The results as the test binaries printed them, without their other output.
	raw [2]strings.Builder
}

// screening returns the first stage: every benchmark.
func (c *comparison) screening() *stage {
	st := &stage{data: &gate.Data{Procs: c.procs()}}
	for _, p := range c.pkgs {
		for _, bench := range slices.Concat(p.benches[0], p.benches[1]) {
			t := task{p, bench, c.patterns.of(bench).String()}
			if !slices.Contains(st.tasks, t) {
				st.tasks = append(st.tasks, t)
			}
		}
	}
	return st
}

// confirming returns the second stage: the rows of the suspects.
func (c *comparison) confirming(suspects []gate.Cell) *stage {
	st := &stage{name: "measuring again, ", data: &gate.Data{Procs: c.procs()}}
	for _, cell := range suspects {
		pattern, bench := exactly(cell.Row, c.procs())
		for _, p := range c.pkgs {
			t := task{p, bench, pattern}
			if p.name == cell.Pkg && !slices.Contains(st.tasks, t) {
				st.tasks = append(st.tasks, t)
			}
		}
	}
	return st
}

// A record is what one process measured.
type record struct {
	side gate.Side
	task task
	file *benchfile.File
	raw  string
}

// run runs the rounds of a stage. If it returns an error, the stage still has the rounds
// before the error.
func (c *comparison) run(ctx context.Context, st *stage) error {
	begin := time.Now()
	order := []gate.Side{gate.Base, gate.Head}
	for round := 1; round <= c.Rounds; round++ {
		where := fmt.Sprintf("round %d of %d", round, c.Rounds)
		if round > 1 {
			each := time.Since(begin) / time.Duration(round-1)
			fmt.Fprintf(c.stderr, "%s%s: about %v left\n", st.name, where, (each * time.Duration(c.Rounds-round+1)).Round(time.Second))
		}
		records, err := c.round(ctx, st, round, where, order)
		if err != nil {
			return err
		}
		// Only a complete round counts.
		for _, r := range records {
			st.data.Add(r.side, r.task.pkg.name, r.file)
			fmt.Fprintf(&st.raw[r.side], "# round: %d\n%s", round, r.raw)
		}
		st.done++
		slices.Reverse(order)
		if round == 1 {
			st.tasks = comparable(st.tasks, records)
		}
	}
	return nil
}

// comparable returns the tasks that gave results on both sides. A task that only one side
// has runs once, to name its rows, and so does a task of which -bench selects no row.
func comparable(tasks []task, records []record) []task {
	return slices.DeleteFunc(tasks, func(t task) bool {
		var has [2]bool
		for _, r := range records {
			has[r.side] = has[r.side] || r.task == t && len(r.file.Rows) > 0
		}
		return has != [2]bool{true, true}
	})
}

func (c *comparison) round(ctx context.Context, st *stage, round int, where string, order []gate.Side) ([]record, error) {
	if err := c.layOut(ctx, st, round, where); err != nil {
		return nil, fmt.Errorf("%s%s: %w", st.name, where, err)
	}
	// The order changes in every round. So no benchmark always runs right after the
	// same one, whose effects, such as a hot processor, it would inherit.
	tasks := slices.Clone(st.tasks)
	c.random.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
	var records []record
	for _, t := range tasks {
		for _, i := range order {
			if !slices.Contains(t.pkg.benches[i], t.bench) {
				continue
			}
			s := c.sides()[i]
			fmt.Fprintf(c.stderr, "%s%s: %s: package %s, %s\n", st.name, where, s.name, t.pkg.name, t.bench)
			r, err := c.process(ctx, t, i)
			if err != nil {
				what := t.bench
				if st.name != "" { // it may lack what other rows set up
					what += " with -bench " + command.Quote(t.pattern)
				}
				return nil, fmt.Errorf("%s, %s%s, package %s, %s: %w", s.name, st.name, where, t.pkg.name, what, err)
			}
			records = append(records, *r)
		}
	}
	if round == 1 && !slices.ContainsFunc(records, func(r record) bool { return len(r.file.Rows) > 0 }) {
		return nil, command.BadInput("-bench %q gives no result, neither on base nor on head: no sub-benchmark matches, all skip, or a TestMain or a build tag leaves them out%s", c.Bench, c.lacking(ctx, &c.head))
	}
	return records, nil
}

// layOut links the test binaries of a round, each side with a layout of its own, and
// starts each of them once: the first start of a file is slower than those after it.
func (c *comparison) layOut(ctx context.Context, st *stage, round int, where string) error {
	linked := map[*pkg]bool{}
	for _, t := range st.tasks {
		linked[t.pkg] = true
	}
	for i, s := range c.sides() {
		seed := int64(0)
		if c.Relink {
			seed = 1 + c.random.Int64N(1e6)
			st.seeds[i] = append(st.seeds[i], seed)
		}
		for _, p := range c.pkgs {
			if !linked[p] || p.binary[i] == "" {
				continue
			}
			if c.Relink {
				err := c.link(ctx, p, gate.Side(i), seed)
				if err != nil && strings.Contains(err.Error(), "randlayout") {
					c.note("the Go linker here does not have -randlayout, so every round has the same layout: a difference may be one of layout alone")
					c.Relink, st.seeds = false, [2][]int64{}
					err = c.link(ctx, p, gate.Side(i), 0)
				}
				if err != nil {
					return fmt.Errorf("%s: linking package %s: %s", s.name, p.name, c.reason(ctx, s, err))
				}
			} else if round > 1 {
				continue
			}
			fmt.Fprintf(c.stderr, "%s%s: %s: package %s, a first start without a benchmark\n", st.name, where, s.name, p.name)
			if _, err := c.start(ctx, p, gate.Side(i), nil, "-test.run=^$", "-test.bench=^$"); err != nil {
				return fmt.Errorf("%s: starting package %s without a benchmark: %w", s.name, p.name, err)
			}
		}
	}
	return nil
}

// process runs a task on one side, up to three times while something disturbs the machine.
func (c *comparison) process(ctx context.Context, t task, i gate.Side) (*record, error) {
	const tries = 3
	for try := 1; ; try++ {
		ended := func() string { return "" }
		if c.Watch != nil {
			ended = c.Watch()
		}
		r, err := c.processOnce(ctx, t, i)
		if disturbance := ended(); err == nil && disturbance != "" && try < tries {
			fmt.Fprintf(c.stderr, "again, because the machine was disturbed: %s\n", disturbance)
			continue
		} else if err == nil && disturbance != "" {
			c.disturbed++
		}
		return r, err
	}
}

// start starts the test binary of a package, waits until it ends, and returns what it
// printed to standard output. It kills a process that runs for longer than -timeout.
func (c *comparison) start(ctx context.Context, p *pkg, i gate.Side, env []string, args ...string) (string, error) {
	s := c.sides()[i]
	if err := c.enter(s); err != nil {
		return "", err
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if c.Timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, c.Timeout)
	}
	defer cancel()
	out, errOut, err := c.execEnv(limited, env, filepath.Join(s.root, p.dir[i]), p.binary[i], args...)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return "", fmt.Errorf("still running after %v, and killed (-timeout)", c.Timeout)
	}
	if err != nil {
		return "", c.failure(ctx, s, out, errOut, err)
	}
	return out, nil
}

func (c *comparison) processOnce(ctx context.Context, t task, i gate.Side) (*record, error) {
	args := []string{"-test.run=^$", "-test.count=1", "-test.paniconexit0", "-test.benchmem", "-test.bench=" + t.pattern, "-test.cpu=" + c.CPU}
	if c.Benchtime != "" { // otherwise a TestMain may choose another than testing's 1s
		args = append(args, "-test.benchtime="+c.Benchtime)
	}
	out, err := c.start(ctx, t.pkg, i, c.inject.variable(i), args...)
	if err != nil {
		return nil, err
	}
	if benchfile.Failed(out) { // and TestMain ended with status 0
		return nil, c.failure(ctx, c.sides()[i], out, "", errors.New("FAIL"))
	}
	if !strings.Contains(out, "PASS\n") { // the end is missing, perhaps for want of room
		if err := process.Room(c.tmp); err != nil {
			return nil, command.BadInput("%w", err)
		}
	}
	if cpu := cpuLine.FindStringSubmatch(out); cpu != nil && c.cpuName == "" {
		c.cpuName = cpu[1]
	}
	file, raw, err := results(out)
	if err != nil {
		return nil, err
	}
	for _, row := range file.Rows {
		// A process prints each row once.
		note := fmt.Sprintf("two benchmarks of package %s print %s, as k at -cpu 2 and k-2 at -cpu 1 both print k-2: their figures are mixed; want another -cpu", t.pkg.name, row.FullName())
		if len(row.Rounds) > 1 && !slices.Contains(c.notes, note) {
			c.note("%s", note)
		}
	}
	return &record{i, t, file, fmt.Sprintf("goos: %s\ngoarch: %s\npkg: %s\n%s", runtime.GOOS, runtime.GOARCH, t.pkg.name, raw)}, nil
}

var (
	cpuLine  = regexp.MustCompile(`(?m)^pkg: .*\ncpu: (.+)$`)
	unitLine = regexp.MustCompile(`^Unit[ \t]+\S+([ \t]+[a-z]+=\S+)+\s*$`)
)

// results reads what a test binary printed. Only the lines of results and of units
// count. No other output of a program is a key or a part of the figures.
func results(out string) (*benchfile.File, string, error) {
	var kept strings.Builder
	for line := range strings.Lines(out) {
		if unitLine.MatchString(line) {
			kept.WriteString(line)
			continue
		}
		if err := benchfile.Spliced(line); err != nil {
			return nil, "", err
		}
		if _, ok := benchfile.ResultName(line); ok {
			kept.WriteString(line)
		}
	}
	file, err := benchfile.ReadFrom(strings.NewReader(kept.String()), "the result")
	if err != nil && (file == nil || kept.Len() > 0 && strings.Contains(kept.String(), "Benchmark")) {
		return nil, "", fmt.Errorf("cannot read %w", benchfile.Refused(err))
	}
	if len(file.Problems) > 0 {
		return nil, "", fmt.Errorf("cannot read %w", benchfile.Refused(file.Problems[0]))
	}
	return file, kept.String(), nil
}

// report makes the report of what was measured.
func (c *comparison) report(ctx context.Context, first, second *stage, failed error) (*gate.Report, error) {
	r := &gate.Report{Base: c.base.String(), Head: c.head.String(), Command: c.Command, Rounds: c.Rounds, Notes: c.notes}
	r.Machine = strings.TrimSuffix(fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, noise.Usable().N(), c.cpuName), ", ")
	if c.disturbed > 0 {
		r.Notes = append(r.Notes, plural(c.disturbed, "run")+map[bool]string{true: " was disturbed three times in a row, and counts anyway", false: " were disturbed three times in a row, and count anyway"}[c.disturbed == 1])
	}
	var names []string
	for _, row := range first.data.Incomplete(first.done) {
		names = append(names, strings.TrimPrefix(row.Pkg+" "+row.FullName(), ". "))
	}
	if len(names) > 0 {
		r.Notes = append(r.Notes, "not every round has a value of both sides: "+strings.Join(names, ", "))
	}
	r.Seeds = fmt.Sprintf("-seed %d", c.Seed)
	for _, st := range []*stage{first, second} {
		if st != nil && len(st.seeds[0]) > 0 {
			r.Seeds += fmt.Sprintf("; %s-randlayout of base %s, of head %s", st.name, numbers(st.seeds[0]), numbers(st.seeds[1]))
		}
	}
	switch {
	case failed != nil:
		r.Decision = c.Gate.Partial(first.data)
		r.Rounds = first.done
		r.Partial = fmt.Sprintf("only %d of %d rounds: %v", first.done, c.Rounds, failed)
		if status := (command.Error{}); errors.As(failed, &status) && status.Status == 130 {
			r.Partial = failed.Error() // which says why the comparison did not end
		} else if second != nil {
			r.Partial = fmt.Sprintf("the rows that looked different were not measured again: %v", failed)
		}
	case second != nil:
		r.Decision = c.Gate.Decide(first.data, second.data)
	default:
		r.Decision = c.Gate.Decide(first.data, nil)
	}
	if failed == nil && len(r.Rows) == 0 && len(c.equal) > 0 {
		r.Equal = "the rows that both sides have are of packages whose test binaries are equal, so nothing was compared (-equal compares them anyway)"
	}
	if failed == nil && len(c.changed) > 0 {
		var err error
		if r.Unreached, err = c.unreached(ctx, slices.Concat(c.pkgs, c.equal)); err != nil {
			return r, err
		}
	}
	return r, nil
}

func numbers(seeds []int64) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(seeds), "[]"), " ", ",")
}

// format returns a report as -format asks for it.
func (c *comparison) format(ctx context.Context, r *gate.Report, first, second *stage) (string, error) {
	switch c.Format {
	case "markdown":
		return r.Markdown(), nil
	case "json":
		return r.JSON()
	case "benchstat":
		if first == nil || first.done == 0 {
			return "# " + command.Printable(r.Summary()) + "\n", nil
		}
		partial := ""
		if r.Partial != "" {
			partial = "# " + command.Printable(r.Partial) + "\n"
		}
		table, err := c.table(ctx, first)
		return partial + table, err
	}
	return r.Text(), nil
}

// resultFiles are the files that a directory of -o may have.
var resultFiles = []string{"report.txt", "report.md", "report.json", "base.txt", "head.txt", "base-again.txt", "head-again.txt"}

// kept matches how each of the resultFiles begins.
var kept = regexp.MustCompile(`^(# (base|head): .*\n# seed: |(# (.*\n)+?)?base: .*\nhead: |### Benchmarks: |\{\s+"summary": )`)

// keep writes all that was measured to the directory of -o, and removes what is left of an
// earlier comparison.
func (c *comparison) keep(r *gate.Report, first, second *stage) error {
	if c.Out == "" {
		return nil
	}
	asJSON, err := r.JSON()
	if err != nil {
		return err
	}
	files := map[string]string{"report.txt": r.Text(), "report.md": r.Markdown(), "report.json": asJSON}
	for i, s := range c.sides() {
		if first != nil {
			files[s.name+".txt"] = c.fileHead(s) + first.raw[i].String()
		}
		if second != nil {
			files[s.name+"-again.txt"] = c.fileHead(s) + second.raw[i].String()
		}
	}
	for _, name := range resultFiles {
		path := filepath.Join(c.Out, name)
		if text, ok := files[name]; ok {
			err = os.WriteFile(path, []byte(text), 0o666)
		} else if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			return fmt.Errorf("keeping the results: %w", err)
		}
	}
	return nil
}

// fileHead is the head of a file of results.
func (c *comparison) fileHead(s *side) string {
	return fmt.Sprintf("# %s\n# seed: %d\nnumcpu: %d\n", s, c.Seed, noise.Usable().N())
}

func (c *comparison) table(ctx context.Context, st *stage) (string, error) {
	for i, s := range c.sides() {
		if err := os.WriteFile(filepath.Join(c.tmp, s.name+".txt"), []byte(st.raw[i].String()), 0o666); err != nil {
			return "", fmt.Errorf("writing results: %w", err)
		}
	}
	out, errOut, err := c.exec(ctx, c.tmp, c.exe("benchstat"), "base=base.txt", "head=head.txt")
	// Benchstat exits with 0 even when it cannot open a file. What it says besides the table,
	// for example because of a GODEBUG, is no failure.
	if err == nil && out == "" {
		err = errors.New("no table")
	}
	if err != nil {
		return "", fmt.Errorf("making the table with benchstat: %w", firstLine(errOut, err))
	}
	return out, nil
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
