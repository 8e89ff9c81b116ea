package gate

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchunit"

	"boundaries/internal/command"
)

// A Report is a decision with what its reader must know of it.
type Report struct {
	*Decision
	Base, Head string   // the sides, described for people
	Machine    string   // the machine on which both were measured
	Command    string   // the command that repeats the comparison
	Rounds     int      // how many each stage had
	Seeds      string   // the seeds of the order and the layouts
	Notes      []string // facts that a reader would not expect
	Unreached  []string // changed packages that no benchmark reaches
	Partial    string   // why the comparison did not end, or ""
	Files      bool     // the sides are files, so there was no second stage
	Equal      string   // why there was nothing to measure, or ""
}

// of returns the results with one of those verdicts.
func (d *Decision) of(verdicts ...Verdict) []Result {
	var results []Result
	for _, r := range d.Results {
		if slices.Contains(verdicts, r.Verdict) {
			results = append(results, r)
		}
	}
	return results
}

// rows counts the rows of the results.
func rows(results []Result) int {
	seen := map[Row]bool{}
	for _, r := range results {
		seen[r.Row] = true
	}
	return len(seen)
}

// Regressions returns how many rows have a regression.
func (d *Decision) Regressions() int { return rows(d.of(Regression)) }

// Undecided returns how many rows without a regression are undecided in some unit.
func (d *Decision) Undecided() int { return rows(d.undecided()) }

// undecided returns the undecided results of rows without a regression.
func (d *Decision) undecided() []Result {
	regressed := map[Row]bool{}
	for _, r := range d.of(Regression) {
		regressed[r.Row] = true
	}
	return slices.DeleteFunc(d.of(Undecided), func(r Result) bool { return regressed[r.Row] })
}

// Compared reports whether any value could be compared.
func (d *Decision) Compared() bool {
	return slices.ContainsFunc(d.Results, func(r Result) bool { return r.Verdict != Unjudged })
}

// Summary is the last line of the text: what was decided, and what was not.
func (r *Report) Summary() string {
	if r.Partial != "" {
		return "partial: " + r.Partial + "; nothing is decided"
	}
	if r.Equal != "" {
		return r.Equal
	}
	if len(r.Results) > 0 && !r.Compared() {
		return "nothing could be compared: every unit that both sides have has a value below 0, and so no ratio"
	}
	if !r.Compared() {
		return fmt.Sprintf("nothing could be compared: no row has a unit on both sides (rows only in base: %d, only in head: %d)", len(r.Removed), len(r.Added))
	}
	text := ""
	if n := r.Regressions(); n > 0 {
		text = plural(n, "row") + " of " + strconv.Itoa(len(r.Rows)) + map[bool]string{true: " has", false: " have"}[n == 1] + " a confirmed regression"
	} else {
		text = "no confirmed regression in " + plural(len(r.Rows), "row")
	}
	if n := rows(r.of(Gain)); n > 0 {
		text += fmt.Sprintf("; %d with a gain", n)
	}
	if n := rows(r.of(Changed)); n > 0 {
		text += fmt.Sprintf("; %d changed in a unit that does not say what is better", n)
	}
	if n := r.Undecided(); n > 0 {
		text += fmt.Sprintf("; %d undecided", n)
		if most := r.mostRounds(); most > 0 {
			text += fmt.Sprintf(", which %s %d would probably decide", map[bool]string{true: "files of -count", false: "-rounds"}[r.Files], most)
		}
	}
	if n := rows(r.of(Unjudged)); n > 0 {
		text += fmt.Sprintf("; %d not judged", n)
	}
	return text
}

// mostRounds returns how many rounds would probably decide every row that the summary calls
// undecided, or 0.
func (r *Report) mostRounds() int {
	most := 0
	for _, u := range r.undecided() {
		if u.Needed <= 0 {
			return 0
		}
		most = max(most, u.Needed)
	}
	return most
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func (d *Decision) name(r Row) string {
	if d.manyPackages {
		return r.Pkg + " " + r.FullName()
	}
	return r.FullName()
}

func value(v float64, unit string) string {
	if unit == speedUp && v < 1e6 {
		return strconv.FormatFloat(v, 'f', 2, 64) + "x"
	}
	if size := math.Abs(v); size >= 1e18 || size < 1e-12 && size > 0 {
		return strconv.FormatFloat(v, 'g', 4, 64) // benchunit has no prefix for it
	}
	return benchunit.Scale(v, benchunit.ClassOf(unit))
}

func percent(ratio float64) string {
	if math.IsInf(ratio, 1) {
		return "∞"
	}
	if ratio >= 1e6 {
		return fmt.Sprintf("%+.1e %%", 100*(ratio-1))
	}
	return fmt.Sprintf("%+.1f %%", 100*(ratio-1))
}

func (r Result) change() string {
	if math.IsNaN(r.Ratio.Center) {
		return "a value is below 0"
	}
	text := percent(r.Ratio.Center)
	if r.Ratio.Bounded() {
		text += fmt.Sprintf(" [%s, %s]", percent(r.Ratio.Low), percent(r.Ratio.High))
	}
	return text
}

func (r Result) sees() string {
	switch {
	case r.Verdict == Unjudged, r.Verdict != Undecided && math.IsInf(r.Detectable, 1):
		return ""
	case math.IsInf(r.Detectable, 1):
		return "could not see any change"
	}
	return fmt.Sprintf("would see %.1f %%", 100*r.Detectable)
}

func (r Result) needs() string {
	switch {
	case r.Verdict != Undecided:
		return ""
	case r.Needed < 0:
		return "needs more rounds"
	case r.Needed == 0:
		return "needs more than 1000 rounds"
	}
	return fmt.Sprintf("needs %s", plural(r.Needed, "round"))
}

func (r Result) p() string {
	p := fmt.Sprintf("p=%.2g", r.P)
	if r.Suspect && r.Verdict != Unjudged {
		p += fmt.Sprintf(" (Holm %.2g)", r.Adjusted)
	}
	return p
}

// columns returns what is printed of a result.
func (d *Decision) columns(r Result) []string {
	return []string{d.name(r.Row), r.Unit, value(r.Base, r.Unit), value(r.Head, r.Unit), r.change(), r.p(), r.sees(), r.needs()}
}

// sections are the parts of a report, in the order in which they matter.
var sections = []struct {
	title    string
	verdicts Verdict
}{
	{"Regressions", Regression},
	{"Gains", Gain},
	{"Changed, in a unit that does not say what is better (print a line \"Unit NAME better=lower\")", Changed},
	{"Undecided: noise hides a change as large as the threshold, or the change is close to it", Undecided},
	{"Unchanged", Unchanged},
	{"Not judged", Unjudged},
}

func (r *Report) floorText() string {
	if r.Floor == 0 {
		return ""
	}
	text := fmt.Sprintf("noise floor: half of base's rounds against the other half differ by at most %.1f %% in 95 %% of the rows", 100*r.Floor)
	if r.Floor > r.Threshold {
		text += "; that is more than the threshold"
	}
	return text
}

// facts are the lines about how the comparison was made.
func (r *Report) facts() []string {
	var lines []string
	fact := func(key, text string) {
		if text != "" {
			lines = append(lines, key+text)
		}
	}
	fact("", r.Base)
	fact("", r.Head)
	if r.Equal != "" {
		return lines
	}
	fact("machine: ", r.Machine)
	stage := fmt.Sprintf("%s of %s", plural(r.Rounds, "round"), plural(len(r.Rows), "row"))
	switch {
	case r.Files:
		stage = fmt.Sprintf("files cannot be measured again: Holm's correction is over all comparisons (%d), which hides smaller changes than a comparison of revisions does", len(r.Results)-len(r.of(Unjudged)))
	case r.Suspects == 1:
		stage += "; 1 value looked different, and its row was measured again"
	case r.Suspects > 0:
		stage += fmt.Sprintf("; %d values looked different, and their rows were measured again", r.Suspects)
	}
	fact("", stage)
	fact("threshold: ", fmt.Sprintf("%.3g %%", 100*r.Threshold))
	fact("", r.floorText())
	fact("repeat: ", r.Command)
	fact("seeds: ", r.Seeds)
	return lines
}

func (r *Report) notes() []string {
	notes := slices.Clone(r.Notes)
	for _, x := range r.Contrary {
		notes = append(notes, fmt.Sprintf("%s, %s: %s at first, and %s when it was measured again without the rows beside it; want rows that set up what they need",
			r.name(x.Row), x.Unit, Result{Ratio: x.First}.change(), Result{Ratio: x.Second}.change()))
	}
	if r.Start > 0 {
		notes = append(notes, fmt.Sprintf("the B/op of %s differ and are not judged: with 0 allocs/op, and below %d B/op or %d KiB a run, they may be those of a row's start", plural(r.Start, "row"), startBytes, startOfRun>>10))
	}
	return notes
}

func (r *Report) lists() []struct {
	title string
	items []string
} {
	names := func(rows []Row) (names []string) {
		for _, row := range rows {
			names = append(names, r.name(row))
		}
		return names
	}
	only := func(rows []Row, side Side) []string {
		items := names(rows)
		for _, l := range r.OneSided[side] {
			item := "the unit " + l.Unit
			if len(l.Rows) > 0 {
				item += " of " + strings.Join(names(l.Rows), ", ")
			}
			items = append(items, item)
		}
		return items
	}
	return []struct {
		title string
		items []string
	}{
		{"Only in base", only(r.Removed, Base)},
		{"Only in head", only(r.Added, Head)},
		{"Changed packages that no benchmark reaches", r.Unreached},
		{"Notes", r.notes()},
	}
}

// Text returns the report for a terminal.
func (r *Report) Text() string {
	var text strings.Builder
	if r.Partial != "" {
		fmt.Fprintf(&text, "# %s\n", r.Partial)
	}
	for _, line := range r.facts() {
		fmt.Fprintln(&text, line)
	}
	for _, s := range sections {
		var table [][]string
		for _, result := range r.of(s.verdicts) {
			table = append(table, r.columns(result))
		}
		if len(table) > 0 {
			fmt.Fprintf(&text, "\n%s\n", s.title)
			writeColumns(&text, table)
		}
	}
	for _, list := range r.lists() {
		if len(list.items) > 0 {
			fmt.Fprintf(&text, "\n%s\n", list.title)
			for _, item := range list.items {
				fmt.Fprintf(&text, "  %s\n", item)
			}
		}
	}
	fmt.Fprintf(&text, "\n%s\n", r.Summary())
	return command.Printable(text.String())
}

func writeColumns(text *strings.Builder, table [][]string) {
	widths := make([]int, len(table[0]))
	for _, line := range table {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range table {
		var b strings.Builder
		for i, cell := range line {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 2 || i == 3 {
				b.WriteString("  " + space + cell)
			} else {
				b.WriteString("  " + cell + space)
			}
		}
		fmt.Fprintln(text, strings.TrimRight(b.String(), " "))
	}
}

// Markdown returns the report for a pull request: what has changed first, and the rest
// folded.
func (r *Report) Markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "### Benchmarks: %s\n", escape(r.Summary()))
	table := func(results []Result) {
		fmt.Fprintln(&text, "\n| row | unit | base | head | change | p | detectable | |\n|---|---|---:|---:|---|---|---|---|")
		for _, result := range results {
			for _, cell := range r.columns(result) {
				fmt.Fprintf(&text, "| %s ", escape(cell))
			}
			fmt.Fprintln(&text, "|")
		}
	}
	for _, s := range sections {
		results := r.of(s.verdicts)
		if len(results) == 0 {
			continue
		}
		switch s.verdicts {
		case Regression, Gain, Changed:
			fmt.Fprintf(&text, "\n**%s**\n", escape(s.title))
			table(results)
		default:
			// A blank line after summary, or GitHub shows the table as text.
			fmt.Fprintf(&text, "\n<details><summary>%s (%d)</summary>\n", escape(s.title), len(results))
			table(results)
			fmt.Fprintln(&text, "\n</details>")
		}
	}
	for _, list := range r.lists() {
		if len(list.items) > 0 {
			fmt.Fprintf(&text, "\n%s:\n\n", list.title)
			for _, item := range list.items {
				fmt.Fprintf(&text, "- %s\n", escape(item))
			}
		}
	}
	fmt.Fprint(&text, "\n<details><summary>How it was measured</summary>\n\n")
	for _, line := range r.facts() {
		fmt.Fprintf(&text, "- %s\n", escape(line))
	}
	fmt.Fprintln(&text, "\n</details>")
	return command.Printable(text.String())
}

// escape keeps text from being markup.
func escape(text string) string {
	return strings.NewReplacer("\\", "\\\\", "&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "~", "\\~", "[", "\\[", "\n", " ").Replace(text)
}

// JSON returns the report for programs. A number that is missing or infinite is null.
func (r *Report) JSON() (string, error) {
	type number = *float64
	finite := func(v float64) number {
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil
		}
		return &v
	}
	type result struct {
		Cell
		Verdict    Verdict `json:"verdict"`
		Base       float64 `json:"base"`
		Head       float64 `json:"head"`
		Ratio      number  `json:"ratio"`
		Low        number  `json:"low"`
		High       number  `json:"high"`
		Values     [2]int  `json:"values"`
		P          float64 `json:"p"`
		Adjusted   number  `json:"holm"`
		Detectable number  `json:"detectable"`
		Needed     int     `json:"rounds_needed,omitempty"`
	}
	results := []result{}
	for _, x := range r.Results {
		one := result{Cell: x.Cell, Verdict: x.Verdict, Base: x.Base, Head: x.Head, Values: x.Values, P: x.P, Ratio: finite(x.Ratio.Center)}
		if x.Ratio.Bounded() {
			one.Low, one.High = finite(x.Ratio.Low), finite(x.Ratio.High)
		}
		if x.Verdict != Unjudged {
			one.Detectable = finite(x.Detectable)
			if x.Suspect {
				one.Adjusted = finite(x.Adjusted)
			}
		}
		if x.Verdict == Undecided {
			one.Needed = max(0, x.Needed)
		}
		results = append(results, one)
	}
	data, err := json.MarshalIndent(struct {
		Summary      string         `json:"summary"`
		Regressions  int            `json:"regressions"`
		Undecided    int            `json:"undecided"`
		Partial      string         `json:"partial,omitempty"`
		Base         string         `json:"base"`
		Head         string         `json:"head"`
		Machine      string         `json:"machine"`
		Command      string         `json:"command"`
		Seeds        string         `json:"seeds,omitempty"`
		Rounds       int            `json:"rounds"`
		Alpha        float64        `json:"alpha"`
		Threshold    float64        `json:"threshold"`
		NoiseFloor   number         `json:"noise_floor"`
		Results      []result       `json:"results"`
		Removed      []Row          `json:"removed,omitempty"`
		Added        []Row          `json:"added,omitempty"`
		RemovedUnits []OneSidedUnit `json:"removed_units,omitempty"`
		AddedUnits   []OneSidedUnit `json:"added_units,omitempty"`
		Unreached    []string       `json:"unreached,omitempty"`
		Notes        []string       `json:"notes,omitempty"`
	}{r.Summary(), r.Regressions(), r.Undecided(), r.Partial, r.Base, r.Head, r.Machine, r.Command, r.Seeds, r.Rounds,
		r.Alpha, r.Threshold, finite(r.Floor), results, r.Removed, r.Added, r.OneSided[Base], r.OneSided[Head], r.Unreached, r.notes()}, "", "  ")
	return string(data) + "\n", err
}
