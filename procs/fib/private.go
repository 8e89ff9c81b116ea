package fib

import (
	"fmt"

	"boundaries/internal/fork"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/frame"
)

// runPrivate has each child compute its share, as code block 5.1 does: the
// ceiling.
//
// Cost: two messages for a batch of up to 10 ms of work.
// Progress: blocking.
func runPrivate(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		// A batch is at most an eighth of the share: two in flight keep the child
		// busy, and little is lost if the child dies.
		size := min(max(n/8, 1), 256)
		batches := (n + size - 1) / size
		done, err := l.Exchange(batches, 2, p.Patience, func(c *children.Child) (send, receive func(i int) error) {
			send = func(i int) error {
				return frame.Write(c.In, frame.New(1), []uint64{uint64(fork.Share(i, batches, n))})
			}
			receive = func(i int) error {
				sum := make([]uint64, 1)
				if err := frame.Read(c.Out, frame.New(1), sum); err != nil {
					return err
				}
				if want := uint64(fork.Share(i, batches, n)) * value; sum[0] != want {
					return fmt.Errorf("the sum is %d, want %d", sum[0], want)
				}
				return nil
			}
			return send, receive
		})
		steps := 0
		for i := range done {
			steps += fork.Share(i, batches, n)
		}
		return steps, err
	})
}

func servePrivate(w *children.Worker) {
	w.Answer(func(item []uint64) {
		sum := 0
		for range item[0] {
			sum += fib(number)
		}
		item[0] = uint64(sum)
	})
}
