package claims

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const width = 110

// Text writes a line for each claim and, if verbose, the basis of each verdict.
func (r Report) Text(w io.Writer, verbose bool) error {
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
		fmt.Fprintf(&text, "\nThis measures what is missing:\n\n%s\n", fill)
	}
	_, err := io.WriteString(w, text.String())
	return err
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

// Markdown writes a table that fits a phone, and below it the details, folded.
func (r Report) Markdown(w io.Writer) error {
	var text strings.Builder
	text.WriteString(r.heading() + "\n\n" + r.summary() + "\n\n| | verdict | article | here | the claim |\n|---|---|---|---|---|\n")
	escape := strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace
	for _, c := range r.claims {
		article, here := c.headline()
		fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", c.id, c.verdict, article, here, escape(c.says))
	}
	for _, c := range r.claims {
		fmt.Fprintf(&text, "\n<details><summary>%s, %s: %s</summary>\n\n", c.id, c.where, c.verdict)
		for _, line := range c.details() {
			fmt.Fprintf(&text, "* %s\n", escape(line))
		}
		text.WriteString("\n</details>\n")
	}
	if fill := r.fill(); fill != "" {
		fmt.Fprintf(&text, "\nThis measures what is missing:\n\n    %s\n", fill)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (r Report) heading() string {
	m := r.results
	if len(m.files) == 0 {
		return "The claims of the article, not compared with anything."
	}
	processors := fmt.Sprintf("%d processors", m.numCPU)
	switch m.numCPU {
	case 0:
		processors = "an unknown number of processors"
	case 1:
		processors = "1 processor"
	}
	machine := "a machine that the files do not name"
	if m.machine["goos"] != "" {
		machine = strings.TrimSuffix(m.machine["goos"]+"/"+m.machine["goarch"]+", "+m.machine["cpu"], ", ") + ", " + processors
	}
	heading := fmt.Sprintf("The claims of the article, compared with %s, measured on %s.", strings.Join(m.files, ", "), machine)
	if share := m.share(); share != 0 && share < 0.9 {
		heading += fmt.Sprintf(" The machine was busy: rows that only compute had %.2f of a processor. Measure again when it is quiet.", share)
	}
	return heading
}

func (r Report) summary() string {
	n := map[string]int{}
	for _, c := range r.claims {
		n[c.verdict]++
	}
	text := fmt.Sprintf("%d reproduced, %d reproduced in direction only, %d not reproduced, %d not measured.",
		n[reproduced], n[inDirection], n[notReproduced], n[notMeasured])
	var others []string
	for _, verdict := range []string{anyMachine, byConstruction, corrected, notMeasurable} {
		if n[verdict] > 0 {
			others = append(others, fmt.Sprintf("%d %s", n[verdict], verdict))
		}
	}
	if others != nil {
		text += " Not counted: " + strings.Join(others, ", ") + "."
	}
	if problems := len(r.results.problems); problems > 0 {
		text += fmt.Sprintf(" Problems with the input, on standard error: %d.", problems)
	}
	return text
}

// fill returns one command that measures everything that a verdict lacks and this
// machine can measure.
func (r Report) fill() string {
	var cells []cell
	for _, c := range r.claims {
		if c.verdict != notMeasured {
			continue
		}
		for _, f := range c.figures {
			if f.decides && f.verdict == notMeasured && !f.elsewhere {
				cells = append(cells, f.missing...)
			}
		}
	}
	if len(cells) == 0 {
		return ""
	}
	files := append(slices.Clone(r.results.files), "more.txt")
	return fmt.Sprintf("{ %s; } > more.txt; go tool boundaries claims %s", measure(cells, nil), strings.Join(files, " "))
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
	if v == 0 {
		return "0"
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
