// The benchmarks of the lab, and their flags.
package contention_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"boundaries/contention"
	"boundaries/contention/config"
	"boundaries/contention/counter"
	"boundaries/internal/suite/suitebench"
	"boundaries/internal/suite/suitetest"
)

// A shape is what is shared, and the variants that share it.
type shape struct {
	name     string
	variants []contention.Variant
	base     contention.Case // the dials that are not set
	check    func(contention.Case) error
	own      []contention.Variant // variants of readers of the suite: see example_test.go
}

var shapes = []shape{
	{"record", contention.Variants, contention.Default, contention.Case.Check, nil},
	{"counter", counter.Variants, counter.Default, counter.Check, nil},
	{"map", config.Variants, config.Default, contention.Case.Check, nil},
}

// add puts a reader's own variant into a shape. It is tested with the others, and
// measured with them if -own is given.
func add(shape string, v contention.Variant) {
	for i := range shapes {
		if shapes[i].name == shape {
			shapes[i].own = append(shapes[i].own, v)
			return
		}
	}
	panic("no shape is named " + shape)
}

func shapeOf(name string) (shape, bool) {
	for _, s := range shapes {
		if s.name == name {
			return s, true
		}
	}
	return shape{}, false
}

func BenchmarkContention(b *testing.B) {
	all, err := jobs()
	if err != nil {
		b.Fatal(err) // TestMain has seen it
	}
	for _, job := range all {
		for _, c := range job.cases {
			w := c.Workload(job.shape, job.variants)
			_, keys, _ := strings.Cut(w.Name, "/")
			b.Run(keys, func(b *testing.B) { suitebench.Workload(b, w) })
		}
	}
}

func TestMain(m *testing.M) {
	brokenMain() // does not return in a child of a test
	flag.Parse()
	_, err := jobs()
	if err == nil && flag.NArg() > 0 {
		err = fmt.Errorf("want flags only, but got %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "contention:", err)
		os.Exit(2)
	}
	head := suitebench.Head{
		Package:   "./contention",
		Benchtime: "100ms",
		Lower: []string{"user+sys-ns/op", "read-p50-ns", "read-p99-ns", "read-max-ns",
			"update-p50-ns", "update-p99-ns", "update-max-ns", "stall-ns", "max-share", "mutex-wait-ns/op"},
		Higher: []string{"min-share"},
	}
	for _, s := range shapes {
		for _, v := range s.own {
			head.Facts = append(head.Facts, "forbids "+v.Name+": "+v.Forbids)
		}
	}
	if os.Getenv(suitebench.ReportProcs) != "" { // of a test, which waits for this process
		os.Exit(suitebench.Main(suitetest.Watched{M: m}, head))
	}
	os.Exit(suitebench.Main(m, head))
}
