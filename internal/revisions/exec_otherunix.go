//go:build unix && !linux

package revisions

import "syscall"

// Only Linux, and FreeBSD by a field of another name, tell a child of its parent's
// death. Elsewhere a test binary outlives a parent that was killed with SIGKILL until
// its benchmark ends.
func dieWithParent(*syscall.SysProcAttr) {}
