package fork

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

func TestSharesAddUp(t *testing.T) {
	for workers := 1; workers <= 9; workers++ {
		for _, n := range []int{0, 1, 7, 9, 1000, 10007} {
			shares := make([]int, workers)
			Run("fork", workers, n, func(worker, n int) { shares[worker] += n })
			sum := 0
			for worker, share := range shares {
				require.Contains(t, []int{n / workers, n/workers + 1}, share)
				require.Equal(t, Share(worker, workers, n), share)
				sum += share
			}
			require.Equal(t, n, sum)
		}
	}
}

// When the first worker runs, all others have been started.
func TestWorkersStartTogether(t *testing.T) {
	const workers = 9
	stacks := make([]byte, 1<<20)
	for range 100 {
		var once sync.Once // the others wait in it, so none has returned yet
		ready := 0
		Run("fork", workers, 0, func(int, int) {
			once.Do(func() {
				all := string(stacks[:runtime.Stack(stacks, true)])
				ready = strings.Count(all, "internal/fork.Run.func1(")
			})
		})
		require.Equal(t, workers, ready)
	}
}

// Each worker waits for all others.
func TestWorkersRunTogether(t *testing.T) {
	const workers = 5
	var met sync.WaitGroup
	met.Add(workers)
	ended := make(chan struct{})
	go func() {
		Run("fork", workers, 0, func(int, int) {
			met.Done()
			met.Wait()
		})
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the workers do not run at the same time")
	}
}

// The first workers take one step more: callers compute from it where a share begins.
func TestFirstWorkersTakeMore(t *testing.T) {
	require.Equal(t, []int{3, 3, 2}, []int{Share(0, 3, 8), Share(1, 3, 8), Share(2, 3, 8)})
}

func TestMisuseIsReportedInTheCallersName(t *testing.T) {
	require.PanicsWithValue(t, "loop: 0 workers, need at least one", func() { Run("loop", 0, 1, nil) })
	require.PanicsWithValue(t, "fib: -1 steps, need none or more", func() { Run("fib", 1, -1, nil) })
}
