package fib

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runShardedLock gives every worker its own count under its own lock, and sums
// the counts at the end.
//
// Cost: an uncontended lock per call; a reader of the count takes every lock.
// Progress: blocking.
func runShardedLock(workers, n int) Answer {
	fork.Check("fib", workers, n)
	var sum atomic.Int64
	shards := make([]callsShard, workers)
	fork.Run("fib", workers, n, func(worker, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibShardedLock(size, &shards[worker]))
		}
		sum.Add(mine)
	})
	answer := Answer{Sum: sum.Load()}
	for i := range shards {
		shards[i].mu.Lock()
		answer.Calls += shards[i].calls
		shards[i].mu.Unlock()
	}
	return answer
}

type callsShard struct {
	mu    sync.Mutex
	calls int64         // guarded by mu
	_     cacheline.Pad // no two shards share a line
}

func fibShardedLock(n int, shard *callsShard) int {
	shard.mu.Lock()
	shard.calls++
	shard.mu.Unlock()
	if n < 2 {
		return 1
	}
	return fibShardedLock(n-1, shard) + fibShardedLock(n-2, shard)
}
