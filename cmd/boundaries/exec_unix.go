//go:build unix

package main

import (
	"os/exec"
	"syscall"
	"time"
)

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// endGroup kills what the command has left running, and waits for its end: it
// could still write files for a moment after the signal. The wait is bounded
// because a zombie that nobody reaps stays in the group.
func endGroup(cmd *exec.Cmd) {
	for i := 0; i < 50 && cmd.Process != nil && syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) == nil; i++ {
		time.Sleep(2 * time.Millisecond)
	}
}
