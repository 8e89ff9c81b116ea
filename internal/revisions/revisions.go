// Package revisions compares the benchmarks of two revisions of a repository.
//
// Each revision is built in a git worktree of its own. The two run in turn, round
// by round, so that a machine that drifts drifts under both.
package revisions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"boundaries/internal/command"
)

// Options say what Compare runs. The strings are those of go test's flags.
type Options struct {
	Bench     string // not empty
	Benchtime string // empty: what the test binary does
	CPU       string // empty: GOMAXPROCS as it is
	Packages  string // a pattern, as in go list
	Rounds    int    // at least 1
	// Perf is the version of golang.org/x/perf whose benchstat makes the table.
	Perf string
}

type comparison struct {
	Options

	// The user's checkout, and the current directory in it.
	top, prefix string

	tmp        string // holds everything that Compare makes
	env        []string
	base, head side
	done       int // rounds completed on both sides
}

// The two names are equally long. So are therefore all paths and arguments that
// the two runs see: a difference could shift the stack and with it the timings.
type side struct {
	name, commit string
	dirty        bool
	tree         string   // the worktree
	added        bool     // git knows the worktree
	pkgs         []string // directories in the worktree
	binaries     []binary
	results      strings.Builder
}

type binary struct{ path, dir string }

func (c *comparison) sides() []*side { return []*side{&c.base, &c.head} }

// Compare runs the benchmarks of the revision base and those of the checkout that
// holds the current directory, uncommitted changes included. It writes benchstat's
// table to stdout and its progress to stderr.
//
// If ctx ends, Compare prints the table of the rounds it completed and returns an
// error with status 130. It always removes what it made.
func Compare(ctx context.Context, base string, o Options, stdout, stderr io.Writer) (err error) {
	c := comparison{Options: o}
	// What follows an interrupt must still run.
	last := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, c.cleanUp(last)) }()

	if err = c.prepare(ctx, base); err == nil {
		err = c.measure(ctx, stderr)
	}
	partial := ""
	if ctx.Err() != nil && c.done < c.Rounds {
		// The interrupt caused whatever err says.
		rounds := fmt.Sprintf("interrupted after %d of %d rounds", c.done, c.Rounds)
		partial, err = "# "+rounds+"\n", command.Interrupted(rounds)
	}
	if c.done > 0 && (err == nil || partial != "") {
		table, tableErr := c.table(last)
		if tableErr == nil {
			_, tableErr = io.WriteString(stdout, partial+table)
		}
		err = errors.Join(err, tableErr)
	}
	return err
}

// prepare makes all that the rounds need. It prints nothing: until it returns the
// input may be at fault, which is reported on one line.
func (c *comparison) prepare(ctx context.Context, rev string) error {
	tmp, err := filepath.Abs(os.TempDir())
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
	if err := c.checkOut(ctx, rev); err != nil {
		return err
	}
	if err := c.build(ctx); err != nil {
		return err
	}
	// Last, because it may need the network, and an error in the input does not.
	if err := c.buildBenchstat(ctx); err != nil {
		return fmt.Errorf("building benchstat: %w", err)
	}
	return nil
}

// build builds the test binary of each package and keeps those in which -bench
// selects something. A package of one side only is measured on that side.
func (c *comparison) build(ctx context.Context) error {
	var err error
	for _, s := range c.sides() {
		if s.pkgs, err = c.packages(ctx, s); err != nil {
			return err
		}
	}
	common := func(pkg string) bool { return slices.Contains(c.base.pkgs, pkg) }
	if !slices.ContainsFunc(c.head.pkgs, common) {
		return command.BadInput("-pkg %q: want a package with tests on both sides, but of those it matches %d on base and %d on head",
			c.Packages, len(c.base.pkgs), len(c.head.pkgs))
	}
	for _, s := range c.sides() {
		if err := c.buildSide(ctx, s); err != nil {
			return err
		}
	}
	if len(c.base.binaries)+len(c.head.binaries) == 0 {
		return c.noMatch()
	}
	return nil
}

func (c *comparison) noMatch() error {
	return command.BadInput("-bench %q matches no benchmark, neither on base nor on head", c.Bench)
}

// packages returns the directories of the packages that -pkg matches and that
// have tests. The sides have directories in common, but not always import paths:
// a revision may have renamed the module.
func (c *comparison) packages(ctx context.Context, s *side) ([]string, error) {
	dir := filepath.Join(s.tree, c.prefix)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	out, err := c.goTool(ctx, dir, "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}", "--", c.Packages)
	if err != nil {
		return nil, command.BadInput("%s: -pkg %q: want packages of a Go module: %s", s, c.Packages, s.reason(err))
	}
	var dirs []string
	for line := range strings.Lines(out) {
		// A package outside the worktree is not of this repository.
		rel, err := filepath.Rel(s.tree, strings.TrimSpace(line))
		if err == nil && filepath.IsLocal(rel) {
			dirs = append(dirs, rel)
		}
	}
	return dirs, nil
}

// reason returns what the go command says about a side.
func (s *side) reason(err error) string {
	// The path of the worktree means nothing to the reader.
	text := strings.ReplaceAll(err.Error(), s.tree, s.name)
	if _, err := os.Stat(filepath.Join(s.tree, ".gitmodules")); err == nil {
		text += " (submodules are not checked out)"
	}
	return text
}

func (c *comparison) buildSide(ctx context.Context, s *side) error {
	// -test.list does not split a pattern at its slashes as -test.bench does.
	// So list everything then, and let the first round select.
	list := c.Bench
	if strings.Contains(list, "/") {
		list = "."
	}
	for i, pkg := range s.pkgs {
		b := binary{c.exe(fmt.Sprintf("%s-%d", s.name, i)), filepath.Join(s.tree, pkg)}
		if _, err := c.goTool(ctx, b.dir, "test", "-c", "-trimpath", "-o", b.path, "."); err != nil {
			return command.BadInput("%s: package %s does not build: %s", s, filepath.ToSlash(pkg), s.reason(err))
		}
		out, errOut, err := c.exec(ctx, b.dir, b.path, "-test.list="+list)
		if err != nil {
			return fmt.Errorf("%s: listing the benchmarks of package %s: %w", s, filepath.ToSlash(pkg), failure(out+errOut, err))
		}
		if strings.HasPrefix(out, "Benchmark") || strings.Contains(out, "\nBenchmark") {
			s.binaries = append(s.binaries, b)
		}
	}
	return nil
}

// buildBenchstat builds benchstat in a module of its own, because "go install
// benchstat@version" asks the network even if it has every file.
func (c *comparison) buildBenchstat(ctx context.Context) error {
	const perf = "golang.org/x/perf"
	dir := filepath.Join(c.tmp, "benchstat")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	// "go 1.17" leaves out the modules that benchstat does not import. The go
	// command raises the version to what benchstat needs.
	mod := fmt.Sprintf("module benchstat\n\ngo 1.17\n\nrequire %s %s\n", perf, c.Perf)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o666); err != nil {
		return err
	}
	_, err := c.goTool(ctx, dir, "build", "-mod=mod", "-o", c.exe("benchstat"), perf+"/cmd/benchstat")
	return err
}

func (c *comparison) measure(ctx context.Context, stderr io.Writer) error {
	fmt.Fprintf(stderr, "%s\n%s\n", &c.base, &c.head)
	order := c.sides()
	for round := 1; round <= c.Rounds; round++ {
		results := map[*side]string{}
		found := 0
		for _, s := range order {
			fmt.Fprintf(stderr, "round %d of %d: %s\n", round, c.Rounds, s.name)
			out, n, err := c.pass(ctx, s)
			if err != nil {
				return fmt.Errorf("%s, round %d of %d: %w", s.name, round, c.Rounds, err)
			}
			results[s] = out
			found += n
		}
		if found == 0 {
			return c.noMatch()
		}
		// A round counts when both sides have it.
		c.base.results.WriteString(results[&c.base])
		c.head.results.WriteString(results[&c.head])
		c.done++
		slices.Reverse(order)
	}
	return nil
}

// pass runs every benchmark of one side once. It returns what they printed and how
// many results that holds.
func (c *comparison) pass(ctx context.Context, s *side) (printed string, found int, err error) {
	args := []string{"-test.run=^$", "-test.count=1", "-test.paniconexit0", "-test.bench=" + c.Bench, "-test.cpu=" + c.CPU}
	if c.Benchtime != "" { // a TestMain may choose another than testing's 1s
		args = append(args, "-test.benchtime="+c.Benchtime)
	}
	for _, b := range s.binaries {
		out, errOut, err := c.exec(ctx, b.dir, b.path, args...)
		if err != nil {
			return "", 0, failure(out+errOut, err)
		}
		reader := benchfmt.NewReader(strings.NewReader(out), "results")
		for reader.Scan() {
			switch record := reader.Result().(type) {
			case *benchfmt.Result:
				found++
			case *benchfmt.SyntaxError:
				// Benchstat would leave this line out. A panic can cause it:
				// testing may print the line, and exit with 0, before the
				// panic ends the process.
				return "", 0, fmt.Errorf("cannot read a result (did the benchmark panic, or print to standard output?): %w", record)
			}
		}
		if err := reader.Err(); err != nil {
			return "", 0, fmt.Errorf("reading results: %w", err)
		}
		printed += out
	}
	return printed, found, nil
}

var failLine = regexp.MustCompile(`--- FAIL: .*(\n +.*)?|panic: .*|(?m)^FAIL.*`)

// failure returns why a test binary failed: its first FAIL line and the line below
// it, which has the reason, or else the first line of its output.
func failure(output string, err error) error {
	if line := failLine.FindString(output); line != "" {
		return errors.New(strings.Join(strings.Fields(line), " "))
	}
	return firstLine(output, err)
}

func (c *comparison) table(ctx context.Context) (string, error) {
	for _, s := range c.sides() {
		if err := os.WriteFile(filepath.Join(c.tmp, s.name+".txt"), []byte(s.results.String()), 0o666); err != nil {
			return "", fmt.Errorf("writing results: %w", err)
		}
	}
	out, errOut, err := c.exec(ctx, c.tmp, c.exe("benchstat"), "base=base.txt", "head=head.txt")
	// Benchstat exits with 0 even when it cannot open a file.
	if err == nil && (errOut != "" || out == "") {
		err = errors.New("no table")
	}
	if err != nil {
		return "", fmt.Errorf("making the table with benchstat: %w", firstLine(errOut, err))
	}
	return out, nil
}
