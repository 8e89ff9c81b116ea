package loop

import (
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// Racy is global-mutex without the mutex, and nothing else: diff it with
// global_mutex.go. It loses steps: two workers read the same total, each adds 2
// to what it has read, and the one that writes last overwrites the other's. It
// is a data race, which Go's memory model calls an error, and for which it lets an
// implementation end the program.
//
// Not in Variants: it runs only in child processes that tests start. With one
// processor nothing is lost on amd64, where the add is a single instruction, and
// nobody can come between; the race is there all the same.
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
