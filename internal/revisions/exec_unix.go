//go:build unix

package revisions

import (
	"os/exec"
	"syscall"
	"time"
)

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

// endGroup kills what the command left running and waits for its end, because a
// process can still write files for a moment after the signal. The wait is bounded:
// a zombie that is never reaped stays in the group.
func endGroup(cmd *exec.Cmd) {
	for i := 0; i < 50 && cmd.Process != nil && syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) == nil; i++ {
		time.Sleep(2 * time.Millisecond)
	}
}
