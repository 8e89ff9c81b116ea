package loop

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// runFalseSharing is lock-free without the padding: every worker has a cell of
// its own, and the cells have a cache line in common. It pays as if the total
// were shared, since processors share lines, not words. Wait-free on amd64,
// which shows how little that says of speed.
func runFalseSharing(workers, n int) int64 {
	type cell struct {
		total atomic.Int64
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
