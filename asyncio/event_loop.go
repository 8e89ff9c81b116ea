package asyncio

import (
	"context"

	"boundaries/asyncio/eventloop"
	"boundaries/asyncio/resp"
)

// runEventLoop asks from 64 tasks of one loop, as asyncio does. No lock is needed,
// because one task runs at a time. A task that computes holds up all others.
//
// Cost: per question, two system calls, two coroutine switches, and a share of the
// call that asks the selector which sockets are ready. Nothing runs in parallel but
// the kernel.
// Progress: blocking.
func runEventLoop(db *Database, n int) Answer {
	check(n)
	var a Answer // every task writes it; one task runs at a time
	err := eventloop.Run(context.Background(), func(t *eventloop.Task) error {
		l := t.Loop()
		tasks := make([]*eventloop.Future[struct{}], inFlight)
		for slot := range tasks {
			tasks[slot] = eventloop.Go(l, func(t *eventloop.Task) (struct{}, error) {
				s := l.Attach(db.conns[slot])
				c := resp.NewConn(s.As(t), 0)
				for i := slot; i < n; i += inFlight {
					var size int
					var right bool
					err := t.Timeout(patience, func() (err error) {
						size, right, err = db.ask(c, i)
						return err
					})
					if err != nil {
						return struct{}{}, err
					}
					if right {
						a.Right++
					}
					a.record(size)
				}
				_, err := s.Detach(t)
				return struct{}{}, err
			})
		}
		_, err := eventloop.Await(t, eventloop.Gather(l, tasks...))
		return err
	})
	a.Err = err
	return a
}
