package await

import "runtime"

// runThread is runGoroutine with each goroutine locked to a thread of its own. Every
// thread of Python is a thread of the operating system too.
//
// Cost: the kernel at every step, which wakes one thread and puts the other to
// sleep.
// Progress: blocking.
func runThread(workers, n int) int {
	check(workers, n)
	return handOver(n, runtime.LockOSThread, runtime.UnlockOSThread)
}
