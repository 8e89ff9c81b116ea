//go:build unix

package cputime

import (
	"fmt"
	"syscall"
	"time"
)

// Used returns the user and system time of this process so far, of those of its
// children that have ended and been waited for, and of those that live, which
// the caller names: the kernel adds up the time of children only when they end.
// A child that ends between two calls is counted once in each.
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
