package counter

import (
	"sync"
	"sync/atomic"

	"boundaries/contention"
)

// runStripedPool adds to the cell that this processor used last. A sync.Pool keeps
// a list for each processor, so Get mostly returns a cell that the same processor
// put back.
//
// Cost: per update, the pool's Get and Put, and one locked instruction on a cache
// line that seldom moves. A read loads all cells.
// Progress: lock-free, except that the pool takes a lock at its first use, and at the
// first use after each garbage collection.
func runStripedPool(t *contention.Trial) int {
	cells := newCells(t.Procs)
	var made atomic.Uint32
	pool := sync.Pool{New: func() any {
		// A garbage collection drops what was not used since the one before. Two
		// processors may then have the same cell, which is slower but not wrong,
		// because the cells are atomic.
		return &cells[int(made.Add(1)-1)%len(cells)]
	}}
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				cell := pool.Get().(*cell)
				cell.Add(1)
				pool.Put(cell)
			} else {
				w.Saw(sum(cells))
			}
			w.Done()
		}
	})
	return int(sum(cells))
}
