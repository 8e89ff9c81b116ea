package workerpool

import (
	"time"

	"boundaries/internal/suite"
)

// A Kind says what the tasks of a run do.
type Kind int

const (
	Empty       Kind = iota // nothing
	Microsecond             // compute for about a microsecond
	IO                      // block for a millisecond
)

// Rows returns the rows of all variants with tasks of this kind.
func (k Kind) Rows() []suite.Row[int] {
	return suite.Rows(Variants, func(v Variant) suite.Row[int] {
		return suite.Row[int]{Name: v.Name, Run: func(workers, n int) int { return v.Run(k, workers, n) }}
	})
}

// task returns the task that a run submits again and again. If before is not nil, the
// run calls it before each submission.
func (k Kind) task(workers int) (task Task, before func()) {
	switch k {
	case Empty:
		return func(Worker) {}, nil
	case Microsecond:
		return func(Worker) { compute() }, nil
	}
	flying := make(chan struct{}, workers)
	sleep := func() { time.Sleep(time.Millisecond) }
	return func(w Worker) {
		w.Blocking(sleep)
		<-flying // at most as many tasks as workers are between before and here
	}, func() { flying <- struct{}{} }
}

// rounds is how many dependent steps take about a microsecond at 4 GHz. It is a
// constant, not measured by a clock, so that two runs do the same work.
const rounds = 1000

// compute keeps the processor busy for about a microsecond and uses no memory.
func compute() {
	x := uint64(1)
	for range rounds {
		x = x*6364136223846793005 + 1442695040888963407
	}
	if x == 0 { // never true, but the compiler does not know
		panic("workerpool: the generator has no such state")
	}
}
