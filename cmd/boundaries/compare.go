package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

const compareUsage = `Usage: boundaries compare [flags] BASE

Compare runs the benchmarks of the revision BASE and those of this checkout,
uncommitted changes included, and prints benchstat's table of the two. Both are
built in git worktrees of their own, which are gone afterwards, and take turns
round by round. Build flags such as -tags are taken from GOFLAGS. Submodules are
not checked out.

`

type comparison struct {
	bench, benchtime, cpu, pkg string
	rounds                     int

	// The user's checkout, and the current directory in it.
	top, prefix string

	tmp        string // everything that is made is made in here
	env        []string
	base, head side
	done       int // rounds completed on both sides
}

// The two names are equally long, and with them every path and argument that
// the two runs see: a difference could shift the stack and so the timings.
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

func compare(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := comparison{bench: ".", rounds: 10}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run reports the error, on one line
	flags.Func("bench", "run the benchmarks that match `regexp`, as in go test (default .)", func(s string) error {
		c.bench = s
		if s == "" {
			return errors.New("want a regular expression that is not empty")
		}
		_, err := regexp.Compile(s)
		return err
	})
	flags.Func("benchtime", "run each benchmark for `t`, a duration or a count such as 100x (default: what the test binary does)", func(s string) error {
		c.benchtime = s
		return checkBenchtime(s)
	})
	flags.Func("cpu", "run each benchmark with every GOMAXPROCS of `list`, such as 1,2,4", func(s string) error {
		c.cpu = s
		return checkCPU(s)
	})
	flags.StringVar(&c.pkg, "pkg", ".", "compare the packages that match `pattern`, as in go list")
	flags.Func("rounds", "run each side `n` times (default 10)", func(s string) (err error) {
		if c.rounds, err = strconv.Atoi(s); err != nil || c.rounds < 1 {
			return errors.New("want a whole number, at least 1")
		}
		return nil
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		var text strings.Builder
		text.WriteString(compareUsage)
		flags.SetOutput(&text)
		flags.PrintDefaults()
		_, err := io.WriteString(stdout, text.String())
		return err
	} else if err != nil {
		return badInput(`compare: %w ("boundaries compare -h" lists the flags)`, err)
	}
	if flags.NArg() != 1 {
		return badInput("compare: want one BASE, after the flags, but got %d: %q", flags.NArg(), flags.Args())
	}
	if err := c.run(ctx, flags.Arg(0), stdout, stderr); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	return nil
}

func checkBenchtime(s string) error {
	if count, ok := strings.CutSuffix(s, "x"); ok {
		if n, err := strconv.Atoi(count); err == nil && n > 0 {
			return nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return nil
	}
	return errors.New("want a duration such as 100ms, or a count such as 100x")
}

func checkCPU(s string) error {
	for cpu := range strings.SplitSeq(s, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(cpu)); err != nil || n < 1 {
			return errors.New("want numbers of at least 1, separated by commas")
		}
	}
	return nil
}

func (c *comparison) run(ctx context.Context, rev string, stdout, stderr io.Writer) (err error) {
	// What comes after an interrupt must still run.
	last := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, c.cleanUp(last)) }()

	if err = c.prepare(ctx, rev); err == nil {
		err = c.measure(ctx, stderr)
	}
	partial := ""
	if ctx.Err() != nil && c.done < c.rounds {
		// Whatever err says is only what the interrupt broke off.
		rounds := fmt.Sprintf("interrupted after %d of %d rounds", c.done, c.rounds)
		partial, err = "# "+rounds+"\n", statusError{130, errors.New(rounds)}
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

// prepare makes all that the rounds need. It prints nothing: until it has
// returned the input may be at fault, which takes one line.
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
	// After all that the input can get wrong, as it may need the network.
	if err := c.buildBenchstat(ctx); err != nil {
		return fmt.Errorf("building benchstat: %w", err)
	}
	return nil
}

// build builds the test binary of each package and keeps those in which -bench
// selects something. A package that only one side has is measured there alone.
func (c *comparison) build(ctx context.Context) error {
	var err error
	for _, s := range c.sides() {
		if s.pkgs, err = c.packages(ctx, s); err != nil {
			return err
		}
	}
	common := func(pkg string) bool { return slices.Contains(c.base.pkgs, pkg) }
	if !slices.ContainsFunc(c.head.pkgs, common) {
		return badInput("-pkg %q: want a package with tests on both sides, but of those it matches %d on base and %d on head",
			c.pkg, len(c.base.pkgs), len(c.head.pkgs))
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
	return badInput("-bench %q matches no benchmark, neither on base nor on head", c.bench)
}

// packages returns the directories of the packages that -pkg matches and that
// have tests. They and not the import paths are what the sides have in common:
// a revision may have renamed the module.
func (c *comparison) packages(ctx context.Context, s *side) ([]string, error) {
	dir := filepath.Join(s.tree, c.prefix)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	out, err := c.goTool(ctx, dir, "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}", "--", c.pkg)
	if err != nil {
		return nil, badInput("%s: -pkg %q: want packages of a Go module: %s", s, c.pkg, s.reason(err))
	}
	var dirs []string
	for line := range strings.Lines(out) {
		// A package that is not of this repository is not in the worktree.
		rel, err := filepath.Rel(s.tree, strings.TrimSpace(line))
		if err == nil && filepath.IsLocal(rel) {
			dirs = append(dirs, rel)
		}
	}
	return dirs, nil
}

// reason is what the go command says of a side.
func (s *side) reason(err error) string {
	// The worktree's place means nothing to the reader.
	text := strings.ReplaceAll(err.Error(), s.tree, s.name)
	if _, err := os.Stat(filepath.Join(s.tree, ".gitmodules")); err == nil {
		text += " (submodules are not checked out)"
	}
	return text
}

func (c *comparison) buildSide(ctx context.Context, s *side) error {
	// An exact answer to a pattern with a slash would take testing's own way
	// of splitting it. The first round gives that one.
	list := c.bench
	if strings.Contains(list, "/") {
		list = "."
	}
	for i, pkg := range s.pkgs {
		b := binary{c.exe(fmt.Sprintf("%s-%d", s.name, i)), filepath.Join(s.tree, pkg)}
		if _, err := c.goTool(ctx, b.dir, "test", "-c", "-trimpath", "-o", b.path, "."); err != nil {
			return badInput("%s: package %s does not build: %s", s, filepath.ToSlash(pkg), s.reason(err))
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

// buildBenchstat builds the benchstat that belongs to the benchfmt this command
// is built with. It does so in a module of its own, as "go install
// benchstat@version" asks the network for news even when it has every file.
func (c *comparison) buildBenchstat(ctx context.Context) error {
	const perf = "golang.org/x/perf"
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == perf {
				version = dep.Version
			}
		}
	}
	if version == "" {
		return fmt.Errorf("this command does not know its own version of %s", perf)
	}
	dir := filepath.Join(c.tmp, "benchstat")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	// From "go 1.17" on, the modules that benchstat does not import are left
	// out. The go command raises the version to what benchstat needs.
	mod := fmt.Sprintf("module benchstat\n\ngo 1.17\n\nrequire %s %s\n", perf, version)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o666); err != nil {
		return err
	}
	_, err := c.goTool(ctx, dir, "build", "-mod=mod", "-o", c.exe("benchstat"), perf+"/cmd/benchstat")
	return err
}

func (c *comparison) measure(ctx context.Context, stderr io.Writer) error {
	fmt.Fprintf(stderr, "%s\n%s\n", &c.base, &c.head)
	order := c.sides()
	for round := 1; round <= c.rounds; round++ {
		results := map[*side]string{}
		found := 0
		for _, s := range order {
			fmt.Fprintf(stderr, "round %d of %d: %s\n", round, c.rounds, s.name)
			out, n, err := c.pass(ctx, s)
			if err != nil {
				return fmt.Errorf("%s, round %d of %d: %w", s.name, round, c.rounds, err)
			}
			results[s] = out
			found += n
		}
		if found == 0 {
			return c.noMatch()
		}
		// Only now that both sides have it does the round count.
		c.base.results.WriteString(results[&c.base])
		c.head.results.WriteString(results[&c.head])
		c.done++
		slices.Reverse(order)
	}
	return nil
}

// pass runs every benchmark of one side once and returns what was printed, and
// how many results that holds.
func (c *comparison) pass(ctx context.Context, s *side) (printed string, found int, err error) {
	args := []string{"-test.run=^$", "-test.count=1", "-test.paniconexit0", "-test.bench=" + c.bench, "-test.cpu=" + c.cpu}
	if c.benchtime != "" { // a TestMain may choose another than testing's 1s
		args = append(args, "-test.benchtime="+c.benchtime)
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
				// Benchstat would leave the result out. After a panic there can
				// be one: testing may print its line, and exit with 0, before
				// the panic has ended the process.
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

// failure says what made a test binary fail: its first FAIL line, with the line
// below that has the reason, or else the first line of all.
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
