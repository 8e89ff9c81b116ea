package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"boundaries/internal/benchfile"
	"boundaries/internal/claims"

	"github.com/stretchr/testify/require"
)

// FuzzNames puts any text where a file or a claim has a name. It must remain text: the
// page and its charts must have no element and no attribute that those of a harmless
// text do not have, too.
func FuzzNames(f *testing.F) {
	known := map[string]bool{}
	markup(f, known, nil, "harmless")
	f.Fuzz(func(t *testing.T, name string) { markup(t, nil, known, name) })
}

// markup renders a page with that name everywhere. It notes the kinds of elements and
// attributes in found, if that is not nil, and fails if one is not in allowed, if that is
// not nil.
func markup(t testing.TB, found, allowed map[string]bool, name string) {
	word := regexp.MustCompile(`\s+`).ReplaceAllString(name, "_")
	var text strings.Builder
	text.WriteString("numcpu: 4\n# command: " + name + "\n# host: " + name + "\ngoos: linux\ngoarch: " + name + "\npkg: " + name + "\ncpu: " + name + "\n")
	for _, procs := range []string{"", "-2"} {
		for _, row := range []string{word, "FibBoxed/system=gil", "FibBoxed/system=" + word, "PyFib/" + word + "=1"} {
			text.WriteString("Benchmark" + row + procs + " 1 2 ns/op 3 user+sys-ns/op 4 " + word + "/op\n")
		}
	}
	text.WriteString("port: " + name + "\n# disturbed: " + word + " 1.2 times\n--- FAIL: " + name + "\n")
	file, err := benchfile.ReadFrom(strings.NewReader(text.String()), name)
	if err != nil {
		return
	}
	files := []*benchfile.File{file}
	page, err := Page(files, []claims.Line{{ID: name, Where: name, Says: name, Article: name, Here: name, Verdict: name}})
	require.NoError(t, err)
	documents := [][]byte{page}
	for _, c := range Charts(files) {
		require.Regexp(t, `^[a-z0-9-]+$`, c.Name)
		documents = append(documents, c.SVG)
	}
	for _, document := range documents {
		d := xml.NewDecoder(bytes.NewReader(document))
		d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link"}, xml.HTMLEntity
		tags := 0
		for {
			token, err := d.RawToken()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if _, isText := token.(xml.CharData); !isText {
				tags++
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			kinds := []string{start.Name.Local}
			for _, a := range start.Attr {
				kinds = append(kinds, start.Name.Local+" "+a.Name.Local)
				if a.Name.Local == "href" && a.Value != "data:," {
					require.True(t, strings.HasPrefix(a.Value, "#"), a.Value)
				}
			}
			for _, kind := range kinds {
				if found != nil {
					found[kind] = true
				}
				require.True(t, allowed == nil || allowed[kind], "the name %q makes %q on the page", name, kind)
			}
		}
		require.LessOrEqual(t, bytes.Count(document, []byte("<")), tags, "the name %q leaves a < on the page", name)
	}
}
