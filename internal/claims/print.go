package claims

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"boundaries/internal/benchfile"
	"boundaries/internal/command"
)

const width = 110

// Text has a line for each claim. If verbose, it also has the basis of each verdict.
func (r Report) Text(verbose bool) string {
	var text strings.Builder
	wrapped(&text, "", r.heading())
	for _, c := range r.claims {
		if verbose {
			fmt.Fprintf(&text, "\n%-4s %s: %s (%s)\n", c.id, c.verdict, c.says, c.where)
			for _, line := range c.details() {
				wrapped(&text, "     ", line)
			}
		} else {
			if c.id == r.claims[0].id {
				fmt.Fprintf(&text, "\n%-4s %-24s %-10s %-22s %s\n", "", "", "article", "here", "")
			}
			article, here := c.headline()
			fmt.Fprintf(&text, "%-4s %-24s %-10s %-22s %s\n", c.id, c.verdict, article, here, c.says)
		}
	}
	text.WriteString("\n")
	wrapped(&text, "", r.summary())
	if fill := r.fill(); fill != "" {
		fmt.Fprintf(&text, "\nTo measure again what is undecided or not measured, run this on the same machine, in the root of the suite:\n\n%s\n", fill)
	}
	return text.String()
}

// wrapped writes the text in lines of at most width, each indented.
func wrapped(w *strings.Builder, indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			fmt.Fprintln(w, line)
			line = indent + "  "
		} else if line != indent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}

// Markdown has a table that fits a phone, and below it the details, folded.
func (r Report) Markdown() string {
	escape := strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace
	var text strings.Builder
	text.WriteString(escape(r.heading()) + "\n\n" + r.summary() + "\n\n| | verdict | article | here | the claim |\n|---|---|---|---|---|\n")
	for _, l := range r.Lines() {
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", l.ID, l.Verdict, l.Article, l.Here, escape(l.Says))
	}
	for _, c := range r.claims {
		fmt.Fprintf(&text, "\n<details><summary>%s, %s: %s</summary>\n\n", c.id, c.where, c.verdict)
		for _, line := range c.details() {
			fmt.Fprintf(&text, "* %s\n", escape(line))
		}
		text.WriteString("\n</details>\n")
	}
	if fill := r.fill(); fill != "" {
		fmt.Fprintf(&text, "\nTo measure again what is undecided or not measured, run this on the same machine, in the root of the suite:\n\n    %s\n", fill)
	}
	return text.String()
}

func (r Report) heading() string {
	m := r.input
	if len(m.files) == 0 {
		return "The claims of the article, not compared with anything."
	}
	heading := fmt.Sprintf("The claims of the article, compared with %s, measured on %s.", strings.Join(m.files, ", "), m.machine)
	if share := m.share(); share != 0 && share < 0.9 {
		heading += fmt.Sprintf(" The machine was busy: rows that only compute had %.2f of a processor. Measure again when it is quiet.", share)
	}
	return strings.Join(append([]string{heading}, m.unusual...), " ")
}

func (r Report) summary() string {
	n := map[string]int{}
	for _, c := range r.claims {
		n[c.verdict]++
	}
	text := fmt.Sprintf("%d reproduced, %d reproduced in direction only, %d not reproduced, %d undecided, %d not measured.",
		n[reproduced], n[inDirection], n[notReproduced], n[undecided], n[notMeasured])
	var others []string
	for _, verdict := range []string{anyMachine, byConstruction, corrected, notMeasurable} {
		if n[verdict] > 0 {
			others = append(others, fmt.Sprintf("%d %s", n[verdict], verdict))
		}
	}
	if others != nil {
		text += " Not counted: " + strings.Join(others, ", ") + "."
	}
	if problems := len(r.input.problems); problems > 0 {
		text += fmt.Sprintf(" Problems with the input, on standard error: %d.", problems)
	}
	return text
}

// fill returns one command that measures every row that a verdict lacks and that this
// machine can measure.
func (r Report) fill() string {
	var cells []cell
	for _, c := range r.claims {
		if !open(c.verdict) {
			continue
		}
		for _, f := range c.figures {
			if f.decides && open(f.verdict) && !f.elsewhere {
				cells = append(cells, f.missing...)
			}
		}
	}
	if len(cells) == 0 {
		return ""
	}
	more := "more.txt"
	for i := 2; slices.Contains(r.input.files, more); i++ {
		more = fmt.Sprintf("more-%d.txt", i)
	}
	files := ""
	for _, name := range r.input.files {
		if name == benchfile.StandardInput {
			name = "FILE"
		}
		files += command.Quote(name) + " "
	}
	return fmt.Sprintf("{ %s; } > %s; go tool boundaries claims %s%[2]s", measure(cells, nil), more, files)
}

// headline returns the figures that stand for the claim: those of the first figure
// that has the claim's verdict.
func (c claimReport) headline() (article, here string) {
	for _, f := range c.figures {
		if f.decides && (f.verdict == c.verdict || c.verdict == anyMachine) {
			if !f.present {
				return f.article, "-"
			}
			return f.article, f.here()
		}
	}
	return "", ""
}

// details returns the basis of the verdict, one line for each figure.
func (c claimReport) details() []string {
	var lines []string
	for _, f := range c.figures {
		if !f.decides && !f.present {
			continue
		}
		line := "here: no figure"
		if f.present {
			line = fmt.Sprintf("here: %s, %s", f.here(), rounds(f.estimate.rounds))
		}
		if f.verdict != "" {
			line = "article: " + f.article + ", " + line
		}
		if f.label != "" {
			line = f.label + ", " + line
		}
		if !f.decides {
			line = "beside it: " + line
		}
		if f.note != "" {
			line += " (" + f.note + ")"
		}
		if f.verdict != "" {
			line += ": " + f.verdict
		}
		line += " [" + f.rows
		if f.holds != "" {
			line += "; holds " + f.holds
		}
		lines = append(lines, line+"]")
	}
	why := "Why: " + c.why + "."
	if c.verdict != c.expect {
		why = "Expected: " + c.expect + ". " + why
	}
	return append(lines, why)
}

// here is the figure of this machine, with its interval.
func (f figureReport) here() string {
	e, unit, short := f.estimate, "", short
	if f.unit != "" {
		unit = " " + f.unit
	}
	if f.unit == threads {
		unit, short = "", func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	}
	if center, ok := finite(e.center, short); !ok {
		return center + short(e.lo) + " or more"
	} else if !e.interval {
		return center + unit
	} else if hi, ok := finite(e.hi, short); !ok {
		return center + unit + " [" + short(e.lo) + " or more]"
	} else {
		return center + unit + " [" + short(e.lo) + ", " + hi + "]"
	}
}

func finite(v float64, short func(float64) string) (text string, ok bool) {
	if v > 1e300 {
		return "", false
	}
	return short(v), true
}

// short formats a figure with its significant digits.
func short(v float64) string {
	if v < 0.001 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	for _, digits := range []struct {
		below float64
		prec  int
	}{{0.01, 4}, {0.1, 3}, {10, 2}, {100, 1}} {
		if v < digits.below {
			return strconv.FormatFloat(v, 'f', digits.prec, 64)
		}
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// A Line is the line of one claim in a table.
type Line struct {
	ID, Where, Says string // as in the article
	Article         string // its figure, if it has one
	Here            string // the figure of the files, with its interval
	Verdict         string
}

// Lines returns the claims in order.
func (r Report) Lines() []Line {
	var lines []Line
	for _, c := range r.claims {
		article, here := c.headline()
		lines = append(lines, Line{c.id, c.where, c.says, article, here, c.verdict})
	}
	return lines
}
