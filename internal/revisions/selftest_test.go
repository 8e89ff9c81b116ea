package revisions

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/gate"
)

// These benchmarks report by how much their clock ran on after they returned.
const stretched = `package tiny

import (
	"testing"
	"time"
)

func stretch(b *testing.B) {
	for b.Elapsed() < 10*time.Millisecond {
	}
	elapsed := b.Elapsed()
	b.Cleanup(func() { b.ReportMetric(float64(b.Elapsed())/float64(elapsed), "stretch") })
}

func BenchmarkFirst(b *testing.B) { b.Run("a", stretch); b.Run("b", stretch) }
func BenchmarkLoop(b *testing.B) {
	for b.Loop() {
		time.Sleep(10 * time.Millisecond)
	}
	elapsed := b.Elapsed()
	b.Cleanup(func() { b.ReportMetric(float64(b.Elapsed())/float64(elapsed), "stretch") })
}
`

// The injected slowdown is in the one benchmark of head, however it is written.
func TestInjection(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": "module example.com/tiny\n\ngo 1.24\n", "a_test.go": stretched})
	for _, name := range []string{"BenchmarkFirst/b", "BenchmarkLoop"} {
		o := with(func(o *Options) { o.Rounds = 1 })
		c := &comparison{Options: o, stderr: io.Discard, inject: &injection{name: name, percent: 900}}
		report, err := c.compare(t.Context(), "HEAD", io.Discard)
		require.NoError(t, err)
		found := 0
		for _, r := range report.Results {
			if r.Unit == "stretch" && "Benchmark"+r.Name == name {
				require.GreaterOrEqual(t, r.Head, 10.0, "%+v", r)
				require.Less(t, r.Base, 10.0, "%+v", r)
				found++
			} else if r.Unit == "stretch" {
				require.Less(t, r.Head, 10.0, "%+v", r)
			}
		}
		require.Equal(t, 1, found)
	}
}

// A self-test of two rounds of 1x runs every part. It is too short to find the slowdown, and
// it must say so.
func TestSelfTest(t *testing.T) {
	newRepo(t, map[string]string{"go.mod": goMod, "a_test.go": fmt.Sprintf(benchmark, "Thing")})
	for _, builtin := range []bool{false, true} {
		var stdout strings.Builder
		err := SelfTest(t.Context(), builtin, with(func(o *Options) { o.Bench = "Thing|Hash|Sort" }), &stdout, io.Discard)
		target := map[bool]string{false: "Thing", true: "Hash"}[builtin]
		require.EqualError(t, err, "the gate does not work here: the slowdown of 20 % in "+target+" was missed")
		require.Regexp(t, `^the same code on both sides: no confirmed regression in \d rows?; .*\n`+target+` takes 20 % longer: no confirmed .*\n(.*\n)*`+
			`the smallest slowdown of `+target+` that this machine sees in 2 rounds: none\n$`, stdout.String())
	}
}

// What the self-test concludes, without a clock.
func TestSelfTestVerdict(t *testing.T) {
	row := func(name string, verdict gate.Verdict, detectable float64) gate.Result {
		return gate.Result{Cell: gate.Cell{Row: gate.Row{Pkg: ".", Name: name, Procs: 1}, Unit: "sec/op"}, Verdict: verdict, Detectable: detectable}
	}
	report := func(results ...gate.Result) *gate.Report {
		d := &gate.Decision{Config: gate.Default, Results: results}
		for _, r := range results {
			d.Rows = append(d.Rows, r.Row)
		}
		return &gate.Report{Decision: d}
	}
	elsewhere, bytes := row("A", gate.Unchanged, 0.4), row("A", gate.Unchanged, 0.5)
	elsewhere.Pkg, bytes.Unit = "./b", "B/op"
	slowElsewhere := elsewhere
	slowElsewhere.Verdict = gate.Regression
	quiet := report(row("A", gate.Unchanged, 0.012), row("B", gate.Undecided, 0.3))
	for _, test := range []struct {
		same, slower *gate.Report
		want         string
	}{
		{quiet, report(row("A", gate.Regression, 0.012), row("A", gate.Unchanged, 0.009), row("B", gate.Undecided, 0.3)), ""}, // at two numbers of procs
		{quiet, report(row("A", gate.Regression, 0.012), elsewhere, bytes), ""},
		{quiet, report(row("A", gate.Regression, 0.012), slowElsewhere), "called slower without a reason: ./b A"},
		{quiet, quiet, "the slowdown of 20 % in A was missed"},
		{quiet, report(row("A", gate.Regression, 0.012), row("B", gate.Regression, 0.3)), "called slower without a reason: . B"},
		{report(row("A", gate.Unchanged, 0.01), row("B", gate.Regression, 0.3)), report(row("A", gate.Regression, 0.012)), "1 of 2 rows were called slower than themselves"},
	} {
		var stdout strings.Builder
		err := conclude(&stdout, gate.Row{Pkg: ".", Name: "A"}, test.same, test.slower, 10)
		require.Contains(t, stdout.String(), "the smallest slowdown of A that this machine sees in 10 rounds: 1.2 %")
		if test.want == "" {
			require.NoError(t, err)
			require.Contains(t, stdout.String(), "the gate works here\n")
		} else {
			require.EqualError(t, err, "the gate does not work here: "+test.want)
		}
	}
}

// The variable that slows a benchmark of head down is as long on base.
func TestInjectedVariable(t *testing.T) {
	in := &injection{name: "BenchmarkA/b", percent: injected}
	require.Equal(t, []string{"BOUNDARIES_SLOWER=0000 BenchmarkA/b"}, in.variable(gate.Base))
	require.Equal(t, []string{"BOUNDARIES_SLOWER=0120 BenchmarkA/b"}, in.variable(gate.Head))
	in = nil
	require.Empty(t, in.variable(gate.Head))
}
