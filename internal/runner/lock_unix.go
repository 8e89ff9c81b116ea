//go:build unix

package runner

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// detach keeps a Ctrl-C from a command, which the caller ends in another way.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// lock returns an error if another process has locked the file. The lock ends with the
// process. File systems without locks are no error.
func lock(file *os.File) error {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return err
	}
	return nil
}
