//go:build unix

package process

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// A Keeper is a process that cleans up when this process has ended, even if it was
// killed. The keeper notices that by the end of its standard input. It then kills the
// process group that this process started last, and removes a folder and the git
// worktrees in it.
type Keeper struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

// Neither git nor rm removes what is in a read-only folder, which a killed benchmark may
// leave, so find first makes the folders writable. A worktree is locked while git makes it,
// and the second --force is for that.
const keeperScript = `trap '' HUP INT TERM PIPE
last=0
while read -r pid; do last=$pid; done
[ "$last" -le 1 ] || kill -KILL -"$last" 2>/dev/null
[ ! -d "$1" ] || find "$1" -type d ! -perm -700 -exec chmod u+rwx {} \;
for tree in "$1"/*/.git; do
	[ ! -f "$tree" ] || git -C "${tree%/.git}" worktree remove --force --force "${tree%/.git}"
done
rm -rf -- "$1"`

// Keep starts a keeper of the folder, which may be made later. env is the environment of
// its git commands; nil stands for that of this process.
func Keep(folder string, env []string) (*Keeper, error) {
	cmd := exec.Command("sh", "-c", keeperScript, "boundaries-keeper", folder)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C does not reach it
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Keeper{cmd, input}, nil
}

// Started tells the keeper which process group to kill, or 0 for none.
func (k *Keeper) Started(pid int) { fmt.Fprintln(k.input, pid) }

// End makes the keeper clean up and waits for it.
func (k *Keeper) End() {
	_ = k.input.Close()
	_ = k.cmd.Wait()
}
