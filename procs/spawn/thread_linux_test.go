package spawn

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
)

// A step of thread ends the thread that it ran on. Nothing else ends a thread of the runtime.
func TestThreadsEnd(t *testing.T) {
	childtest.NeedsProc(t)
	p := childtest.Start(t, childtest.Named(Variants, "thread"), 1, children.Word)
	seen := map[string]bool{}
	for range 100 {
		_, err := p.Run(10)
		require.NoError(t, err)
		threads, err := os.ReadDir("/proc/self/task")
		require.NoError(t, err)
		now := map[string]bool{}
		for _, thread := range threads {
			now[thread.Name()] = true
		}
		for id := range seen {
			if !now[id] {
				return
			}
		}
		seen = now
	}
	require.Fail(t, "no thread has ended")
}
