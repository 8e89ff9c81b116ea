package await

import "runtime"

// runThread is runGoroutine with each goroutine locked to a thread of its own, as
// every thread of Python is one of the operating system's. It pays for a thread
// that is woken and one that sleeps at every step. Blocking.
func runThread(workers, n int) int {
	check(workers, n)
	return handOver(n, runtime.LockOSThread, runtime.UnlockOSThread)
}
