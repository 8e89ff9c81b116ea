//go:build unix

package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// A keeper is a process that cleans up when this process has ended, even if it was
// killed. The keeper notices that by the end of its standard input. It then kills the
// process group that this process started last, and removes the folder.
type keeper struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

const keeperScript = `trap '' HUP INT TERM PIPE
last=0
while read -r pid; do last=$pid; done
[ "$last" -le 1 ] || kill -KILL -"$last" 2>/dev/null
rm -rf -- "$1"`

func keep(folder string) (*keeper, error) {
	cmd := exec.Command("sh", "-c", keeperScript, "boundaries-keeper", folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C does not reach it
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &keeper{cmd, input}, nil
}

// started tells the keeper which process group to kill, or 0 for none.
func (k *keeper) started(pid int) { fmt.Fprintln(k.input, pid) }

func (k *keeper) end() {
	_ = k.input.Close()
	_ = k.cmd.Wait()
}

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
