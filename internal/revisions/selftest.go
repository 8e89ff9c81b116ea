package revisions

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"boundaries/internal/command"
	"boundaries/internal/gate"
)

// An injection makes one benchmark of head slower by a known share.
type injection struct {
	name    string // as b.Name() has it, or "" for none
	percent int
	overlay string // the file that makes the go command build another package testing
}

// injected is by how much the self-test slows a benchmark down: 20 %.
const injected = 20

// runsBenchmark is the line of package testing that runs a benchmark. runsSlower
// replaces it: after the benchmark it starts the timer, even if the benchmark has stopped
// it, and waits. Both sides run the same code. The environment variable tells each side
// which benchmark waits, and until which percentage of its time: 0 is not at all.
const (
	runsBenchmark = "\tb.benchFunc(b)\n\tb.StopTimer()\n"
	runsSlower    = "\tb.benchFunc(b)\n\tif b.name == slower {\n\t\tpercent, _ := strconv.Atoi(slowerBy)\n\t\tb.StartTimer()\n\t\tfor until := b.Elapsed() * time.Duration(percent) / 100; b.Elapsed() < until; {\n\t\t}\n\t}\n\tb.StopTimer()\n"
	readsVariable = "\nvar slowerBy, slower, _ = strings.Cut(os.Getenv(\"BOUNDARIES_SLOWER\"), \" \")\n"
)

// variable returns the variable for a side. It is as long on both sides.
func (in *injection) variable(i gate.Side) []string {
	if in == nil {
		return nil
	}
	percent := 0
	if i == gate.Head {
		percent = 100 + in.percent
	}
	return []string{fmt.Sprintf("BOUNDARIES_SLOWER=%04d %s", percent, in.name)}
}

// makeInjection writes a package testing in which the benchmark takes longer. The
// source of the benchmark stays as it is.
func (c *comparison) makeInjection(ctx context.Context) error {
	if c.inject == nil {
		return nil
	}
	out, err := c.goTool(ctx, &c.head, c.head.root, "env", "-json=false", "GOROOT")
	if err != nil {
		return err
	}
	original := filepath.Join(strings.TrimSpace(out), "src", "testing", "benchmark.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return fmt.Errorf("injecting a slowdown: %w", err)
	}
	if strings.Count(string(text), runsBenchmark) != 1 {
		return fmt.Errorf("injecting a slowdown: %s is not what this program knows how to change", original)
	}
	source, overlay := filepath.Join(c.tmp, "slower.go"), filepath.Join(c.tmp, "slower.json")
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{original: source}})
	if err == nil {
		err = os.WriteFile(source, []byte(strings.Replace(string(text), runsBenchmark, runsSlower, 1)+readsVariable), 0o666)
	}
	if err == nil {
		err = os.WriteFile(overlay, data, 0o666)
	}
	if err != nil {
		return fmt.Errorf("injecting a slowdown: %w", err)
	}
	c.inject.overlay = overlay
	return nil
}

// unpack writes the files that are compared with themselves.
func (c *comparison) unpack() error {
	for _, s := range c.sides() {
		for file, text := range c.files {
			path := filepath.Join(s.tree, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return fmt.Errorf("writing %s: %w", file, err)
			}
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				return fmt.Errorf("writing %s: %w", file, err)
			}
		}
	}
	return nil
}

// builtIn are the benchmarks of a self-test without any of the user's.
var builtIn = map[string]string{
	"go.mod": "module selftest\n\ngo 1.21\n",
	"selftest_test.go": `package selftest

import (
	"crypto/sha256"
	"sort"
	"testing"
)

var sink int

func BenchmarkArithmetic(b *testing.B) {
	x := uint64(1)
	for i := 0; i < b.N; i++ {
		for j := 0; j < 1000; j++ {
			x = x*6364136223846793005 + 1442695040888963407
		}
	}
	sink = int(x)
}

func BenchmarkHash(b *testing.B) {
	data := make([]byte, 1024)
	for i := 0; i < b.N; i++ {
		sum := sha256.Sum256(data)
		data[0] = sum[0]
	}
}

func BenchmarkMap(b *testing.B) {
	m := map[int]int{}
	for i := 0; i < b.N; i++ {
		m[i%1000] += i
	}
	sink = len(m)
}

func BenchmarkSort(b *testing.B) {
	numbers := make([]int, 256)
	for i := 0; i < b.N; i++ {
		for j := range numbers {
			numbers[j] = j * 7919 % 256
		}
		sort.Ints(numbers)
	}
}
`,
}

// SelfTest shows whether the gate works on this machine. It compares benchmarks with
// themselves, which must find nothing, and then with themselves when one of them takes
// 20 % longer, which must find that one alone. They are the benchmarks that o.Bench
// selects in the current checkout, or four built-in ones.
//
// It returns an error of status 1 if the gate was wrong.
func SelfTest(ctx context.Context, builtin bool, o Options, stdout, stderr io.Writer) error {
	o.Equal, o.Strict = true, false
	newComparison := func(inject string, percent int) *comparison {
		c := &comparison{Options: o, stderr: stderr, inject: &injection{name: inject, percent: percent}}
		if builtin {
			c.Packages, c.files = ".", builtIn
		}
		return c
	}
	same, err := newComparison("", 0).compare(ctx, "HEAD", io.Discard)
	if err != nil {
		return fmt.Errorf("comparing benchmarks with themselves: %w", err)
	}
	fmt.Fprintf(stdout, "the same code on both sides: %s\n", same.Summary())
	if len(same.Rows) == 0 {
		return command.BadInput("-selftest: want a benchmark")
	}
	target := same.Rows[0]
	if builtin {
		target.Name = "Hash"
	}
	slower, err := newComparison("Benchmark"+target.Name, injected).compare(ctx, "HEAD", io.Discard)
	if err != nil {
		return fmt.Errorf("comparing benchmarks with a slower one: %w", err)
	}
	return conclude(stdout, target, same, slower, o.Rounds)
}

// conclude says whether the gate found the slowdown in the target and nothing else.
func conclude(stdout io.Writer, target gate.Row, same, slower *gate.Report, rounds int) error {
	fmt.Fprintf(stdout, "%s takes %d %% longer: %s\n", target.Name, injected, slower.Summary())
	named := map[string]bool{}
	smallest := 0.0
	for _, r := range slower.Results {
		if r.Verdict == gate.Regression {
			named[r.Pkg+" "+r.Name] = true
		}
		if r.Pkg == target.Pkg && r.Name == target.Name && r.Unit == "sec/op" {
			smallest = max(smallest, r.Detectable)
			fmt.Fprintf(stdout, "  %s: measured as %+.1f %%\n", r.FullName(), 100*(r.Ratio.Center-1))
		}
	}
	var wrong []string
	if n := same.Regressions(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d rows were called slower than themselves", n, len(same.Rows)))
	}
	want := target.Pkg + " " + target.Name
	if !named[want] {
		wrong = append(wrong, fmt.Sprintf("the slowdown of %d %% in %s was missed", injected, target.Name))
	}
	delete(named, want)
	if len(named) > 0 {
		wrong = append(wrong, "called slower without a reason: "+strings.Join(slices.Sorted(maps.Keys(named)), ", "))
	}
	if len(wrong) == 0 {
		fmt.Fprintln(stdout, "the gate works here")
	}
	size := fmt.Sprintf("%.1f %%", 100*smallest)
	if math.IsInf(smallest, 1) {
		size = "none"
	}
	fmt.Fprintf(stdout, "the smallest slowdown of %s that this machine sees in %s: %s\n", target.Name, plural(rounds, "round"), size)
	if len(wrong) > 0 {
		return fmt.Errorf("the gate does not work here: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
