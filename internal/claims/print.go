package claims

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// cellsOf returns the cells of the claims of those ids, or of all.
func cellsOf(ids []string) []cell {
	var cells []cell
	for _, c := range claims {
		if len(ids) > 0 && !slices.Contains(ids, c.id) {
			continue
		}
		for _, f := range c.figures {
			cells = append(cells, f.num...)
			cells = append(cells, f.den...)
		}
	}
	return cells
}

const width = 110

func writeText(w io.Writer, r report) error {
	var text strings.Builder
	wrapped(&text, "", r.heading())
	for _, c := range r.Claims {
		fmt.Fprintf(&text, "\n%-4s %-24s %s (%s)\n", c.ID, c.Verdict, c.Says, c.Where)
		for _, f := range c.Figures {
			if !f.Decides && !f.present() {
				continue
			}
			line := "here: " + f.here()
			if f.Verdict != "" {
				line = "article: " + f.Article + ", " + line
			}
			if f.Label != "" {
				line = f.Label + ", " + line
			}
			if !f.Decides {
				line = "beside it, " + line
			}
			if f.Verdict != "" && c.judged() > 1 {
				line += ": " + f.Verdict
			}
			wrapped(&text, "     ", line)
			if f.present() {
				wrapped(&text, "       ", f.basis())
			}
			if f.Measure != "" {
				wrapped(&text, "       ", f.Measure)
			}
		}
		if reason := c.reason(); reason != "" {
			wrapped(&text, "     ", reason)
		}
	}
	text.WriteString("\n")
	wrapped(&text, "", r.summary())
	_, err := io.WriteString(w, text.String())
	return err
}

// wrapped writes the text in lines of at most width, each indented. Commands stay
// on one line, to be copied.
func wrapped(w *strings.Builder, indent, text string) {
	if strings.HasPrefix(text, "go test ") || strings.HasPrefix(text, "make ") || strings.HasPrefix(text, "there: ") {
		fmt.Fprintf(w, "%s%s\n", indent, text)
		return
	}
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			fmt.Fprintln(w, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}

func writeMarkdown(w io.Writer, r report) error {
	var text strings.Builder
	text.WriteString(r.heading() + "\n\n| claim | the article | its figure | here | verdict |\n|---|---|---|---|---|\n")
	escape := strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace
	for _, c := range r.Claims {
		var article, here []string
		for _, f := range c.Figures {
			if !f.Decides && !f.present() {
				continue
			}
			label := f.Label
			if label != "" {
				label += ": "
			}
			line := escape(label + f.here())
			if f.Verdict != "" && c.judged() > 1 {
				line += ": " + f.Verdict
			}
			if f.present() {
				line += "<br>`" + f.basis() + "`"
			}
			if f.Measure != "" {
				line += "<br>`" + strings.ReplaceAll(f.Measure, "|", `\|`) + "`"
			}
			here = append(here, line)
			if f.Verdict != "" && !slices.Contains(article, f.Article) {
				article = append(article, f.Article)
			}
		}
		verdict := "**" + c.Verdict + "**"
		if reason := c.reason(); reason != "" {
			verdict += ": " + escape(strings.TrimPrefix(reason, "why: "))
		}
		fmt.Fprintf(&text, "| %s | %s (%s) | %s | %s | %s |\n", c.ID, escape(c.Says), escape(c.Where),
			escape(strings.Join(article, ", ")), strings.Join(here, "<br>"), verdict)
	}
	text.WriteString("\n" + r.summary() + "\n")
	_, err := io.WriteString(w, text.String())
	return err
}

func (r report) heading() string {
	machine := fmt.Sprintf("%s/%s, %s, ", r.Machine.GOOS, r.Machine.GOARCH, r.Machine.CPU)
	switch r.Machine.NumCPU {
	case 0:
		machine += "an unknown number of processors"
	case 1:
		machine += "1 processor"
	default:
		machine += fmt.Sprintf("%d processors", r.Machine.NumCPU)
	}
	if r.Machine.GOOS == "" {
		machine = "a machine that the files do not name"
	}
	heading := fmt.Sprintf("The claims of the article, held against %s, measured on %s.", strings.Join(r.Files, ", "), machine)
	if share := r.Machine.Share; share != nil && *share < 0.9 {
		heading += fmt.Sprintf(" The machine was busy: rows that only compute had %.2f of a processor. Measure again when it is quiet.", *share)
	}
	return heading
}

func (r report) summary() string {
	n := r.Summary
	text := fmt.Sprintf("%d reproduced (%d of them in direction only), %d not reproduced, %d not measured, %d by construction, %d corrected, %d not measurable",
		n[reproduced]+n[inDirection], n[inDirection], n[notReproduced], n[notMeasured], n[byConstruction], n[corrected], n[notMeasurable])
	if len(r.Problems) > 0 {
		text += fmt.Sprintf("; something is wrong with the input in %d places, see standard error", len(r.Problems))
	}
	return text
}

// reason says why the verdict is what it is, where that is not plain.
func (c claimReport) reason() string {
	switch {
	case c.Verdict == c.Expected && c.Verdict != reproduced:
		return "why: " + c.Why
	case c.Verdict == c.Expected, c.Verdict == notMeasured, c.Verdict == reproduced && c.Expected == inDirection:
		return ""
	}
	return "expected: " + c.Expected + ", because " + c.Why
}

// present reports whether the rows of the figure were there.
func (f figureReport) present() bool { return f.Value != nil || f.Low != nil }

// judged returns how many figures have a verdict, of those that are shown.
func (c claimReport) judged() int {
	n := 0
	for _, f := range c.Figures {
		if f.Verdict != "" && (f.Decides || f.present()) {
			n++
		}
	}
	return n
}

// basis says what the figure and its verdict are based on.
func (f figureReport) basis() string {
	if f.Holds == "" {
		return f.Rows
	}
	return f.Rows + ", holds " + f.Holds
}

// here is the figure of this machine, with its interval.
func (f figureReport) here() string {
	text, unit, short := "no figure", "", short
	if f.Unit != "" {
		unit = " " + f.Unit
	}
	if f.Unit == threads {
		short = func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	}
	switch {
	case f.Value == nil && f.Low != nil:
		text = "at least " + short(*f.Low) + unit
	case f.Value != nil && f.Low != nil && f.High == nil:
		text = short(*f.Value) + unit + " [" + short(*f.Low) + " or more]"
	case f.Value != nil && f.Low != nil:
		text = short(*f.Value) + unit + " [" + short(*f.Low) + ", " + short(*f.High) + "]"
	case f.Value != nil:
		text = short(*f.Value) + unit
	}
	var remarks []string
	if f.Rounds > 0 {
		remarks = append(remarks, rounds(f.Rounds))
	}
	if f.Note != "" {
		remarks = append(remarks, f.Note)
	}
	return text + " (" + strings.Join(remarks, ", ") + ")"
}

// short is a figure with the digits that mean something.
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
