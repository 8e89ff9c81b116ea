package fib

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// runShardedLock gives every worker a count under a lock of its own, and adds
// them up. It pays for a lock that is never contended, and a reader of the
// count must take every lock there is. Blocking.
func runShardedLock(workers, n int) Answer {
	fork.Check("fib", workers, n)
	var sum atomic.Int64
	shards := make([]callsShard, workers)
	fork.Run("fib", workers, n, func(worker, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fibShardedLock(N, &shards[worker]))
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
	_     cacheline.Pad // no two shards on one line
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
