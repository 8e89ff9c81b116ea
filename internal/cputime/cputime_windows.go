package cputime

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Used returns the user and kernel time that this process has used so far. With
// children it returns errors.ErrUnsupported: Windows does not add up their time.
func Used(children ...int) (time.Duration, error) {
	if len(children) > 0 {
		return 0, errors.ErrUnsupported
	}
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

// duration converts a number of 100 ns units. Filetime.Nanoseconds is of no use
// here: it takes the number for a date and subtracts the years from 1601 to 1970.
func duration(t syscall.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
