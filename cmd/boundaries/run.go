package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"boundaries/internal/command"
	"boundaries/internal/noise"
	"boundaries/internal/revisions"
	"boundaries/internal/runner"
)

const runUsage = `Usage: boundaries run -o FILE [flags] [packages]

Run measures benchmarks in rounds, and appends each result to FILE as it comes. Each
test binary is built once. A round runs every row at every number of procs, each in
a process of its own, in an order that is shuffled anew. A run on a disturbed machine
is repeated, up to one run in four. The default package is that of the current folder,
in any repository.

With -on, run measures on other machines instead, through ssh and on all at once. It
builds the binaries for each machine, copies them there, and removes them at the end.
They run without the package's folder, so a benchmark that reads testdata fails there.
Each machine has a file of its own, named after the host: bench.HOST.txt for bench.txt.

Table, scaling and report can read the FILE of an interrupted or killed run, and
-resume continues it.

`

func runVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := runner.Config{Bench: ".", CPU: defaultCPU(noise.Usable().N()), Rounds: 10, Benchtime: "200ms", Seed: rand.Uint64N(1 << 32), Timeout: 10 * time.Minute}
	flags := newFlags("run")
	flags.StringVar(&c.Out, "o", "", "append the results to `file`, which must be new without -resume")
	flags.Func("bench", "run the benchmarks that match `regexp`, as in go test (default .)", func(s string) error {
		c.Bench = s
		return revisions.CheckBench(s)
	})
	flags.Func("cpu", fmt.Sprintf("run each row with every number of procs of `list` (default %s)", joined(c.CPU)), func(s string) (err error) {
		c.CPU, err = numbers(s)
		return err
	})
	flags.Func("benchtime", "run each row for `t`, a duration or a count such as 100x (default 200ms)", func(s string) error {
		c.Benchtime = s
		return checkBenchtime(s)
	})
	roundsFlag(flags, &c.Rounds, "run each row `n` times")
	flags.Uint64Var(&c.Seed, "seed", c.Seed, "shuffle with seed `n`, which the file records (default: random)")
	flags.Lookup("seed").DefValue = "0" // the seed of this run is not a default
	flags.DurationVar(&c.Timeout, "timeout", c.Timeout, "give up on a row whose process takes longer than `d`")
	var hosts []string
	flags.Func("on", "run on the `hosts` of a list, such as me@one,me@two, and not here", func(s string) error {
		hosts = strings.Split(s, ",")
		for i, host := range hosts {
			// ssh would take -x for an option.
			if host == "" || host[0] == '-' || strings.ContainsAny(host, " \t\n'\"") || slices.Contains(hosts[:i], host) {
				return fmt.Errorf("host %q: want different hosts that ssh reaches, separated by commas", host)
			}
		}
		return nil
	})
	ssh := flags.String("ssh", "ssh -o BatchMode=yes -o ConnectTimeout=10", "the `command` that reaches hosts")
	flags.Func("prebuilt", "run the test binaries of a `list`; used by -on", func(s string) (err error) {
		c.Prebuilt, err = runner.ParsePrebuilt(s)
		return err
	})
	flags.StringVar(&c.Host, "host", "", "call this machine `name` in the file; used by -on")
	flags.BoolVar(&c.Resume, "resume", false, "continue the file of an earlier run that had the same flags, packages, source and machine")
	if ok, err := parse(flags, args, runUsage, stdout); !ok {
		return err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case hosts != nil && c.Resume:
		return command.BadInput("-resume does not work with -on")
	case hosts != nil && (c.Host != "" || c.Prebuilt != nil):
		return command.BadInput("-host and -prebuilt do not work with -on, which sets them itself")
	case hosts == nil && given["ssh"]:
		return command.BadInput("-ssh reaches the hosts of -on; want -on, or no -ssh")
	case hosts != nil && strings.TrimSpace(*ssh) == "":
		return command.BadInput("-ssh is empty, want the command that reaches hosts")
	case c.Out == "" && c.Prebuilt == nil:
		return command.BadInput("want the file that results go to, as in -o bench.txt")
	case c.Out == "-":
		return command.BadInput("-o - is no file, and results go to a file alone; want a name, as in -o bench.txt")
	case c.Timeout <= 0:
		return command.BadInput("-timeout is %v, want more than 0", c.Timeout)
	}
	var names []string
	for _, host := range hosts {
		name := ofHost(c.Out, host)
		if exists(name) {
			return command.BadInput("%s exists already; want a new file", name)
		} else if slices.Contains(names, name) {
			return command.BadInput("-on: two hosts would write %s; want hosts with different names", name)
		}
		names = append(names, name)
	}
	if c.Resume && !given["seed"] {
		seed, err := runner.SeedOf(c.Out)
		if err != nil {
			return command.BadInput("%w", err)
		}
		c.Seed = seed
	}
	if c.Packages = flags.Args(); len(c.Packages) == 0 {
		c.Packages = []string{"."}
	}
	c.Command = fmt.Sprintf("boundaries run -o FILE -bench %s -cpu %s -rounds %d -benchtime %s -seed %d",
		command.Quote(c.Bench), joined(c.CPU), c.Rounds, c.Benchtime, c.Seed)
	for _, pkg := range c.Packages {
		c.Command += " " + command.Quote(pkg)
	}
	if hosts != nil {
		if !given["cpu"] {
			c.CPU = nil // each has a default of its own
		}
		return runOn(ctx, c, hosts, strings.Fields(*ssh), stderr)
	}
	if c.Prebuilt != nil {
		var cancel context.CancelFunc
		ctx, cancel = runner.EndsWith(ctx, os.Stdin)
		defer cancel()
	}
	report, finish := reporter(stderr, c)
	c.Report = report
	err := runner.Run(ctx, c)
	finish()
	var failed command.Problems
	errors.As(err, &failed)
	switch {
	case errors.Is(err, context.Canceled):
		text := fmt.Sprintf("interrupted; %s has the complete rows, and -resume continues", c.Out)
		if c.Prebuilt != nil {
			text = "interrupted"
		} else if !exists(c.Out) {
			text = "interrupted before the first result"
		}
		failed = failed[:max(0, len(failed)-1)] // without this error
		return append(failed, command.Interrupted(text))
	case failed != nil:
		return failed
	case err != nil:
		return command.BadInput("%w", err)
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// farArgs returns the arguments with which another machine measures the same.
func farArgs(c runner.Config) []string {
	args := []string{"-bench", c.Bench, "-rounds", strconv.Itoa(c.Rounds), "-benchtime", c.Benchtime,
		"-seed", strconv.FormatUint(c.Seed, 10), "-timeout", c.Timeout.String()}
	if c.CPU != nil {
		args = append(args, "-cpu", joined(c.CPU))
	}
	return append(append(args, "--"), c.Packages...)
}

// runOn runs on all hosts at once.
func runOn(ctx context.Context, c runner.Config, hosts, ssh []string, stderr io.Writer) error {
	args := farArgs(c)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed command.Problems
	interrupted := false
	for _, host := range hosts {
		wg.Go(func() {
			mine := c
			mine.Out = ofHost(c.Out, host)
			err := runner.RunOn(ctx, mine, runner.Remote{Host: host, SSH: ssh, Args: args, Stderr: func(line string) {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintf(stderr, "boundaries: %s: %s\n", host, command.Printable(line))
			}})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, context.Canceled) {
				interrupted = true
			} else if err != nil {
				failed = append(failed, err)
			}
		})
	}
	wg.Wait()
	if interrupted {
		failed = append(failed, command.Interrupted("interrupted; the files that exist have the complete rows"))
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}

// ofHost puts the name of a host into the name of a file.
func ofHost(file, host string) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' {
			return '-'
		}
		return r
	}, host)
	ext := filepath.Ext(file)
	return strings.TrimSuffix(file, ext) + "." + name + ext
}

func joined(cpu []int) string {
	var list []string
	for _, n := range cpu {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, ",")
}

// defaultCPU returns the powers of two below n, the number of processors, and n.
func defaultCPU(n int) []int {
	var list []int
	for i := 1; i < n; i *= 2 {
		list = append(list, i)
	}
	return append(list, n)
}

// reporter shows the progress of a run: a bar on a terminal, or else a line for each
// round. Finish ends the bar.
func reporter(w io.Writer, c runner.Config) (report func(runner.Progress), finish func()) {
	var bar *pb.ProgressBar
	file, isFile := w.(*os.File)
	terminal := isFile && term.IsTerminal(int(file.Fd()))
	round := 0
	report = func(p runner.Progress) {
		if p.Total == 0 {
			fmt.Fprintf(w, "boundaries: %s\n", p.Row)
			return
		}
		if round == 0 {
			fmt.Fprintf(w, "boundaries: runs: %d, rounds: %d%s\n", p.Total-p.Done, c.Rounds, roughly(c, p.Total-p.Done))
		}
		left := ""
		if p.Left > 0 {
			left = ", about " + p.Left.Round(time.Second).String() + " left"
		}
		if !terminal {
			if p.Round != round && p.Row != "" {
				fmt.Fprintf(w, "boundaries: round %d of %d%s\n", p.Round, c.Rounds, left)
			}
			round = p.Round
			return
		}
		round = p.Round
		if bar == nil {
			bar = pb.New(p.Total).SetWriter(w).SetTemplateString(`{{string . "round"}} {{counters .}} {{bar . "[" "=" ">" " " "]"}} {{percent .}}{{string . "left"}}`)
			// No timer draws the bar, because it would run beside a benchmark.
			bar.Set(pb.Static, true).Set(pb.Color, false).Start()
		}
		bar.Set("round", fmt.Sprintf("round %d of %d", p.Round, c.Rounds)).Set("left", left).SetCurrent(int64(p.Done)).Write()
	}
	return report, func() {
		if bar != nil {
			bar.Finish()
			fmt.Fprintln(w)
		}
	}
}

// roughly says how long that many runs will take, or "" if -benchtime is a count. It
// adds half for the shorter runs in which go test finds out how many steps fill the time.
func roughly(c runner.Config, runs int) string {
	d, err := time.ParseDuration(c.Benchtime)
	if err != nil {
		return ""
	}
	seconds := float64(runs) * (1.5*d.Seconds() + 0.05)
	if seconds > (365 * 24 * time.Hour).Seconds() {
		return ", more than a year"
	}
	return fmt.Sprintf(", about %v", time.Duration(math.Round(seconds))*time.Second)
}
