package races

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/cacheline"
)

// A flagpole has the flags of both threads, each on a cache line of its own.
type flagpole struct {
	_     cacheline.Pad
	plain [2]struct {
		up int
		_  cacheline.Pad
	}
	atomic [2]struct {
		up atomic.Int64
		_  cacheline.Pad
	}
	mu sync.Mutex // guards plain in global-mutex
	_  cacheline.Pad
}

// flagsCase shows the one order that even amd64's processors do not keep: a thread
// may read another word before other threads see what it wrote first.
func flagsCase() raceCase {
	return raceCase{
		name:     "two-flags",
		question: "Each thread raises its flag and looks at the other's. Can each see the other's down?",
		noun:     "meetings",
		outcomes: []outcome{
			{"one up", acceptable, "the second thread saw the first one's flag"},
			{"both up", acceptable, "both had raised their flags when they looked"},
			{"both down", interesting, "each read the other's flag while its own write was still on its way to memory"},
		},
		variants: []variant{
			{name: "racy", note: "each thread writes its own flag, then reads the other's", racy: true, run: raise(func(p *flagpole, me int) int {
				p.plain[me].up = 1
				return p.plain[1-me].up
			})},
			{name: "global-mutex", run: raise(func(p *flagpole, me int) int {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.plain[me].up = 1
				return p.plain[1-me].up
			})},
			{name: "atomic", run: raise(func(p *flagpole, me int) int {
				p.atomic[me].up.Store(1)
				return int(p.atomic[1-me].up.Load())
			})},
		},
	}
}

// raise makes both threads raise their flags and look at the other's.
func raise(do func(p *flagpole, me int) (others int)) job {
	return func(_, tries int) ([]int, error) {
		poles := make([]flagpole, cells)
		saw := [2][]int{make([]int, cells), make([]int, cells)}
		return collide(tries, 3, meeting{
			reset: func(cell int) {
				p := &poles[cell]
				for i := range 2 {
					p.plain[i].up = 0
					p.atomic[i].up.Store(0)
				}
			},
			actors: [2]func(cell int){
				func(cell int) { saw[0][cell] = do(&poles[cell], 0) },
				func(cell int) { saw[1][cell] = do(&poles[cell], 1) },
			},
			judge: func(cell int) int {
				// One flag that was seen is outcome 0, two are 1, none is 2.
				return (saw[0][cell] + saw[1][cell] + 2) % 3
			},
		}), nil
	}
}

func TestFlagsAreJudged(t *testing.T) {
	for up, want := range [][]int{{0, 0, cells}, {cells, 0, 0}, {0, cells, 0}} {
		require.Equal(t, want, counts(t, raise(func(_ *flagpole, me int) int {
			if me < up {
				return 1
			}
			return 0
		}), cells))
	}
}

// A round does not see the flags of the round before.
func TestFlagsAreLowered(t *testing.T) {
	raised := [2]map[*flagpole]int{{}, {}}
	require.Equal(t, []int{0, 0, 2 * cells}, counts(t, raise(func(p *flagpole, me int) int {
		raised[me][p]++
		if raised[me][p] == 2 {
			return p.plain[1-me].up + int(p.atomic[1-me].up.Load())
		}
		p.plain[me].up = 1
		p.atomic[me].up.Store(1)
		return 0
	}), 2*cells))
}

// counts returns the outcomes of a job of two threads.
func counts(t *testing.T, run job, n int) []int {
	t.Helper()
	counts, err := run(2, n)
	require.NoError(t, err)
	return counts
}
