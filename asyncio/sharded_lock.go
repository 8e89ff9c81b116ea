package asyncio

import (
	"sync"

	"boundaries/internal/cacheline"
)

// runShardedLock divides the pool into eight stacks of idle connections, each with a
// lock of its own. A client puts a connection into its own stack. It takes one from
// there too, or steals one from the next stack that is not empty.
//
// Cost: two locks per question, seldom contended. A client whose own stack is empty
// also searches the other stacks.
// Progress: blocking.
func runShardedLock(db *Database, n int) Answer {
	check(n)
	var pool shards
	for _, slot := range slots() {
		pool.put(slot, slot)
	}
	return db.share(n, pool.take, pool.put)
}

// shards are eight stacks of idle connections. Each client puts into its own.
type shards [8]struct {
	_    cacheline.Pad
	mu   sync.Mutex
	idle []int // guarded by mu
	_    cacheline.Pad
}

func (s *shards) take(client int) (slot int) {
	// Connections move between stacks, so one round may miss them all.
	for i := client; ; i++ {
		shard := &s[i%len(s)]
		shard.mu.Lock()
		slot, shard.idle = pop(shard.idle)
		shard.mu.Unlock()
		if slot >= 0 {
			return slot
		}
	}
}

func (s *shards) put(client, slot int) {
	own := &s[client%len(s)]
	own.mu.Lock()
	own.idle = append(own.idle, slot)
	own.mu.Unlock()
}
