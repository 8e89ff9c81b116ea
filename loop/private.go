package loop

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runPrivate keeps the total of every worker in a local variable, which is a
// register, and stores it once: the ceiling. It pays with silence: until a
// worker is done, nobody can know how far it is. Wait-free.
func runPrivate(workers, n int) int64 {
	type cell struct {
		total int64
		_     cacheline.Pad // no two cells on one line
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
