// Boundaries is the command line of the benchmark suite.
//
// Usage:
//
//	boundaries compare [flags] BASE
//
// decides whether the benchmarks of the current checkout are slower than those of
// the revision BASE.
//
//	boundaries claims [flags] [ID...] FILE...
//
// compares statements of the article with benchmark output.
//
//	boundaries run -o FILE [flags] [packages]
//
// measures benchmarks in rounds.
//
//	boundaries table FILE...
//	boundaries scaling [-format text|markdown|csv|json] FILE...
//
// print benchmark output as tables, and how each row scales with the number of
// procs.
//
//	boundaries report [-o report.html] [-svg DIR] FILE...
//
// makes one page of charts and tables, and the charts as files.
//
//	boundaries map [flags] FILE...
//
// says which lock is cheapest for which case, from what the lab has measured.
//
// "boundaries VERB -h" lists the flags of a verb.
//
// The exit status is
//
//	0    if the verb did what it was asked
//	1    if something failed on the way, such as a benchmark that reports an error
//	2    if the input was at fault or the output cannot be written
//	130  after an interrupt
//
// The status of compare is also 1 after a confirmed regression, and 3 with -strict if
// rows are undecided. Every error is one line on standard error.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
)

var verbs = []struct {
	name, summary string
	run           func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}{
	{"compare", "compare the benchmarks of two revisions", compareVerb},
	{"claims", "compare statements of the article with benchmark output", claimsVerb},
	{"run", "measure benchmarks in rounds", runVerb},
	{"table", "print benchmark output as tables", tableVerb},
	{"scaling", "say how each row scales with the number of procs", scalingVerb},
	{"report", "make a page of charts and tables from benchmark output", reportVerb},
	{"map", "say which lock is cheapest for which case", mapVerb},
}

func main() {
	command.Main("boundaries", func(ctx context.Context) error {
		return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	})
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	out := &output{Writer: stdout, ctx: ctx}
	err := dispatch(ctx, args, out, stderr)
	if errors.Is(err, errUnread) || out.err == errUnread {
		return errUnread
	} else if out.err != nil {
		// Status 1 would say that a benchmark is slower, or fails.
		return command.BadInput("%w; want an output that takes the whole text", out.err)
	}
	return err
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return command.BadInput(`no verb given; "boundaries help" lists them`)
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return usage(stdout)
	}
	for _, v := range verbs {
		if v.name != args[0] {
			continue
		}
		err := v.run(ctx, args[1:], stdout, stderr)
		var each command.Problems
		if errors.As(err, &each) {
			for i := range each {
				each[i] = fmt.Errorf("%s: %w", v.name, each[i])
			}
		} else if err != nil {
			err = fmt.Errorf("%s: %w", v.name, err)
		}
		return err
	}
	return command.BadInput(`unknown verb %q; "boundaries help" lists the verbs`, args[0])
}

// An output keeps the first error of a write.
type output struct {
	io.Writer
	ctx context.Context
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n := 0
	err := untilUnread(o.ctx, func() (err error) {
		n, err = o.Writer.Write(p)
		return err
	})
	if err != nil {
		o.err = cmp.Or(o.err, err)
		return 0, err // n may not be set yet
	}
	return n, nil
}

var errUnread = command.Interrupted("interrupted, and nobody reads the output")

// untilUnread returns what write returns. Write may wait for the reader of a pipe, and
// there may be none. So untilUnread gives up a second after ctx has ended.
func untilUnread(ctx context.Context, write func() error) error {
	written := make(chan error, 1)
	go func() { written <- write() }()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-written:
		return err
	case <-time.After(time.Second):
		return errUnread
	}
}

func usage(w io.Writer) error {
	var text strings.Builder
	text.WriteString("Usage: boundaries VERB [flags] [arguments]\n\n")
	for _, v := range verbs {
		fmt.Fprintf(&text, "  %-10s %s\n", v.name, v.summary)
	}
	text.WriteString("\n\"boundaries VERB -h\" describes one verb.\n")
	_, err := io.WriteString(w, text.String())
	return err
}

func newFlags(verb string) *flag.FlagSet {
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run reports the error, on one line
	return flags
}

// parse parses the arguments of a verb. It returns false if the verb has no more
// to do: an argument is wrong, or the user asked for help and has got it.
func parse(flags *flag.FlagSet, args []string, usage string, stdout io.Writer) (ok bool, err error) {
	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		var text strings.Builder
		text.WriteString(usage)
		flags.SetOutput(&text)
		flags.PrintDefaults()
		_, err = io.WriteString(stdout, text.String())
		return false, err
	}
	if err != nil {
		return false, command.BadInput(`%w ("boundaries %s -h" lists the flags)`, err, flags.Name())
	}
	return true, nil
}

// readArgs parses the flags of a verb that reads benchmark files, and reads the files.
// If it returns no files, the verb has no more to do: it returns the error, which is
// nil after -h.
func readArgs(ctx context.Context, flags *flag.FlagSet, args []string, usage string, stdout io.Writer) ([]*benchfile.File, error) {
	if ok, err := parse(flags, args, usage, stdout); !ok {
		return nil, err
	}
	return readFiles(ctx, flags.Name(), flags.Args())
}

// flagsFirst returns an error if a flag stands among the arguments.
func flagsFirst(args []string) error {
	for _, arg := range args {
		if len(arg) > 1 && arg[0] == '-' {
			return command.BadInput("want flags before files, but got %q after %q", arg, args[0])
		}
	}
	return nil
}

func readFiles(ctx context.Context, verb string, names []string) ([]*benchfile.File, error) {
	if len(names) == 0 {
		return nil, command.BadInput(`want a FILE of benchmark output, or - for standard input ("boundaries %s -h" says more)`, verb)
	}
	if err := flagsFirst(names); err != nil {
		return nil, err
	}
	files, err := benchfile.Read(ctx, names)
	if ctx.Err() != nil {
		return nil, command.Interrupted("interrupted")
	} else if err != nil {
		return nil, command.BadInput("%w", err)
	}
	return files, nil
}

// finish prints the output of a verb, and returns the problems of the files as an error.
func finish(stdout io.Writer, text string, files []*benchfile.File) error {
	if _, err := io.WriteString(stdout, command.Printable(text)); err != nil {
		return err
	}
	var all command.Problems
	for _, f := range files {
		all = append(all, f.Problems...)
	}
	if len(all) > 0 {
		return all
	}
	return nil
}

// Nobody has so many procs or waits for so many rounds. Each proc costs memory and a
// goroutine, and the runs of all rounds are counted in an int.
const (
	maxProcs  = 10_000
	maxRounds = 100_000
)

// numbers parses a list of numbers of procs, such as 1,2,4, and drops repeated numbers.
func numbers(list string) ([]int, error) {
	var all []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 || n > maxProcs {
			return nil, fmt.Errorf("want numbers from 1 to %d, separated by commas", maxProcs)
		}
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all, nil
}

// roundsFlag adds the flag -rounds.
func roundsFlag(flags *flag.FlagSet, rounds *int, usage string) {
	flags.Func("rounds", fmt.Sprintf("%s (default %d)", usage, *rounds), func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxRounds {
			return fmt.Errorf("want a whole number from 1 to %d", maxRounds)
		}
		*rounds = n
		return nil
	})
}
