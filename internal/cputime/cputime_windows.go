package cputime

import (
	"fmt"
	"syscall"
	"time"
)

// Used returns the user and kernel time of this process so far. Windows does not
// add up the time of children.
func Used() (time.Duration, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0, fmt.Errorf("reading the processor time used: %w", err)
	}
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &exited, &kernel, &user); err != nil {
		return 0, fmt.Errorf("reading the processor time used: %w", err)
	}
	return duration(kernel) + duration(user), nil
}

// duration converts a count of 100 ns. Filetime.Nanoseconds would take it for a
// date and subtract the years from 1601 to 1970.
func duration(t syscall.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
