package contention

import "slices"

// runPrivate gives every worker records of its own: nothing is shared until the
// end. It is the ceiling for the other variants, and at hold=0 and think=0 its
// time is the cost of the harness itself.
//
// Cost: no worker sees another worker's updates before the end.
// Progress: wait-free.
func runPrivate(t *Trial) int {
	all := make([][]slot, t.Workers())
	t.Fork(func(w *Worker) {
		records := make([]slot, t.Case.Records)
		all[w.Number] = records
		for w.Next() {
			if w.Update {
				w.Change(&records[w.Record].Record)
			} else {
				w.See(&records[w.Record].Record)
			}
			w.Done()
		}
	})
	return total(slices.Concat(all...)...)
}
