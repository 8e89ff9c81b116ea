package asyncio

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runGlobalMutex guards the histogram with one lock.
//
// Cost: the lock once an answer, and the transfer of its cache line from processor
// to processor.
// Progress: blocking.
func runGlobalMutex(db *Database, n int) Answer {
	check(n)
	var shared struct {
		_  cacheline.Pad
		mu sync.Mutex
		h  Histogram // guarded by mu
		_  cacheline.Pad
	}
	right, err := db.goroutines(n, func(_, size int) {
		shared.mu.Lock()
		shared.h.record(size)
		shared.mu.Unlock()
	})
	return Answer{right, shared.h, err}
}
