package procs

import (
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/items"
)

// runSerial changes every item where it was written, on the caller's goroutine and
// without a child. Compare the other rows with it: the difference is what it costs to
// hand the items over.
//
// Cost: writing, changing and checking the item, and nothing else.
// Progress: wait-free.
func runSerial(p *children.Pool, n int) (int, error) {
	item := make([]uint64, p.Words)
	for done := range n {
		items.Fill(item, uint64(done))
		if !items.Change(item) || !items.Right(item, uint64(done)) {
			return done, items.ErrWrong
		}
	}
	return n, nil
}
