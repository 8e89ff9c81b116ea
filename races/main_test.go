package races

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"boundaries/internal/race"
	"boundaries/procs"
)

func TestMain(m *testing.M) {
	procs.Main() // does not return in a child of package procs
	childMain()  // does not return in a child of these tests
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		given := false
		flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.run" })
		if !given {
			flag.Set("test.run", "^$")
		}
		printFacts()
	}
	os.Exit(m.Run())
}

// printFacts prints what the main command of the suite prints before its rows, as
// far as it matters here.
func printFacts() {
	fmt.Printf("numcpu: %d\n", runtime.NumCPU())
	printed := map[string]bool{}
	for _, c := range cases() {
		for _, o := range c.outcomes {
			if unit := o.unit(); c.question != "" && o.grade == interesting && !printed[unit] {
				fmt.Println("Unit", unit, "better=lower")
				printed[unit] = true
			}
		}
	}
	fmt.Println("# go:", runtime.Version())
	fmt.Println("# date:", time.Now().UTC().Format(time.RFC3339))
}

// BenchmarkRace writes the histograms of the tour's second part in the benchmark
// format. Its unit is the share of the tries that had an outcome. The time of a try
// is that of collide more than that of the variant, so there is no ns/op.
func BenchmarkRace(b *testing.B) {
	if race.Enabled {
		b.Skip("the race detector changes how often threads meet: run this without -race")
	}
	for _, c := range cases() {
		for _, v := range c.variants {
			if c.question == "" {
				continue
			}
			b.Run("case="+c.name+"/sync="+v.name, func(b *testing.B) {
				h := c.histogram(v)
				for h.tries() < b.N {
					if err := h.try(b, v, min(b.N-h.tries(), v.most())); err != nil {
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
