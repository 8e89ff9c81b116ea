package spawn

import (
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/procs/internal/children"
)

// runGoroutine starts a goroutine and waits until it is about to end.
//
// Cost: a stack, which the runtime uses again, and two turns of its scheduler.
// Progress: blocking.
func runGoroutine(p *children.Pool, n int) (int, error) {
	var ended atomic.Int64
	fork.Run("procs", p.Workers, n, func(_, n int) {
		end := make(chan struct{})
		mine := 0
		for range n {
			go func() {
				mine++
				end <- struct{}{}
			}()
			<-end
		}
		ended.Add(int64(mine))
	})
	return int(ended.Load()), nil
}
