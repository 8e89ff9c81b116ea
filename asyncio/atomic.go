package asyncio

import (
	"math/bits"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// An atomicHistogram is a Histogram that any goroutine may add to at any time.
type atomicHistogram struct {
	count, sum atomic.Int64
	buckets    [sizes]atomic.Int64
}

func (h *atomicHistogram) record(size int) {
	h.count.Add(1)
	h.sum.Add(int64(size))
	h.buckets[bits.Len(uint(size))].Add(1)
}

// load reads the words one after the other. They agree only if no goroutine adds
// meanwhile.
func (h *atomicHistogram) load() (all Histogram) {
	all.Count, all.Sum = h.count.Load(), h.sum.Load()
	for i := range h.buckets {
		all.Buckets[i] = h.buckets[i].Load()
	}
	return all
}

// runAtomic adds to the shared words of the histogram one by one. A reader may see a
// count without its sum.
//
// Cost: three locked adds an answer, to shared words.
// Progress: wait-free on amd64, lock-free where an add is a loop.
func runAtomic(db *Database, n int) Answer {
	check(n)
	var shared struct {
		_ cacheline.Pad
		h atomicHistogram
		_ cacheline.Pad
	}
	right, err := db.goroutines(n, func(_, size int) {
		shared.h.record(size)
	})
	return Answer{right, shared.h.load(), err}
}
