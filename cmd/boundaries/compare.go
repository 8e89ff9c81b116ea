package main

import (
	"context"
	"errors"
	"io"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"boundaries/internal/command"
	"boundaries/internal/revisions"
)

const compareUsage = `Usage: boundaries compare [flags] BASE

Compare runs the benchmarks of the revision BASE and those of this checkout,
uncommitted changes included, and prints benchstat's table of the two. It builds
each in a git worktree of its own, which it removes at the end, and runs the two
in turn, round by round. It takes build flags such as -tags from GOFLAGS. It does
not check out submodules.

`

func compareVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := revisions.Options{Bench: ".", Rounds: 10}
	flags := newFlags("compare")
	flags.Func("bench", "run the benchmarks that match `regexp`, as in go test (default .)", func(s string) error {
		o.Bench = s
		if s == "" {
			return errors.New("want a regular expression that is not empty")
		}
		_, err := regexp.Compile(s)
		return err
	})
	flags.Func("benchtime", "run each benchmark for `t`, a duration or a count such as 100x (default: what the test binary does)", func(s string) error {
		o.Benchtime = s
		return checkBenchtime(s)
	})
	flags.Func("cpu", "run each benchmark with every GOMAXPROCS of `list`, such as 1,2,4", func(s string) error {
		o.CPU = s
		_, err := numbers(s)
		return err
	})
	flags.StringVar(&o.Packages, "pkg", ".", "compare the packages that match `pattern`, as in go list")
	flags.Func("rounds", "run each side `n` times (default 10)", func(s string) (err error) {
		if o.Rounds, err = strconv.Atoi(s); err != nil || o.Rounds < 1 {
			return errors.New("want a whole number, at least 1")
		}
		return nil
	})
	if ok, err := parse(flags, args, compareUsage, stdout); !ok {
		return err
	}
	if flags.NArg() != 1 {
		return command.BadInput("want one BASE, after the flags, but got %d: %q", flags.NArg(), flags.Args())
	}
	// The version of benchstat must fit that of benchfmt in this program.
	const perf = "golang.org/x/perf"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == perf {
				o.Perf = dep.Version
			}
		}
	}
	if o.Perf == "" {
		return errors.New("this program does not know its own version of " + perf)
	}
	return revisions.Compare(ctx, flags.Arg(0), o, stdout, stderr)
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
