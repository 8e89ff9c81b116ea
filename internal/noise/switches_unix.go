//go:build unix

package noise

import "syscall"

// switches returns how often a thread of this process lost its processor so far.
func switches() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return int64(u.Nivcsw)
}
