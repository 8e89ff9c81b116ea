//go:build unix

package cputime

import (
	"fmt"
	"syscall"
	"time"
)

// Used returns the user and system time so far of this process, of its children that
// it has waited for, and of the live children with the given process ids. The kernel
// adds a child's time to its parent's only when the parent has waited for the child. So
// a child that is live in one call and gone in the next counts once in each.
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
