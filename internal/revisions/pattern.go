package revisions

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"boundaries/internal/gate"
)

// patterns are the alternatives of -bench, each of which is a list of expressions,
// one for each level of a benchmark's name, as package testing splits it.
type patterns [][]string

func parsePatterns(bench string) patterns {
	var all patterns
	for _, alternative := range split(bench, '|') {
		all = append(all, split(alternative, '/'))
	}
	return all
}

// CheckBench returns why package testing would refuse a value of -bench, or nil. It compiles
// each level by itself: Loop/* is a regular expression, but its second level, *, is not.
func CheckBench(bench string) error {
	for _, levels := range parsePatterns(bench) {
		for _, level := range levels {
			if _, err := regexp.Compile(level); err != nil {
				return err
			}
		}
	}
	return nil
}

// split splits an expression at a separator that is not in brackets.
func split(s string, separator byte) (parts []string) {
	square, round, start := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			square++
		case ']':
			square = max(0, square-1)
		case '(':
			if square == 0 {
				round++
			}
		case ')':
			if square == 0 {
				round--
			}
		case '\\':
			i++
		case separator:
			if square == 0 && round == 0 {
				parts = append(parts, s[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, s[start:])
}

// of returns the patterns that select only that top-level benchmark, and those of its
// sub-benchmarks that -bench selects. It returns none if -bench does not select it.
func (p patterns) of(bench string) (selected patterns) {
	for _, levels := range p {
		if matched, err := regexp.MatchString(levels[0], bench); err == nil && matched {
			selected = append(selected, append([]string{"^" + bench + "$"}, levels[1:]...))
		}
	}
	return selected
}

func (p patterns) String() string {
	var alternatives []string
	for _, levels := range p {
		alternatives = append(alternatives, strings.Join(levels, "/"))
	}
	return strings.Join(alternatives, "|")
}

// exactly returns the pattern that selects one row, and its top-level benchmark. Where rows
// run at one proc, too, a number that looks like one of procs may be the end of the
// benchmark's name.
func exactly(r gate.Row, allProcs []int) (pattern, bench string) {
	levels := strings.Split("Benchmark"+r.Name, "/")
	bench = levels[0]
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	if last := len(levels) - 1; last > 0 && r.Procs > 1 && slices.Contains(allProcs, 1) {
		levels[last] = strings.TrimSuffix(levels[last], "$") + "(-" + strconv.Itoa(r.Procs) + ")?$"
	}
	return strings.Join(levels, "/"), bench
}
