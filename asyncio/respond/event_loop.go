package respond

import (
	"context"
	"time"

	"boundaries/asyncio/eventloop"
)

// slice is how long the computing task computes before it yields.
const slice = 10 * time.Millisecond

// runEventLoop answers in one task of a loop and computes in another, which yields
// every 10 ms. Without the line that yields, the loop would answer no event.
//
// Cost: under load=busy, an event waits one or two slices of 10 ms on any number
// of processors, and every computation must yield. On one processor the event also
// waits for its turn. Under load=stuck, it waits for the whole computation.
// Progress: blocking.
func runEventLoop(load Load, n int, latencies *Latencies) int {
	u, conn := dial(load)
	go u.play(n, latencies)
	var c computation
	err := eventloop.Run(context.Background(), func(t *eventloop.Task) error {
		l := t.Loop()
		if load == Busy {
			eventloop.Go(l, func(t *eventloop.Task) (struct{}, error) {
				for {
					for end := time.Now().Add(slice); time.Now().Before(end); {
						c.chunk()
					}
					if err := t.Yield(); err != nil {
						return struct{}{}, err
					}
				}
			})
		}
		if load == Stuck {
			pool := eventloop.NewExecutor(1)
			eventloop.Go(l, func(t *eventloop.Task) (struct{}, error) {
				for {
					more, err := eventloop.Await(t, eventloop.RunInExecutor(l, pool, func() (bool, error) {
						_, more := <-u.op.wanted
						return more, nil
					}))
					if err != nil || !more {
						return struct{}{}, err
					}
					u.op.run(&c)
				}
			})
		}
		s := l.Attach(conn)
		// A read that fills its buffer leaves open whether the socket has more, so the next
		// read would ask the socket before the selector, and answer within the slice.
		// There is one event at a time, so this read never fills its buffer.
		var buffer [2]byte
		for {
			n, err := s.Read(t, buffer[:])
			if err != nil {
				return nil // the user has hung up
			}
			events := buffer[:n]
			for i := range events {
				events[i] = answer(events[i])
			}
			if _, err := s.Write(t, events); err != nil {
				return nil
			}
		}
	})
	<-u.done
	if err != nil {
		panic("respond: " + err.Error())
	}
	return u.right
}
