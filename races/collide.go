package races

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"boundaries/internal/cacheline"
)

// A meeting is what the two threads of a case do to one of many cells.
type meeting struct {
	reset  func(cell int)        // makes the cell as it is before
	actors [2]func(cell int)     // what either thread does; each is called on a goroutine of its own
	settle func()                // may be nil: called before judge, when both have been at all cells
	judge  func(cell int) string // names the outcome
}

// cells is how many meetings there are between two meetings of all. Enough to make
// the latter cheap, and so few that the cells stay in the caches.
const cells = 1024

// collide has the two threads meet at cell after cell until there were that many
// tries, and counts the outcomes in h.
//
// Both threads go through the same cells in the same order. At each cell, whoever
// is there first waits for the other, though not for long; then each waits at
// random for some nanoseconds more, so that now the one is first and now the other
// and sometimes both. The shares that come out are those of this procedure on this
// machine and of nothing else.
func collide(tries int, h Histogram, m meeting) {
	names := map[string]int{}
	for i := range h {
		names[h[i].Name] = i
	}
	var both meetingPoint
	var at [2]struct {
		cell atomic.Uint64 // how many cells the thread has come to
		_    cacheline.Pad
	}
	walk := func(thread int, round int) {
		act, me, other := m.actors[thread], &at[thread].cell, &at[1-thread].cell
		seed := uint64(2*round + thread)
		for cell := range cells {
			n := uint64(round*cells + cell + 1)
			me.Store(n)
			for i := 0; i < 100 && other.Load() < n; i++ {
			}
			seed = seed*6364136223846793005 + 1442695040888963407
			dawdle(seed >> 57)
			act(cell)
		}
	}
	rounds := (tries + cells - 1) / cells
	var second sync.WaitGroup
	second.Go(func() {
		for round := range rounds {
			both.meet() // the cells are made
			walk(1, round)
			both.meet()
		}
	})
	for round := range rounds {
		for cell := range cells {
			m.reset(cell)
		}
		both.meet()
		walk(0, round)
		both.meet()
		if m.settle != nil {
			m.settle()
		}
		for cell := range cells {
			name := m.judge(cell)
			i, ok := names[name]
			if !ok {
				panic("races: no outcome has the name " + name)
			}
			h[i].Count++
		}
	}
	second.Wait()
}

// dawdle waits for n turns of nothing.
//
//go:noinline
func dawdle(n uint64) {
	for range n {
	}
}

// A meetingPoint is where two goroutines wait for each other, again and again.
type meetingPoint struct {
	_       cacheline.Pad
	arrived atomic.Uint64
	_       cacheline.Pad
}

// patience is how often who waits looks before it lets others have the processor:
// some 50 µs, the time in which Go's scheduler finds another processor for a
// goroutine that has none. Whoever gave way at once would have both goroutines on
// one processor soon, in turns, and never a collision.
const patience = 50_000

// meet returns when the other has called it as often. What either did before
// synchronizes before what the other does after.
func (p *meetingPoint) meet() {
	n := p.arrived.Add(1)
	target := n + n%2 // the even number that ends this meeting
	alone := runtime.GOMAXPROCS(0) == 1
	for i := 1; p.arrived.Load() < target; i++ {
		switch {
		case alone || i == patience:
			runtime.Gosched()
		case i%patience == 0: // there is a processor for this thread only
			time.Sleep(patience * time.Nanosecond)
		}
	}
}
