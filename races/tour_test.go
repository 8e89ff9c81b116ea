package races

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
)

// The tests of this file are also a guided tour, which -v prints. Its readers know
// threads, locks and counts, and no Go.

// tour prints a part of the tour.
func tour(format string, args ...any) {
	if testing.Verbose() {
		fmt.Printf(format, args...)
	}
}

const raceWords = `
Words:
  thread     Go's threads are called goroutines. They run at the same time, on as many processors as there are.
  lock       One thread holds it and goes on; other threads that want it wait. Go's is called a mutex.
  atomic     Done in one piece, as some instructions of a processor are: no other thread can see it half done.
  data race  Two threads use the same memory, at least one of them writes, and nothing says which comes first.
  x++        Go for x += 1.
`

// processors returns how many processors the threads of this program run on.
func processors() int { return min(runtime.GOMAXPROCS(0), runtime.NumCPU()) }

// A count is 3, and two threads take a reference.
func TestRaceReplay(t *testing.T) {
	tour(`
======== 1. What goes wrong, step by step ========

CPython counts how many references there are to an object, and frees the object when there are none. Here the
count is 3, and each of two threads takes one more reference, as b = a does (figure 4.1.2 of the article). The
threads take turns, one step each, so that the tables are always the same. Each name stands for a way to keep
threads apart that this suite measures. The tables are not written down: the steps are run, on real locks.
%s
`, raceWords)
	if testing.Verbose() {
		require.NoError(t, Replay(os.Stdout))
	}
}

// Millions of meetings of two threads, by chance, have no forbidden outcome.
func TestRaceOutcomes(t *testing.T) {
	tour(`
======== 2. How often it goes wrong ========

Two threads start together and do the same thing to the same memory, millions of times. Each possible result of
a try is an outcome. An acceptable outcome is right. An interesting one takes a data race. A forbidden one must
never occur. The shares depend on the machine and on how this test makes the threads meet; another program has
other shares. The names of the variants that mend a case are those of part 1, and a few more that "go doc ."
lists. This run has %d of %d processors.
%s`, processors(), runtime.NumCPU(), overridden())
	// On a busy machine threads wait long for each other. When it is late, each
	// variant gets only one child, so that the tests of this package end.
	late := time.Now().Add(2 * time.Minute)
	number := 0
	for _, c := range cases() {
		if c.question == "" {
			continue
		}
		number++
		tour("\n2.%d %s\n", number, c.question)
		table := fmt.Sprintf("  %-13s  %11s", "mended by", "tries")
		for _, o := range c.outcomes {
			table += fmt.Sprintf("  %11s", o.name)
		}
		for _, v := range c.variants {
			h, err := c.outcomesOf(t, v, late)
			if err != nil {
				t.Errorf("%s/%s: %v", c.name, v.name, err)
				continue
			}
			if n := h.of(forbidden); n > 0 {
				t.Errorf("%s/%s: %d of %d tries had a forbidden outcome:\n%s", c.name, v.name, n, h.tries(), h)
			}
			if v.racy {
				tour("\n%s (%s), %s tries:\n%s", v.name, v.note, grouped(h.tries()), h)
				if h.of(interesting) == 0 {
					tour("  %s\n", whyNone(v, h.tries(), processors(), runtime.GOARCH))
				}
				continue
			}
			table += fmt.Sprintf("\n  %-13s  %11s", v.name, grouped(h.tries()))
			for _, n := range h.counts {
				table += fmt.Sprintf("  %11s", grouped(n))
			}
		}
		tour("\n%s\n", table)
	}
	if testing.Verbose() && time.Now().After(late) {
		tour("\nThis machine is busy: some variants had fewer tries than they should have.\n")
	}
	tour("\n")
}

// outcomesOf makes children try a variant. With -v it runs ten children, and up to
// fifty as long as a racy variant shows nothing although it could, unless it is
// late.
func (c raceCase) outcomesOf(t *testing.T, v variant, late time.Time) (histogram, error) {
	tries, children, most := v.most()/10, 1, 1
	switch {
	case race.Enabled: // each try takes ten times as long
		tries = v.most() / 100
	case testing.Verbose():
		tries, children, most = v.most(), 10, 50
	}
	h := c.histogram(v)
	for done := 0; done < children || done < most && v.racy && !v.reordered && h.of(interesting) == 0; done++ {
		if done > 0 && time.Now().After(late) {
			break
		}
		if err := h.try(t, v, 2, tries); err != nil {
			return h, err
		}
	}
	return h, nil
}

// whyNone says why so many tries of a racy variant showed no race.
func whyNone(v variant, tries, processors int, arch string) string {
	seen := fmt.Sprintf("Not seen in %s tries", grouped(tries))
	switch inOrder := slices.Contains([]string{"amd64", "386", "s390x"}, arch); {
	case v.reordered && inOrder:
		return seen + ": processors of type " + arch + " keep a program's writes in order. Go's rules allow it, and the compiler may do it."
	case v.reordered:
		return seen + ", although Go's rules allow it, and processors of type " + arch + " may change the order of writes."
	case processors == 1:
		return seen + ": with one processor the threads take turns, and a turn rarely ends in the middle of a try."
	}
	return seen + ", by luck: no two threads came close enough. The race is there all the same."
}

// A demo is what part 3 of the tour shows of a case.
type demo struct {
	what      string // the threads do; %d is how many there are
	n, nRace  int    // how many tries a run makes, without and with the race detector, which is ten times as slow
	why       string // what happens when threads meet
	processes bool   // the threads are in several processes, so that no race detector sees both accesses
	sibling   sibling
}

// A racy variant goes wrong sooner or later, and the race detector reports it at
// every run. A safe variant is right, and the detector is silent.
func TestRaceDemo(t *testing.T) {
	tour(`
======== 3. How it is caught ========

Each program below is a safe program of this suite without its protection, and differs from it in nothing else.
`)
	runs, most := 1, 1
	switch {
	case race.Enabled:
		if runs, most = 2, 2; testing.Verbose() {
			runs, most = 20, 20
		}
		tour(`Go's race detector checks each read and write of memory while the program runs (go test -race). It does not
wait for a wrong result: it reports two accesses that nothing puts in order, whether or not they met.
`)
	default:
		if testing.Verbose() {
			runs, most = 5, 20
		}
		tour(`This program was built without Go's race detector. With it (go test -race -run RaceDemo -v ./races) this
part also shows which two lines of each program the detector reports.
`)
	}
	tour("%s%s", raceWords, overridden())
	workers := max(2, runtime.GOMAXPROCS(0))
	number := 0
	for _, c := range cases() {
		if c.demo == nil {
			continue
		}
		number++
		n := c.demo.n
		if race.Enabled {
			n = c.demo.nRace
		}
		lost, _ := c.demo.sibling.diff(t)
		tour("\n3.%d %s: %s\n", number, c.name, strings.ReplaceAll(c.demo.what, "%d", fmt.Sprint(workers)))
		say("racy", c.demo.sibling.String())
		for _, line := range lost {
			say("", "    "+line)
		}
		if !race.Enabled || c.demo.processes {
			n = max(n/20, 500) // for the safe variants; where a detector watches, they need as many as the racy one
		}
		var right []string
		for _, v := range c.variants {
			if v.racy {
				c.demonstrate(t, v, workers, runs, most)
				continue
			}
			h := c.histogram(v)
			switch err := h.try(t, v, workers, n); {
			case errors.Is(err, errors.ErrUnsupported):
			case err != nil:
				t.Errorf("%s/%s: %v", c.name, v.name, err)
			case h.counts[0] != h.tries():
				t.Errorf("%s/%s: %s", c.name, v.name, h.line())
			default:
				right = append(right, v.name)
			}
		}
		say("mended by", mended(right, race.Enabled))
	}
	tour("\n")
}

// say prints a line of the tour's third part.
func say(label, text string) { tour("  %-10s %s\n", label, text) }

// mended says which variants were right.
func mended(right []string, detector bool) string {
	switch {
	case len(right) == 0:
		return "no variant that ran here"
	case detector:
		return strings.Join(right, ", ") + ": each was right, and the detector was silent"
	}
	return strings.Join(right, ", ") + ": each was right"
}

// demonstrate runs a racy variant and shows the results. It makes that many runs,
// and up to most as long as no run goes wrong although threads can meet.
func (c raceCase) demonstrate(t *testing.T, v variant, workers, runs, most int) {
	n, came := c.demo.n, tally{processors: processors(), detector: race.Enabled, processes: c.demo.processes}
	if race.Enabled {
		n = c.demo.nRace
	}
	if came.processes {
		came.processors = runtime.NumCPU() // each process has a GOMAXPROCS of its own
	}
	shown := "" // the first wrong result, or the first
	var found report
	for came.runs < runs || came.runs < most && came.wrong == 0 && came.processors > 1 {
		run := runChild(t, c.name+"/"+v.name, workers, n, childLimit)
		h := c.histogram(v)
		result, wrong := "", true
		switch {
		case run.Unsupported:
			say("skipped", run.Err)
			return
		case run.panic() != "":
			result = "the program stopped itself: " + run.panic()
		case !run.done || errors.Is(run.err, errHangs):
			t.Errorf("%v\n%s", run.err, run.output)
			return
		case run.err != nil:
			result = run.Err
		default:
			if err := h.add(run.Counts); err != nil {
				t.Error(err)
				return
			}
			if h.of(forbidden) > 0 {
				t.Errorf("%s/%s: a forbidden outcome:\n%s", c.name, v.name, h)
			}
			result, wrong = h.line(), h.counts[0] != h.tries()
		}
		if came.runs == 0 || wrong && came.wrong == 0 {
			shown = result
		}
		came.runs++
		if wrong {
			came.wrong++
		}
		if len(run.reports) > 0 {
			came.reported++
		}
		for _, r := range run.reports {
			if found == nil || r.whole() && !found.whole() {
				found = r
			}
		}
	}
	say("came out", shown)
	say("wrong in", came.wrongIn())
	say("the race", c.demo.why)
	if text := came.caughtBy(); text != "" {
		say("caught by", text)
	}
	if found != nil {
		tour("%s", found)
	}
	switch expected := came.expected(); {
	case came.reported != expected:
		t.Errorf("%s: the race detector reports in %d of %d runs, want %d", c.name, came.reported, came.runs, expected)
	case expected > 0 && !found.whole():
		t.Errorf("%s: no report has both lines:\n%s", c.name, found)
	}
}

// panic returns what a child that panicked said.
func (r *childRun) panic() string {
	for line := range strings.Lines(r.output) {
		if text, ok := strings.CutPrefix(line, "panic: "); ok {
			text, _, _ = strings.Cut(text, " [recovered")
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// A tally counts the runs of a racy variant. Everything that the tour says about the
// runs follows from it.
type tally struct {
	runs, wrong, reported int
	processors            int // that the threads ran on
	detector, processes   bool
}

// wrongIn says how many runs were wrong, and why the others were not.
func (c tally) wrongIn() string {
	text := fmt.Sprintf("%d of %d runs", c.wrong, c.runs)
	switch {
	case c.wrong == c.runs:
		return text
	case c.processors == 1:
		text += ": with one processor the threads take turns, and a turn rarely ends between a read and its write."
	case c.wrong == 0:
		text += ": no two threads met, by luck."
	default:
		return text + ": the others were right by luck"
	}
	return text + " The race is there all the same."
}

// caughtBy says in how many runs the race detector reported the race, or that no
// detector sees a race between processes. Otherwise it is empty in a build without
// the detector.
func (c tally) caughtBy() string {
	text := fmt.Sprintf("the race detector, in %d of %d runs", c.reported, c.runs)
	const blind = "no race detector: each process has its own, which knows only the accesses of that process"
	switch {
	case !c.detector && c.processes:
		return blind
	case !c.detector:
		return ""
	case c.processes && c.reported == 0:
		return fmt.Sprintf("%s. It was silent in %d of %d runs", blind, c.runs, c.runs)
	case c.reported == c.runs && c.wrong < c.runs:
		return text + ", also where the result was right:"
	case c.reported > 0:
		return text + ":"
	}
	return text
}

// expected returns how many runs the race detector must report.
func (c tally) expected() int {
	if !c.detector || c.processes {
		return 0
	}
	return c.runs
}

// The sentences of the tour follow from how the runs ended.
func TestSentencesFollowFromFigures(t *testing.T) {
	const turns = ": with one processor the threads take turns, and a turn rarely ends between a read and its write. The race is there all the same."
	const blind = "no race detector: each process has its own, which knows only the accesses of that process"
	for _, test := range []struct {
		tally           tally
		wrong, caughtBy string
		expected        int
	}{
		{tally{runs: 20, wrong: 0, processors: 2}, "0 of 20 runs: no two threads met, by luck. The race is there all the same.", "", 0},
		{tally{runs: 20, wrong: 14, processors: 2}, "14 of 20 runs: the others were right by luck", "", 0},
		{tally{runs: 20, wrong: 20, processors: 2}, "20 of 20 runs", "", 0},
		{tally{runs: 20, wrong: 0, processors: 1}, "0 of 20 runs" + turns, "", 0},
		{tally{runs: 20, wrong: 1, processors: 1}, "1 of 20 runs" + turns, "", 0},
		{tally{runs: 20, wrong: 3, reported: 20, processors: 2, detector: true},
			"3 of 20 runs: the others were right by luck", "the race detector, in 20 of 20 runs, also where the result was right:", 20},
		{tally{runs: 20, wrong: 20, reported: 20, processors: 2, detector: true}, "20 of 20 runs", "the race detector, in 20 of 20 runs:", 20},
		{tally{runs: 20, wrong: 20, reported: 7, processors: 2, detector: true}, "20 of 20 runs", "the race detector, in 7 of 20 runs:", 20},
		{tally{runs: 20, wrong: 20, reported: 0, processors: 2, detector: true}, "20 of 20 runs", "the race detector, in 0 of 20 runs", 20},
		{tally{runs: 5, wrong: 5, processors: 2, processes: true}, "5 of 5 runs", blind, 0},
		{tally{runs: 5, wrong: 5, processors: 2, processes: true, detector: true}, "5 of 5 runs", blind + ". It was silent in 5 of 5 runs", 0},
		{tally{runs: 5, wrong: 5, reported: 5, processors: 2, processes: true, detector: true}, "5 of 5 runs", "the race detector, in 5 of 5 runs:", 0},
	} {
		require.Equal(t, test.wrong, test.tally.wrongIn(), "%+v", test.tally)
		require.Equal(t, test.caughtBy, test.tally.caughtBy(), "%+v", test.tally)
		require.Equal(t, test.expected, test.tally.expected(), "%+v", test.tally)
	}
	require.Equal(t, "no variant that ran here", mended(nil, true))
	require.Equal(t, "gil, atomic: each was right", mended([]string{"gil", "atomic"}, false))
	require.Equal(t, "gil: each was right, and the detector was silent", mended([]string{"gil"}, true))

	for want, got := range map[string]string{
		"Not seen in 1,000 tries: processors of type amd64 keep a program's writes in order. Go's rules allow it, and the compiler may do it.": whyNone(variant{reordered: true}, 1000, 2, "amd64"),
		"Not seen in 7 tries, although Go's rules allow it, and processors of type arm64 may change the order of writes.":                      whyNone(variant{reordered: true}, 7, 2, "arm64"),
		"Not seen in 7 tries: with one processor the threads take turns, and a turn rarely ends in the middle of a try.":                       whyNone(variant{}, 7, 1, "amd64"),
		"Not seen in 7 tries, by luck: no two threads came close enough. The race is there all the same.":                                      whyNone(variant{}, 7, 2, "amd64"),
	} {
		require.Equal(t, want, got)
	}
}
