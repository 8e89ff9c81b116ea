package noise

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// No thread stays on one processor after a probe.
func TestProbePutsThreadsBack(t *testing.T) {
	var before unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &before))
	for range 5 {
		probe(before.Count(), true)
	}
	var wg sync.WaitGroup
	together := make(chan struct{})
	for range 20 {
		wg.Go(func() {
			runtime.LockOSThread() // a thread each
			defer runtime.UnlockOSThread()
			<-together
			var now unix.CPUSet
			assert.NoError(t, unix.SchedGetaffinity(0, &now))
			assert.Equal(t, before, now)
		})
	}
	close(together)
	wg.Wait()
}

// A probe of every processor keeps each of its threads on one.
func TestProbePins(t *testing.T) {
	var all unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &all))
	if all.Count() == 1 {
		t.Skip("every thread is on one")
	}
	var seen atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for end := time.Now().Add(10 * time.Second); !seen.Load() && time.Now().Before(end); {
			probe(all.Count(), true)
		}
	}()
	for {
		threads, err := os.ReadDir("/proc/self/task")
		require.NoError(t, err)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			require.NoError(t, err)
			var one unix.CPUSet
			if unix.SchedGetaffinity(id, &one) == nil && one.Count() == 1 {
				seen.Store(true)
			}
		}
		select {
		case <-ended:
			require.True(t, seen.Load())
			return
		default:
		}
	}
}

func TestPinned(t *testing.T) {
	var all, now unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &all))
	seen := map[unix.CPUSet]bool{}
	for i := range all.Count() {
		restore := pinned(i)
		require.NoError(t, unix.SchedGetaffinity(0, &now))
		restore()
		assert.Equal(t, 1, now.Count())
		assert.False(t, seen[now])
		seen[now] = true
	}
	restore := pinned(all.Count())
	require.NoError(t, unix.SchedGetaffinity(0, &now))
	restore()
	assert.Equal(t, all, now, "there is none, so the thread stays on all")
}

// Threads that lose their processor are counted. Two threads on one processor take it from each
// other.
func TestSwitches(t *testing.T) {
	lost := func() int64 {
		var u unix.Rusage
		assert.NoError(t, unix.Getrusage(unix.RUSAGE_SELF, &u))
		return int64(u.Nivcsw)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			defer pinned(0)()
			for end := time.Now().Add(time.Second); lost() == 0 && time.Now().Before(end); {
			}
		})
	}
	group.Wait()
	least := lost()
	if least == 0 {
		t.Skip("the system does not count them")
	}
	assert.GreaterOrEqual(t, switches(), least)
}

func TestProcessorTimes(t *testing.T) {
	root := t.TempDir()
	var mine unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &mine))
	text := "cpu  9 9 9 9 9 9 9 9 9 9\n"
	for cpu := range 1024 {
		if mine.IsSet(cpu) {
			text += "cpu" + string(rune('0'+cpu%10)) + " 100 1 10 1000 5 2 3 4 50 0\n"
			break // one is enough, and of one digit here
		}
	}
	text += "cpu999 7 7 7 7 7 7 7 7 7 7\nintr 5\ncpu0 8 8 8 8\n"
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc"), 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/stat"), []byte(text), 0o666))
	busy, idle, stolen, ok := processorTimes(root)
	if mine.IsSet(999) {
		t.Skip("this machine has a processor 999")
	}
	require.True(t, ok)
	assert.Equal(t, 1160*time.Millisecond, busy)
	assert.Equal(t, 10050*time.Millisecond, idle)
	assert.Equal(t, 40*time.Millisecond, stolen)
	c := read(root, nil)
	assert.Equal(t, []time.Duration{busy, idle, stolen}, []time.Duration{c.busy, c.idle, c.stolen})
	assert.True(t, c.hasBusy)
	_, _, _, ok = processorTimes(t.TempDir())
	assert.False(t, ok)
}

func TestWaited(t *testing.T) {
	root := t.TempDir()
	for dir, text := range map[string]string{"self/task/1": "5 700 1\n", "self/task/2": "5 30 1\n", "self/task/3": "", "77/task/77": "5 1000 1\n", "78/task/1": "5 9 1\n"} {
		dir = filepath.Join(root, "proc", dir)
		require.NoError(t, os.MkdirAll(dir, 0o777))
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "schedstat"), []byte(text), 0o666))
		}
	}
	total, ok := waited(root, []int{77, 99})
	assert.True(t, ok)
	assert.Equal(t, 1730*time.Nanosecond, total)
	assert.Equal(t, total, read(root, []int{77, 99}).waited)
	_, ok = waited(t.TempDir(), nil)
	assert.False(t, ok)
}

// The processor time of a row's children is the row's, before and after.
func TestChildrenCount(t *testing.T) {
	parent := os.Getppid() // has used some
	with := read("/", []int{parent}).own
	assert.Greater(t, with, read("/", nil).own)
	assert.Positive(t, Start(1, 2, parent).Stop().Own)
}
