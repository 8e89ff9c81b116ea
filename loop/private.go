package loop

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runPrivate keeps each worker's total in a local variable, which the compiler
// keeps in a register, and stores it once at the end. This is the ceiling.
//
// Cost: no other goroutine can see a worker's progress until the worker is done.
// Progress: wait-free.
func runPrivate(workers, n int) int64 {
	type cell struct {
		total int64
		_     cacheline.Pad // no two cells share a line
	}
	fork.Check("loop", workers, n)
	cells := make([]cell, workers)
	fork.Run("loop", workers, n, func(worker, n int) {
		var total int64
		for range n {
			total += 2
		}
		cells[worker].total = total
	})
	total := int64(1)
	for i := range cells {
		total += cells[i].total
	}
	return total
}
