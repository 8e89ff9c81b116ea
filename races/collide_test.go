package races

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/cacheline"
	"boundaries/internal/suite/suitetest"
)

// A meeting is what the two threads of a case do to one of many cells. All but the
// second actor run on the caller's goroutine.
type meeting struct {
	reset  func(cell int)     // gives the cell its initial state
	actors [2]func(cell int)  // what each thread does
	settle func()             // called before judge when both threads have been at all cells; may be nil
	judge  func(cell int) int // returns the index of the outcome
}

// cells is the number of meetings between two synchronizations of the threads. It
// is large enough to make these cheap, and small enough for the cells to stay in the
// caches.
const cells = 1024

// collide makes the two threads meet at cell after cell until there were that many
// tries, and returns how many had each outcome.
//
// Both threads go through the same cells in the same order. At each cell, the first
// thread to arrive waits for the other, though not for long. Then each waits for a
// few random nanoseconds more, so that either thread may be first, or both act at
// once. The shares of the outcomes are those of this procedure on this machine, and
// of nothing else.
func collide(tries, outcomes int, m meeting) []int {
	counts := make([]int, outcomes)
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
			both.meet() // all cells are reset
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
			counts[m.judge(cell)]++
		}
	}
	second.Wait()
	return counts
}

// dawdle takes n turns of an empty loop.
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

// patience is how often the waiter looks before it yields its processor: some
// 50 µs, in which Go's scheduler finds another processor for a goroutine that has
// none. A waiter that yielded at once would soon share one processor with the other
// goroutine, so that the two would take turns and never collide.
const patience = 50_000

// meet returns when the other goroutine has called it equally often. Each
// goroutine's call synchronizes before the other's return.
func (p *meetingPoint) meet() {
	n := p.arrived.Add(1)
	target := n + n%2 // the even number that ends this meeting
	alone := runtime.GOMAXPROCS(0) == 1
	for i := 1; p.arrived.Load() < target; i++ {
		switch {
		case alone || i == patience:
			runtime.Gosched()
		case i%patience == 0: // only this thread has a processor
			time.Sleep(patience * time.Nanosecond)
		}
	}
}

// Each goroutine that leaves a meeting sees what the other wrote before it.
func TestMeetingPoint(t *testing.T) {
	suitetest.Once(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		var p meetingPoint
		var words [2]int // each goroutine writes its own
		var second sync.WaitGroup
		actor := func(me int) {
			for i := range 500 {
				words[me] = i
				p.meet()
				assert.Equal(t, i, words[1-me])
				p.meet()
			}
		}
		second.Go(func() { actor(1) })
		actor(0)
		second.Wait()
	}
}

// Both threads come to every cell once a round, between its reset and its judging,
// however slow one of them is.
func TestBothThreadsComeToEveryCell(t *testing.T) {
	for _, n := range []int{1, cells - 1, cells, cells + 1, 3 * cells} {
		var came [2][cells]int
		resets, wrong := 0, 0
		check := func(ok bool) {
			if !ok {
				wrong++
			}
		}
		counts := collide(n, 2, meeting{
			reset: func(cell int) {
				check(came[0][cell] == came[1][cell])
				resets++
			},
			actors: [2]func(cell int){
				func(cell int) { came[0][cell]++ },
				func(cell int) {
					if came[1][cell]++; cell%8 == 0 {
						time.Sleep(time.Microsecond)
					}
				},
			},
			judge: func(cell int) int {
				check(came[0][cell]*cells == resets && came[0][cell] == came[1][cell])
				return 1
			},
		})
		require.Zero(t, wrong)
		rounds := (n + cells - 1) / cells
		require.Equal(t, []int{0, rounds * cells}, counts)
		require.Equal(t, rounds, came[0][cells-1])
	}
}
