package races

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"boundaries/internal/noise"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitebench"
	"boundaries/procs"
)

func TestMain(m *testing.M) {
	procs.Main() // does not return in a child of package procs
	childMain()  // does not return in a child of these tests
	flag.Parse()
	head := suitebench.Head{Package: "./races"}
	for _, c := range cases() {
		for _, o := range c.outcomes {
			if unit := o.unit(); c.question != "" && o.grade == interesting && !slices.Contains(head.Lower, unit) {
				head.Lower = append(head.Lower, unit)
			}
		}
	}
	status := suitebench.Main(m, head)
	procs.Cleanup()
	os.Exit(status)
}

// BenchmarkRace writes the histograms of the tour's second part in the benchmark
// format. Its unit is the share of the tries that had an outcome. A try
// spends more time in collide than in the variant, so the rows have no ns/op.
func BenchmarkRace(b *testing.B) {
	if race.Enabled {
		b.Skip("the race detector changes how often threads meet: run this without -race")
	}
	for _, c := range cases() {
		for _, v := range c.variants {
			if c.question == "" {
				continue
			}
			suitebench.Leaf(b, "case="+c.name+"/sync="+v.name, func(b *testing.B) {
				h := c.histogram(v)
				for h.tries() < b.N {
					if err := h.try(b, v, 2, min(b.N-h.tries(), v.most())); err != nil {
						b.Fatal(err)
					}
				}
				if n := h.of(forbidden); n > 0 {
					b.Errorf("%d of %d tries had a forbidden outcome:\n%s", n, h.tries(), h)
				}
				b.ReportMetric(0, "ns/op")
				for i, o := range h.outcomes {
					if o.grade == interesting {
						b.ReportMetric(float64(h.counts[i])/float64(h.tries()), o.unit())
					}
				}
			})
		}
	}
}

// The rows are in the benchmark format, and only the racy ones lost something.
func TestRowsOfRaces(t *testing.T) {
	if race.Enabled {
		t.Skip("the rows are skipped in a race build")
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), exe, "-test.v=false", "-test.bench=Race/case=(refcount|two-flags)", "-test.benchtime=5000x", "-test.cpu=2").CombinedOutput()
	require.NoError(t, err, "%s", out)
	units := map[string]map[string]bool{} // by row
	r := benchfmt.NewReader(bytes.NewReader(out), "stdout")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(rec)
		case *benchfmt.Result:
			require.Equal(t, strconv.Itoa(noise.Usable().N()), rec.GetConfig("numcpu"))
			require.NotEmpty(t, rec.GetConfig("goarch"))
			require.Equal(t, 5000, rec.Iters)
			row := string(rec.Name.Full())
			units[row] = map[string]bool{}
			for _, v := range rec.Values {
				units[row][v.Unit] = true
				require.True(t, v.Value == 0 || v.Value <= 1 && strings.Contains(row, "sync=racy"), "%s: %v %s", row, v.Value, v.Unit)
			}
		}
	}
	for _, c := range cases() {
		for _, v := range c.variants {
			row := "Race/case=" + c.name + "/sync=" + v.name + "-2"
			switch c.name {
			case "refcount":
				require.Equal(t, map[string]bool{"lost/try": true}, units[row], row)
			case "two-flags":
				require.Equal(t, map[string]bool{"both-down/try": true}, units[row], row)
			default:
				require.NotContains(t, units, row)
			}
		}
	}
	require.Contains(t, string(out), "\nUnit lost/try better=lower\n")
	require.Contains(t, string(out), "\n# go: "+runtime.Version()+"\n# date: 20")
}
