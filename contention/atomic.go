package contention

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A sequenced is a record of atomic words under a sequence lock.
type sequenced struct {
	sequence atomic.Uint64 // odd while a writer is inside
	words    [4]atomic.Uint64
	_        cacheline.Pad // no two records on one line
}

// lock makes the sequence odd. The caller is then the only writer.
func (s *sequenced) lock() {
	for tries := 1; ; tries++ {
		if before := s.sequence.Load(); before%2 == 0 && s.sequence.CompareAndSwap(before, before+1) {
			return
		}
		pause(tries)
	}
}

func (s *sequenced) unlock() { s.sequence.Add(1) }

// pause yields from time to time, because the writer inside may not be running.
func pause(tries int) {
	if tries%16 == 0 {
		runtime.Gosched()
	}
}

// runAtomic gives every record a sequence lock: a writer increments the record's
// sequence before and after its update, and a reader reads again if the sequence
// was odd or has changed meanwhile. All words are atomic, because a reader reads
// them while a writer writes.
//
// Cost: a read writes nothing shared, and starts again for every update that
// overlaps it. An update takes the lock, and writes each word with a locked
// instruction.
// Progress: blocking. Updates without pause starve readers.
func runAtomic(t *Trial) int {
	records := make([]sequenced, t.Case.Records)
	t.Fork(func(w *Worker) {
		for w.Next() {
			record := &records[w.Record]
			if w.Update {
				record.lock()
				record.words[0].Store(record.words[0].Load() + 1)
				record.words[1].Store(record.words[1].Load() + 1)
				w.Hold()
				record.words[2].Store(record.words[2].Load() + 1)
				record.words[3].Store(record.words[3].Load() + 1)
				record.unlock()
			} else {
				for tries := 1; ; tries++ {
					if before := record.sequence.Load(); before%2 == 0 {
						a, b := record.words[0].Load(), record.words[1].Load()
						w.Hold()
						c, d := record.words[2].Load(), record.words[3].Load()
						if record.sequence.Load() == before {
							w.Agree(a, b, c, d)
							break
						}
					}
					pause(tries)
				}
			}
			w.Done()
		}
	})
	last := make([]Record, len(records))
	for i := range records {
		for j := range last[i] {
			last[i][j] = records[i].words[j].Load()
		}
	}
	return Total(last)
}
