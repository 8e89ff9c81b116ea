package counter

import (
	"sync/atomic"
	"testing"

	"boundaries/contention"
	"boundaries/internal/linear"
)

// count is a count that answers updates with nothing and reads with its value.
var count = linear.Model[int64, bool, int64]{Step: func(n int64, update bool, seen int64) (int64, bool) {
	if update {
		return n + 1, true
	}
	return n, seen == n
}}

func record(v contention.Variant) func(workers int) *linear.History[bool, int64] {
	trials := map[int]*contention.Trial{} // by the number of workers
	return func(workers int) *linear.History[bool, int64] {
		c := Default
		c.Read = 50
		trial := trials[workers]
		if trial == nil {
			trial = contention.NewTrial(c, workers)
			trials[workers] = trial
		}
		h := new(linear.History[bool, int64])
		trial.Observe(func(s contention.Step) { h.Add(s.Worker, s.Update, s.Seen, s.Began, s.Ended) })
		trial.Take(v, 5*workers)
		return h
	}
}

// Every read of a count that is shared is linearizable. So is the sum of cells, because
// each update adds 1: between the moments at which a read begins and ends, the count
// takes on every number from the first to the last, and the sum is one of them. It would
// not be if updates added other numbers.
//
// Private promises a worker its own updates only, and is refused.
func TestReadsAreLinearizable(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			if v.Name == "private" {
				linear.Refuses(t, count, record(v))
			} else {
				linear.Accepts(t, count, record(v))
			}
		})
	}
	t.Run("a read of a copy that is one update old", func(t *testing.T) {
		linear.Refuses(t, count, record(contention.Variant{Run: runStale}))
	})
}

// runStale shows a reader the count without the latest update of others.
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
