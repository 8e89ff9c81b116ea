package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
	"boundaries/internal/gate"
	"boundaries/internal/noise"
	"boundaries/internal/revisions"
)

const compareUsage = `Usage: boundaries compare [flags] BASE
       boundaries compare [flags] OLD.txt NEW.txt
       boundaries compare -selftest [flags]

Compare decides whether the benchmarks of this checkout, uncommitted changes
included, are slower than those of the revision BASE. It builds each in a git
worktree of its own, which it removes at the end, and runs the two in turn, round by
round, each round with new layouts of the code. Rows that look different are measured
again, without the rows beside them. A row has a regression if the second measurement
confirms the difference and the change is beyond the threshold. A row is undecided,
which is not the same as unchanged, if its noise hides such a change, if the change is
close to the threshold, or if the two measurements contradict each other.

Two files with the output of go test -bench cannot be measured again, so compare
confirms only clear differences between them. Their rounds did not alternate, either:
if the machine was slower while one file was measured, that looks like a regression.
The control rows, which boundaries run adds, are not judged. If they differ, a note
says how much slower or faster the machine itself was.

With -selftest, compare tests itself. It compares benchmarks with themselves, and then
with a copy in which one takes 20 % longer. It says whether it found that one alone, and
the smallest slowdown that it would see on this machine. The benchmarks are four
built-in ones, or with -bench those of this checkout.

The exit status is 0 if no regression is confirmed, 1 if one is, or if a benchmark
fails (the rounds before it are printed), 2 if the input is at fault or base has rows
and none of them could be compared, 3 with -strict if rows are undecided, and 130
after an interrupt.

Build flags such as -tags and -ldflags come from GOFLAGS. The worktrees lack
submodules, files that git ignores, empty folders, go.work files that git does not
know, and modules outside of the repository that a go.mod or go.work names by a
relative path.

The unit says which change is a regression: more of a unit that ends in /op or is a
time, less of one that ends in /s. For a unit of its own, a benchmark can print a line
"Unit NAME better=higher". Less than 32 B/op, or 64 KiB a run, with 0 allocs/op on both
sides is not judged: it may be that of a row's set-up, divided among its operations.
Nor are rows and units that one side alone has, which the report names.

`

func compareVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := revisions.Options{Bench: ".", Rounds: 10, Gate: gate.Default, Format: "text", Seed: rand.Uint64N(1 << 32)}
	var selftest bool
	flags := newFlags("compare")
	flags.Func("bench", "run the benchmarks that match `regexp`, as in go test (default .)", func(s string) error {
		o.Bench = s
		if s == "" {
			return errors.New("want a regular expression that is not empty")
		}
		return revisions.CheckBench(s)
	})
	flags.Func("benchtime", "run each benchmark for `t`, a duration or a count such as 100x (default: the test binary's own)", func(s string) error {
		o.Benchtime = s
		return checkBenchtime(s)
	})
	flags.Func("cpu", "run each benchmark with every GOMAXPROCS of `list`, such as 1,2,4; with 1 in it, speed-up is compared too", func(s string) error {
		list, err := numbers(s)
		o.CPU = joined(list)
		return err
	})
	flags.BoolVar(&o.Equal, "equal", false, "measure packages whose test binaries are equal on both sides, too")
	flags.Func("format", "print `text`, markdown, json, or the table of benchstat (default text)", func(s string) error {
		o.Format = s
		switch s {
		case "text", "markdown", "json", "benchstat":
			return nil
		}
		return errors.New("want text, markdown, json or benchstat")
	})
	flags.BoolVar(&o.MergeBase, "merge-base", false, "compare with the last commit that BASE and this checkout have in common")
	flags.StringVar(&o.Out, "o", "", "keep the results and the reports in `dir`, in place of those of an earlier comparison")
	flags.StringVar(&o.Packages, "pkg", ".", "compare the packages that match `pattern`, as in go list")
	flags.BoolVar(&o.Relink, "relink", true, "link both sides again in each round, with other layouts of the code")
	roundsFlag(flags, &o.Rounds, "run each side `n` times")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "shuffle order and layouts with seed `n` (default: random)")
	flags.Lookup("seed").DefValue = "0" // the seed of this run is not a default
	flags.BoolVar(&selftest, "selftest", false, "check that compare finds a slowdown on this machine, and none where there is none")
	flags.BoolVar(&o.Strict, "strict", false, "exit with 3 if rows are undecided")
	flags.Func("threshold", "call a change of `percent` or more a regression or a gain (default 5)", func(s string) error {
		percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(s, "%")), 64)
		if err != nil || !(percent > 0 && percent <= 1000) {
			return errors.New("want a percentage above 0, such as 5")
		}
		o.Gate.Threshold = percent / 100
		return nil
	})
	o.Timeout = 10 * time.Minute
	flags.Func("timeout", "fail if a process of a test binary takes longer than `t`; 0 is no limit (default 10m)", func(s string) (err error) {
		if o.Timeout, err = time.ParseDuration(s); err != nil || o.Timeout < 0 {
			return errors.New("want a duration such as 10m, or 0")
		}
		return nil
	})
	if ok, err := parse(flags, args, compareUsage, stdout); !ok {
		return err
	}
	for _, arg := range flags.Args()[min(1, flags.NArg()):] {
		if strings.HasPrefix(arg, "-") && arg != "-" {
			return command.BadInput("want flags before BASE, but got %q after %q", arg, flags.Arg(0))
		}
	}
	o.Command = "boundaries compare"
	for _, arg := range args {
		o.Command += " " + command.Quote(arg)
	}
	o.Watch = watch()
	o.Perf = perfVersion()
	if o.Format == "benchstat" && o.Perf == "" {
		return command.BadInput("-format benchstat: this program does not know its version of golang.org/x/perf; want one that go build or go tool built, or another -format")
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	unused := func(what string, names ...string) error {
		for _, name := range names {
			if given[name] {
				return command.BadInput("-%s does nothing %s; want it only with a BASE", name, what)
			}
		}
		return nil
	}
	switch {
	case selftest && flags.NArg() == 0:
		if err := unused("with -selftest", "equal", "format", "merge-base", "o", "strict"); err != nil {
			return err
		}
		if given["pkg"] && !given["bench"] {
			return command.BadInput("-pkg does nothing with -selftest and its built-in benchmarks; want -bench too, or no -pkg")
		}
		return revisions.SelfTest(ctx, !given["bench"], o, stdout, stderr)
	case !selftest && flags.NArg() == 1:
		return revisions.Compare(ctx, flags.Arg(0), o, stdout, stderr)
	case !selftest && flags.NArg() == 2:
		if err := unused("with two files", "bench", "benchtime", "cpu", "equal", "merge-base", "o", "pkg", "relink", "rounds", "seed", "timeout"); err != nil {
			return err
		}
		return compareFiles(ctx, flags.Args(), o, stdout)
	}
	want := "one BASE, or two files"
	if selftest {
		want = "no argument with -selftest"
	}
	return command.BadInput("want %s, after the flags, but got %d: %q", want, flags.NArg(), flags.Args())
}

func compareFiles(ctx context.Context, names []string, o revisions.Options, stdout io.Writer) error {
	if o.Format == "benchstat" {
		return command.BadInput("-format benchstat: want a BASE; for two files there is benchstat itself")
	}
	files, err := benchfile.Read(ctx, names)
	if ctx.Err() != nil {
		return command.Interrupted("interrupted")
	} else if err != nil {
		return command.BadInput("%w", err)
	}
	var problems command.Problems
	failures := 0
	for _, f := range files {
		if len(f.Rows) == 0 {
			return command.BadInput("%w", f.Problems[len(f.Problems)-1])
		}
		problems = append(problems, f.Problems...)
		failures += f.Failures
	}
	report := o.Gate.Files(files[0], files[1])
	if len(report.Rows) == 0 {
		base, head := files[0].Name, files[1].Name
		return command.BadInput("no row of %s is in %s: %s", base, head, report.NoCommonRow(base, head))
	}
	report.Command = o.Command
	text := report.Text()
	switch o.Format {
	case "markdown":
		text = report.Markdown()
	case "json":
		text, err = report.JSON()
	}
	if err == nil {
		_, err = io.WriteString(stdout, text)
	}
	if err != nil {
		return err
	}
	verdict := revisions.Judge(report, o.Strict)
	switch {
	case len(problems) == 0:
		return verdict
	case report.Regressions() > 0:
		return append(problems, verdict)
	case failures > 0:
		return problems
	}
	// Status 1 would say that a benchmark is slower, or fails.
	return command.BadInput("%w", problems)
}

// perfVersion returns the version of golang.org/x/perf that this program has.
// Benchstat must be of the same version.
func perfVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "golang.org/x/perf" {
				return dep.Version
			}
		}
	}
	return ""
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

// watch returns a function that starts a watch of the machine. That function returns
// another one, which ends the watch and returns what disturbed the machine, or "".
func watch() func() func() string {
	usable := noise.Usable().N()
	fastest := noise.Fastest{}
	return func() func() string {
		meter := noise.Start(usable, usable)
		return func() string {
			if times, why := fastest.JudgeOutside(meter.Stop()); times >= noise.Disturbed {
				return why
			}
			return ""
		}
	}
}
