// Package races shows what two threads can do to each other: one interleaving
// step by step, and what comes of millions.
//
// [Replay] takes the article's figure 4.1.2 apart: two threads read a count of 3,
// both write 4, and it should be 5. It does so under every discipline that the
// suite has, at a fixed order of steps, and shows where the discipline makes a
// thread wait, try again, or write elsewhere. Read it first.
//
// [Cases] have threads meet for real, as often as one likes, and counts what came
// of each meeting, in the manner of jcstress, OpenJDK's concurrency stress tests.
// An outcome that the rules forbid must not occur once in millions; one that they
// allow, and that surprises, is interesting. A case has a racy variant or two, and
// the variants that mend it. The former are errors by Go's memory model, may crash
// or hang, and must run in a process of their own; nothing but the tests of the
// suite runs them.
package races

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// A Grade says what it means that an outcome occurs.
type Grade int

const (
	Acceptable  Grade = iota // what anybody would expect
	Interesting              // allowed, since the program has a race, and not what was meant
	Forbidden                // if it occurs once, something is broken
)

func (g Grade) String() string {
	return [...]string{"acceptable", "interesting", "forbidden"}[g]
}

// An Outcome is one of the things that can come of a try.
type Outcome struct {
	Name  string
	Grade Grade
	Why   string // in one line
	Count int    // of the tries that ended so
}

// A Histogram is all that came of some tries.
type Histogram []Outcome

// Tries returns how many tries there were.
func (h Histogram) Tries() int {
	tries := 0
	for _, o := range h {
		tries += o.Count
	}
	return tries
}

// Of returns how many tries had an outcome of that grade.
func (h Histogram) Of(grade Grade) int {
	count := 0
	for _, o := range h {
		if o.Grade == grade {
			count += o.Count
		}
	}
	return count
}

// String returns a table with a line for each outcome.
func (h Histogram) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "outcome\thow often\tshare\t grade\t\n")
	for _, o := range h {
		fmt.Fprintf(w, "%s\t%s\t%s\t %v\t\n", o.Name, Grouped(o.Count), share(o.Count, h.Tries()), o.Grade)
	}
	w.Flush()
	// The last column is the only one that is aligned on the left.
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	lines[0] += "  what happened"
	for i, o := range h {
		lines[i+1] += "  " + o.Why
	}
	return strings.Join(lines, "\n") + "\n"
}

// share writes a part of a whole in percent, with as many digits as it takes to
// tell it from nothing and from everything.
func share(part, whole int) string {
	switch part {
	case 0:
		return "0 %"
	case whole:
		return "100 %"
	}
	for digits := 2; ; digits++ {
		text := fmt.Sprintf("%.*f %%", digits, 100*float64(part)/float64(whole))
		if strings.Trim(text, "0. %") != "" && !strings.HasPrefix(text, "100") {
			return text
		}
	}
}

// Grouped writes a number with commas.
func Grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// A Variant is a way to do what a case is about.
type Variant struct {
	Name string
	Note string // what the threads do, in a racy variant
	Racy bool   // it has a data race: run it in a process of its own
	run  func(v *Variant, tries int) Histogram
}

// Run makes that many tries, or a few more, and returns what came of them. A racy
// variant may also crash. Without tries it returns the outcomes that there can be.
func (v *Variant) Run(tries int) Histogram { return v.run(v, tries) }

// wrong is the grade of what must not happen.
func (v *Variant) wrong() Grade {
	if v.Racy {
		return Interesting
	}
	return Forbidden
}

// A Case is something that two threads do at once.
type Case struct {
	Name     string
	Question string // what the two do, and what one would like to know
	Variants []Variant
}

// Cases returns the cases. In each, the racy variants come first.
func Cases() []Case {
	return []Case{
		{"refcount", "A count is 3. Two threads take a reference at once (figure 4.1.2). Is it 5 then?", refcountVariants()},
		{"lost-update", "Two threads add 2 to one total, again and again (code 4.3). Is each step in the total?", loopVariants()},
		{"publication", "One thread makes an object and shows it to another. Does the other see what is in it?", publicationVariants()},
		{"dropped-task", "One thread puts tasks into a queue, two take them out. Does each task run once?", taskVariants()},
		{"two-flags", "Each thread raises its flag and looks at the other's. Can each see the other's down?", flagVariants()},
	}
}
