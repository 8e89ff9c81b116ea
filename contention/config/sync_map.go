package config

import (
	"sync"

	"boundaries/contention"
)

// runSyncMap keeps records that do not change in a sync.Map. An update copies the
// record, changes the copy, and swaps it in if no other update has come first;
// otherwise it starts again.
//
// Cost: a read follows a few pointers and writes nothing shared. An update
// allocates, takes a lock inside the map, and repeats the work of hold each time
// another update comes first.
// Progress: blocking; reads are wait-free.
func runSyncMap(t *contention.Trial) int {
	var shared sync.Map // of *contention.Record by string
	keys := keys(t.Case.Records)
	for key, record := range newMap(keys) {
		shared.Store(key, record)
	}
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			key := keys[w.Record]
			if w.Update {
				for {
					old, _ := shared.Load(key)
					changed := *old.(*contention.Record)
					w.Change(&changed)
					if shared.CompareAndSwap(key, old, &changed) {
						break
					}
				}
			} else {
				record, _ := shared.Load(key)
				w.See(record.(*contention.Record))
			}
			w.Done()
		}
	})
	last := map[string]*contention.Record{}
	shared.Range(func(key, record any) bool {
		last[key.(string)] = record.(*contention.Record)
		return true
	})
	return total(last)
}
