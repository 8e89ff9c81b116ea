package children

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
	"boundaries/procs/internal/shm"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

// When the parent sees a death, all locks of the dead child are marked. And the parent is
// woken after it can see the death: one that sleeps on would hear nothing more. With many
// queues, the moments between these steps are long.
func TestBuryInOrder(t *testing.T) {
	layout := shm.Layout{Queues: 4000, Window: 1, Words: 1}
	l := &Lane{Pool: &Pool{Layout: layout, memory: make([]byte, layout.Size())}}
	c := &Child{Ended: make(chan struct{})}
	first, last := layout.Queue(l.Pool.memory, 0), layout.Queue(l.Pool.memory, layout.Queues-1)
	last.Lock.Acquire(uint32(l.Index+1), 0)
	sleeps, woken := make(chan struct{}), make(chan time.Duration)
	for _, q := range []shm.Queue{first, last} {
		go func() {
			began := time.Now()
			sleeps <- struct{}{}
			for !c.dead.Load() {
				q.Answers.Sleep(5*time.Second, c.dead.Load)
			}
			woken <- time.Since(began)
		}()
		<-sleeps
	}
	go l.afterExit(c)
	for !c.dead.Load() {
		runtime.Gosched()
	}
	require.NotZero(t, c.held.Load(), "a lock is not marked yet")
	for range 2 {
		require.Less(t, <-woken, 4*time.Second, "a sleeper was woken too early, or not at all")
	}
	<-c.Ended
}

// The parent notes a death when the burial is over, which uses memory that Close unmaps.
func TestMournWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Child{cmd: &exec.Cmd{ProcessState: &os.ProcessState{}}, Ended: make(chan struct{})}
		l := &Lane{Pool: &Pool{}}
		l.child.Store(c)
		mourned := false
		go func() {
			l.noteDeath(-1)
			mourned = true
		}()
		synctest.Wait()
		require.False(t, mourned)
		close(c.Ended)
	})
}

// A child whose pipe has ended will end, so its error waits for that and says how it ended.
// It still wraps what the child did wrong.
func TestFaultOfAChildThatEnds(t *testing.T) {
	for cause, waits := range map[error]bool{io.EOF: true, io.ErrUnexpectedEOF: true, syscall.EPIPE: true, ErrUnasked: false} {
		synctest.Test(t, func(t *testing.T) {
			c := &Child{cmd: &exec.Cmd{Process: &os.Process{Pid: 4711}, ProcessState: &os.ProcessState{}}, Ended: make(chan struct{})}
			l := &Lane{Pool: &Pool{}}
			l.child.Store(c)
			time.AfterFunc(time.Second, func() { close(c.Ended) })
			e := l.Fault(0, fmt.Errorf("spam: %w", cause))
			require.ErrorIs(t, e, cause)
			require.Equal(t, waits, strings.HasSuffix(e.Error(), ")"), e.Error())
			<-c.Ended
		})
	}
}

// A child that did not get its item is not silent.
func TestExchangeTellsWhatItCouldNotSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Lane{Pool: &Pool{Lanes: make([]*Lane, 1)}}
		l.child.Store(&Child{cmd: &exec.Cmd{Process: &os.Process{Pid: 4711}}})
		done, err := l.Exchange(1, 1, time.Second, func(*Child) (send, receive func(i int) error) {
			return func(int) error { return io.ErrShortWrite }, func(int) error {
				time.Sleep(time.Second)
				return os.ErrDeadlineExceeded
			}
		})
		require.Zero(t, done)
		require.ErrorIs(t, err, io.ErrShortWrite)
	})
}

// The text says at which item a child failed, and item 0 is one.
func TestError(t *testing.T) {
	for item, want := range map[int]string{-1: "without an item", 0: "at item 0", 7: "at item 7"} {
		e := &Error{Child: 1, Pid: 4711, Item: item, Err: ErrUnasked}
		require.EqualError(t, e, "procs: child 1 (pid 4711) "+want+": it answered the item before it was sent")
	}
}

// Item counts through all children of a run, and names no item that was not sent.
func TestItem(t *testing.T) {
	p := &Pool{Layout: shm.Layout{Queues: 2}, Lanes: make([]*Lane, 2)}
	l := &Lane{Pool: p, Index: 1, First: 10, Sent: 20}
	for seq, want := range map[uint64]int{10: 1, 13: 7, 20: 21, 0: 1, 1 << 40: 21} {
		require.Equal(t, want, l.Item(seq), "item %d", seq)
	}
	p.Layout.Queues = 1
	require.Equal(t, 3, l.Item(13), "one queue counts for all")
}

// A child is built only from source that is not newer than this binary. Tests do not count.
func TestSourceIsNotNewer(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	touch := func(file string, when time.Duration) {
		file = filepath.Join(dir, filepath.FromSlash(file))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
		require.NoError(t, os.WriteFile(file, nil, 0o666))
		require.NoError(t, os.Chtimes(file, time.Time{}, time.Now().Add(when)))
	}
	const old, new = -1e5 * time.Hour, time.Hour
	files := []string{Source + "/main.go", "procs/spam.go", "internal/deep/eggs.go"}
	for _, file := range files {
		touch(file, old)
	}
	touch("internal/eggs_test.go", new)
	touch("other/ham.go", new)
	t.Chdir(filepath.Join(dir, "procs"))
	_, err = sourceRoot()
	require.EqualError(t, err, "the current directory is in another copy of the suite's source than this binary was built from")
	defer func(old string) { builtIn = old }(builtIn)
	builtIn = ""
	_, err = sourceRoot()
	require.NoError(t, err, "-trimpath hides where")
	builtIn = dir
	root, err := sourceRoot()
	require.NoError(t, err)
	require.Equal(t, dir, root)
	for _, file := range files {
		touch(file, new)
		_, err := sourceRoot()
		require.EqualError(t, err, filepath.FromSlash(file)+" is newer than this binary")
		touch(file, old)
	}
}

// A program that has no source looks for it once, and not at every start of a process.
func TestSourceIsLookedForOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	path, err := built("no such folder")
	require.NoError(t, err)
	self, err := Self()
	require.NoError(t, err)
	require.Equal(t, self, path)
	require.Equal(t, self, programs["no such folder"])
	delete(programs, "no such folder")
}

// A program is built in GOTMPDIR, as the go command's own are.
func TestProgramIsInGOTMPDIR(t *testing.T) {
	t.Setenv("GOTMPDIR", filepath.Join(t.TempDir(), "none"))
	_, err := build("", "")
	require.ErrorIs(t, err, os.ErrNotExist) // of the file, and not what the go command says
}

// A row starts its variant for these workers and this payload, reports its bytes, and closes
// what it has started. Where steps have no items, messages are words.
func TestWorkload(t *testing.T) {
	for payload, words := range map[Payload]int{None: 1, Word: 1, Block: 8192} {
		var p *Pool
		w := Workload("Spam", "sync", "procs", []Variant{{Name: "spam", Run: func(pool *Pool, n int) (int, error) {
			p = pool
			return n, nil
		}}}, payload)
		require.True(t, w.Children)
		s, err := w.Benches[0].Open(3)
		require.NoError(t, err)
		s.Run(1)
		require.NoError(t, s.Check(1))
		require.Equal(t, []int{3, words}, []int{p.Workers, p.Words})
		require.EqualValues(t, payload, s.Bytes)
		require.NoError(t, s.Close())
		s.Run(1)
		require.ErrorIs(t, s.Check(1), ErrBroken)
	}

	defer func(old func(string) (string, []string, error)) { Program = old }(Program)
	Program = func(string) (string, []string, error) { return "", nil, io.ErrShortWrite }
	_, err := Workload("Spam", "sync", "procs", []Variant{{Medium: Pipes, Crew: One}}, Word).Benches[0].Open(1)
	require.ErrorIs(t, err, io.ErrShortWrite)
}

// As many items are in flight to each child, whether it has a queue of its own or shares one.
// Only a queue for all has one goroutine that hands out its items.
func TestLayout(t *testing.T) {
	for _, test := range []struct {
		v                         Variant
		payload                   Payload
		queues, windows, runnable int
	}{
		{Variant{Medium: Pipes}, Word, 0, 1024, 6},
		{Variant{Medium: Queues}, Word, 3, 1024, 6},
		{Variant{Medium: OneQueue}, Word, 1, 3 * 1024, 4},
		{Variant{Medium: Pipes | OneQueue}, 2 * Word, 1, 3 * 16, 6},
		{Variant{Medium: Queues}, Block, 3, 16, 6},
		{Variant{Medium: Queues, InFlight: 1}, Word, 3, 1, 6},
	} {
		l := test.v.layout(test.payload, 3)
		require.Equal(t, []int{test.queues, test.windows, int(test.payload / Word)}, []int{l.Queues, l.Window, l.Words}, "%+v", test)
		require.Equal(t, test.runnable, test.v.runnable(3), "%+v", test)
	}
}
