//go:build !linux

package children

import "syscall"

// dieWithParent returns nil: here only the end of its standard input tells a
// child that its parent is gone.
func dieWithParent() *syscall.SysProcAttr { return nil }
