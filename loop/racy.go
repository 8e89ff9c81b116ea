package loop

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// Racy is global-mutex without the mutex, and nothing else: diff it with
// global_mutex.go. It loses steps: two workers read the same total, each adds 2
// to what it read, and the later write overwrites the earlier one. This is a
// data race. Go's memory model calls it an error, and allows an implementation to
// report the race and end the program.
//
// Racy is not in Variants: it runs only in child processes that tests start.
// With one processor it loses nothing on amd64: the add is a single instruction,
// and a switch to another worker happens before it or after it. It is a data race
// all the same.
func Racy(workers, n int) int64 {
	var shared struct {
		_     cacheline.Pad
		total int64
		_     cacheline.Pad
	}
	shared.total = 1
	fork.Run("loop", workers, n, func(_, n int) {
		for range n {
			shared.total += 2
		}
	})
	return shared.total
}
