//go:build unix && !linux

package revisions

import "syscall"

// dieWithParent does nothing: of the other systems only FreeBSD can tell a child that
// its parent has died, by a field of another name. So if SIGKILL ends this process, a
// test binary runs until its benchmark ends.
func dieWithParent(*syscall.SysProcAttr) {}
