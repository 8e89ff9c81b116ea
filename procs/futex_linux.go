package procs

import (
	"math"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The operations of the kernel's futex, without FUTEX_PRIVATE_FLAG, because the
// word is in memory of two processes.
const (
	futexOpWait = 0
	futexOpWake = 1
)

const everybody = math.MaxInt32

// futexWait sleeps if the word has that value, until it is woken or the time is
// over; zero means no limit. It may return for no reason at all.
func futexWait(word *atomic.Uint32, value uint32, limit time.Duration) {
	var timeout *unix.Timespec
	if limit > 0 {
		t := unix.NsecToTimespec(int64(limit))
		timeout = &t
	}
	// Syscall, not RawSyscall: other goroutines may have the processor.
	syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWait,
		uintptr(value), uintptr(unsafe.Pointer(timeout)), 0, 0)
}

// futexWake wakes up to n of those who sleep on the word.
func futexWake(word *atomic.Uint32, n int) {
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWake, uintptr(n), 0, 0, 0)
}

// yield lets another thread have this one's processor, if one waits for it.
func yield() { syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
