package respond

import (
	"sync"

	"boundaries/internal/gil"
)

// runGIL answers on one thread and computes on another. One of them at a time has the
// lock. The answering thread releases the lock to read and to write. The computing
// thread keeps the lock until the answering thread requests it, 5 ms after that
// thread began to wait.
//
// Cost: under load=busy, an event waits that interval once, and sometimes twice, the
// convoy effect. Under load=stuck, it waits for the whole computation.
// Progress: blocking.
func runGIL(load Load, n int, latencies *Latencies) int {
	u, conn := dial(load)
	var lock gil.GIL
	var c computation
	var threads sync.WaitGroup
	if load == Busy {
		computing := make(chan struct{})
		threads.Go(func() {
			var t gil.Thread
			lock.Acquire(&t)
			close(computing)
			for !c.stop.Load() {
				lock.Tick(&t)
				c.chunk()
			}
			lock.Release(&t)
		})
		<-computing
	}
	if load == Stuck {
		threads.Go(func() {
			var t gil.Thread
			for range u.op.wanted {
				lock.Acquire(&t)
				u.op.run(&c)
				lock.Release(&t)
			}
		})
	}
	threads.Go(func() {
		var t gil.Thread
		var event [1]byte
		lock.Acquire(&t)
		for {
			lock.Release(&t)
			_, err := conn.Read(event[:])
			lock.Acquire(&t)
			if err != nil {
				break
			}
			lock.Tick(&t)
			event[0] = answer(event[0])
			lock.Release(&t)
			_, err = conn.Write(event[:])
			lock.Acquire(&t)
			if err != nil {
				break
			}
		}
		lock.Release(&t)
		conn.Close()
	})
	u.play(n, latencies)
	c.stop.Store(true)
	threads.Wait()
	return u.right
}
