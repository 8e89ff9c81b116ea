package futex

import (
	"math"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's operations, without FUTEX_PRIVATE_FLAG, because the word is in
// memory that several processes map.
const (
	opWait = 0
	opWake = 1
)

const everybody = math.MaxInt32

// wait sleeps while the word has that value, until a call of wake or the end of the
// limit; a limit of zero means none. It may also return for no reason.
func wait(word *atomic.Uint32, value uint32, limit time.Duration) {
	var timeout *unix.Timespec
	if limit > 0 {
		t := unix.NsecToTimespec(int64(limit))
		timeout = &t
	}
	// Syscall, not RawSyscall: it lets other goroutines have the processor.
	syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), opWait,
		uintptr(value), uintptr(unsafe.Pointer(timeout)), 0, 0)
}

// wake wakes up to n sleepers of the word.
func wake(word *atomic.Uint32, n int) {
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), opWake, uintptr(n), 0, 0, 0)
}

// Yield gives this thread's processor to another thread that waits for one.
func Yield() { syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
