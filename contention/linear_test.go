package contention

import (
	"sync"
	"testing"

	"boundaries/internal/linear"
	"boundaries/internal/race"
)

// updates is a record that answers updates with nothing and reads with how many updates
// it has had.
var updates = linear.Model[int64, bool, int64]{Step: func(n int64, update bool, seen int64) (int64, bool) {
	if update {
		return n + 1, true
	}
	return n, seen == n
}}

func observed(v Variant) func(workers int) *linear.History[bool, int64] {
	trials := map[int]*Trial{} // by the number of workers
	return func(workers int) *linear.History[bool, int64] {
		c := Default
		c.Read, c.Records, c.Hold, c.Think = 50, 1, 0, 0
		trial := trials[workers]
		if trial == nil {
			trial = NewTrial(c, workers)
			trials[workers] = trial
		}
		h := new(linear.History[bool, int64])
		trial.Observe(func(s Step) {
			if s.Update {
				s.Seen = 0
			}
			h.Add(s.Worker, s.Update, s.Seen, s.Began, s.Ended)
		})
		trial.Take(v, 5*workers)
		return h
	}
}

// The accesses to a record are linearizable in every variant that shares it. Private
// does not share.
func TestRecordsAreLinearizable(t *testing.T) {
	if !race.Enabled {
		t.Skip("what a read sees is kept only with -race")
	}
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			if v.Name == "private" {
				linear.Refuses(t, updates, observed(v))
			} else {
				linear.Accepts(t, updates, observed(v))
			}
		})
	}
	t.Run("a copy that readers get an update late", func(t *testing.T) {
		linear.Refuses(t, updates, observed(Variant{Run: runLate}))
	})
}

// runLate shows a reader what the record was before the latest update.
func runLate(t *Trial) int {
	var mu sync.Mutex
	var r, before Record
	t.Fork(func(w *Worker) {
		for w.Next() {
			mu.Lock()
			if w.Update {
				before = r
				w.Change(&r)
			} else {
				w.See(&before)
			}
			mu.Unlock()
			w.Done()
		}
	})
	return r.Updates()
}
