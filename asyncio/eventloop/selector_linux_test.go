package eventloop

import (
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A child process inherits neither a loop's selector nor its sockets. Elsewhere no child
// inherits a kqueue.
func TestChildrenInheritNoDescriptor(t *testing.T) {
	inherited := func() string {
		out, err := exec.Command("ls", "/proc/self/fd").Output()
		require.NoError(t, err)
		return string(out)
	}
	before := inherited()
	a, _ := pair(t)
	run(t, func(task *Task) error {
		require.IsType(t, &socket{}, task.Loop().Attach(a).transport)
		require.Equal(t, before, inherited())
		return nil
	})
}

// A read ends before an urgent byte, and the next read skips that byte.
func TestUrgentByte(t *testing.T) {
	a, b := pair(t)
	raw, err := b.SyscallConn()
	require.NoError(t, err)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		io.WriteString(b, "spam")
		raw.Control(func(fd uintptr) { err = unix.Sendto(int(fd), []byte("!"), unix.MSG_OOB, nil) })
		require.NoError(t, err)
		io.WriteString(b, "eggs")
		for left := 1; left > 0; { // until a has all
			raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
			require.NoError(t, err)
		}
		require.Equal(t, "spameggs", drained(t, s))
		return nil
	})
}
