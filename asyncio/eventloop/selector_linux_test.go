package eventloop

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
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
