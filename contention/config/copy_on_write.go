package config

import (
	"maps"
	"sync"
	"sync/atomic"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// runCopyOnWrite publishes a pointer to a map that never changes. An update
// copies the map, changes the copy, and stores the pointer. Updates take turns
// under a mutex.
//
// Cost: a read is one load and the look-up. An update copies every entry of the map,
// and the record.
// Progress: blocking; reads are wait-free.
func runCopyOnWrite(t *contention.Trial) int {
	var shared struct {
		_       cacheline.Pad
		records atomic.Pointer[map[string]*contention.Record]
		_       cacheline.Pad
		mu      sync.Mutex // held by the writer
		_       cacheline.Pad
	}
	keys := keys(t.Case.Records)
	records := newMap(keys)
	shared.records.Store(&records)
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			key := keys[w.Record]
			if w.Update {
				shared.mu.Lock()
				next := maps.Clone(*shared.records.Load())
				changed := *next[key]
				w.Change(&changed)
				next[key] = &changed
				shared.records.Store(&next)
				shared.mu.Unlock()
			} else {
				w.See((*shared.records.Load())[key])
			}
			w.Done()
		}
	})
	return total(*shared.records.Load())
}
