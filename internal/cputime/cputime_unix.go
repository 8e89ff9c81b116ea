//go:build unix

package cputime

import (
	"fmt"
	"syscall"
	"time"
)

// Used returns the user and system time of this process so far, and of those of
// its children that have ended and been waited for.
func Used() (time.Duration, error) {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, fmt.Errorf("reading the processor time used: %w", err)
		}
		total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return total, nil
}
