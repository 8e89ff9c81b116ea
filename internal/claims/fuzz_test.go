package claims

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRows gives the rows of a claim, at 1, 2 and 4 procs, values that are made of the
// input, and names an interpreter by it. The verdicts must not change if the machine is
// twice as fast, except those of figures that are not ratios, such as 5 s. No text may show
// NaN or an infinity, or break the table of the pages.
func FuzzRows(f *testing.F) {
	f.Fuzz(func(t *testing.T, number uint8, data []byte, python string) {
		c := claims[int(number)%len(claims)]
		var names []string
		for _, c := range cellsOf([]string{c.id}) {
			if !slices.Contains(names, c.row) {
				names = append(names, c.row)
			}
		}
		python = regexp.MustCompile(`\s+`).ReplaceAllString(python, "_")
		var slow, fast strings.Builder
		for _, text := range []*strings.Builder{&slow, &fast} {
			text.WriteString(head(4))
		}
		value := func(i int) float64 {
			if len(data) == 0 {
				return 1
			}
			return float64(data[i%len(data)]) + float64(data[(i/7)%len(data)])/256
		}
		i := 0
		for range 6 {
			for _, name := range names {
				for _, procs := range []string{"", "-2", "-4"} {
					name := strings.ReplaceAll(name, "*", python)
					i++
					fmt.Fprintf(&slow, "Benchmark%s%s 1 %g ns/op %g user+sys-ns/op\n", name, procs, 2*value(i), 2*value(3*i))
					fmt.Fprintf(&fast, "Benchmark%s%s 1 %g ns/op %g user+sys-ns/op\n", name, procs, value(i), value(3*i))
				}
			}
		}
		var verdicts [2][]string
		for i, text := range []string{slow.String(), fast.String()} {
			m, err := parse([]string{"bench.txt"}, [][]byte{[]byte(text)})
			if err != nil {
				return
			}
			r := m.report([]string{c.id})
			for _, c := range r.claims {
				require.NotEmpty(t, c.verdict)
				verdicts[i] = append(verdicts[i], c.id+" "+c.verdict)
			}
			plain := strings.ReplaceAll(r.Text(true)+r.Text(false), python, "")
			require.NotRegexp(t, `\bNaN\b|[-+]Inf\b`, plain)
			markdown := r.Markdown()
			for line := range strings.Lines(markdown) {
				if strings.HasPrefix(line, "|") {
					require.Equal(t, 6, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), "%q", line)
				}
			}
			require.NotRegexp(t, `<[a-zA-Z/!?]`, ours.ReplaceAllString(markdown, ""))
		}
		if !slices.ContainsFunc(c.figures, func(f figure) bool { return len(f.den) == 0 }) {
			require.Equal(t, verdicts[0], verdicts[1])
		}
	})
}

// ours are the elements and the blocks of code of Markdown.
var ours = regexp.MustCompile(`</?(details|summary)>|(?m:^    .*$)`)
