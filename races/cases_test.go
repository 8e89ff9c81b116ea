package races

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A raceCase is something that threads do at once. It has racy variants, and the
// safe variants of the suite that do the same.
type raceCase struct {
	name     string
	question string    // what part 2 of the tour asks; empty if the case is not there
	noun     string    // what the outcomes are of: steps, tasks, ...
	outcomes []outcome // the first is acceptable
	variants []variant
	demo     *demo // what part 3 shows of the case; nil if the case is not there
}

// cases returns all cases, in the order of the tour. It is a function because a
// child must not open anything before it knows that it is one.
func cases() []raceCase {
	return []raceCase{
		refcountCase(), loopCase(), publicationCase(), flagsCase(),
		objectCase(), workerpoolCase(), asyncioCase(), procsCase(),
	}
}

// A variant is one way to do what a case is about.
type variant struct {
	name  string
	note  string // what the threads do, if the variant is racy
	racy  bool   // it has a data race: run it in a child only
	run   job
	batch int // the most tries of a child in part 2; 0 means a million

	// reordered says that the interesting outcome takes a processor or a compiler
	// that changes the order of two writes.
	reordered bool
}

// A job makes n tries, or a few more, with that many threads, and returns how many
// tries had each outcome of its case.
type job func(workers, n int) (counts []int, err error)

// A grade says what an outcome means.
type grade int

const (
	acceptable  grade = iota // the outcome is right
	interesting              // only a data race leads there, so a safe variant must not have it
	forbidden                // something is broken
)

func (g grade) String() string {
	return [...]string{"acceptable", "interesting", "forbidden"}[g]
}

// An outcome is a possible result of a try.
type outcome struct {
	name  string
	grade grade
	why   string // what happened, in one line
}

// unit returns the unit of the share of tries that had the outcome.
func (o outcome) unit() string { return strings.ReplaceAll(o.name, " ", "-") + "/try" }

// most returns the most tries of a child in part 2.
func (v variant) most() int { return cmp.Or(v.batch, 1_000_000) }

// A histogram counts the outcomes of one variant's tries.
type histogram struct {
	raceCase
	racy   bool
	counts []int // by outcome
}

// histogram returns an empty histogram for a variant of the case.
func (c raceCase) histogram(v variant) histogram {
	return histogram{c, v.racy, make([]int, len(c.outcomes))}
}

// add adds the counts of more tries.
func (h histogram) add(counts []int) error {
	if len(counts) != len(h.counts) {
		return fmt.Errorf("%s counts %d outcomes, want %d", h.name, len(counts), len(h.counts))
	}
	if slices.Max(counts) == 0 {
		return fmt.Errorf("%s made no try", h.name)
	}
	for i, n := range counts {
		h.counts[i] += n
	}
	return nil
}

// grade returns the grade of an outcome of this variant.
func (h histogram) grade(i int) grade {
	if g := h.outcomes[i].grade; g != interesting || h.racy {
		return g
	}
	return forbidden
}

// tries returns how many tries there were.
func (h histogram) tries() int {
	return h.of(acceptable) + h.of(interesting) + h.of(forbidden)
}

// of returns how many tries had an outcome of that grade.
func (h histogram) of(g grade) (sum int) {
	for i, n := range h.counts {
		if h.grade(i) == g {
			sum += n
		}
	}
	return sum
}

// String returns a table with a line for each outcome.
func (h histogram) String() string {
	const format = "  %-9s  %11s  %12s  %-11s  %s\n"
	text := fmt.Sprintf(format, "outcome", "how often", "share", "grade", "what happened")
	for i, o := range h.outcomes {
		text += fmt.Sprintf(format, o.name, grouped(h.counts[i]), share(h.counts[i], h.tries()), h.grade(i), o.why)
	}
	return text
}

// line returns the histogram in one line, for a case whose only acceptable outcome
// is the first.
func (h histogram) line() string {
	if h.tries() == 1 {
		return h.outcomes[slices.Index(h.counts, 1)].why
	}
	text := fmt.Sprintf("%s %s: ", grouped(h.tries()), h.noun)
	if h.counts[0] == h.tries() {
		return text + "all " + h.outcomes[0].name
	}
	text += grouped(h.counts[0]) + " " + h.outcomes[0].name
	for i, o := range h.outcomes {
		if n := h.counts[i]; i > 0 && n > 0 {
			text += fmt.Sprintf(", %s %s (%s)", grouped(n), o.name, share(n, h.tries()))
		}
	}
	return text
}

// share writes a part of a whole in percent, with enough digits to tell it from 0
// and from 100.
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

// grouped writes a number with commas.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// named returns the row of a table that has that name.
func named[V any](table []V, nameOf func(V) string, name string) V {
	i := slices.IndexFunc(table, func(v V) bool { return nameOf(v) == name })
	if i < 0 {
		panic("races: no variant is named " + name)
	}
	return table[i]
}

// but returns the rows of a table except those with the given names. Each name must
// be in the table.
func but[V any](table []V, nameOf func(V) string, names ...string) []V {
	for _, name := range names {
		named(table, nameOf, name)
	}
	return slices.DeleteFunc(slices.Clone(table), func(v V) bool { return slices.Contains(names, nameOf(v)) })
}

func TestCases(t *testing.T) {
	roles := map[string]bool{}
	for _, c := range cases() {
		require.Equal(t, acceptable, c.outcomes[0].grade, c.name)
		require.True(t, c.question != "" || c.demo != nil, "%s is in no part of the tour", c.name)
		for _, o := range c.outcomes {
			require.NotEmpty(t, o.why, c.name)
		}
		racy := 0
		for _, v := range c.variants {
			role := c.name + "/" + v.name
			require.False(t, roles[role], "%s is there twice", role)
			roles[role] = true
			require.Equal(t, strings.HasPrefix(v.name, "racy"), v.racy, role)
			require.True(t, v.racy || v.note == "", role)
			if v.racy {
				racy++
			}
		}
		require.NotZero(t, racy, c.name)
		require.Less(t, racy, len(c.variants), "nothing mends %s", c.name)
	}
}

func TestHistogram(t *testing.T) {
	c := raceCase{noun: "steps", outcomes: []outcome{
		{"both", acceptable, "as it should be"},
		{"one", interesting, "the other is lost"},
		{"neither", forbidden, "that cannot be"},
	}}
	h := c.histogram(variant{racy: true})
	require.NoError(t, h.add([]int{1234567, 80, 0}))
	require.NoError(t, h.add([]int{0, 9, 0}))
	require.Error(t, h.add([]int{1, 2}))
	require.Error(t, h.add([]int{0, 0, 0}))
	require.Equal(t, ""+
		"  outcome      how often         share  grade        what happened\n"+
		"  both         1,234,567       99.99 %  acceptable   as it should be\n"+
		"  one                 89        0.01 %  interesting  the other is lost\n"+
		"  neither              0           0 %  forbidden    that cannot be\n", h.String())
	require.Equal(t, "1,234,656 steps: 1,234,567 both, 89 one (0.01 %)", h.line())
	require.Equal(t, 1234656, h.tries())
	require.Equal(t, 89, h.of(interesting))
	require.Zero(t, h.of(forbidden))

	safe := c.histogram(variant{})
	require.NoError(t, safe.add([]int{0, 1, 0}))
	require.Equal(t, 1, safe.of(forbidden), "a safe variant must not show what only a race leads to")
	require.Equal(t, "the other is lost", safe.line())
	all := c.histogram(variant{})
	require.NoError(t, all.add([]int{1000, 0, 0}))
	require.Equal(t, "1,000 steps: all both", all.line())
}

// A share never looks like nothing or everything when it is neither.
func TestShare(t *testing.T) {
	for _, test := range []struct {
		part, whole int
		want        string
	}{
		{0, 0, "0 %"}, {0, 7, "0 %"}, {7, 7, "100 %"}, {1, 3, "33.33 %"}, {2, 3, "66.67 %"},
		{1, 100_000, "0.001 %"}, {99_999, 100_000, "99.999 %"}, {999_999_999, 1_000_000_000, "99.9999999 %"}, {1, 1_000_000_000, "0.0000001 %"},
	} {
		require.Equal(t, test.want, share(test.part, test.whole))
	}
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 123456: "123,456", 10_000_384: "10,000,384"} {
		require.Equal(t, want, grouped(n))
	}
}

func TestNamed(t *testing.T) {
	table := []string{"serial", "gil", "private"}
	self := func(name string) string { return name }
	require.Equal(t, []string{"gil"}, but(table, self, "private", "serial"))
	require.Equal(t, []string{"serial", "gil", "private"}, table)
	require.Equal(t, "gil", named(table, self, "gil"))
	require.PanicsWithValue(t, "races: no variant is named spam", func() { but(table, self, "spam") })
}
