//go:build unix && !linux

package process

import "syscall"

// dieWithParent does nothing: of the other systems only FreeBSD can tell a child that
// its parent has died, and this package does not use that. So if SIGKILL ends this process, the
// Keeper ends the command.
func dieWithParent(*syscall.SysProcAttr) {}
