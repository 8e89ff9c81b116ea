package loop

import (
	"sync"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runShardedLock gives every worker its own total under its own lock, and sums
// the totals at the end.
//
// Cost: an uncontended lock per step; a reader of the total takes every lock.
// Progress: blocking.
func runShardedLock(workers, n int) int64 {
	type shard struct {
		mu    sync.Mutex
		total int64         // guarded by mu
		_     cacheline.Pad // no two shards share a line
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
