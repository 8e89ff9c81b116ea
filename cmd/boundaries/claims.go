package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const claimsUsage = `Usage: boundaries claims [flags] FILE...

Claims reads benchmark output, of one machine, and holds the claims of the
article against it. A FILE of "-" is standard input. Files are put together, so
that rows of Go and of Python can be compared.

Each claim gets a verdict:

  reproduced               the article's figure, within a factor of 1.5 or what
                           is said at the claim
  reproduced in direction  slower where it says slower, but not as much, or more
  not reproduced           why is said
  not measured             what would measure it is said
  by construction, corrected, not measurable
                           no figure decides it; why is said

A figure is a ratio of rows, the median over the rounds, followed by its 95 %
interval, for which there must be 6 rounds. The verdict is that of the whole
interval: if it reaches over an edge, the claim is not measured. Columns of more
procs than the machine has processors are not judged, or the line says so.

Formats: text, markdown, csv (a line for each figure), and json:

  files, problems         what was read, and what is wrong with it
  machine                 goos, goarch, cpu, numcpu (0 if no file says), share: how
                          much of a processor those rows had that only compute
  claims[]                id, where and says (the article), verdict, expected and
                          why, figures[]
  claims[].figures[]      label; decides: has a part in the claim's verdict;
                          article; rows: how it is made of them; unit; holds: for
                          what values the claim does; value, low and high: null
                          where there is none, and high alone is null where the
                          figure is low or more; rounds; procs; oversubscribed;
                          verdict: empty if it is not judged; note; measure: the
                          command that would
  summary                 verdict to number of claims

The exit status is 0 whatever the verdicts are, 1 when a file has a FAIL or a
line that cannot be read (the rest is judged), and 2 when nothing can be said.

`

func claimsVerb(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	err := runClaims(ctx, args, stdout)
	var each problems
	if errors.As(err, &each) {
		for i := range each {
			each[i] = fmt.Errorf("claims: %w", each[i])
		}
		return each
	} else if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	return nil
}

func runClaims(ctx context.Context, args []string, stdout io.Writer) error {
	write, rows := writeText, false
	var ids []string
	flags := flag.NewFlagSet("claims", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run reports the error, on one line
	flags.Func("claim", "judge only the claims of `list`, such as C4,C5", func(s string) error {
		ids = strings.Split(s, ",")
		for i, id := range ids {
			ids[i] = strings.ToUpper(strings.TrimSpace(id))
			if !slices.ContainsFunc(claims, func(c claim) bool { return c.id == ids[i] }) {
				return fmt.Errorf("want ids from %s to %s, separated by commas", claims[0].id, claims[len(claims)-1].id)
			}
		}
		return nil
	})
	flags.Func("format", "print `text`, markdown, json or csv (default text)", func(s string) (err error) {
		var ok bool
		if write, ok = formats[s]; !ok {
			return errors.New("want text, markdown, json or csv")
		}
		return nil
	})
	flags.BoolVar(&rows, "rows", false, "read nothing, and print the -bench of go test that selects the rows needed")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		var text strings.Builder
		text.WriteString(claimsUsage)
		flags.SetOutput(&text)
		flags.PrintDefaults()
		_, err := io.WriteString(stdout, text.String())
		return err
	} else if err != nil {
		return badInput(`%w ("boundaries claims -h" lists the flags)`, err)
	}
	if rows {
		_, err := fmt.Fprintln(stdout, pattern(cellsOf(ids)))
		return err
	}
	if flags.NArg() == 0 {
		return badInput(`want a FILE of benchmark output, or - for standard input ("boundaries claims -h" says more)`)
	}
	for _, name := range flags.Args() {
		if len(name) > 1 && name[0] == '-' {
			return badInput("want flags before files, but got %q after %q", name, flags.Arg(0))
		}
	}
	m, err := readFiles(ctx, flags.Args())
	if err != nil {
		return err
	}
	needed := cellsOf(ids)
	if len(needed) > 0 && !slices.ContainsFunc(needed, func(c cell) bool { return len(m.pythonsOrRow(c.row)) > 0 }) {
		return badInput("%s: no row that a claim needs (go test -bench '%s' -cpu 1,2 measures them)", strings.Join(m.files, ", "), pattern(needed))
	}
	var text strings.Builder
	if err := write(&text, judge(m, ids)); err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return err
	}
	if len(m.problems) > 0 {
		return m.problems
	}
	return nil
}

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

var formats = map[string]func(io.Writer, report) error{
	"text": writeText, "markdown": writeMarkdown, "json": writeJSON, "csv": writeCSV,
}

func writeJSON(w io.Writer, r report) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func writeCSV(w io.Writer, r report) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"id", "where", "says", "verdict", "expected", "label", "decides", "article", "rows", "unit", "holds",
		"value", "low", "high", "rounds", "procs", "oversubscribed", "figure_verdict", "note", "measure"})
	for _, claim := range r.Claims {
		first := []string{claim.ID, claim.Where, claim.Says, claim.Verdict, claim.Expected}
		for _, f := range claim.Figures {
			_ = c.Write(append(slices.Clone(first), f.Label, strconv.FormatBool(f.Decides), f.Article, f.Rows, f.Unit, f.Holds,
				exact(f.Value), exact(f.Low), exact(f.High), strconv.Itoa(f.Rounds), strconv.Itoa(f.Procs),
				strconv.FormatBool(f.Oversubscribed), f.Verdict, f.Note, f.Measure))
		}
		if len(claim.Figures) == 0 {
			_ = c.Write(append(first, make([]string, 15)...))
		}
	}
	c.Flush()
	return c.Error()
}

func exact(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', 6, 64)
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
