package contention_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/contention"
	"boundaries/contention/counter"
	"boundaries/internal/linear"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// updates is a record or a count. It answers updates with nothing and reads with how many
// updates it has had.
var updates = linear.Model[int64, bool, int64]{Step: func(n int64, update bool, seen int64) (int64, bool) {
	if update {
		return n + 1, true
	}
	return n, seen == n
}}

func observed(base contention.Case, v contention.Variant) func(workers int) *linear.History[bool, int64] {
	trials := map[int]*contention.Trial{} // by the number of workers
	return func(workers int) *linear.History[bool, int64] {
		c := base
		c.Read, c.Records, c.Hold, c.Think = 50, 1, 0, 0
		trial := trials[workers]
		if trial == nil {
			trial = contention.NewTrial(c, workers)
			trials[workers] = trial
		}
		h := new(linear.History[bool, int64])
		trial.Observe(func(s contention.Step) {
			if s.Update {
				s.Seen = 0
			}
			h.Add(s.Worker, s.Update, s.Seen, s.Began, s.Ended)
		})
		trial.Take(v, 5*workers)
		return h
	}
}

// The accesses to a record, a count or an entry of a map are linearizable in every
// variant that shares it. So is the sum of a count's cells, because each update adds 1:
// between the moments at which a read begins and ends, the count takes on every number
// from the first to the last, and the sum is one of them. It would not be linearizable if
// updates added different numbers.
//
// Private promises a worker its own updates only, and is refused.
func TestAccessesAreLinearizable(t *testing.T) {
	suitetest.Guard(t, "the workers wait for each other")
	for _, s := range shapes {
		for _, v := range slices.Concat(s.variants, s.own) {
			t.Run(s.name+"/"+v.Name, func(t *testing.T) {
				if s.name != "counter" && !race.Enabled {
					t.Skip("what a read of a record sees is kept only with -race")
				}
				if v.Name == "private" {
					linear.Refuses(t, updates, observed(s.base, v))
				} else {
					linear.Accepts(t, updates, observed(s.base, v))
				}
			})
		}
	}
	t.Run("a copy that readers get an update late", func(t *testing.T) {
		if !race.Enabled {
			t.Skip("what a read of a record sees is kept only with -race")
		}
		linear.Refuses(t, updates, observed(contention.Default, contention.Variant{Run: runLate}))
	})
	t.Run("a count that is read one update late", func(t *testing.T) {
		linear.Refuses(t, updates, observed(counter.Default, contention.Variant{Run: runStale}))
	})
}

// runLate shows a reader what the record was before the latest update.
func runLate(t *contention.Trial) int {
	var mu sync.Mutex
	var r, before contention.Record
	t.Fork(func(w *contention.Worker) {
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

// runStale shows a reader the count without the latest update.
func runStale(t *contention.Trial) int {
	var n atomic.Int64
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				n.Add(1)
			} else {
				w.Saw(n.Load() - 1)
			}
			w.Done()
		}
	})
	return int(n.Load())
}

// A worker of gil gives the lock to one that waits for it. Otherwise it would take all steps.
func TestGILTicks(t *testing.T) {
	trial := contention.NewTrial(contention.Default, 2) // in real time, which it measures
	synctest.Test(t, func(t *testing.T) {
		var taken [2]int
		trial.Observe(func(s contention.Step) {
			taken[s.Worker]++
			time.Sleep(time.Second)
		})
		trial.Take(contention.Variants[slices.IndexFunc(contention.Variants, func(v contention.Variant) bool { return v.Name == "gil" })], 6)
		require.Equal(t, [2]int{3, 3}, taken)
	})
}
