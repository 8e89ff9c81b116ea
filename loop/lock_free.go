package loop

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runLockFree gives every worker its own padded cell and adds to it atomically.
// A reader may sum the cells at any time. Because every step adds 2, the sum is the
// total at some moment during the reading. If steps added different numbers, the sum
// need not be the total at any moment.
//
// Cost: one locked add per step, without a transfer of the cache line; a reader
// visits every cell.
// Progress: wait-free on amd64.
func runLockFree(workers, n int) int64 {
	type cell struct {
		total atomic.Int64
		_     cacheline.Pad // no two cells share a line
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
