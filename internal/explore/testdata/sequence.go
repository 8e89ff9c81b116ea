package contention

import (
	"fmt"

	"boundaries/internal/explore"
)

// The types of a trial, with one record. A worker has a list of its operations.

type (
	Record [4]uint64
	Case   struct{ Records int }

	Trial struct {
		Case    Case
		run     *explore.Run
		workers []*Worker
	}

	Worker struct {
		Record int
		Update bool
		left   string // w updates and r reads
		saw    uint64
		err    error
	}
)

func (w *Worker) Next() bool {
	if w.left == "" {
		return false
	}
	w.Update, w.left = w.left[0] == 'w', w.left[1:]
	return true
}

func (w *Worker) Hold() {}
func (w *Worker) Done() {}

func (w *Worker) Agree(a, b, c, d uint64) {
	if a != b || a != c || a != d || a < w.saw {
		w.err = fmt.Errorf("a read returned %d, %d, %d, %d after %d", a, b, c, d, w.saw)
	}
	w.saw = a
}

// Fork makes an actor of each worker, and reads the record at the end.
func (t *Trial) Fork(work func(*Worker)) {
	updates := uint64(0)
	for i, w := range t.workers {
		for _, does := range w.left {
			if does == 'w' {
				updates++
			}
		}
		t.run.Actor(fmt.Sprint("worker ", i+1), func() {
			if work(w); w.err != nil {
				panic(w.err)
			}
		})
	}
	t.run.End(func() error {
		last := &Worker{left: "r"}
		work(last)
		if last.err == nil && last.saw != updates {
			return fmt.Errorf("the record has %d of %d updates", last.saw, updates)
		}
		return last.err
	})
}

func Total([]Record) int { return 0 }

var Programs = []explore.Program{
	program("one updates, one reads", 0, "w", "r"),
	program("two update", 0, "w", "w"),
	program("one updates twice, one reads", 0, "ww", "r"),
	program("two update, one reads", 1, "w", "w", "r"),
}

func program(name string, bound int, workers ...string) explore.Program {
	return explore.Program{Name: name, Preemptions: bound, Start: func(r *explore.Run) {
		t := &Trial{Case: Case{Records: 1}, run: r}
		for _, does := range workers {
			t.workers = append(t.workers, &Worker{left: does})
		}
		runAtomic(t)
	}}
}
