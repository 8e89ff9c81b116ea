package asyncio

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"boundaries/asyncio/resp"
)

// goroutines asks every question on a goroutine of its own, which a semaphore
// bounds to as many as there are connections, and records the size of each answer.
// It is one driver for all disciplines, which a call of record in a step of
// several thousand nanoseconds does not tell apart.
//
// record is called by up to InFlight goroutines at once, but for one slot by one
// at a time: the slot is the connection that the question was asked on, and what
// one goroutine did with it synchronizes before the next one that gets it.
func (db *Database) goroutines(n int, record func(slot, size int)) (right int, err error) {
	var rights atomic.Int64
	ctx, fail := context.WithCancelCause(context.Background())
	defer fail(nil)
	sem := semaphore.NewWeighted(InFlight)
	conns := make([]*resp.Conn, InFlight)
	free := make(chan int, InFlight) // slots; whoever takes one out owns it
	for slot, c := range db.conns {
		conns[slot] = resp.NewConn(c, patience)
		free <- slot
	}
	for i := range n {
		if sem.Acquire(ctx, 1) != nil {
			break
		}
		go func() {
			slot := <-free // there is one: no more goroutines than slots
			size, right, err := db.ask(conns[slot], i)
			if err != nil {
				fail(err)
			} else {
				record(slot, size)
			}
			if right {
				rights.Add(1)
			}
			free <- slot
			sem.Release(1)
		}()
	}
	// Who gets every slot waits for every question.
	if err := sem.Acquire(context.Background(), InFlight); err != nil {
		return 0, err
	}
	return int(rights.Load()), context.Cause(ctx)
}
