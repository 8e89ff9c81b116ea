package procs

import (
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/items"
)

// runChannel has a goroutine in the place of each child and channels in the place
// of pipes, with the same number of items in flight. The difference between pipe
// and channel is what it costs to leave the process. A message is the address of
// an item and never a copy, which no pipe offers.
//
// Cost: a channel's lock four times an item.
// Progress: blocking.
func runChannel(p *children.Pool, n int) (int, error) {
	var wrong atomic.Bool
	window := p.Layout.Window
	fork.Run("procs", p.Workers, n, func(_, n int) {
		work := make(chan []uint64, window)
		answers := make(chan []uint64, window)
		go func() {
			for item := range work {
				if !items.Change(item) {
					wrong.Store(true)
				}
				answers <- item
			}
		}()
		slots := make([]uint64, min(n, window)*p.Words)
		for sent, got := 0, 0; got < n; {
			for ; sent < n && sent < got+window; sent++ {
				item := slots[sent%window*p.Words:][:p.Words]
				items.Fill(item, uint64(sent))
				work <- item
			}
			if !items.Right(<-answers, uint64(got)) {
				wrong.Store(true)
			}
			got++
		}
		close(work)
	})
	if wrong.Load() {
		return 0, items.ErrWrong
	}
	return n, nil
}
