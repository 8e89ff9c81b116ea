package config

import "boundaries/contention"

// runPrivate gives every worker a map of its own: nothing is shared until the end.
// It is the ceiling.
//
// Cost: no worker sees another worker's updates before the end.
// Progress: wait-free.
func runPrivate(t *contention.Trial) int {
	all := make([]map[string]*contention.Record, t.Workers())
	keys := keys(t.Case.Records)
	t.Fork(func(w *contention.Worker) {
		records := newMap(keys)
		all[w.Number] = records
		for w.Next() {
			key := keys[w.Record]
			if w.Update {
				w.Change(records[key])
			} else {
				w.See(records[key])
			}
			w.Done()
		}
	})
	return total(all...)
}
