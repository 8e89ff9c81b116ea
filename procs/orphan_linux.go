package procs

import "syscall"

// orphanSignal is what the kernel sends a child whose parent's thread ends; the
// tests change it to see that children notice without it.
var orphanSignal = syscall.SIGKILL

func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: orphanSignal}
}
