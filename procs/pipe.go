package procs

import (
	"os"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/items"
)

// runPipe sends each item as a message down a pipe and reads the answer from
// another pipe, as multiprocessing.Queue does. A message takes one write and two
// reads, one for its length and one for the rest.
//
// Cost: six system calls an item of a word, more for one of 64 KiB, which does not fit into
// a pipe, and those of the poller; six copies of every byte.
// Progress: blocking.
func runPipe(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		return l.Exchange(n, p.Layout.Window, p.Patience, func(c *children.Child) (send, receive func(i int) error) {
			item, out := make([]uint64, p.Words), frame.New(p.Words)
			answer, in := make([]uint64, p.Words), frame.New(p.Words)
			send = func(i int) error {
				items.Fill(item, uint64(i))
				return frame.Write(c.In, out, item)
			}
			receive = func(i int) error {
				if err := frame.Read(c.Out, in, answer); err != nil {
					return err
				}
				return items.Check(answer, uint64(i))
			}
			return send, receive
		})
	})
}

func servePipe(w *children.Worker) {
	item, buffer := make([]uint64, w.Words), frame.New(w.Words)
	for {
		w.ExitOn(frame.Read(os.Stdin, buffer, item))
		if number := item[0]; !items.Change(item) {
			w.ExitTorn(number)
		}
		w.ExitOn(frame.Write(os.Stdout, buffer, item))
	}
}
