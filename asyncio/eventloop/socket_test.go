//go:build linux || darwin || dragonfly || freebsd

package eventloop

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"boundaries/internal/suite/suitetest"
)

// patience bounds what would otherwise hang.
const patience = 20 * time.Second

// descriptors returns how many descriptors the process has open.
func descriptors(t *testing.T) int {
	all, err := os.ReadDir("/dev/fd")
	require.NoError(t, err)
	return len(all)
}

// A loop with sockets has no goroutine but its own, and leaves no descriptor open,
// however it ends.
func TestSocketsNeedNoGoroutineAndLeaveNoDescriptor(t *testing.T) {
	kept, _ := pair(t)
	before := descriptors(t)
	for range 3 {
		a, b := pair(t)
		c, d := pair(t)
		func() {
			defer func() { require.Equal(t, "spam", recover()) }()
			Run(t.Context(), func(task *Task) error {
				goroutines := runtime.NumGoroutine()
				l := task.Loop()
				l.Attach(a)
				require.NoError(t, l.Attach(c).Close())
				for range 2 {
					s := l.Attach(kept)
					require.IsType(t, &socket{}, s.transport)
					_, err := s.Detach(task)
					require.NoError(t, err)
				}
				require.LessOrEqual(t, runtime.NumGoroutine(), goroutines) // one of an earlier test may end
				panic("spam")
			})
		}()
		b.Close()
		d.Close()
		require.Equal(t, before, descriptors(t))
	}
}

// Without a descriptor for the selector, a socket has a helper.
func TestNoDescriptorForTheSelector(t *testing.T) {
	a, b := pair(t)
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	run(t, func(task *Task) error {
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: limit.Max}))
		s := task.Loop().Attach(a)
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		require.IsType(t, &helper{}, s.transport)
		b.Write([]byte("spam"))
		_, err := io.ReadFull(s.As(task), make([]byte, 4))
		return err
	})
}

// The end of the input may come with the last of the input, in one report. A peer
// that has ended its output may still read.
func TestHalfClosedPeer(t *testing.T) {
	for _, size := range []int{1, 4, 100} { // of a read
		a, b := pair(t)
		run(t, func(task *Task) error {
			s := task.Loop().Attach(a)
			b.Write([]byte("spam"))
			b.CloseWrite()
			var got []byte
			require.NoError(t, task.Timeout(patience, func() error {
				for p := make([]byte, size); ; {
					n, err := s.Read(task, p)
					got = append(got, p[:n]...)
					if err == io.EOF {
						return nil
					}
					require.NoError(t, err)
				}
			}))
			require.Equal(t, "spam", string(got))
			_, err := s.Write(task, []byte("eggs"))
			require.NoError(t, err)
			_, err = io.ReadFull(b, make([]byte, 4))
			return err
		})
	}
}

// drained returns all that tasks can read after one look of the selector.
func drained(t *testing.T, s *Stream) (got string) {
	s.loop.selector.poll()
	for p := make([]byte, 64); ; {
		n, err := s.transport.read(p)
		if err == errAgain {
			return got
		}
		require.NoError(t, err)
		got += string(p[:n])
	}
}

// A read ends behind a byte with which the peer has passed a descriptor.
func TestPassedDescriptor(t *testing.T) {
	near, far := ends(t, unix.SOCK_STREAM)
	raw, err := far.(*net.UnixConn).SyscallConn()
	require.NoError(t, err)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(near)
		io.WriteString(far, "spam")
		raw.Control(func(fd uintptr) { err = unix.Sendmsg(int(fd), []byte("!"), unix.UnixRights(int(fd)), nil, 0) })
		require.NoError(t, err)
		io.WriteString(far, "eggs")
		require.Equal(t, "spam!eggs", drained(t, s))
		return nil
	})
}

// duplicate returns a duplicate of the connection's descriptor, which is open until the test
// ends.
func duplicate(t *testing.T, c *net.TCPConn) *os.File {
	file, err := c.File()
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

// A closed socket is not watched anymore, even if it has a duplicate. So the next
// socket with its descriptor is not woken by what the duplicate receives.
func TestDescriptorIsUsedAgain(t *testing.T) {
	a, b := pair(t)
	duplicate(t, a)
	c, _ := pair(t)
	file := duplicate(t, c)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		fd := s.transport.(*socket).fd
		require.NoError(t, s.Close())
		require.Empty(t, s.transport.(*socket).selector.sockets)
		conn, err := net.FileConn(file) // gets the lowest free number
		require.NoError(t, err)
		next := l.Attach(conn)
		require.Equal(t, fd, next.transport.(*socket).fd)
		reader := Go(l, func(t *Task) (int, error) { return next.Read(t, make([]byte, 1)) })
		task.Yield()
		l.selector.poll() // the first report, that it can be written
		b.Write([]byte("spam"))
		l.selector.poll()
		require.False(t, next.transport.(*socket).input)
		require.NotNil(t, next.reader)
		reader.Cancel()
		return nil
	})
}

// Somebody closes the connection of a stream, and the next connection gets its descriptor.
// When the stream is closed, the loop goes on to watch the next one.
func TestDescriptorOfAClosedConnection(t *testing.T) {
	suitetest.Guard(t, "the selector has forgotten a socket")
	a, b := pair(t)
	duplicate(t, a) // the socket lives on
	c, d := pair(t)
	file := duplicate(t, c)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		fd := s.transport.(*socket).fd
		a.Close()
		conn, err := net.FileConn(file) // gets the lowest free number
		require.NoError(t, err)
		next := l.Attach(conn)
		require.Equal(t, fd, next.transport.(*socket).fd)
		s.Close()
		d.Write([]byte("eggs"))
		_, err = io.ReadFull(next.As(task), make([]byte, 4))
		require.NoError(t, err)
		require.NoError(t, next.Close())
		b.Write([]byte("spam")) // on Linux, the selector still watches the duplicate
		l.selector.poll()
		return nil
	})
}

// A read is not tried before the selector has reported input: a question costs one
// write and one read.
func TestReadsAreNotTriedInVain(t *testing.T) {
	a, b := pair(t)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		k := s.transport.(*socket)
		reads, sysRead := 0, k.sysRead
		k.sysRead = func(fd uintptr) { reads++; sysRead(fd) }
		p := make([]byte, 16)
		for i := range 10 {
			answer := RunInExecutor(task.Loop(), NewExecutor(1), func() (int, error) {
				time.Sleep(time.Millisecond) // the task waits
				return b.Write([]byte("spam"))
			})
			_, err := s.Read(task, p)
			require.NoError(t, err)
			require.Equal(t, i+1, reads)
			_, err = Await(task, answer)
			require.NoError(t, err)
		}
		return nil
	})
}

// Timers and posts do not starve a socket, however many there are, nor does a socket
// starve them.
func TestSocketsAndTheRest(t *testing.T) {
	for name, busy := range map[string]func(l *Loop, again func()){
		"callbacks": func(l *Loop, again func()) { l.callSoon(again) },
		"timers":    func(l *Loop, again func()) { l.callLater(0, again) },
		"posts":     func(l *Loop, again func()) { go l.callSoonThreadsafe(again) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			run(t, func(task *Task) error {
				l := task.Loop()
				s := l.Attach(a)
				done, turns := false, 0
				var again func()
				again = func() {
					if turns++; turns == 100 {
						b.Write([]byte("spam"))
					}
					if !done {
						busy(l, again)
					}
				}
				again()
				err := task.Timeout(patience, func() error {
					_, err := io.ReadFull(s.As(task), make([]byte, 4))
					return err
				})
				done = true
				require.NoError(t, err)
				return sleep(task, time.Millisecond) // and a timer still works
			})
		})
	}
}

// The selector's timeout is that of the next timer, whether it was made before or
// after a later one, and whatever wakes the loop meanwhile.
func TestTimersOfALoopWithSockets(t *testing.T) {
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		far := l.callLater(patience, func() { t.Error("too early") })
		defer far.stop()
		began := time.Now()
		for i := range 50 {
			// The loop sleeps with no timer but far, and a socket or a post wakes it.
			var err error
			if i%2 == 0 {
				time.AfterFunc(time.Millisecond, func() { b.Write([]byte{1}) })
				_, err = s.Read(task, make([]byte, 1))
			} else {
				f := NewFuture[nothing](l)
				time.AfterFunc(time.Millisecond, func() { l.callSoonThreadsafe(func() { f.Resolve(nothing{}, nil) }) })
				_, err = Await(task, f)
			}
			require.NoError(t, err)
			d := time.Duration(i%7) * 100 * time.Microsecond
			start := time.Now()
			require.NoError(t, sleep(task, d))
			require.GreaterOrEqual(t, time.Since(start), d)
		}
		require.Less(t, time.Since(began), patience)
		return nil
	})
}

// A countedSelector counts how often the loop waits.
type countedSelector struct {
	selector
	waits int
}

func (s *countedSelector) wait() { s.waits++; s.selector.wait() }

// A loop that has nothing to do waits once, not again and again because a timer was due
// or because no task reads the input that was reported.
func TestWaitingLoopDoesNotSpin(t *testing.T) {
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		counted := &countedSelector{selector: l.selector}
		l.mu.Lock()
		l.selector = counted
		l.mu.Unlock()
		b.Write([]byte("spam"))
		require.NoError(t, sleep(task, time.Millisecond))
		for !s.transport.(*socket).input {
			require.NoError(t, sleep(task, time.Millisecond))
		}
		before := counted.waits
		f := NewFuture[nothing](l)
		time.AfterFunc(20*time.Millisecond, func() { l.callSoonThreadsafe(func() { f.Resolve(nothing{}, nil) }) })
		_, err := Await(task, f)
		require.Less(t, counted.waits-before, 10)
		return err
	})
}

// Every post wakes a loop that waits in its selector, also while others do and while
// timers are due.
func TestPostsToALoopWithSockets(t *testing.T) {
	a, _ := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		l.Attach(a)
		return task.Timeout(patience, func() error {
			for i := range 5000 {
				left := 1 + i%3
				f := NewFuture[nothing](l)
				for range left {
					go l.callSoonThreadsafe(func() {
						if left--; left == 0 {
							f.Resolve(nothing{}, nil)
						}
					})
				}
				if i%5 == 0 {
					defer l.callLater(time.Duration(i)*time.Nanosecond, func() {}).stop()
				}
				if _, err := Await(task, f); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// A task that is canceled in the turn in which its input was reported loses nothing.
// Nor does a task that reads later. The error of a failed socket names the connection,
// as package net's does.
func TestCancelAfterTheReport(t *testing.T) {
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		p := make([]byte, 4)
		for range 100 {
			first := Go(l, func(t *Task) (int, error) { return s.Read(t, p) })
			task.Yield()
			b.Write([]byte("spam"))
			for s.reader != nil {
				l.selector.poll()
			}
			first.Cancel()
			_, err := Await(task, first)
			require.ErrorIs(t, err, ErrCanceled)
			require.NoError(t, task.Timeout(patience, func() error {
				_, err := io.ReadFull(s.As(task), p)
				return err
			}))
		}
		b.Write([]byte("eggs"))
		l.selector.poll() // no task reads
		require.NoError(t, task.Timeout(patience, func() error {
			_, err := io.ReadFull(s.As(task), p)
			return err
		}))
		b.SetLinger(0)
		b.Close()
		_, err := s.Read(task, p)
		var failed *net.OpError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "read", failed.Op)
		require.Equal(t, a.RemoteAddr(), failed.Addr)
		require.ErrorIs(t, err, syscall.ECONNRESET)
		return nil
	})
}

// A Unix socket is watched too; a datagram socket, whose reads are messages, is not.
func TestWhatIsWatched(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	pipe, other := net.Pipe()
	defer other.Close()
	l, err := net.Listen("unix", t.TempDir()+"/socket")
	require.NoError(t, err)
	defer l.Close()
	unixConn, err := net.Dial("unix", l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, Run(context.Background(), func(task *Task) error {
		require.IsType(t, &socket{}, task.Loop().Attach(unixConn).transport)
		require.IsType(t, &helper{}, task.Loop().Attach(udp.(*net.UDPConn)).transport)
		require.IsType(t, &helper{}, task.Loop().Attach(pipe).transport)
		return nil
	}))
}

// ends returns the ends of a connection of Unix sockets. They are closed when the test ends.
func ends(t *testing.T, kind int) (near, far net.Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
	if err != nil {
		t.Skip("no such sockets: ", err) // macOS has no unixpacket
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "")
		conns[i], err = net.FileConn(file)
		file.Close()
		require.NoError(t, err)
		t.Cleanup(func() { conns[i].Close() })
	}
	return conns[0], conns[1]
}

// Messages keep their bounds when they are read in pieces, and an empty one is not the end.
func TestMessagesKeepTheirBounds(t *testing.T) {
	for network, kind := range map[string]int{"unixgram": unix.SOCK_DGRAM, "unixpacket": unix.SOCK_SEQPACKET} {
		t.Run(network, func(t *testing.T) {
			near, far := ends(t, kind)
			run(t, func(task *Task) error {
				s := task.Loop().Attach(near)
				far.Write([]byte("spam"))
				if kind == unix.SOCK_DGRAM { // to package net, an empty packet is the end
					far.Write(nil)
				}
				far.Write([]byte("eggs"))
				p := make([]byte, 2)
				for _, want := range []string{"sp", "am", "eg", "gs"} {
					n, err := s.Read(task, p)
					require.NoError(t, err)
					require.Equal(t, want, string(p[:n]))
				}
				return nil
			})
		})
	}
}

// A question with a time limit allocates nothing: a write, a wait and a read.
func TestQuestionAllocatesNothing(t *testing.T) {
	a, b := pair(t)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		rw, p, q := s.As(task), []byte("spam"), make([]byte, 8) // a full q would spare the next read its wait
		question := func() error {
			return task.Timeout(patience, func() error {
				if _, err := rw.Write(p); err != nil {
					return err
				}
				b.Write(p)
				_, err := io.ReadAtLeast(rw, q, len(p))
				return err
			})
		}
		require.NoError(t, question())
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if err := question(); err != nil {
				t.Error(err)
			}
		}))
		return nil
	})
}
