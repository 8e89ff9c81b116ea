package spawn

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/procs/internal/children"
)

// runThread starts a goroutine that locks its thread and ends without unlocking
// it, so that the runtime ends the thread. A new thread takes its place. So a step
// is the start of one thread and the end of another, which may overlap the next start.
//
// If the binary was built with cgo, which package net uses where there is a C compiler,
// the C library starts the thread, and a step takes 1.3 times as long.
//
// Cost: a dozen to twenty system calls, and two turns of the kernel's scheduler.
// Progress: blocking.
func runThread(p *children.Pool, n int) (int, error) {
	var ended atomic.Int64
	fork.Run("procs", p.Workers, n, func(_, n int) {
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
