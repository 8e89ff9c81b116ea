// Package suite defines the types that every workload of the suite is made of.
//
// A package of variants lists them in a table, each as a [Row]. Package all lists every
// [Workload]. The main command and every test that must cover all rows walk that
// list, so that a new variant is one file and one line in its table, and a new
// workload is one package and one line in the list.
package suite

import (
	"fmt"
	"runtime"
	"time"
)

// Processors is how many processors the rows have all the time. The harness lowers it to
// the quota of this process, if there is one.
var Processors = runtime.NumCPU()

// A Row is one variant in a table: a name and the loop that is measured.
type Row[A any] struct {
	Name string // the value of the row's key, as in sync=global-mutex

	// Run takes n steps, divided among the workers, and returns the answer. It panics
	// if workers is less than 1 or n is negative.
	Run func(workers, n int) A
}

// Rows returns a row for each variant of a table, in order. It is for tables whose
// variants take an argument that Run does not have, such as the kind of task. The
// function row makes the Row of a variant, whose Run passes that argument.
func Rows[V, A any](variants []V, row func(V) Row[A]) []Row[A] {
	rows := make([]Row[A], len(variants))
	for i, v := range variants {
		rows[i] = row(v)
	}
	return rows
}

// A Workload is a benchmark: its rows take the same step, each in its own way.
type Workload struct {
	Name    string  // of the benchmark, with its own keys: Refcount/share=hot
	Key     string  // the key in which the rows differ: sync, system or start
	Folder  string  // where the files of the variants are, from the root: refcount
	Benches []Bench // in the order of the output

	// Children says that the rows also run child processes.
	Children bool
}

// A Bench is a row as the harness sees it. It hides the type of the answer, and it
// may open something before the clock starts.
type Bench struct {
	Name string // as in Row

	// Open prepares runs with the given number of workers. An error that wraps
	// errors.ErrUnsupported says that this platform cannot run the row.
	Open func(workers int) (Session, error)
}

// A Session is an open row. One goroutine calls its functions. All but Run and Check
// may be nil.
type Session struct {
	Run   func(n int)       // takes n steps; only this is timed
	Check func(n int) error // returns an error if the last Run's answer is wrong
	Bytes int64             // the payload of a step in bytes, or 0

	// Children returns the ids of the child processes whose processor time
	// belongs to the row.
	Children func() []int

	// Metrics returns figures of the last Run, which took n steps in the elapsed time.
	Metrics func(elapsed time.Duration, n int) []Metric

	// Close releases what the row has opened. It is nil if there is nothing.
	Close func() error
}

// A Metric is a figure that a row reports beside the time of a step.
type Metric struct {
	Unit  string // as package testing reports it, such as "p50-ns"
	Value float64
}

// New returns a workload of rows that open nothing. Want returns the right answer of
// n steps. Metrics is nil or as in [Session].
func New[A comparable](name, key, folder string, rows []Row[A], want func(workers, n int) A,
	metrics func(elapsed time.Duration, n int) []Metric) Workload {
	w := Workload{Name: name, Key: key, Folder: folder}
	for _, r := range rows {
		w.Benches = append(w.Benches, Bench{r.Name, func(workers int) (Session, error) {
			var got A
			return Session{
				Run:     func(n int) { got = r.Run(workers, n) },
				Check:   func(n int) error { return Compare(got, want(workers, n)) },
				Metrics: metrics,
			}, nil
		}})
	}
	return w
}

// Compare returns an error if got is not want.
func Compare[A comparable](got, want A) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}
