package lockmap

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"boundaries/contention"
	"boundaries/contention/config"
	"boundaries/contention/counter"
	"boundaries/internal/benchfile"
)

// A question is a line of docs/which.md. It is about one case, or about the values
// of one dial if along names it.
type question struct {
	text  string
	shape string
	set   func(c *contention.Case)
	along string

	// than names two variants, for a question of this kind: from which value of the
	// dial on is the first variant cheaper than the second? Without it, the question is which
	// variant is cheapest at each value.
	than [2]string
}

const us = time.Microsecond

var questions = []question{
	{text: "Reads only, as short as can be", shape: "record", set: func(c *contention.Case) { c.Read = 100 }},
	{text: "Mostly reads (95 %), as short as can be", shape: "record", set: func(c *contention.Case) { c.Read = 95 }},
	{text: "Mutex or RWMutex, at 95 % reads?", shape: "record", set: func(c *contention.Case) { c.Read = 95 },
		along: "hold", than: [2]string{"rw-mutex", plainMutex}},
	{text: "Updates only, as short as can be", shape: "record", set: func(c *contention.Case) { c.Read = 0 }},
	{text: "Updates only, each holding for 10 us", shape: "record", set: func(c *contention.Case) { c.Read, c.Hold = 0, 10*us }},
	{text: "Work of 10 us between updates of 100 ns", shape: "record", set: func(c *contention.Case) { c.Read, c.Hold, c.Think = 0, 100, 10*us }},
	{text: "16 goroutines a proc, 95 % reads of 1 us", shape: "record", set: func(c *contention.Case) { c.Hold, c.Goroutines = us, 16 }},
	{text: "64 records, some popular, 95 % reads", shape: "record", set: func(c *contention.Case) { c.Records, c.Skew = 64, "zipf" }},
	{text: "A counter, by the percentage of reads", shape: "counter", set: func(*contention.Case) {}, along: "read"},
	{text: "A configuration of 1,000 keys, 99 % reads", shape: "map", set: func(*contention.Case) {}},
}

var defaults = map[string]contention.Case{"record": contention.Default, "counter": counter.Default, "map": config.Default}

// WriteWhich writes docs/which.md: ten questions, each with the answer that the rows
// give at as many procs as the machine has processors, or at the largest measured
// number below that.
func WriteWhich(w io.Writer, r *Results) error {
	procs := 0
	for cell := range r.cells {
		if cell.Procs > procs && !r.machine.Oversubscribed(cell.Procs) {
			procs = cell.Procs
		}
	}
	if procs == 0 {
		return fmt.Errorf("all rows are of more procs than the %d processors there are: want some of %[1]d or fewer", r.machine.NumCPU())
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# Which should I use?\n\n"+
		"<!-- Made by \"boundaries map -format which\" from the files that it links to. Regenerate it; do not edit it. -->\n\n")
	fmt.Fprintf(&text, "Package [contention](../contention/contention.go) measured these on %s. A time is the median of ns/op at %d procs. A factor such as 1.23x is the time of the second variant, or of one sync.Mutex (`%s`), divided by that of the cheapest. "+
		"\"About as cheap\" means that the 95 %% intervals overlap.\n\n", describe(r.machine), procs, plainMutex)
	var table strings.Builder
	var used []Ranking
	for _, q := range questions {
		all := r.rankings(q, procs)
		answer, link := answer(q, all)
		fmt.Fprintf(&table, "| %s | %s | %s |\n", q.text, answer, link)
		for _, one := range all {
			// Two questions may be about one case.
			if !slices.ContainsFunc(used, func(r Ranking) bool { return r.Cell == one.Cell }) {
				used = append(used, one)
			}
		}
	}
	if times := mutexTimes(used); times > 0 {
		where := ""
		if slices.ContainsFunc(used, func(r Ranking) bool { _, ok := r.entry(plainMutex); return !ok }) {
			where = " that have a row of it,"
		}
		fmt.Fprintf(&text, "**Start with one sync.Mutex.** In the cases below%s it takes at most %.3g times as long as the cheapest variant. Take another where a profile of your program says that the lock costs too much.\n\n", where, times)
	}
	fmt.Fprintf(&text, "| your case | cheapest here | rows |\n|---|---|---|\n%s", table.String())
	for _, note := range append(notes(used...), r.about...) {
		text.WriteString("\n" + note + "\n")
	}
	text.WriteString(travels)
	writeVariants(&text)
	_, err := io.WriteString(w, text.String())
	return err
}

const travels = `
For your own case, with your own hold time and share of reads:

    go test -bench . -cpu 1,2 -count 6 ./contention -args -hold 300ns -read 95 | tee mine.txt
    go tool boundaries map mine.txt

## What does not hold on other machines

* Nanoseconds and crossing points. They depend on the time that a cache line takes from one processor to another, which
  is longer between sockets than between cores, and grows with the number of processors. Measure them where the program runs.
* The number of processors. A lock that two processors share without harm may collapse under sixteen, and a
  striped structure gains with each processor. Nothing here is extrapolated.
* The tails. A host takes processors away from a virtual machine for milliseconds, and every p99 and longest wait includes that.

What does hold: which variants write a shared cache line to read (channel, and every mutex except those of
big-reader-lock); that long updates of one thing take turns under any discipline; that the choice hardly matters where
goroutines mostly do something else; and what each variant forbids.
`

// mutexTimes returns how many times as long as the cheapest variant one sync.Mutex takes,
// in the case where that is most, or 0 if no case has a row of it.
func mutexTimes(all []Ranking) (most float64) {
	for _, r := range all {
		if mutex, ok := r.entry(plainMutex); ok && r.Choices[0].Cost.Median > 0 {
			most = max(most, mutex.Cost.Median/r.Choices[0].Cost.Median)
		}
	}
	return most
}

// writeVariants writes what the names of the table mean. The texts come from package
// contention, and not from the rows.
func writeVariants(text *strings.Builder) {
	text.WriteString("\n## The variants\n\n| shared | variant | what it is | what it forbids |\n|---|---|---|---|\n")
	for _, shape := range []struct {
		shared   string
		variants []contention.Variant
	}{{"records", contention.Variants}, {"a counter", counter.Variants}, {"a map", config.Variants}} {
		for _, v := range shape.variants {
			if !v.Reference {
				fmt.Fprintf(text, "| %s | `%s` | %s | %s |\n", shape.shared, v.Name, v.Is, v.Forbids)
			}
		}
	}
}

// describe names the machine and what ran on it.
func describe(m benchfile.Machine) string {
	parts := []string{cmp.Or(m.Keys["cpu"], "a processor without a name")}
	if n := m.NumCPU(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d processors", n))
	}
	for _, fact := range []string{m.Keys["goos"] + "/" + m.Keys["goarch"], m.Fact("go")} {
		if len(fact) > 1 {
			parts = append(parts, fact)
		}
	}
	if kernel := m.Fact("kernel"); kernel != "" {
		parts = append(parts, "kernel "+kernel)
	}
	if date, _, ok := strings.Cut(m.Fact("date"), "T"); ok {
		parts = append(parts, date)
	}
	return strings.Join(parts, ", ")
}

// rankings returns those of the measured cells that a question is about.
func (r *Results) rankings(q question, procs int) []Ranking {
	cell := Cell{q.shape, defaults[q.shape], procs}
	q.set(&cell.Case)
	all := []Ranking{r.rank(cell, "ns/op")}
	if q.along != "" {
		dial, _ := DialOf(q.along)
		all = nil
		for _, other := range r.sorted() {
			if same(cell, other, dial) {
				all = append(all, r.rank(other, "ns/op"))
			}
		}
	}
	return slices.DeleteFunc(all, func(r Ranking) bool { return len(r.Choices) == 0 })
}

func answer(q question, all []Ranking) (answer, link string) {
	if len(all) == 0 {
		return "not measured: `go test -bench . ./contention`", "none"
	}
	first := all[0].Choices[0]
	link = fmt.Sprintf("[line %d](%s#L%d)", first.line, strings.TrimPrefix(filepath.ToSlash(first.file), "docs/"), first.line)
	switch {
	case q.along == "":
		return summary(all[0]), link
	case q.than[0] == "":
		return cheapestAlong(all, q.along), link
	}
	return crossing(all, q), link
}

// same reports whether two cells differ in no dial but one.
func same(a, b Cell, but Dial) bool {
	for _, d := range Dials {
		if d.Name != but.Name && d.text(a) != d.text(b) {
			return false
		}
	}
	return true
}

// summary is the text of a cell of the table. Where rounds are too few for an interval,
// it is the order of the medians.
func summary(r Ranking) string {
	first := r.Choices[0]
	text := "`" + first.Variant + "`, " + format(first.Cost.Median, r.Unit)
	if len(r.Choices) == 1 {
		text = "only " + text
	}
	few := r.few()
	var cheap []string
	var next *Entry
	for i, e := range r.Choices[1:] {
		switch {
		case few:
			text += "; `" + e.Variant + "` " + times(e, first)
		case e.Tied:
			cheap = append(cheap, "`"+e.Variant+"`")
		case next == nil:
			next = &r.Choices[i+1]
		}
	}
	if few {
		text += "; too few rounds for an interval"
	}
	if cheap != nil {
		text += "; about as cheap: " + strings.Join(cheap, ", ")
	}
	if next != nil {
		text += "; then `" + next.Variant + "` " + times(*next, first)
	}
	if mutex, ok := r.entry(plainMutex); ok && !few && first.Variant != plainMutex && (next == nil || next.Variant != plainMutex) && !mutex.Tied {
		text += "; `" + plainMutex + "` " + times(mutex, first)
	}
	if len(r.NotMeasured) > 0 {
		text += "; not measured: `" + strings.Join(r.NotMeasured, "`, `") + "`"
	}
	return text
}

// cheapestAlong is the summary at each value of the dial.
func cheapestAlong(all []Ranking, along string) string {
	dial, _ := DialOf(along)
	var parts []string
	for _, r := range all {
		parts = append(parts, fmt.Sprintf("%s %s: %s", along, dial.text(r.Cell), summary(r)))
	}
	return strings.Join(parts, ". ")
}

// crossing says at which values of the dial one variant is surely cheaper than
// another, and at which it is surely more expensive. It says nothing about the
// values between two measured ones.
func crossing(all []Ranking, q question) string {
	dial, _ := DialOf(q.along)
	var cheaper, costlier, open, few, lacking []string
	for _, r := range all {
		a, okA := r.entry(q.than[0])
		b, okB := r.entry(q.than[1])
		value := dial.text(r.Cell)
		switch {
		case !okA || !okB:
			lacking = append(lacking, value)
		case !a.Cost.hasInterval() || !b.Cost.hasInterval():
			few = append(few, value)
		case a.Cost.High < b.Cost.Low:
			cheaper = append(cheaper, fmt.Sprintf("%s (%s)", value, times(b, a)))
		case b.Cost.High < a.Cost.Low:
			costlier = append(costlier, fmt.Sprintf("%s (%s)", value, times(a, b)))
		default:
			open = append(open, value)
		}
	}
	var parts []string
	for _, part := range []struct {
		text   string
		values []string
	}{
		{"`" + q.than[0] + "` is cheaper at", cheaper},
		{"`" + q.than[1] + "` is cheaper at", costlier},
		{"undecided at", open},
		{"too few rounds for an interval at", few},
		{"not both measured at", lacking},
	} {
		if len(part.values) > 0 {
			parts = append(parts, part.text+" "+q.along+" "+strings.Join(part.values, ", "))
		}
	}
	return strings.Join(parts, "; ")
}
