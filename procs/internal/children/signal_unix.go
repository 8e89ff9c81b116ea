//go:build unix

package children

import (
	"os"
	"syscall"
)

// SignalOf returns the signal that killed a process, or nil if none did.
func SignalOf(state *os.ProcessState) os.Signal {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal()
	}
	return nil
}
