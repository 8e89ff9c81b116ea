package await

import (
	"context"

	"boundaries/asyncio/eventloop"
)

// runEventLoop lets two tasks of a loop yield in turn. A task that does not yield
// would keep the turn.
//
// Cost: two coroutine switches, one to the loop and one from it, and a place in its
// queue. There is no lock, no scheduler and no allocation.
// Progress: blocking.
func runEventLoop(workers, n int) int {
	check(workers, n)
	last, handed := -1, 0 // both tasks write them; one task runs at a time
	party := func(me, n int) func(*eventloop.Task) (struct{}, error) {
		return func(t *eventloop.Task) (struct{}, error) {
			for range n {
				if last != me {
					handed++
				}
				last = me
				if err := t.Yield(); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		}
	}
	err := eventloop.Run(context.Background(), func(t *eventloop.Task) error {
		l := t.Loop()
		first := eventloop.Go(l, party(0, n-n/2))
		second := eventloop.Go(l, party(1, n/2))
		_, err := eventloop.Await(t, eventloop.Gather(l, first, second))
		return err
	})
	if err != nil {
		panic("await: " + err.Error())
	}
	return handed
}
