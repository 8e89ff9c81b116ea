package config

import (
	"hash/maphash"
	"sync"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// stripes is how many parts the map of sharded-lock has.
const stripes = 64

// runShardedLock divides the map into 64 maps by a hash of the key, each with a
// mutex.
//
// Cost: a second hash of the key per access. Readers of one popular key take turns.
// Progress: blocking.
func runShardedLock(t *contention.Trial) int {
	type stripe struct {
		_       cacheline.Pad
		mu      sync.Mutex
		records map[string]*contention.Record // guarded by mu, together with its records
		_       cacheline.Pad
	}
	var shared [stripes]stripe
	seed := maphash.MakeSeed()
	of := func(key string) *stripe { return &shared[maphash.String(seed, key)%stripes] }
	keys := keys(t.Case.Records)
	for _, key := range keys {
		s := of(key)
		if s.records == nil {
			s.records = map[string]*contention.Record{}
		}
		s.records[key] = new(contention.Record)
	}
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			key := keys[w.Record]
			stripe := of(key)
			if w.Update {
				stripe.mu.Lock()
				w.Change(stripe.records[key])
				stripe.mu.Unlock()
			} else {
				stripe.mu.Lock()
				w.See(stripe.records[key])
				stripe.mu.Unlock()
			}
			w.Done()
		}
	})
	var all []map[string]*contention.Record
	for i := range shared {
		all = append(all, shared[i].records)
	}
	return total(all...)
}
