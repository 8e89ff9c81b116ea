package asyncio

import "boundaries/internal/cacheline"

// Racy is global-mutex without the mutex, and nothing else: diff it with
// global_mutex.go. It loses answers from the histogram when two goroutines record
// at once. That takes two answers within the same few nanoseconds, so a run may
// lose none, and a test that counts may pass for years. The race detector needs no
// such accident.
//
// Not in Variants: it runs only in child processes that tests start.
func Racy(db *Database, n int) Answer {
	check(n)
	var shared struct {
		_ cacheline.Pad
		h Histogram
		_ cacheline.Pad
	}
	right, err := db.goroutines(n, func(_, size int) {
		shared.h.record(size)
	})
	return Answer{right, shared.h, err}
}
