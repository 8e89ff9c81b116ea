// Package children runs the child processes of the benchmarks under procs.
//
// A [Variant] says what a child does and how its parent hands out work. A [Pool]
// is the parent's side of its children, with a [Lane] for each; a [Worker] is the
// side of one child. Package procs says what happens when a child dies.
package children

import (
	"errors"

	"boundaries/internal/suite"
	"boundaries/procs/internal/shm"
)

// A Variant is a row of a benchmark: a way to take steps.
type Variant struct {
	Name   string
	Medium Medium // 0 if no items travel
	Crew   Crew

	// InFlight is how many items may be in flight to a child; 0 means 1024 of one
	// word, or 16 of more.
	InFlight int

	// States says that the slots of shared memory have states: see shm.Layout.
	States bool

	// Serve is what a child does. The end of the child's standard input ends the
	// child. Serve is nil if no program is started, and w is nil for a child with
	// no medium.
	Serve func(w *Worker)

	// Run takes n steps and returns how many are done.
	Run func(p *Pool, n int) (done int, err error)

	table  string // with Name it tells a child which variant is its own
	folder string // of the program that a child is
}

// Medium is what items travel through. Pipes may be combined with either kind of
// queue: then items travel through pipes, and the child has the queue to count in.
type Medium int

const (
	Pipes    Medium = 1 << iota // the child's standard input and output
	Queues                      // shared memory, a queue for each child
	OneQueue                    // shared memory, a queue for all children
)

// Crew is how many children there are.
type Crew int

const (
	Nobody Crew = iota
	One
	Each // one for each worker
)

// Payload is the size of an item in bytes.
type Payload int

const (
	None  Payload = 0 // of steps that have no item
	Word  Payload = shm.WordSize
	Block Payload = 64 << 10
)

// Table returns the variants with two marks: the name of their table, which no other table
// has, and the folder of the program that their children run.
func Table(name, folder string, variants ...Variant) []Variant {
	for i := range variants {
		variants[i].table, variants[i].folder = name, folder
	}
	return variants
}

func (v *Variant) layout(payload Payload, children int) shm.Layout {
	l := shm.Layout{Window: 1024, Words: int(payload / Word), States: v.States}
	if payload > Word {
		l.Window = 16
	}
	if v.InFlight > 0 {
		l.Window = v.InFlight
	}
	switch v.Medium &^ Pipes {
	case Queues:
		l.Queues = children
	case OneQueue:
		l.Queues = 1
		l.Window *= children
	}
	return l
}

// runnable returns how many children, and goroutines that hand out work, there are.
func (v *Variant) runnable(children int) int {
	if v.Medium == OneQueue {
		return children + 1
	}
	return 2 * children
}

// Workload returns variants as rows. Their children start before the clock does,
// serve all runs of a row on one number of workers, and end with the row.
func Workload(name, key, folder string, variants []Variant, payload Payload) suite.Workload {
	w := suite.Workload{Name: name, Key: key, Folder: folder, Children: true}
	for _, v := range variants {
		w.Benches = append(w.Benches, suite.Bench{Name: v.Name, Open: func(workers int) (suite.Session, error) {
			p, err := v.Start(workers, max(payload, Word)) // without items, messages are words
			if err != nil {
				return suite.Session{}, err
			}
			var done int
			return suite.Session{
				Run:      func(n int) { done, err = p.Run(n) },
				Check:    func(n int) error { return errors.Join(err, suite.Compare(done, n)) },
				Bytes:    int64(payload),
				Children: p.Pids,
				Close:    p.Close,
			}, nil
		}})
	}
	return w
}
