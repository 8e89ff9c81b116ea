// Package command runs the work of a command line program. A signal ends the work
// cleanly, each error is one line, and the program has an exit status.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// An Error ends the program with an exit status other than 1.
type Error struct {
	Status int // the exit status
	error
}

func (e Error) Unwrap() error { return e.error }

// BadInput returns an Error with status 2: the input is at fault.
func BadInput(format string, args ...any) error {
	return Error{2, fmt.Errorf(format, args...)}
}

// Exit returns an Error with the given status.
func Exit(status int, format string, args ...any) error {
	return Error{status, fmt.Errorf(format, args...)}
}

// Interrupted returns an Error with status 130, which a shell reports for SIGINT.
func Interrupted(text string) error { return Error{130, errors.New(text)} }

// Problems are independent errors. Each is printed on a line of its own.
type Problems []error

func (p Problems) Error() string { return errors.Join(p...).Error() }

// Unwrap lets the exit status be that of an [Error] among the problems.
func (p Problems) Unwrap() []error { return p }

// Main runs the program and exits. The context of run ends with the first signal
// that asks the program to stop, or when nobody reads what the program prints anymore.
func Main(name string, run func(ctx context.Context) error) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	// Under nohup a hangup must stay ignored, and NotifyContext would catch it.
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	// The signals stay caught until the end: a second Ctrl-C must neither cut the
	// cleanup short nor replace the exit status.
	ctx, _ := signal.NotifyContext(context.Background(), signals...)
	os.Exit(Report(name, os.Stderr, run(untilUnread(ctx))))
}

// untilUnread returns a context that also ends when a write finds that nobody reads what
// the program prints. It catches SIGPIPE: otherwise a reader that closes the pipe (| head)
// would end the process before it has cleaned up. The signal also comes when another
// process closes a pipe that it reads from this one, and that is only an error of a write.
func untilUnread(ctx context.Context) context.Context {
	ctx, end := context.WithCancel(ctx)
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	go func() {
		for range broken {
			if unread() {
				end()
			}
		}
	}()
	return ctx
}

// Report writes the error to stderr, if there is one, after the program's name.
// It returns the exit status: 0 without an error, that of an Error, or else 1.
func Report(name string, stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	each := Problems{err}
	errors.As(err, &each)
	for _, err := range each {
		fmt.Fprintf(stderr, "%s: %s\n", name, Printable(lines.Replace(err.Error())))
	}
	var withStatus Error
	if errors.As(err, &withStatus) {
		return withStatus.Status
	}
	return 1
}

var (
	lines    = strings.NewReplacer("\r\n", "; ", "\n", "; ")
	controls = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]`)
)

// Printable returns a text with an escape sequence in place of each character that would
// control a terminal, except newlines and tabs. Texts that others chose, such as the names
// of files and what a benchmark prints, may have such characters.
func Printable(text string) string {
	return controls.ReplaceAllStringFunc(text, func(s string) string { return strings.Trim(strconv.QuoteToASCII(s), `"`) })
}

// Quote quotes an argument for a shell if it must, for bash if it has a control character.
func Quote(arg string) string {
	if plain.MatchString(arg) {
		return arg
	}
	if strings.ContainsFunc(arg, unicode.IsControl) {
		quoted := strconv.Quote(arg)
		return "$'" + strings.ReplaceAll(quoted[1:len(quoted)-1], "'", `\'`) + "'"
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// plain matches what no shell changes. A shell replaces a ~ at the beginning by a home folder,
// and bash also one after = and :.
var plain = regexp.MustCompile(`^(?:[-./=,:@%+]|[\w^]~*)+$`)
