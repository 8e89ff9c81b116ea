package asyncio

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runShardedLock gives every connection a histogram under a lock of its own, and
// adds them up. It pays for a lock that is never contended, and a reader of the
// histogram must take every lock there is. Blocking.
func runShardedLock(db *Database, n int) Answer {
	check(n)
	type shard struct {
		mu sync.Mutex
		h  Histogram     // guarded by mu
		_  cacheline.Pad // no two shards on one line
	}
	shards := make([]shard, InFlight)
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
