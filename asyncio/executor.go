package asyncio

import (
	"context"

	"boundaries/asyncio/eventloop"
	"boundaries/asyncio/resp"
)

// runExecutor asks from 64 tasks of one loop that leave the blocking calls to other
// goroutines, each started for one call. asyncio's run_in_executor serves the same
// purpose: it calls libraries that have no async version.
//
// Cost: the start of a goroutine and two hand-overs per question.
// Progress: blocking.
func runExecutor(db *Database, n int) Answer {
	check(n)
	type reply struct {
		size  int
		right bool
	}
	var a Answer // every task writes it; one task runs at a time
	err := eventloop.Run(context.Background(), func(t *eventloop.Task) error {
		l := t.Loop()
		pool := eventloop.NewExecutor(inFlight)
		tasks := make([]*eventloop.Future[struct{}], inFlight)
		for slot := range tasks {
			tasks[slot] = eventloop.Go(l, func(t *eventloop.Task) (struct{}, error) {
				c := resp.NewConn(db.conns[slot], patience)
				for i := slot; i < n; i += inFlight {
					r, err := eventloop.Await(t, eventloop.RunInExecutor(l, pool, func() (reply, error) {
						size, right, err := db.ask(c, i)
						return reply{size, right}, err
					}))
					if err != nil {
						return struct{}{}, err
					}
					if r.right {
						a.Right++
					}
					a.record(r.size)
				}
				return struct{}{}, nil
			})
		}
		_, err := eventloop.Await(t, eventloop.Gather(l, tasks...))
		return err
	})
	a.Err = err
	return a
}
