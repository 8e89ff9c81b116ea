package asyncio

import (
	"net"

	"boundaries/asyncio/resp"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runGIL asks on 64 threads. A thread holds the lock except in system calls, as in
// CPython. It waits for its answer without the lock, so the latencies overlap.
//
// Cost: per question, the lock is released and taken twice, for the write and for
// the read. Nothing runs in parallel but the kernel.
// Progress: blocking.
func runGIL(db *Database, n int) Answer {
	check(n)
	var lock gil.GIL
	var a Answer // guarded by lock
	fork.Run("asyncio", inFlight, inFlight, func(slot, _ int) {
		var t gil.Thread
		c := resp.NewConn(&gilConn{db.conns[slot], &lock, &t}, patience)
		lock.Acquire(&t)
		for i := slot; i < n && a.Err == nil; i += inFlight {
			lock.Tick(&t)
			size, right, err := db.ask(c, i)
			if err != nil {
				a.Err = err
				break
			}
			if right {
				a.Right++
			}
			a.record(size)
		}
		lock.Release(&t)
	})
	return a
}

// A gilConn is a connection as in Python's socket module: a thread releases the lock
// while it reads or writes.
type gilConn struct {
	net.Conn
	lock *gil.GIL
	t    *gil.Thread
}

func (c *gilConn) Read(p []byte) (int, error) {
	c.lock.Release(c.t)
	n, err := c.Conn.Read(p)
	c.lock.Acquire(c.t)
	return n, err
}

func (c *gilConn) Write(p []byte) (int, error) {
	c.lock.Release(c.t)
	n, err := c.Conn.Write(p)
	c.lock.Acquire(c.t)
	return n, err
}
