package asyncio

import (
	"boundaries/asyncio/resp"
	"boundaries/internal/fork"
	"boundaries/internal/gil"
	"boundaries/internal/sock"
)

// runGIL asks on 64 threads, of which one at a time has the lock, and whoever is
// in a system call has not, as in CPython. It pays for the lock twice a question,
// after the write and after the read, and for all parallelism but the kernel's.
// What it does not pay is the latency: waiting is done without the lock. Blocking.
func runGIL(db *Database, n int) Answer {
	check(n)
	var lock gil.GIL
	var a Answer // guarded by lock
	fork.Run("asyncio", InFlight, InFlight, func(slot, _ int) {
		var t gil.Thread
		c := resp.NewConn(&gilConn{db.conns[slot], &lock, &t}, patience)
		lock.Acquire(&t)
		for i := slot; i < n && a.Err == nil; i += InFlight {
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

// A gilConn is a connection as Python's socket module has it: whoever reads or
// writes releases the lock meanwhile.
type gilConn struct {
	*sock.Conn
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
