//go:build unix

package cputime

import (
	"fmt"
	"syscall"
	"time"
)

// Used returns the user and system time that this process has used so far,
// together with its children that have ended and been waited for and with the
// live children whose process ids are given. The kernel counts a child's time
// only when the child has ended. A child that ends between two calls is counted
// once in each.
func Used(children ...int) (time.Duration, error) {
	var total time.Duration
	for _, pid := range children {
		used, err := usedBy(pid)
		if err != nil {
			return 0, fmt.Errorf("reading the processor time used by process %d: %w", pid, err)
		}
		total += used
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, fmt.Errorf("reading the processor time used: %w", err)
		}
		total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return total, nil
}
