package boundaries_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"boundaries/races"
)

// The tests below are also a guided tour: with -v they print it. Its readers know
// threads, locks and counts, and no Go.

// tour prints a part of the tour.
func tour(format string, args ...any) {
	if testing.Verbose() {
		fmt.Printf(format, args...)
	}
}

const raceWords = `
Words:
  thread     Go's are called goroutines. They run at the same time, on as many processors as there are.
  lock       Whoever has it goes on, and whoever wants it waits. Go's is called a mutex.
  atomic     Done in one piece, as some instructions of a processor are: nothing can happen in the midst of it.
  data race  Two threads use the same memory, at least one writes, and nothing says which comes first.
  x++        Go for x += 1.
`

// childLimit is how long a child may take. It takes a second or two at most, on a
// machine that has nothing else to do.
const childLimit = time.Minute

// A count is 3, two threads take a reference, and it is 4.
func TestRaceReplay(t *testing.T) {
	tour(`
======== 1. What goes wrong, step by step ========

CPython counts how many references there are to an object, and frees it when there are none. Here the count
is 3, and each of two threads takes one more reference, as b = a does (figure 4.1.2 of the article). They take
turns, one step each; so the tables are always the same. Each name stands for a way to keep threads apart that
this suite measures. The steps are not told but taken, on real locks.
%s
`, raceWords)
	if testing.Verbose() {
		if err := races.Replay(os.Stdout); err != nil {
			t.Error(err)
		}
	}
}

// What comes of millions of tries of two threads that meet by chance: whatever is
// forbidden does not come at all.
func TestRaceOutcomes(t *testing.T) {
	tour(`
======== 2. How often it goes wrong ========

Two threads start together and do the same thing to the same memory, millions of times. What can come of one
try is an outcome. Acceptable is what anybody expects; interesting is what only a program with a data race can
show; forbidden must not occur once. The shares depend on the machine and on how the threads are set against
each other, and are not those of any program. What mends a case has the names of part 1, or of more variants
that "go doc ." tells of. This run has %d of %d processors.
`, min(runtime.GOMAXPROCS(0), runtime.NumCPU()), runtime.NumCPU())
	tries, patient := 20_000, false
	switch {
	case raceDetector: // each takes ten times as long
		tries = 2_000
	case testing.Verbose():
		tries, patient = 10_000_000, true
	}
	// On a machine that has much to do, threads wait long for each other. By then
	// each variant makes do with one child, so that the tests of this package end.
	late := time.Now().Add(2 * time.Minute)
	for i, c := range races.Cases() {
		tour("\n2.%d %s\n", i+1, c.Question)
		var table strings.Builder
		w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
		head := false
		for _, v := range c.Variants {
			tries, children, most := tries, 1, 1
			switch {
			case c.Name == "lost-update":
				tries *= 5 // or the first thread is done before the second is there
				most = 50
			case c.Name == "dropped-task" && v.Racy:
				tries, children, most = 20_000, 10, 50 // when one is lost, the rest is soon over
			case patient:
				tries, children = tries/10, 10
			}
			if !patient {
				children, most = 1, 1
			}
			h, err := outcomes(t, c, v, tries, children, most, late)
			if err != nil {
				t.Errorf("%s/%s: %v", c.Name, v.Name, err)
				continue
			}
			if n := h.Of(races.Forbidden); n > 0 {
				t.Errorf("%s/%s: %d of %d tries had a forbidden outcome:\n%s", c.Name, v.Name, n, h.Tries(), h)
			}
			if v.Racy {
				tour("\n%s (%s), %s tries:\n%s", v.Name, v.Note, races.Grouped(h.Tries()), indent(h.String()))
				if h.Of(races.Interesting) == 0 {
					tour("  %s\n", noneWhy(v))
				}
				continue
			}
			if !head {
				head = true
				fmt.Fprint(w, "  mended by\ttries\t")
				for _, o := range h {
					fmt.Fprintf(w, "%s\t", o.Name)
				}
				fmt.Fprint(w, "forbidden\t\n")
			}
			fmt.Fprintf(w, "%s\t%s\t", v.Name, races.Grouped(h.Tries()))
			for _, o := range h {
				fmt.Fprintf(w, "%s\t", races.Grouped(o.Count))
			}
			fmt.Fprintf(w, "%d\t\n", h.Of(races.Forbidden))
		}
		w.Flush()
		tour("\n%s", table.String())
	}
	if patient && time.Now().After(late) {
		tour("\nThis machine has much else to do: some of what is above was tried less often than it should be.\n")
	}
	tour("\n")
}

// noneWhy says why a race was not to be seen.
func noneWhy(v races.Variant) string {
	switch {
	case strings.HasSuffix(v.Name, "-in-order"):
		return "Not seen: processors of type " + runtime.GOARCH + orderOf(runtime.GOARCH) + ". Go's rules allow it, and the compiler may do it."
	case min(runtime.GOMAXPROCS(0), runtime.NumCPU()) == 1:
		return "Not seen: with one processor the threads take turns, and a turn hardly ever ends in the midst of a try."
	}
	return "Not seen this time: the threads did not meet. On a machine that has nothing else to do they would."
}

// orderOf says whether processors keep a program's writes in order.
func orderOf(arch string) string {
	switch arch {
	case "amd64", "386", "s390x":
		return " keep a program's writes in order"
	}
	return " may change the order of writes, and did not"
}

// outcomes has children make tries, each as many. If what is racy shows nothing, it
// goes on to most children. When it is late, no more than one child makes tries.
func outcomes(t *testing.T, c races.Case, v races.Variant, tries, children, most int, late time.Time) (races.Histogram, error) {
	h := v.Run(0)
	done := 0
	for ; done < children || done < most && v.Racy && h.Of(races.Interesting) == 0; done++ {
		if done > 0 && time.Now().After(late) {
			break
		}
		run := runChild(t, "outcomes/"+c.Name+"/"+v.Name, 2, tries, "", childLimit)
		if !run.done && v.Racy && len(run.reports) > 0 {
			continue // the race detector ended it: GORACE of the user says so
		}
		if !run.done || run.err != nil && len(run.reports) == 0 {
			return h, fmt.Errorf("%w\n%s", run.err, run.output)
		}
		if !v.Racy && len(run.reports) > 0 {
			return h, fmt.Errorf("the race detector reports\n%s", run.output)
		}
		counts := strings.Fields(run.got)
		if len(counts) != len(h) {
			return h, fmt.Errorf("%q is not the counts of %d outcomes", run.got, len(h))
		}
		for i, count := range counts {
			var n int
			if _, err := fmt.Sscan(count, &n); err != nil {
				return h, err
			}
			h[i].Count += n
		}
	}
	if h.Tries() < tries*done && !(v.Racy && raceDetector) {
		return h, fmt.Errorf("%d tries, want %d", h.Tries(), tries*done)
	}
	return h, nil
}

// What is racy loses something, sooner or later, and the race detector says so
// every time; what is safe loses nothing, and the detector is silent.
func TestRaceDemo(t *testing.T) {
	tour(`
======== 3. How it is caught ========

Each program below is a safe one of this suite whose protection has been taken away, and nothing else.
`)
	runs, most := 20, 20
	if raceDetector {
		tour(`The race detector, Go's own, checks each reading and writing of memory while the program runs (go test -race).
It does not wait for a wrong result: it reports two accesses that nothing puts in order, however lucky their timing.
`)
	} else {
		runs, most = 1, 1
		if testing.Verbose() {
			runs, most = 5, 20
		}
		tour(`This program was built without Go's race detector. With it (go test -race -run RaceDemo -v .), each program below
but the last is reported at each of 20 runs, with both lines of code, whether or not the run loses anything.
`)
	}
	tour(raceWords)
	workers := max(2, runtime.GOMAXPROCS(0))
	for i, w := range raceWorkloads() {
		n := w.n
		if raceDetector {
			n = w.nRace
		}
		p := protectionOf(t, w.name)
		lost, _ := p.lost(t)
		tour("\n3.%d %s: %s\n", i+1, w.name, strings.ReplaceAll(w.what, "%d", fmt.Sprint(workers)))
		tour("  %-10s %s\n", "racy", p)
		for _, line := range lost {
			tour("  %-10s     %s\n", "", line)
		}
		w.demonstrate(t, workers, n, runs, most)
		var names []string
		for _, v := range w.safe {
			steps := n // where there is no detector, they must be many
			if w.visible {
				steps = max(n/20, 500)
			}
			run := runChild(t, w.name+"/"+v.name, workers, steps, "", childLimit)
			if !run.done || run.err != nil {
				t.Errorf("%s/%s: %v\n%s", w.name, v.name, run.err, run.output)
			} else if run.got != run.want {
				t.Errorf("%s/%s: got %s, want %s", w.name, v.name, run.got, run.want)
			}
			if len(run.reports) > 0 {
				t.Errorf("%s/%s: the race detector reports\n%s", w.name, v.name, run.output)
			}
			names = append(names, v.name)
		}
		silent := ""
		if raceDetector {
			silent = ", and the detector was silent"
		}
		tour("  %-10s %s: each was right%s\n", "mended by", strings.Join(names, ", "), silent)
	}
	tour("\n")
}

// demonstrate runs what is racy, and shows what came of it. It does so runs times,
// and goes on to most while nothing is lost though it could be.
func (w raceWorkload) demonstrate(t *testing.T, workers, n, runs, most int) {
	wrong, reported, done := 0, 0, 0
	want := ""
	var shown, first *raceRun // the first with a wrong result, and the first
	var report *raceReport    // the first that is whole
	for ; done < runs || done < most && wrong == 0 && w.processors() > 1; done++ {
		run := runChild(t, w.name+"/racy", workers, n, "", childLimit)
		if !run.done && run.panic() == "" && len(run.reports) == 0 || errors.Is(run.err, errHangs) {
			t.Errorf("%v\n%s", run.err, run.output)
			return
		}
		if first == nil {
			first = &run
		}
		if run.done {
			want = run.want
		}
		if run.wrong() {
			wrong++
			if shown == nil {
				shown = &run
			}
		}
		if len(run.reports) > 0 {
			reported++
		}
		for i := range run.reports {
			if report == nil || run.reports[i].whole() && !report.whole() {
				report = &run.reports[i]
			}
		}
	}
	if want == noSharedMemory {
		tour("  %-10s %s\n", "skipped", noSharedMemory)
		return
	}
	if shown == nil {
		shown = first
	}
	if want != "" {
		tour("  %-10s %s\n", "expected", want)
	}
	tour("  %-10s %s\n", "came out", shown.result())
	tour("  %-10s %d of %d runs\n", "wrong in", wrong, done)
	if wrong == 0 && shown.done {
		tour("  %-10s %s\n", "", w.whyRight())
	}
	tour("  %-10s %s\n", "the race", w.why)
	if !raceDetector {
		if !w.visible {
			tour("  %-10s no race detector can: each process has its own, which knows that process's accesses alone\n", "caught by")
		}
		return
	}
	if !w.visible {
		tour("  %-10s no race detector can: each process has its own, which knows that process's accesses alone,\n", "caught by")
		tour("  %-10s and nobody knows of both. It was silent in %d of %d runs.\n", "", done-reported, done)
		if reported > 0 {
			t.Errorf("%s: the race detector reports in %d of %d runs what it cannot see", w.name, reported, done)
		}
		return
	}
	tour("  %-10s the race detector, in %d of %d runs:\n", "caught by", reported, done)
	if report != nil {
		tour("%s", report)
	}
	if reported < done {
		t.Errorf("%s: the race detector was silent in %d of %d runs", w.name, done-reported, done)
	} else if !report.whole() {
		t.Errorf("%s: no report has both lines:\n%s", w.name, report)
	}
}

// wrong reports whether a child's result is, or whether it crashed.
func (r *raceRun) wrong() bool { return r.done && r.got != r.want || r.panic() != "" }

// panic is what a child says that has crashed.
func (r *raceRun) panic() string {
	for line := range strings.Lines(r.output) {
		if text, ok := strings.CutPrefix(line, "panic: "); ok {
			text, _, _ = strings.Cut(text, " [recovered")
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// result is what came of a child.
func (r *raceRun) result() string {
	switch {
	case r.done:
		return r.got
	case r.panic() != "":
		return "the program stopped itself: " + r.panic()
	case len(r.reports) > 0:
		return "nothing: the race detector ended the program, as GORACE says"
	}
	return fmt.Sprint(r.err)
}

// whyRight says why nothing was lost.
func (w raceWorkload) whyRight() string {
	if w.processors() == 1 {
		return "With one processor the threads take turns, and a turn hardly ever ends between a reading and its writing: nothing was lost. The race is there."
	}
	return "Luck: no two threads met. The race is there."
}

// processors is how many the threads of the workload run on.
func (w raceWorkload) processors() int {
	if !w.visible {
		return runtime.NumCPU() // each process has its own GOMAXPROCS
	}
	return min(runtime.GOMAXPROCS(0), runtime.NumCPU())
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// A child that hangs is killed and named, whether it waits or spins.
func TestChildThatHangs(t *testing.T) {
	for _, role := range []string{"hang", "spin"} {
		began := time.Now()
		run := runChild(t, role, 2, 7, "", 300*time.Millisecond)
		if !errors.Is(run.err, errHangs) || run.done {
			t.Fatalf("%s: %v", role, run.err)
		}
		if want := fmt.Sprintf("child %s (pid %d, 2 workers, 7 steps) did not end within 300ms and was killed", role, run.pid); run.err.Error() != want {
			t.Errorf("got %q, want %q", run.err, want)
		}
		if process, err := os.FindProcess(run.pid); err == nil && runtime.GOOS != "windows" {
			if err := process.Signal(syscall.Signal(0)); err == nil {
				t.Errorf("child %d lives", run.pid)
			}
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
	}
}

// A child whose parent is gone ends, whether it waits or spins.
func TestChildWithoutParent(t *testing.T) {
	for _, role := range []string{"hang", "spin"} {
		t.Setenv(raceChild, role+" 2 7")
		cmd, _ := childCommand(t, t.Context())
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in.Close() // as the end of the parent does
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
			t.Errorf("%s: %v", role, cmd.ProcessState)
		}
	}
}

// A child that is told nonsense says so and ends.
func TestChildThatIsToldNonsense(t *testing.T) {
	for _, value := range []string{"spam 2 7", "spam", "loop/racy 2 spam"} {
		t.Setenv(raceChild, value)
		cmd, _ := childCommand(t, t.Context())
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 || !strings.HasPrefix(string(out), fmt.Sprintf("%s is %q, but ", raceChild, value)) {
			t.Errorf("%s: %v: %s", value, err, out)
		}
	}
}

// What the user says in GORACE is said last, and wins; and where his reports go,
// they are found.
func TestGORACEOfTheUser(t *testing.T) {
	if !raceDetector {
		t.Setenv("GORACE", "halt_on_error=1")
		run := runChild(t, "gorace", 2, 7, "halt_on_error=0", childLimit)
		if run.got != "atexit_sleep_ms=0 halt_on_error=0 halt_on_error=1" {
			t.Errorf("GORACE is %q", run.got)
		}
		return
	}
	demo := func(options, gorace string) raceRun {
		t.Helper()
		t.Setenv("GORACE", gorace)
		run := runChild(t, "loop/racy", 2, 20_000, options, childLimit)
		if len(run.reports) == 0 || !run.reports[0].whole() || run.reports[0].accesses[0].file != "loop/racy.go" {
			t.Errorf("GORACE=%q: no report in\n%s", gorace, run.output)
		}
		return run
	}
	status := func(run raceRun) int {
		var exit interface{ ExitCode() int }
		if errors.As(run.err, &exit) {
			return exit.ExitCode()
		}
		return 0
	}
	if run := demo("", ""); !run.done || status(run) != 66 {
		t.Errorf("status %d: %+v", status(run), run)
	}
	if run := demo("exitcode=5", "exitcode=7"); status(run) != 7 {
		t.Errorf("exitcode=7: status %d", status(run))
	}
	if run := demo("halt_on_error=0", "halt_on_error=1"); run.done {
		t.Error("halt_on_error=1: the child went on")
	}
	log := filepath.Join(t.TempDir(), "log")
	demo("", "log_path="+log)
	if files, _ := filepath.Glob(log + ".*"); len(files) != 1 {
		t.Errorf("log_path=%s: %q", log, files)
	}
	demo("", "log_path=stdout")
	began := time.Now()
	if demo("", "atexit_sleep_ms=700"); time.Since(began) < 700*time.Millisecond {
		t.Error("atexit_sleep_ms=700: it did not sleep")
	}
}

func TestParseReports(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	output := strings.ReplaceAll(`spam
==================
WARNING: DATA RACE
Read at 0x00c000012345 by goroutine 8:
  sync.(*Once).Do()
      /go/src/sync/once.go:65 +0x44
  boundaries/loop.Racy.func1()
      HERE/loop/racy.go:27 +0x44
  boundaries/internal/fork.Run.func1()
      HERE/internal/fork/fork.go:27 +0x44

Previous atomic write at 0x00c000012345 by main goroutine:
  boundaries/loop.Racy.func1()
      boundaries/loop/atomic.go:22 +0x44

Goroutine 8 (running) created at:
  boundaries/internal/fork.Run()
      HERE/internal/fork/fork.go:25 +0x44
==================
eggs
==================
WARNING: DATA RACE
Write at 0x00c000012345 by goroutine 8:
  boundaries/loop.Racy.func1()
      HERE/loop/racy.go:28

Previous read at 0x00c000012345 by goroutine 7:
  [failed to restore the stack]

==================
Found 2 data race(s)
`, "HERE", here)
	reports := parseReports(output)
	want := []raceReport{
		{[]access{{"Read", "loop/racy.go", 27}, {"Previous atomic write", "loop/atomic.go", 22}}},
		{[]access{{"Write", "loop/racy.go", 28}, {"Previous read", "", 0}}},
	}
	if fmt.Sprint(reports) != fmt.Sprint(want) {
		t.Errorf("got\n%vwant\n%v", reports, want)
	}
	if len(reports) == 2 && (!reports[0].whole() || reports[1].whole()) {
		t.Error("the first has both places, and only the first")
	}
	if reports := parseReports("Found no race\n"); len(reports) > 0 {
		t.Errorf("got %v of nothing", reports)
	}
	if got := sourceLine("loop/loop.go", 1); got != "// Package loop adds to one shared total on several goroutines at once." {
		t.Errorf("the first line of loop.go is %q", got)
	}
	if got := sourceLine("loop/loop.go", 100_000) + sourceLine("spam.go", 1) + sourceLine("loop/loop.go", 0); got != "" {
		t.Errorf("there is no such line: %q", got)
	}
}
