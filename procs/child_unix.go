//go:build unix

package procs

import (
	"os"
	"syscall"
)

// signalOf returns what killed a process, or nil if it was not killed.
func signalOf(state *os.ProcessState) os.Signal {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return nil
}
