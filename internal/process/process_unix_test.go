//go:build unix

package process

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// When EndGroup returns, no process of the group can write any more.
func TestEndGroup(t *testing.T) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	cmd := exec.Command("sh", "-c", "sleep 1000 & sleep 1000 & sleep 1000 & exit 0")
	cmd.ExtraFiles = []*os.File{write}
	OwnGroup(cmd)
	require.NoError(t, cmd.Run())
	require.NoError(t, write.Close())
	EndGroup(cmd)
	raw, err := read.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Read(func(fd uintptr) bool {
		_, err = syscall.Read(int(fd), make([]byte, 1))
		return true
	}))
	require.NoError(t, err, "a process has the pipe open")
}
