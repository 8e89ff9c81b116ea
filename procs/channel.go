package procs

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// runChannel has a goroutine in each child's place and channels for pipes, with
// the same number of items in flight: what leaving the process costs is the
// difference to pipe. It pays for a channel's lock four times an item, and a
// message is the address of an item, never a copy, which no pipe can offer.
// Blocking.
func runChannel(p *Pool, n int) (int, error) {
	var wrong atomic.Bool
	window := shapeOf(p.variant, Payload(p.words*wordSize), p.workers).window
	fork.Run("procs", p.workers, n, func(_, n int) {
		work := make(chan []uint64, window)
		answers := make(chan []uint64, window)
		go func() {
			for item := range work {
				if !change(item) {
					wrong.Store(true)
				}
				answers <- item
			}
		}()
		items := make([]uint64, min(n, window)*p.words)
		for sent, got := 0, 0; got < n; {
			for ; sent < n && sent < got+window; sent++ {
				item := items[sent%window*p.words:][:p.words]
				fill(item, uint64(sent))
				work <- item
			}
			if !right(<-answers, uint64(got)) {
				wrong.Store(true)
			}
			got++
		}
		close(work)
	})
	if wrong.Load() {
		return 0, errWrong
	}
	return n, nil
}
