package asyncio

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runShardedLock gives every connection a histogram with a lock of its own, and adds
// the histograms up in the end.
//
// Cost: a lock that is never contended once an answer. A reader must take every
// lock.
// Progress: blocking.
func runShardedLock(db *Database, n int) Answer {
	check(n)
	type shard struct {
		mu sync.Mutex
		h  Histogram     // guarded by mu
		_  cacheline.Pad // no two shards on one line
	}
	shards := make([]shard, inFlight)
	right, err := db.goroutines(n, func(slot, size int) {
		shard := &shards[slot]
		shard.mu.Lock()
		shard.h.record(size)
		shard.mu.Unlock()
	})
	var all Histogram
	for i := range shards {
		shards[i].mu.Lock()
		all.add(&shards[i].h)
		shards[i].mu.Unlock()
	}
	return Answer{right, all, err}
}
