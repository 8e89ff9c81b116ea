package revisions

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the command into a new process group, which a Ctrl-C does not reach.
// Windows cannot kill a group, so a process that a benchmark starts may be left running.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func endGroup(*exec.Cmd) {}
