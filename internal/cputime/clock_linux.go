package cputime

import (
	"time"

	"golang.org/x/sys/unix"
)

// usedBy reads the processor clock of a living process, whose number the kernel
// makes of the process id as clock_getcpuclockid(3) does: all bits turned, and 2
// for the scheduler's own account in the lowest three.
func usedBy(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}
