package eventloop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/sock"
)

// pair returns the two ends of a connection over loopback. b is the peer, as others
// have it.
func pair(t *testing.T) (a *sock.Conn, b *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer l.Close()
	a, err = sock.Dial(t.Context(), l.Addr().String())
	require.NoError(t, err)
	b, err = l.AcceptTCP()
	require.NoError(t, err)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// noise returns n bytes that do not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// What one task writes another reads, whole and in order, in pieces of any size.
func TestStreams(t *testing.T) {
	sent := noise(3 << 20)
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		writer := Go(l, func(t *Task) (int, error) {
			s := l.Attach(a)
			for rest, size := sent, 1; len(rest) > 0; size = size*3 + 1 {
				n, err := s.Write(t, rest[:min(size, len(rest))])
				if err != nil {
					return 0, err
				}
				rest = rest[n:]
			}
			return 0, s.Close()
		})
		got, err := io.ReadAll(l.Attach(b).As(task))
		require.NoError(t, err)
		require.True(t, bytes.Equal(sent, got))
		_, err = Await(task, writer)
		return err
	})
}

func TestDial(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	run(t, func(task *Task) error {
		s, err := Dial(task, address)
		require.NoError(t, err)
		peer, err := listener.Accept()
		require.NoError(t, err)
		defer peer.Close()
		_, err = s.Write(task, []byte("spam"))
		require.NoError(t, err)
		got := make([]byte, 4)
		_, err = io.ReadFull(peer, got)
		require.NoError(t, err)
		require.Equal(t, "spam", string(got))

		listener.Close()
		_, err = Dial(task, address)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorContains(t, err, "eventloop: connecting to "+address)
		return nil
	})
}

// A Dial that is canceled, or whose loop ends, leaves no connection, though there
// may have been one already.
func TestCanceledDial(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	dial := func(t *Task) (*Stream, error) { return Dial(t, listener.Addr().String()) }
	// begin returns the future of a dial whose connection is posted, and not taken.
	begin := func(task *Task) *Future[*Stream] {
		f := Go(task.Loop(), dial)
		task.Yield() // it begins to wait
		for !task.Loop().hasPosted.Load() {
			time.Sleep(100 * time.Microsecond) // and the loop with it
		}
		return f
	}
	ends := map[string]func(){
		"canceled": func() {
			run(t, func(task *Task) error {
				for range 50 {
					f := Go(task.Loop(), dial)
					task.Yield()
					f.Cancel()
					_, err := Await(task, f)
					require.ErrorIs(t, err, ErrCanceled)
				}
				for len(task.Loop().dials) > 0 {
					require.NoError(t, task.Sleep(time.Millisecond))
				}
				// All peers see it now, not when the loop ends.
				return drain(listener)
			})
		},
		"canceled when posted": func() {
			run(t, func(task *Task) error {
				for range 3 {
					f := begin(task)
					f.Cancel()
					_, err := Await(task, f)
					require.ErrorIs(t, err, ErrCanceled)
				}
				return drain(listener)
			})
		},
		"canceled when connected": func() {
			run(t, func(task *Task) error {
				for range 3 {
					f := begin(task)
					task.Yield() // the post is taken
					task.Yield() // and the dial's turn is next
					f.Cancel()
					_, err := Await(task, f)
					require.ErrorIs(t, err, ErrCanceled)
				}
				return drain(listener)
			})
		},
		"loop panics": func() {
			for range 3 {
				require.PanicsWithValue(t, "spam", func() {
					Run(t.Context(), func(task *Task) error {
						begin(task)
						panic("spam")
					})
				})
			}
			require.NoError(t, drain(listener))
		},
		"loop ends": func() {
			for range 50 {
				run(t, func(task *Task) error {
					Go(task.Loop(), dial)
					task.Yield()
					runtime.Gosched()
					return nil
				})
			}
			require.NoError(t, drain(listener))
		},
	}
	for name, end := range ends {
		t.Run(name, func(*testing.T) { end() })
	}
}

// drain accepts the connections that there are, and returns an error if one of
// them is not closed by its other end.
func drain(listener net.Listener) error {
	for {
		listener.(*net.TCPListener).SetDeadline(time.Now().Add(50 * time.Millisecond))
		conn, err := listener.Accept()
		if err != nil {
			return nil
		}
		conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		_, err = conn.Read(make([]byte, 1))
		conn.Close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}

// A Write that the socket takes at once does not give the turn away.
func TestSmallWrite(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("every write is left to a helper")
	}
	a, _ := pair(t)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		turn := false
		task.Loop().CallSoon(func() { turn = true })
		_, err := s.Write(task, []byte("spam"))
		require.False(t, turn)
		return err
	})
}

// A socket that takes nothing at all makes the task wait, and not the loop.
func TestFullSocket(t *testing.T) {
	a, b := pair(t)
	written := 0
	for n := 1; n > 0; written += n { // a megabyte at a time, until it takes no more
		var err error
		n, err = a.TryWrite(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		Go(task.Loop(), func(t *Task) (nothing, error) {
			for { // a byte is written whole or not at all
				if _, err := s.Write(t, []byte{1}); err != nil {
					return nothing{}, err
				}
				written++
				t.Yield()
			}
		})
		for seen := -1; seen < written || !s.writing; {
			seen = written
			require.NoError(t, task.Sleep(10*time.Millisecond))
		}
		_, err := io.ReadFull(b, make([]byte, written+1)) // with the helper's
		return err
	})
}

// A peer that does not read stops the task that writes to it, and nobody else;
// and when it does read, it gets everything.
func TestPeerThatDoesNotRead(t *testing.T) {
	sent := noise(32 << 20)
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		writers := []*Future[int]{
			Go(l, func(t *Task) (int, error) { return s.Write(t, sent) }),
			Go(l, func(t *Task) (int, error) { return s.Write(t, []byte("last")) }), // in its turn
		}
		for range 20 {
			require.NoError(t, task.Sleep(time.Millisecond))
		}
		require.False(t, writers[0].Done())
		require.False(t, writers[1].Done())
		got := make([]byte, len(sent)+4)
		reader := RunInExecutor(l, NewExecutor(1), func() (int, error) { return io.ReadFull(b, got) })
		_, err := Await(task, reader)
		require.NoError(t, err)
		require.True(t, bytes.Equal(append(sent, "last"...), got))
		counts, err := Await(task, Gather(l, writers...))
		require.Equal(t, []int{len(sent), 4}, counts)
		return err
	})
}

// A canceled Write gives its bytes back to the caller, who may change them.
func TestCanceledWrite(t *testing.T) {
	sent := bytes.Repeat([]byte{1}, 32<<20)
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		err := task.Timeout(10*time.Millisecond, func() error {
			n, err := s.Write(task, sent)
			require.Less(t, n, len(sent))
			return err
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		clear(sent)
		got := make([]byte, len(sent))
		_, err = Await(task, RunInExecutor(l, NewExecutor(1), func() (int, error) { return io.ReadFull(b, got) }))
		require.NoError(t, err)
		require.Equal(t, len(got), bytes.Count(got, []byte{1}))
		return nil
	})
}

// A peer that sends what nobody reads fills two buffers, and TCP holds the rest.
func TestPeerThatSendsTooMuch(t *testing.T) {
	const size = 16 << 20
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		peer := RunInExecutor(l, NewExecutor(1), func() (int, error) { return b.Write(make([]byte, size)) })
		s := l.Attach(a)
		for range 20 {
			require.NoError(t, task.Sleep(time.Millisecond))
			require.LessOrEqual(t, len(s.filled), 2)
		}
		require.False(t, peer.Done())
		n, err := io.CopyN(io.Discard, s.As(task), size)
		require.NoError(t, err)
		require.EqualValues(t, size, n)
		_, err = Await(task, peer)
		return err
	})
}

// A canceled Read loses nothing, and another may begin at once.
func TestCanceledRead(t *testing.T) {
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		p := make([]byte, 10)
		for i := range 50 {
			err := task.Timeout(time.Duration(i)*time.Microsecond, func() error {
				_, err := s.Read(task, p)
				return err
			})
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		_, err := b.Write([]byte("spam"))
		require.NoError(t, err)
		n, err := s.Read(task, p)
		require.NoError(t, err)
		require.Equal(t, "spam", string(p[:n]))

		// What is received while a canceled task has not run yet is the next one's.
		first := Go(l, func(t *Task) (int, error) { return s.Read(t, p) })
		task.Yield()
		s.received([]byte("eggs"), 4, nil)
		first.Cancel()
		_, err = Await(task, first)
		require.ErrorIs(t, err, ErrCanceled)
		n, err = s.Read(task, p)
		require.NoError(t, err)
		require.Equal(t, "eggs", string(p[:n]))
		<-s.free // it was not the stream's

		// Another may begin before the canceled one has had its turn.
		first = Go(l, func(t *Task) (int, error) { return s.Read(t, p) })
		task.Yield()
		first.Cancel()
		b.Write([]byte("ham"))
		n, err = s.Read(task, p)
		require.NoError(t, err)
		require.Equal(t, "ham", string(p[:n]))
		require.ErrorIs(t, first.err, ErrCanceled)
		return nil
	})
}

func TestTwoReaders(t *testing.T) {
	a, _ := pair(t)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		Go(task.Loop(), func(t *Task) (int, error) { return s.Read(t, make([]byte, 1)) })
		task.Yield()
		require.PanicsWithValue(t, "eventloop: Read of a stream that another task reads", func() { s.Read(task, make([]byte, 1)) })
		return nil
	})
}

// What was received before the peer closed or reset is read first, then the error,
// again and again.
func TestPeerThatCloses(t *testing.T) {
	for _, reset := range []bool{false, true} {
		a, b := pair(t)
		run(t, func(task *Task) error {
			s := task.Loop().Attach(a)
			want := "spam"
			if reset {
				b.SetLinger(0) // may overtake what was sent
				want = ""
			} else {
				b.Write([]byte(want))
			}
			b.Close()
			got, err := io.ReadAll(s.As(task))
			require.Equal(t, want, string(got))
			if reset {
				require.ErrorIs(t, err, syscall.ECONNRESET)
			} else {
				require.NoError(t, err)
				_, err = s.Read(task, make([]byte, 1))
				require.ErrorIs(t, err, io.EOF)
			}
			// Writing fails too, if not at once, and stays so.
			for err = nil; err == nil; _, err = s.Write(task, []byte("eggs")) {
				require.NoError(t, task.Yield())
			}
			_, err = s.Write(task, []byte("eggs"))
			require.Error(t, err)
			return nil
		})
	}
}

// A peer that goes away while a helper writes to it is that Write's error, and
// every later one's.
func TestPeerThatResetsAWrite(t *testing.T) {
	a, b := pair(t)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		task.Loop().CallLater(time.Millisecond, func() {
			b.SetLinger(0)
			b.Close()
		})
		_, err := s.Write(task, make([]byte, 32<<20))
		require.ErrorContains(t, err, "write")
		require.NotErrorIs(t, err, os.ErrClosed)
		_, again := s.Write(task, []byte("eggs"))
		require.Equal(t, err, again)
		return nil
	})
}

// Close wakes who waits, twice is once, and nothing of the stream works after it.
func TestClose(t *testing.T) {
	a, _ := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		reader := Go(l, func(t *Task) (int, error) { return s.Read(t, make([]byte, 1)) })
		writer := Go(l, func(t *Task) (int, error) { return s.Write(t, make([]byte, 32<<20)) })
		other := Go(l, func(t *Task) (int, error) { return s.Write(t, make([]byte, 1)) })
		task.Yield()
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		for _, f := range []*Future[int]{reader, writer, other} {
			_, err := Await(task, f)
			require.ErrorIs(t, err, os.ErrClosed)
		}
		_, err := s.Read(task, make([]byte, 1))
		require.ErrorIs(t, err, os.ErrClosed)
		_, err = s.Write(task, make([]byte, 1))
		require.ErrorIs(t, err, os.ErrClosed)
		require.Empty(t, l.streams)

		// With something received, and with nothing.
		for _, words := range []string{"spam", ""} {
			c, d := pair(t)
			s := l.Attach(c)
			io.WriteString(d, words)
			for len(s.filled) == 0 && words != "" {
				require.NoError(t, task.Sleep(time.Millisecond))
			}
			require.NoError(t, s.Close())
			_, err := s.Read(task, make([]byte, 4))
			require.ErrorIs(t, err, os.ErrClosed)
		}
		return nil
	})
}

// What bounded a blocking use of the connection does not bound the stream.
func TestAttachDropsDeadlines(t *testing.T) {
	a, b := pair(t)
	require.NoError(t, a.SetDeadline(time.Unix(1, 0)))
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		_, err := s.Write(task, []byte("spam"))
		require.NoError(t, err)
		b.Write([]byte("eggs"))
		_, err = io.ReadFull(s.As(task), make([]byte, 4))
		return err
	})
}

// Detach leaves the connection as it was, and another loop may have it.
func TestDetach(t *testing.T) {
	a, b := pair(t)
	p := make([]byte, 4)
	for range 3 {
		run(t, func(task *Task) error {
			s := task.Loop().Attach(a)
			b.Write([]byte("spam"))
			_, err := io.ReadFull(s.As(task), p)
			require.NoError(t, err)
			conn, err := s.Detach(task)
			require.NoError(t, err)
			require.Equal(t, a, conn)
			require.Empty(t, task.Loop().streams)
			_, err = s.Read(task, p)
			require.ErrorIs(t, err, os.ErrClosed)
			_, err = s.Write(task, p)
			require.ErrorIs(t, err, os.ErrClosed)
			require.NoError(t, s.Close(), "of the stream, and not of the connection")
			return nil
		})
	}
	b.Write([]byte("eggs"))
	_, err := io.ReadFull(a, p)
	require.NoError(t, err)
	require.Equal(t, "eggs", string(p))

	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		b.Write([]byte("spam"))
		for len(s.filled) == 0 {
			task.Sleep(time.Millisecond)
		}
		_, err := s.Detach(task)
		require.EqualError(t, err, "eventloop: Detach of a stream with unread input")
		return nil
	})
	c, d := pair(t)
	d.Close()
	run(t, func(task *Task) error {
		s := task.Loop().Attach(c)
		for s.readErr == nil {
			task.Sleep(time.Millisecond)
		}
		_, err := s.Detach(task)
		require.ErrorIs(t, err, io.EOF)
		return nil
	})
}

// What a canceled Write has left to a helper is written before Detach returns.
func TestDetachAfterACanceledWrite(t *testing.T) {
	const size = 32 << 20
	a, b := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		require.ErrorIs(t, task.Timeout(10*time.Millisecond, func() error {
			_, err := s.Write(task, make([]byte, size))
			return err
		}), context.DeadlineExceeded)
		peer := RunInExecutor(l, NewExecutor(1), func() (int64, error) { return io.Copy(io.Discard, b) })
		conn, err := s.Detach(task)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		n, err := Await(task, peer)
		require.EqualValues(t, size, n)
		return err
	})
}

// A connection without a socket, in virtual time: slow peers and timeouts.
func TestStreamOfAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		go func() {
			p := make([]byte, 4)
			for {
				time.Sleep(time.Second)
				if _, err := io.ReadFull(b, p); err != nil {
					return
				}
				time.Sleep(time.Second)
				b.Write(p)
			}
		}()
		run(t, func(task *Task) error {
			s := task.Loop().Attach(a)
			p := make([]byte, 4)
			began := time.Now()
			for i := 1; i <= 3; i++ {
				_, err := s.Write(task, []byte("spam"))
				require.NoError(t, err)
				_, err = io.ReadFull(s.As(task), p)
				require.NoError(t, err)
				require.Equal(t, "spam", string(p))
				require.Equal(t, time.Duration(2*i)*time.Second, time.Since(began))
			}
			err := task.Timeout(time.Second, func() error { _, err := s.Read(task, p); return err })
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return nil
		})
		b.Close()
	})
}

// A read of nothing, which a Conn may return, loses no buffer.
func TestEmptyReads(t *testing.T) {
	a, b := net.Pipe()
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		defer b.Close()
		writer := RunInExecutor(task.Loop(), NewExecutor(1), func() (nothing, error) {
			for range 5 {
				b.Write(nil)
			}
			_, err := b.Write([]byte("spam"))
			return nothing{}, err
		})
		p := make([]byte, 4)
		require.NoError(t, task.Timeout(10*time.Second, func() error {
			_, err := io.ReadFull(s.As(task), p)
			return err
		}))
		require.Equal(t, "spam", string(p))
		_, err := Await(task, writer)
		return err
	})
}

// A Write that is through returns, although another has begun before its turn.
func TestOvertakenWrite(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	run(t, func(task *Task) error {
		l := task.Loop()
		s := l.Attach(a)
		first := Go(l, func(t *Task) (int, error) { return s.Write(t, []byte("spam")) })
		task.Yield()
		overtaken := false
		second := Go(l, func(t *Task) (int, error) {
			for s.writing {
				t.Yield()
			}
			overtaken = !first.Done()
			return s.Write(t, []byte("eggs"))
		})
		_, err := io.ReadFull(b, make([]byte, 4))
		require.NoError(t, err)
		require.NoError(t, task.Timeout(10*time.Second, func() error {
			n, err := Await(task, first)
			require.Equal(t, 4, n)
			return err
		}))
		require.True(t, overtaken)
		require.False(t, second.Done())
		return nil
	})
}

// A connection that was dialled and detached is the caller's, also when the loop
// ends.
func TestDetachOfADialledStream(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	var conn Conn
	run(t, func(task *Task) error {
		s, err := Dial(task, listener.Addr().String())
		require.NoError(t, err)
		conn, err = s.Detach(task)
		return err
	})
	defer conn.Close()
	_, err = conn.Write([]byte("spam"))
	require.NoError(t, err)
}

// Streams that are open when the loop ends, in whatever state, leave nothing.
func TestRunClosesStreams(t *testing.T) {
	a, b := pair(t)
	c, d := pair(t)
	run(t, func(task *Task) error {
		l := task.Loop()
		go b.Write(make([]byte, 1<<20))
		l.Attach(a) // its helper waits for a buffer
		s := l.Attach(c)
		Go(l, func(t *Task) (int, error) { return s.Write(t, make([]byte, 32<<20)) })
		Go(l, func(t *Task) (int, error) { return s.Read(t, make([]byte, 1)) })
		return task.Sleep(10 * time.Millisecond)
	})
	_, err := a.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrClosed)
	d.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = io.Copy(io.Discard, d)
	require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
}
