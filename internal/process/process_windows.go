package process

import (
	"os/exec"
	"syscall"
)

// OwnGroup puts the command, which has not been started, into a process group of its own,
// so that a Ctrl-C reaches only this process.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// EndGroup kills the command. Windows cannot kill a group, so a process that the command
// has started may be left running.
func EndGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = cmd.Process.Kill()
	}
}
