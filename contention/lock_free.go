package contention

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// runLockFree publishes every record as a pointer to a value that never changes.
// An update copies the record, changes the copy, and swaps the pointers if no
// other update has come first; otherwise it starts again.
//
// Cost: a read is one load. An update allocates 32 bytes, and repeats the work of
// hold each time another update comes first.
// Progress: lock-free; reads are wait-free.
func runLockFree(t *Trial) int {
	records := make([]struct {
		atomic.Pointer[Record]
		_ cacheline.Pad // no two pointers on one line
	}, t.Case.Records)
	for i := range records {
		records[i].Store(new(Record))
	}
	t.Fork(func(w *Worker) {
		for w.Next() {
			record := &records[w.Record]
			if w.Update {
				for {
					old := record.Load()
					changed := *old
					w.Change(&changed)
					if record.CompareAndSwap(old, &changed) {
						break
					}
				}
			} else {
				w.See(record.Load())
			}
			w.Done()
		}
	})
	last := make([]Record, len(records))
	for i := range records {
		last[i] = *records[i].Load()
	}
	return Total(last)
}
