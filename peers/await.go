package peers

import (
	"iter"
	"runtime"
	"sync/atomic"

	"boundaries/asyncio/await"
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/suite"
)

// switches are the peers of Await. Coroutine libraries for Go are older than iter.Pull
// and hand over through channels, which is the row goroutine.
var switches = Job{
	Ours: suite.New("Await", "sync", "", await.Variants, await.Want, nil),
	Rows: []string{"event-loop", "goroutine"},
	Peers: suite.New("Await", "peer", "", []suite.Row[int]{
		{Name: "iter-pull", Run: runPull},
		{Name: "gosched", Run: runGosched},
	}, await.Want, nil),
}

// A handed counts how often the other party had the turn next. The party that has the
// turn writes it.
type handed struct{ last, count int }

func (h *handed) turn(me int) {
	if h.last != me {
		h.count++
	}
	h.last = me
}

// runPull resumes two coroutines of the standard library in turn: no queue, no future, no
// cancellation.
func runPull(workers, n int) int {
	fork.Check("peers", workers, n)
	h := handed{last: -1}
	party := func(me int) (next func() (int, bool), stop func()) {
		return iter.Pull(func(yield func(int) bool) {
			for {
				h.turn(me)
				if !yield(me) {
					return
				}
			}
		})
	}
	first, stopFirst := party(0)
	second, stopSecond := party(1)
	for i := range n {
		if i%2 == 0 {
			first()
		} else {
			second()
		}
	}
	stopFirst()
	stopSecond()
	return h.count
}

// runGosched hands the turn over through an atomic word; the waiting party yields its
// processor. With several procs both parties run all the time.
func runGosched(workers, n int) int {
	h := handed{last: -1}
	var turn struct {
		_ cacheline.Pad
		atomic.Int64
		_ cacheline.Pad
	}
	fork.Check("peers", workers, n)
	fork.Run("peers", 2, n, func(me, mine int) {
		for i := range mine {
			for turn.Load() != int64(2*i+me) {
				runtime.Gosched()
			}
			h.turn(me)
			turn.Add(1)
		}
	})
	return h.count
}
