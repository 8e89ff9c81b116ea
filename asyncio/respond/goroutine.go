package respond

import "sync"

// runGoroutine answers on one goroutine and computes on another. The runtime wakes the
// reader on any free processor. If none is free, it interrupts the computation after
// 10 ms.
//
// Cost: Go's scheduler at every event.
// Progress: blocking.
func runGoroutine(load Load, n int, latencies *Latencies) int {
	u, conn := dial(load)
	var c computation
	var goroutines sync.WaitGroup
	if load == Busy {
		computing := make(chan struct{})
		goroutines.Go(func() {
			close(computing)
			for !c.stop.Load() {
				c.chunk()
			}
		})
		<-computing
	}
	if load == Stuck {
		goroutines.Go(func() {
			for range u.op.wanted {
				u.op.run(&c)
			}
		})
	}
	goroutines.Go(func() {
		var event [1]byte
		for {
			if _, err := conn.Read(event[:]); err != nil {
				break
			}
			event[0] = answer(event[0])
			if _, err := conn.Write(event[:]); err != nil {
				break
			}
		}
		conn.Close()
	})
	u.play(n, latencies)
	c.stop.Store(true)
	goroutines.Wait()
	return u.right
}
