package main

import (
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/noise"
)

// A comparison sees that other processes use the processors, where the system says so.
func TestWatch(t *testing.T) {
	for range 2 * runtime.NumCPU() {
		busy := exec.Command("sh", "-c", "while kill -0 $PPID; do :; done") // no longer than this test
		require.NoError(t, busy.Start())
		t.Cleanup(func() {
			require.NoError(t, busy.Process.Kill())
			_ = busy.Wait()
		})
	}
	usable, begin, foreign := noise.Usable().N(), watch(), false
	for range 20 {
		meter, end := noise.Start(usable, usable), begin()
		time.Sleep(100 * time.Millisecond)
		if end() != "" {
			return
		}
		s := meter.Stop()
		whole := s.Wall * time.Duration(s.Processors)
		foreign = foreign || s.Others && s.Idle < whole/20 && s.Foreign > whole/2
	}
	require.False(t, foreign, "others used the processors all the time")
	t.Skip("this system does not say what other processes use, or a quota limits them")
}
