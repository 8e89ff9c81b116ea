package counter

import (
	"math/rand/v2"

	"boundaries/contention"
)

// runStripedRandom adds to a random cell. Two adders seldom meet, but the cell's
// cache line is usually at the processor that wrote it last.
//
// Cost: per update, a random number, one locked instruction and usually the transfer
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
