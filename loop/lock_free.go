package loop

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runLockFree gives every worker a cell of its own, which it adds to atomically
// so that anybody may add the cells up while work goes on. It pays the locked
// add but not the cache line's way, and a reader pays for every cell and gets a
// total that no moment need have had. Wait-free on amd64.
func runLockFree(workers, n int) int64 {
	type cell struct {
		total atomic.Int64
		_     cacheline.Pad // no two cells on one line
	}
	fork.Check("loop", workers, n)
	cells := make([]cell, workers)
	fork.Run("loop", workers, n, func(worker, n int) {
		cell := &cells[worker]
		for range n {
			cell.total.Add(2)
		}
	})
	total := int64(1)
	for i := range cells {
		total += cells[i].total.Load()
	}
	return total
}
