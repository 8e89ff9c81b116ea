package loop

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// runFalseSharing is runLockFree without the padding: every worker has its own
// cell, but up to eight cells share a cache line.
//
// Cost: as much as a shared total, because processors exchange whole cache lines.
// Progress: wait-free on amd64, which shows how little that says about speed.
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
