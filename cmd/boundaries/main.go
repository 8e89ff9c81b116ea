// Boundaries is the command line of the benchmark suite.
//
// Usage:
//
//	boundaries compare [flags] BASE
//
// compares the benchmarks of the revision BASE with those of the checkout one
// stands in, and ends in benchstat's table.
//
//	boundaries claims [flags] FILE...
//
// holds what the article says against benchmark output, claim by claim.
//
//	boundaries run -o FILE [flags] [packages]
//
// measures benchmarks in rounds.
//
//	boundaries table FILE...
//	boundaries scaling [-format text|markdown|csv|json] FILE...
//
// print benchmark output as the table people read, and what more procs make of
// each row.
//
//	boundaries report [-o report.html] [-svg DIR] FILE...
//
// makes one page of charts and tables, and the charts as files.
//
// "boundaries VERB -h" lists the flags of a verb.
//
// The exit status is 0 when the verb did what it was asked, 1 when something
// failed on the way (a benchmark that reports an error, for one), 2 when the
// input was at fault, and 130 after an interrupt. Every error is one line on
// standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// A verb that fails returns an error whose status is 1, or a statusError.
var verbs = []struct {
	name, summary string
	run           func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}{
	{"compare", "compare the benchmarks of two revisions", compare},
	{"claims", "hold the claims of the article against benchmark output", claimsVerb},
	{"run", "measure benchmarks in rounds", runVerb},
	{"table", "print benchmark output as the table people read", tableVerb},
	{"scaling", "say what more procs make of each row", scalingVerb},
	{"report", "make a page of charts and tables from benchmark output", reportVerb},
}

type statusError struct {
	status int
	error
}

// problems are errors that have nothing to do with each other: a line for each.
type problems []error

func (p problems) Error() string { return errors.Join(p...).Error() }

func badInput(format string, args ...any) error {
	return statusError{2, fmt.Errorf(format, args...)}
}

func main() {
	// SIGPIPE is among them because a reader that goes away (| head) would
	// otherwise end the process before it has cleaned up.
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE}
	// Under nohup a hangup must stay ignored; Notify would undo that.
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	// The signals stay caught until run is back: a second Ctrl-C must not cut
	// the cleaning up short.
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout, stderr)
	if err == nil {
		return 0
	}
	each := problems{err}
	errors.As(err, &each)
	for _, err := range each {
		fmt.Fprintf(stderr, "boundaries: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	var withStatus statusError
	if errors.As(err, &withStatus) {
		return withStatus.status
	}
	return 1
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return badInput(`no verb given; "boundaries help" lists them`)
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return usage(stdout)
	}
	for _, v := range verbs {
		if v.name == args[0] {
			return v.run(ctx, args[1:], stdout, stderr)
		}
	}
	return badInput(`unknown verb %q; "boundaries help" lists the verbs`, args[0])
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
