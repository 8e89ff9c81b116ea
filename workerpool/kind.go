package workerpool

import (
	"time"

	"boundaries/internal/suite"
)

// A Kind is what the tasks of a run do.
type Kind int

const (
	Empty       Kind = iota // nothing
	Microsecond             // compute for about a microsecond
	IO                      // block for a millisecond
)

// Rows returns the variants with tasks of this kind.
func (k Kind) Rows() []suite.Row[int] {
	return suite.Rows(Variants, func(v Variant) suite.Row[int] {
		return suite.Row[int]{Name: v.Name, Run: func(workers, n int) int { return v.Run(k, workers, n) }}
	})
}

// task returns the one task that a run submits again and again, and what to call
// before each submission, or nil.
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
		<-flying // at most workers tasks are between here and before
	}, func() { flying <- struct{}{} }
}

// rounds is a number of steps, each of which waits for the last, that take about
// a microsecond at 4 GHz. It is a constant and not what a clock says, so that two
// runs on one machine do the same work.
const rounds = 1000

// compute takes a microsecond's work of the processor and none of the memory.
func compute() {
	x := uint64(1)
	for range rounds {
		x = x*6364136223846793005 + 1442695040888963407
	}
	if x == 0 { // never, but the compiler cannot know
		panic("workerpool: the generator has no such state")
	}
}
