package counter

import (
	"math/rand/v2"

	"boundaries/contention"
)

// runStripedRandom adds to any cell. Two adders seldom meet, but each finds the
// cell's cache line where another processor has written it last.
//
// Cost: a random number and one locked instruction an update, and mostly the way
// of a cache line between processors. A read loads all cells.
// Progress: wait-free on amd64.
func runStripedRandom(t *contention.Trial) int {
	cells := newCells(t.Procs)
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				cells[rand.Uint64()%uint64(len(cells))].Add(1)
			} else {
				w.Saw(sum(cells))
			}
			w.Done()
		}
	})
	return int(sum(cells))
}
