package procs

import (
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/items"
)

// runPipe sends each item as a message down a pipe and reads the answer from
// another pipe, as multiprocessing.Queue does. A message takes one write and two
// reads, one for its length and one for the rest.
//
// Cost: six system calls an item, and four copies of every byte.
// Progress: blocking.
func runPipe(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		return l.Exchange(n, p.Layout.Window,
			func(item []uint64, i int) { items.Fill(item, uint64(i)) },
			func(item []uint64, i int) error {
				if !items.Right(item, uint64(i)) {
					return items.ErrWrong
				}
				return nil
			})
	})
}

func servePipe(w *children.Worker) {
	w.Answer(func(item []uint64) {
		if number := item[0]; !items.Change(item) {
			w.Torn(number)
		}
	})
}
