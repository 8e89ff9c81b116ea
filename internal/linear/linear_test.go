package linear

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// counts models a counter whose increments return the new count.
var counts = Model[int64, struct{}, int64]{Step: func(n int64, _ struct{}, got int64) (int64, bool) { return n + 1, got == n+1 }}

// A counter that loses updates only if increments overlap is refused, so the histories
// have operations that overlap. One that loses none is accepted.
func TestHistoriesOverlap(t *testing.T) {
	most := 0
	record := func(add func(n *atomic.Int64) int64) func(workers int) *History[struct{}, int64] {
		return func(workers int) *History[struct{}, int64] {
			most = max(most, workers)
			var n atomic.Int64
			h := new(History[struct{}, int64])
			Go(workers, 4, func(worker, _ int) { h.Do(worker, struct{}{}, func() int64 { return add(&n) }) })
			return h
		}
	}
	Accepts(t, counts, record(func(n *atomic.Int64) int64 { return n.Add(1) }))
	if most != 8 {
		t.Errorf("got histories of at most %d workers, want 8", most)
	}
	Refuses(t, counts, record(func(n *atomic.Int64) int64 {
		seen := n.Load()
		runtime.Gosched()
		n.Store(seen + 1)
		return seen + 1
	}))
}

// A history is shown in the order of the calls, whatever lies between them.
func TestHistoryIsShownInOrder(t *testing.T) {
	var h History[string, int]
	h.Add(1, "late", 2, 3*time.Second, 4*time.Second)
	h.Add(0, "early", 1, 0, 1)
	const want = "0 ns to 1 ns: worker 0 asks early and gets 1\n" +
		"3000000000 ns to 4000000000 ns: worker 1 asks late and gets 2\n"
	if got := h.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
