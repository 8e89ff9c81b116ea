package procs

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// runSpawnGoroutine starts a goroutine and waits until it has ended. It pays for
// a stack that is used again and for two turns of Go's scheduler. Blocking.
func runSpawnGoroutine(p *Pool, n int) (int, error) {
	var ended atomic.Int64
	fork.Run("procs", p.workers, n, func(_, n int) {
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
