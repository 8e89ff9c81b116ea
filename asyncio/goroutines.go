package asyncio

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"boundaries/asyncio/resp"
)

// goroutines asks every question on a goroutine of its own, and calls record with the
// size of each answer. A semaphore bounds the goroutines to as many as there are
// connections. All disciplines share this driver: calling record through a function
// value does not show in a step of several thousand nanoseconds.
//
// A slot is the connection that the question was asked on. Up to inFlight goroutines
// call record at once, but only one at a time for each slot: a call for a slot
// synchronizes before the next call for it.
func (db *Database) goroutines(n int, record func(slot, size int)) (right int, err error) {
	var rights atomic.Int64
	ctx, fail := context.WithCancelCause(context.Background())
	defer fail(nil)
	sem := semaphore.NewWeighted(inFlight)
	conns := make([]*resp.Conn, inFlight)
	free := make(chan int, inFlight) // slots; a goroutine that takes one out owns it
	for slot, c := range db.conns {
		conns[slot] = resp.NewConn(c, patience)
		free <- slot
	}
	for i := range n {
		if sem.Acquire(ctx, 1) != nil {
			break
		}
		go func() {
			slot := <-free // does not block: there are no more goroutines than slots
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
	// All of the semaphore is free when all questions are answered.
	if err := sem.Acquire(context.Background(), inFlight); err != nil {
		return 0, err
	}
	return int(rights.Load()), context.Cause(ctx)
}
