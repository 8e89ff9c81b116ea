//go:build unix

package command

import "golang.org/x/sys/unix"

// unread reports whether standard output or standard error is a pipe that nobody reads.
func unread() bool {
	files := []unix.PollFd{{Fd: 1}, {Fd: 2}}
	_, err := unix.Poll(files, 0)
	return err == nil && (files[0].Revents|files[1].Revents)&(unix.POLLERR|unix.POLLHUP) != 0
}
