package peers

import (
	"sync/atomic"
	_ "unsafe" // for go:linkname

	"github.com/cockroachdb/crlib/crsync"
	"github.com/puzpuzpuz/xsync/v4"
	"tailscale.com/syncs"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/suite"
	"boundaries/loop"
)

// counters are the peers of Loop: counters that many goroutines add to, and whose total
// may be read at any time.
var counters = Job{
	Ours: suite.New("Loop", "sync", "", loop.Variants, loop.Total, nil),
	Rows: []string{"global-mutex", "sharded-lock", "atomic", "lock-free"},
	Peers: suite.New("Loop", "peer", "", []suite.Row[int64]{
		{Name: "xsync", Run: func(workers, n int) int64 {
			c := xsync.NewCounter()
			c.Add(1)
			fork.Run("peers", workers, n, func(_, n int) {
				for range n {
					c.Add(2)
				}
			})
			return c.Value()
		}},
		{Name: "crsync", Run: func(workers, n int) int64 {
			c := crsync.MakeCounter()
			c.Add(1)
			fork.Run("peers", workers, n, func(_, n int) {
				for range n {
					c.Add(2)
				}
			})
			return c.Get()
		}},
		{Name: "tailscale", Run: func(workers, n int) int64 {
			c := syncs.NewShardedInt()
			c.Add(1)
			fork.Run("peers", workers, n, func(_, n int) {
				for range n {
					c.Add(2)
				}
			})
			return c.Value()
		}},
		{Name: "cell-per-proc", Run: runCellPerProc},
	}, loop.Total, nil),
}

// totals are those peers of Loop whose total is right only at the end.
var totals = Job{
	Ours:  suite.New("Loop/read=at-end", "sync", "", loop.Variants, loop.Total, nil),
	Rows:  []string{"private"},
	Peers: suite.New("Loop/read=at-end", "peer", "", []suite.Row[int64]{{Name: "flush-64", Run: runFlush64}}, loop.Total, nil),
}

// runCellPerProc adds to the cell of the P that the goroutine runs on, as cespare/percpu
// does.
func runCellPerProc(workers, n int) int64 {
	cells := make([]cell, workers)
	cells[0].Store(1)
	fork.Run("peers", workers, n, func(_, n int) {
		for range n {
			cells[procPin()].Add(2)
			procUnpin()
		}
	})
	return sum(cells)
}

// runFlush64 adds to a variable of its own, and after each 64 steps adds that to a
// shared atomic word.
func runFlush64(workers, n int) int64 {
	var shared struct {
		_     cacheline.Pad
		total atomic.Int64
		_     cacheline.Pad
	}
	shared.total.Store(1)
	fork.Run("peers", workers, n, func(_, n int) {
		mine, taken := int64(0), 0
		for range n {
			mine += 2
			if taken++; taken%64 == 0 {
				shared.total.Add(mine)
				mine = 0
			}
		}
		shared.total.Add(mine)
	})
	return shared.total.Load()
}

// A cell is a part of a count.
type cell struct {
	atomic.Int64
	_ cacheline.Pad // no two cells on one line
}

func sum(cells []cell) int64 {
	total := int64(0)
	for i := range cells {
		total += cells[i].Load()
	}
	return total
}

// procPin returns the number of the current P, below GOMAXPROCS, and keeps the goroutine
// on it until procUnpin. The linker allows these names to everyone, because many
// libraries use them.
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
