package loop

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runSerial takes every step on the caller's goroutine, whatever the number of
// workers. It is code block 4.1 of the article. Compare the other rows with it.
//
// Cost: only the step; the total is a word of memory, as Python's global is.
// Progress: wait-free.
func runSerial(workers, n int) int64 {
	fork.Check("loop", workers, n)
	shared := new(struct {
		_     cacheline.Pad
		total int64
		_     cacheline.Pad
	})
	shared.total = 1
	for range n {
		shared.total += 2
	}
	return shared.total
}
