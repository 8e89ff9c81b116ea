//go:build unix

package process

import (
	"os/exec"
	"syscall"
	"time"
)

// OwnGroup puts the command, which has not been started, into a process group of its own,
// so that a Ctrl-C reaches only this process. On Linux the kernel kills the command when
// the thread that starts it ends, even if a SIGKILL ends that thread. So the caller must
// lock the goroutine to its thread while the command runs.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
}

// EndGroup kills the processes that the command has left running and waits for their
// end, because a process can still write files until it has had a processor after the
// signal. The wait ends after a second: a zombie that is never reaped stays in the group.
func EndGroup(cmd *exec.Cmd) {
	for i := 0; i < 500 && cmd.Process != nil && syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) == nil; i++ {
		time.Sleep(2 * time.Millisecond)
	}
}
