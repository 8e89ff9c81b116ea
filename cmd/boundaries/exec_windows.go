package main

import (
	"os/exec"
	"syscall"
)

// A Ctrl-C does not reach a new group. Windows has no way to kill one: what a
// benchmark has started itself is left running.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func endGroup(*exec.Cmd) {}
