package procs

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/fork"
)

// runSpawnThread starts a goroutine that locks its thread and ends without
// unlocking it, with which the runtime ends the thread; a new one takes its
// place, so that a step is a thread's start and a thread's end, although not of
// the same thread. It pays for two system calls and two turns of the kernel's
// scheduler. Blocking.
func runSpawnThread(p *Pool, n int) (int, error) {
	var ended atomic.Int64
	fork.Run("procs", p.workers, n, func(_, n int) {
		end := make(chan struct{})
		mine := 0
		for range n {
			go func() {
				runtime.LockOSThread()
				mine++
				end <- struct{}{}
			}()
			<-end
		}
		ended.Add(int64(mine))
	})
	return int(ended.Load()), nil
}
