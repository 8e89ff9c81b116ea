//go:build !linux

package procs

import "syscall"

// dieWithParent returns nil: here a child notices only by the end of its
// standard input that its parent is gone.
func dieWithParent() *syscall.SysProcAttr { return nil }
