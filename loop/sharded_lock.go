package loop

import (
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runShardedLock gives every worker a total under a lock of its own, and adds
// them up. It pays for a lock that is never contended, and a reader of the
// total must take every lock there is. Blocking.
func runShardedLock(workers, n int) int64 {
	type shard struct {
		mu    sync.Mutex
		total int64         // guarded by mu
		_     cacheline.Pad // no two shards on one line
	}
	fork.Check("loop", workers, n)
	shards := make([]shard, workers)
	fork.Run("loop", workers, n, func(worker, n int) {
		shard := &shards[worker]
		for range n {
			shard.mu.Lock()
			shard.total += 2
			shard.mu.Unlock()
		}
	})
	total := int64(1)
	for i := range shards {
		shards[i].mu.Lock()
		total += shards[i].total
		shards[i].mu.Unlock()
	}
	return total
}
