// Package revisions compares the benchmarks of two revisions of a repository.
//
// Each revision is checked out in a git worktree of its own, with the uncommitted
// changes in that of head. Both are built and run under one path, a link that leads to
// the one or the other, so that equal sources make equal test binaries. Packages with
// equal test binaries are not measured.
//
// The other packages are measured round by round, in two stages; package gate says why,
// and decides. In each round
//
//   - each side is linked again, with a layout of its own (-randlayout), because the
//     places of functions in memory alone can be worth more than a real change;
//   - each new binary is started once without a benchmark, because the first start of a
//     file is slower than the others;
//   - every top-level benchmark runs in a process of its own, in an order that is
//     shuffled anew, first on one side and then at once on the other; the next round
//     begins with the other side. So a machine that becomes slower or faster does so
//     for both;
//   - a benchmark runs again if something disturbed the machine.
//
// Only a complete round counts. If something ends the comparison early, the report has
// the complete rounds, marked as partial and without a verdict.
//
// Of what a benchmark prints, only the lines of results and units count. Git commands run
// without the user's hooks, monitors and submodules, and without filters if one fails. The
// go command gets the user's flags, and the go.work that is committed or none.
//
// A comparison makes one temporary folder and two entries in git's list of worktrees, and
// removes them at the end. On Unix, a keeper process does that after a SIGKILL, and kills
// what runs. A SIGKILL while the worktrees are removed may leave an entry, which git can
// prune.
package revisions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"boundaries/internal/command"
	"boundaries/internal/gate"
	"boundaries/internal/noise"
	"boundaries/internal/process"
)

// Options say what Compare runs. The strings are those of go test's flags.
type Options struct {
	Bench     string // not empty
	Benchtime string // empty: the test binary's own
	CPU       string // empty: the GOMAXPROCS of the environment
	Packages  string // a pattern, as in go list
	Rounds    int    // at least 1
	Gate      gate.Config
	Timeout   time.Duration // of each process of a test binary; 0: none
	MergeBase bool          // compare with the last common commit
	Equal     bool          // also measure packages whose test binaries are equal
	Strict    bool          // an undecided row is an error
	Relink    bool          // each round has layouts of its own
	Seed      uint64        // of the order and the layouts
	Format    string        // text, markdown, json or benchstat
	Out       string        // the directory that keeps the results; empty: none
	Command   string        // the command that repeats the comparison
	// Watch begins to watch the machine, and returns a function that ends it and says
	// what disturbed the machine, or "". It may be nil.
	Watch func() func() string
	// Perf is the version of golang.org/x/perf whose benchstat makes the table.
	Perf string
}

type comparison struct {
	Options
	stderr io.Writer
	inject *injection // what makes head slower, or nil
	files  map[string]string

	// The user's checkout, and the current directory in it.
	top, prefix string

	tmp        string // holds everything that the comparison makes
	keeper     *process.Keeper
	env        []string
	noFilters  []string // options of git
	work       string   // the go.work that counts, in the tree
	without    string   // says which go.work does not count, or ""
	platform   string   // the go command's settings of that name, one on each line
	ldflags    []string // of GOFLAGS
	patterns   patterns
	base, head side
	entered    *side // the side that the link leads to
	noLinks    bool
	changed    []string // files that differ
	pkgs       []*pkg
	equal      []*pkg // packages that are not measured, because their test binaries are equal
	notes      []string
	random     *rand.Rand
	cpuName    string
	disturbed  int
}

// A side is one of the two revisions. The names of the sides are equally long, and so are
// all paths and arguments that the two runs see: a difference could shift the stack, and
// with it the timings.
type side struct {
	name, commit, subject string
	dirty                 bool
	tree                  string // the worktree
	root                  string // the path that leads to it
	work                  string // go.work in the tree, or ""
	added                 bool   // git knows the worktree
}

func (c *comparison) sides() []*side { return []*side{&c.base, &c.head} }

// note notes a fact that a reader of the report would not expect.
func (c *comparison) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// procs returns the numbers of -cpu. It never returns nil, which gate.Data takes for all.
func (c *comparison) procs() []int {
	all := []int{}
	for field := range strings.SplitSeq(c.CPU, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(field)); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// Compare runs the benchmarks of the revision base and those of the checkout that
// holds the current directory, uncommitted changes included. It writes a report to
// stdout and its progress to stderr.
//
// It returns an error with the status
//
//	1    if there is a regression or a benchmark fails
//	2    if the input is at fault or nothing could be compared
//	3    if rows are undecided and o.Strict is set
//	130  if ctx ends
//
// It always removes what it made.
func Compare(ctx context.Context, base string, o Options, stdout, stderr io.Writer) error {
	c := &comparison{Options: o, stderr: stderr}
	report, err := c.compare(ctx, base, stdout)
	if err != nil {
		return err
	}
	return Judge(report, o.Strict)
}

// Judge returns an error of status 1 if the report has a regression, of status 2 if
// nothing could be compared and base has rows, of status 3 if strict is set and rows are
// undecided, and otherwise nil.
func Judge(r *gate.Report, strict bool) error {
	if r.Equal != "" {
		return nil
	}
	if onlyNew := len(r.Removed) == 0 && len(r.Rows) == 0; !r.Compared() && !onlyNew {
		return command.BadInput("%s", r.Summary()) // a first benchmark is no mistake
	}
	if r.Regressions() > 0 {
		return errors.New(r.Summary())
	}
	if strict && r.Undecided() > 0 {
		return command.Exit(3, "%s", r.Summary())
	}
	return nil
}

// compare does what Compare does, except for the verdict.
func (c *comparison) compare(ctx context.Context, base string, stdout io.Writer) (report *gate.Report, err error) {
	// The cleanup and the report after an interrupt must still run.
	last := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, atFault(c.cleanUp(last))) }()
	c.random = newRandom(c.Seed)
	c.patterns = parsePatterns(c.Bench)
	c.base.name, c.head.name = "base", "head"

	var first, second *stage
	failed := atFault(c.prepare(ctx, base))
	if failed == nil {
		fmt.Fprintf(c.stderr, "%s\n%s\n", &c.base, &c.head)
		for _, note := range c.notes {
			fmt.Fprintf(c.stderr, "note: %s\n", command.Printable(note))
		}
		if len(c.pkgs) == 0 {
			report = c.equalReport()
			return report, c.publish(last, report, nil, nil, stdout)
		}
		first = c.screening()
		failed = c.run(ctx, first)
	}
	if failed == nil {
		if suspects := c.Gate.Suspects(first.data); len(suspects) > 0 {
			second = c.confirming(suspects)
			fmt.Fprintf(c.stderr, "measuring %s again, where %s different\n", plural(len(second.tasks), "benchmark"), map[bool]string{true: "a value looks", false: "values look"}[len(suspects) == 1])
			failed = c.run(ctx, second)
		}
	}
	if ctx.Err() != nil && failed != nil {
		// The interrupt caused the error.
		done, stage := 0, ""
		if first != nil {
			done = first.done
		}
		if second != nil {
			done, stage = second.done, second.name
		}
		failed = command.Interrupted(fmt.Sprintf("%sinterrupted after %d of %d rounds", stage, done, c.Rounds))
	}
	if first == nil || first.done == 0 {
		return nil, failed
	}
	report, err = c.report(last, first, second, failed)
	return report, errors.Join(failed, err, c.publish(last, report, first, second, stdout))
}

// publish prints the report, and keeps it.
func (c *comparison) publish(ctx context.Context, r *gate.Report, first, second *stage, stdout io.Writer) error {
	kept := c.keep(r, first, second)
	text, err := c.format(ctx, r, first, second)
	if err == nil {
		_, err = io.WriteString(stdout, text)
	}
	return atFault(cmp.Or(err, kept))
}

// atFault gives an error the status 2 unless it has one. Status 1 says that a benchmark
// is slower, or fails.
func atFault(err error) error {
	if err == nil || errors.As(err, new(command.Error)) {
		return err
	}
	return command.BadInput("%w", err)
}

func (c *comparison) equalReport() *gate.Report {
	text := "the test binaries of base and head are equal, so nothing was measured (-equal measures them anyway)"
	if c.base.commit == c.head.commit && !c.head.dirty {
		text = "base and head are identical: one commit, without changes; nothing was measured (-equal measures it anyway)"
	} else if n := len(c.changed); n > 0 {
		files := strings.Join(c.changed[:min(n, 3)], ", ")
		if n > 3 {
			files += fmt.Sprintf(" and %d more", n-3)
		}
		text += "; want -equal if a benchmark reads one of the files that differ: " + files
	}
	return &gate.Report{Decision: &gate.Decision{Config: c.Gate}, Base: c.base.String(), Head: c.head.String(), Command: c.Command, Equal: text, Notes: c.notes}
}

// prepare makes everything that the rounds need. It prints nothing: an error
// in the input must be the only line that the user sees.
func (c *comparison) prepare(ctx context.Context, rev string) error {
	tmp, err := filepath.Abs(process.TempDir())
	if err == nil {
		// The go command prints directories with their links resolved.
		tmp, err = filepath.EvalSymlinks(tmp)
	}
	if err == nil {
		c.tmp, err = os.MkdirTemp(tmp, "boundaries-")
	}
	if err != nil {
		return fmt.Errorf("making a temporary directory: %w", err)
	}
	if c.env, err = environ(c.tmp); err != nil {
		return err
	}
	if c.keeper, err = process.Keep(c.tmp, c.env); err != nil {
		return fmt.Errorf("starting the process that cleans up: %w", err)
	}
	if c.Out != "" {
		if err := os.MkdirAll(c.Out, 0o777); err != nil {
			return command.BadInput("-o: want a directory to keep results in: %w", err)
		}
		if c.Out, err = filepath.Abs(c.Out); err == nil {
			c.Out, err = filepath.EvalSymlinks(c.Out) // git names files without links, too
		}
		if err != nil {
			return fmt.Errorf("-o: %w", err)
		}
		for _, name := range resultFiles {
			text, err := os.ReadFile(filepath.Join(c.Out, name))
			if err == nil && !kept.Match(text) {
				return command.BadInput("-o: no comparison has written %s, and this one would overwrite or remove it; want another directory", filepath.Join(c.Out, name))
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return command.BadInput("-o: this comparison would replace a file that it cannot read: %w; want another directory", err)
			}
		}
	}
	for _, s := range c.sides() {
		s.tree = filepath.Join(c.tmp, s.name)
	}
	if c.files != nil {
		err = c.unpack()
	} else {
		err = c.checkOut(ctx, rev)
	}
	if err != nil {
		return err
	}
	c.findWorkspace()
	if err := c.enter(&c.head); err != nil {
		return fmt.Errorf("linking to head: %w", err)
	}
	if n := noise.Usable().N(); slices.ContainsFunc(c.procs(), func(procs int) bool { return procs > n }) {
		c.note("%s", gate.Oversubscribed(n))
	}
	for _, step := range []func(context.Context) error{c.checkPlatform, c.checkPaths, c.findPackages, c.makeInjection, c.build} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	c.dropEqual()
	c.leaveOtherModules()
	if len(c.pkgs) > 0 && c.Format == "benchstat" {
		// Last, because it may need the network. No error in the input needs that.
		if err := c.buildBenchstat(ctx); err != nil {
			return fmt.Errorf("building benchstat: %w", err)
		}
	}
	return nil
}
