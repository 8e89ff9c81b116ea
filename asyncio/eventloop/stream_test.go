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
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// tooMuch is many times what the buffers of a pair hold.
const tooMuch = 2 << 20

// pair returns the two ends of a connection over loopback, with small buffers. Both are
// closed when the test ends.
func pair(t *testing.T) (a *net.TCPConn, b *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	a = near.(*net.TCPConn)
	b, err = l.AcceptTCP()
	require.NoError(t, err)
	t.Cleanup(func() { a.Close(); b.Close() })
	for _, c := range []*net.TCPConn{a, b} {
		require.NoError(t, errors.Join(c.SetReadBuffer(1<<16), c.SetWriteBuffer(1<<16)))
	}
	return a, b
}

// A wrapper may change a connection before it is attached.
type wrapper func(net.Conn) net.Conn

// bothWays runs a test with sockets as they are, which the selector watches if there
// is one, and with sockets that have helpers.
func bothWays(t *testing.T, test func(t *testing.T, wrap wrapper)) {
	for name, wrap := range map[string]wrapper{
		"socket": func(c net.Conn) net.Conn { return c },
		"helper": func(c net.Conn) net.Conn { return struct{ net.Conn }{c} },
	} {
		t.Run(name, func(t *testing.T) {
			suitetest.Guard(t, "a task waits for a connection, and nobody wakes it")
			test(t, wrap)
		})
	}
}

// streams runs a test both ways, with a stream and the other end of its connection.
func streams(t *testing.T, test func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, b := pair(t)
		run(t, func(task *Task) error { return test(t, task, task.Loop().Attach(wrap(a)), b) })
	})
}

// received waits until the stream's helper, if it has one, has received something or
// an error.
func received(task *Task, s *Stream) {
	h, ok := s.transport.(*helper)
	for ok && len(h.filled) == 0 && h.err == nil {
		sleep(task, time.Millisecond)
	}
}

// A countingConn is a connection of package net with a Read of its own.
type countingConn struct {
	*net.TCPConn
	reads atomic.Int64
}

func (c *countingConn) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.TCPConn.Read(p)
}

// noise returns n random bytes, the same each time.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// What one task writes, another task reads, whole and in order, in pieces of any
// size.
func TestStreams(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		sent := noise(3 << 20)
		a, b := pair(t)
		run(t, func(task *Task) error {
			l := task.Loop()
			writer := Go(l, func(t *Task) (int, error) {
				s := l.Attach(wrap(a))
				for rest, size := sent, 1; len(rest) > 0; size = size*3 + 1 {
					n, err := s.Write(t, rest[:min(size, len(rest))])
					if err != nil {
						return 0, err
					}
					rest = rest[n:]
				}
				return 0, s.Close()
			})
			got, err := io.ReadAll(l.Attach(wrap(b)).As(task))
			require.NoError(t, err)
			require.True(t, bytes.Equal(sent, got))
			_, err = Await(task, writer)
			return err
		})
	})
}

// A connection that embeds one of package net is read with its own Read.
func TestConnectionWithItsOwnRead(t *testing.T) {
	a, b := pair(t)
	c := &countingConn{TCPConn: b}
	run(t, func(task *Task) error {
		s := task.Loop().Attach(c)
		_, err := a.Write([]byte("spam"))
		require.NoError(t, err)
		_, err = io.ReadFull(s.As(task), make([]byte, 4))
		require.NoError(t, err)
		return s.Close()
	})
	require.Positive(t, c.reads.Load())
}

// A Write that the socket takes at once keeps the turn.
func TestSmallWrite(t *testing.T) {
	a, _ := pair(t)
	run(t, func(task *Task) error {
		s := task.Loop().Attach(a)
		if _, ok := s.transport.(*helper); ok {
			t.Skip("every write is left to a helper")
		}
		turn := false
		task.Loop().callSoon(func() { turn = true })
		_, err := s.Write(task, []byte("spam"))
		require.False(t, turn)
		return err
	})
}

// A socket that takes nothing at all makes the task wait, and not the loop.
func TestFullSocket(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		written, p := 0, make([]byte, 1<<16)
		for n := 1; n > 0; written += n { // a helper takes nothing without waiting
			var err error
			n, err = s.transport.write(make([]byte, 1<<20))
			require.NoError(t, err)
		}
		Go(task.Loop(), func(t *Task) (nothing, error) {
			for {
				if _, err := s.Write(t, p); err != nil {
					return nothing{}, err
				}
				written += len(p)
				if err := t.Yield(); err != nil {
					return nothing{}, err
				}
			}
		})
		for seen := -1; seen < written || !s.writing; {
			seen = written
			require.NoError(t, sleep(task, 10*time.Millisecond))
		}
		size := written + len(p) // with what waits
		_, err := Await(task, RunInExecutor(task.Loop(), NewExecutor(1), func() (int, error) { return io.ReadFull(b, make([]byte, size)) }))
		return err
	})
}

// A peer that does not read stops the task that writes to it, and no other task.
// When the peer does read, it gets everything.
func TestPeerThatDoesNotRead(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		sent := noise(tooMuch)
		a, b := pair(t)
		run(t, func(task *Task) error {
			l := task.Loop()
			s := l.Attach(wrap(a))
			writers := []*Future[int]{
				Go(l, func(t *Task) (int, error) { return s.Write(t, sent) }),
				Go(l, func(t *Task) (int, error) { return s.Write(t, sent) }),           // after the first
				Go(l, func(t *Task) (int, error) { return s.Write(t, []byte("last")) }), // after both
			}
			for range 20 {
				require.NoError(t, sleep(task, time.Millisecond))
			}
			for _, f := range writers {
				require.False(t, f.Done())
			}
			got := make([]byte, 2*len(sent)+4)
			reader := RunInExecutor(l, NewExecutor(1), func() (int, error) { return io.ReadFull(b, got) })
			_, err := Await(task, reader)
			require.NoError(t, err)
			require.True(t, bytes.Equal(slices.Concat(sent, sent, []byte("last")), got))
			counts, err := Await(task, Gather(l, writers...))
			require.Equal(t, []int{len(sent), len(sent), 4}, counts)
			return err
		})
	})
}

// After a canceled Write the caller may change the bytes that it passed.
func TestCanceledWrite(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		sent := bytes.Repeat([]byte{1}, tooMuch)
		l := task.Loop()
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

// A peer that sends what no task reads fills a helper's two buffers, and TCP holds the rest.
func TestPeerThatSendsTooMuch(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, b := pair(t)
		run(t, func(task *Task) error {
			l := task.Loop()
			peer := RunInExecutor(l, NewExecutor(1), func() (int, error) { return b.Write(make([]byte, tooMuch)) })
			s := l.Attach(wrap(a))
			for range 20 {
				require.NoError(t, sleep(task, time.Millisecond))
				if h, ok := s.transport.(*helper); ok {
					require.LessOrEqual(t, len(h.filled), 2)
				}
			}
			require.False(t, peer.Done())
			n, err := io.CopyN(io.Discard, s.As(task), tooMuch)
			require.NoError(t, err)
			require.EqualValues(t, tooMuch, n)
			_, err = Await(task, peer)
			return err
		})
	})
}

// A canceled Read loses nothing, and another may begin at once.
func TestCanceledRead(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		l := task.Loop()
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

		// What is received after a Read was canceled, and before its task has run, goes
		// to the next Read.
		first := Go(l, func(t *Task) (int, error) { return s.Read(t, p) })
		task.Yield()
		if h, ok := s.transport.(*helper); ok {
			h.received([]byte("eggs"), 4, nil)
			defer func() { <-h.free }() // the buffer was the test's
		} else {
			b.Write([]byte("eggs"))
			for s.reader != nil {
				l.selector.poll()
			}
		}
		first.Cancel()
		_, err = Await(task, first)
		require.ErrorIs(t, err, ErrCanceled)
		n, err = s.Read(task, p)
		require.NoError(t, err)
		require.Equal(t, "eggs", string(p[:n]))

		// Another Read may begin before the canceled one has had its turn.
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

// Beside a Read, another Read or a Detach panics, and the stream goes on.
func TestTwoReaders(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		first := Go(task.Loop(), func(t *Task) (int, error) { return s.Read(t, make([]byte, 1)) })
		task.Yield()
		for name, second := range map[string]func(){
			"Read":   func() { s.Read(task, make([]byte, 1)) },
			"Detach": func() { s.Detach(task) },
		} {
			require.PanicsWithValue(t, "eventloop: Read of a stream that another task reads", second, name)
		}
		_, err := s.Write(task, []byte("spam"))
		require.NoError(t, err)
		b.Write([]byte("eggs"))
		_, err = Await(task, first)
		return err
	})
}

// A Read first returns what was received before the peer closed or reset the
// connection, and then the error, again and again.
func TestPeerThatCloses(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		for _, reset := range []bool{false, true} {
			a, b := pair(t)
			run(t, func(task *Task) error {
				s := task.Loop().Attach(wrap(a))
				want := "spam"
				if reset {
					b.SetLinger(0) // the reset may overtake what was sent
					want = ""
				} else {
					b.Write([]byte(want))
				}
				b.Close()
				got, err := io.ReadAll(s.As(task))
				require.Equal(t, want, string(got))
				if reset {
					require.ErrorIs(t, err, syscall.ECONNRESET)
					_, err = s.Read(task, make([]byte, 1))
					require.ErrorIs(t, err, syscall.ECONNRESET, "again")
				} else {
					require.NoError(t, err)
					_, err = s.Read(task, make([]byte, 1))
					require.ErrorIs(t, err, io.EOF)
				}
				// Writing fails too, though not always at once, and keeps failing.
				for err = nil; err == nil; _, err = s.Write(task, []byte("eggs")) {
					require.NoError(t, task.Yield())
				}
				_, err = s.Write(task, []byte("eggs"))
				require.Error(t, err)
				return nil
			})
		}
	})
}

// When the peer resets the connection while a Write waits, that Write and every later
// one return the error.
func TestPeerThatResetsAWrite(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		task.Loop().callLater(time.Millisecond, func() {
			b.SetLinger(0)
			b.Close()
		})
		_, err := s.Write(task, make([]byte, tooMuch))
		require.ErrorContains(t, err, "write")
		require.NotErrorIs(t, err, net.ErrClosed)
		_, again := s.Write(task, []byte("eggs"))
		require.Equal(t, err, again)
		return nil
	})
}

// Close wakes the tasks that wait. A second Close does nothing, and after it every
// operation fails.
func TestClose(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, _ := pair(t)
		run(t, func(task *Task) error {
			l := task.Loop()
			s := l.Attach(wrap(a))
			reader := Go(l, func(t *Task) (int, error) { return s.Read(t, make([]byte, 1)) })
			writer := Go(l, func(t *Task) (int, error) { return s.Write(t, make([]byte, tooMuch)) })
			other := Go(l, func(t *Task) (int, error) { return s.Write(t, make([]byte, 1)) })
			task.Yield()
			require.NoError(t, s.Close())
			require.NoError(t, s.Close())
			for _, f := range []*Future[int]{reader, writer, other} {
				_, err := Await(task, f)
				require.ErrorIs(t, err, net.ErrClosed)
			}
			_, err := s.Read(task, make([]byte, 1))
			require.ErrorIs(t, err, net.ErrClosed)
			_, err = s.Write(task, make([]byte, 1))
			require.ErrorIs(t, err, net.ErrClosed)
			require.Empty(t, l.streams)

			// With something received, and with nothing.
			for _, words := range []string{"spam", ""} {
				c, d := pair(t)
				s := l.Attach(wrap(c))
				io.WriteString(d, words)
				if words != "" {
					received(task, s)
				}
				require.NoError(t, s.Close())
				_, err := s.Read(task, make([]byte, 4))
				require.ErrorIs(t, err, net.ErrClosed)
			}
			return nil
		})
	})
}

// A deadline that was set for blocking reads does not end reads of the stream.
func TestAttachDropsDeadlines(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, b := pair(t)
		require.NoError(t, a.SetDeadline(time.Unix(1, 0)))
		run(t, func(task *Task) error {
			s := task.Loop().Attach(wrap(a))
			_, err := s.Write(task, []byte("spam"))
			require.NoError(t, err)
			b.Write([]byte("eggs"))
			_, err = io.ReadFull(s.As(task), make([]byte, 4))
			return err
		})
	})
}

// Detach returns the connection as it was, and another loop may attach it.
func TestDetach(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, b := pair(t)
		p := make([]byte, 4)
		for range 3 {
			run(t, func(task *Task) error {
				s := task.Loop().Attach(wrap(a))
				b.Write([]byte("spam"))
				_, err := io.ReadFull(s.As(task), p)
				require.NoError(t, err)
				conn, err := s.Detach(task)
				require.NoError(t, err)
				require.Equal(t, wrap(a), conn)
				require.Empty(t, task.Loop().streams)
				_, err = s.Read(task, p)
				require.ErrorIs(t, err, net.ErrClosed)
				_, err = s.Write(task, p)
				require.ErrorIs(t, err, net.ErrClosed)
				_, err = s.Detach(task)
				require.ErrorIs(t, err, net.ErrClosed)
				require.NoError(t, s.Close(), "of the stream, and not of the connection")
				return nil
			})
		}
		b.Write([]byte("eggs"))
		_, err := io.ReadFull(a, p)
		require.NoError(t, err)
		require.Equal(t, "eggs", string(p))

		run(t, func(task *Task) error {
			s := task.Loop().Attach(wrap(a))
			b.Write([]byte("spam"))
			received(task, s)
			_, err := s.Detach(task)
			require.EqualError(t, err, "eventloop: Detach of a stream with unread input")
			return nil
		})
		c, d := pair(t)
		d.Close()
		run(t, func(task *Task) error {
			s := task.Loop().Attach(wrap(c))
			received(task, s)
			_, err := s.Detach(task)
			require.ErrorIs(t, err, io.EOF)
			return nil
		})
	})
}

// Before Detach returns, the transport has written what a canceled Write left to it.
func TestDetachAfterACanceledWrite(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		l := task.Loop()
		require.ErrorIs(t, task.Timeout(10*time.Millisecond, func() error {
			_, err := s.Write(task, make([]byte, tooMuch))
			return err
		}), context.DeadlineExceeded)
		peer := RunInExecutor(l, NewExecutor(1), func() (int64, error) { return io.Copy(io.Discard, b) })
		conn, err := s.Detach(task)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		n, err := Await(task, peer)
		require.EqualValues(t, tooMuch, n)
		return err
	})
}

// A connection that is not a socket, in virtual time: a slow peer and a timeout.
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
		require.NoError(t, Run(t.Context(), func(task *Task) error {
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
		}))
		b.Close()
	})
}

// A read of no bytes and no error, which a net.Conn may return, loses no buffer.
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

// A Read into no bytes leaves the input, and is not the end of it.
func TestReadsIntoNothing(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		b.Write([]byte("spam"))
		p := make([]byte, 4)
		for i := range p {
			n, err := s.Read(task, nil)
			require.NoError(t, err)
			require.Zero(t, n)
			_, err = s.Read(task, p[i:i+1])
			require.NoError(t, err)
		}
		require.Equal(t, "spam", string(p))
		return nil
	})
}

// A stream does not keep what its caller reads into and writes from.
func TestBuffersAreForgotten(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		b.Write([]byte("spam"))
		p := new([64]byte)
		kept := weak.Make(p)
		_, err := io.ReadFull(s.As(task), p[:4])
		require.NoError(t, err)
		_, err = s.Write(task, p[:])
		require.NoError(t, err)
		runtime.GC()
		require.Nil(t, kept.Value())
		return s.Close()
	})
}

// A Write that is complete returns, although another one begins before its turn.
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

// Run closes the streams that are still open, in whatever state they are.
func TestRunClosesStreams(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, b := pair(t)
		c, d := pair(t)
		run(t, func(task *Task) error {
			l := task.Loop()
			go b.Write(make([]byte, 1<<20))
			l.Attach(wrap(a)) // its helper fills both buffers and waits for another
			s := l.Attach(wrap(c))
			Go(l, func(t *Task) (int, error) { return s.Write(t, make([]byte, tooMuch)) })
			Go(l, func(t *Task) (int, error) { return s.Read(t, make([]byte, 1)) })
			return sleep(task, 10*time.Millisecond)
		})
		_, err := a.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = c.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		d.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = io.Copy(io.Discard, d)
		require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
	})
}

// brokenConn is a connection whose Read or Write does not return.
type brokenConn struct {
	net.Conn
	read, write func()
}

func (c brokenConn) Read(p []byte) (int, error)  { c.read(); return c.Conn.Read(p) }
func (c brokenConn) Write(p []byte) (int, error) { c.write(); return c.Conn.Write(p) }

// A panic in a connection's method is Run's; a Goexit is the error of the Read or
// Write that waits.
func TestConnectionThatDoesNotReturn(t *testing.T) {
	works, panics := func() {}, func() { panic("spam") }
	for name, conn := range map[string]brokenConn{
		"read": {read: panics, write: works}, "write": {read: works, write: panics},
		"exit in read": {read: runtime.Goexit, write: works}, "exit in write": {read: works, write: runtime.Goexit},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			conn.Conn = near
			main := func(task *Task) error {
				s := task.Loop().Attach(conn)
				other := Go(task.Loop(), func(t *Task) (int, error) { return s.Write(t, []byte("spam")) })
				if _, err := s.Read(task, make([]byte, 1)); err != nil {
					return err
				}
				_, err := Await(task, other)
				return err
			}
			go far.Write([]byte{1})
			if strings.HasPrefix(name, "exit") {
				require.ErrorIs(t, Run(t.Context(), main), errGoexit)
			} else {
				require.PanicsWithValue(t, "spam", func() { Run(t.Context(), main) })
			}
		})
	}
}

type unclosable struct{ net.Conn }

func (c unclosable) Close() error {
	c.Conn.Close()
	panic("spam")
}

// A panic in the Close of a connection is Run's, which closes the other streams first.
func TestPanicInClose(t *testing.T) {
	var closed []net.Conn
	require.PanicsWithValue(t, "spam", func() {
		Run(t.Context(), func(task *Task) error {
			for range 3 {
				near, far := net.Pipe()
				closed = append(closed, far)
				task.Loop().Attach(unclosable{near})
			}
			a, b := pair(t)
			closed = append(closed, b)
			task.Loop().Attach(a)
			return nil
		})
	})
	for _, far := range closed {
		far.SetDeadline(time.Now().Add(10 * time.Second))
		_, err := far.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	}
}

// A task whose Read was canceled reads another stream, and another task reads the first.
func TestReadAfterACanceledRead(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, b := pair(t)
		c, d := pair(t)
		run(t, func(task *Task) error {
			l := task.Loop()
			first, second := l.Attach(wrap(a)), l.Attach(wrap(c))
			p := make([]byte, 4)
			err := task.Timeout(time.Millisecond, func() error {
				_, err := first.Read(task, p)
				return err
			})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			other := Go(l, func(t *Task) (int, error) {
				b.Write([]byte("spam"))
				d.Write([]byte("eggs"))
				return io.ReadFull(first.As(t), make([]byte, 4))
			})
			_, err = io.ReadFull(second.As(task), p)
			require.NoError(t, err)
			require.Equal(t, "eggs", string(p))
			_, err = Await(task, other)
			return err
		})
	})
}

// Something else has closed the connection: a read after a full one, and a write, fail.
func TestConnectionThatIsClosed(t *testing.T) {
	streams(t, func(t *testing.T, task *Task, s *Stream, b *net.TCPConn) error {
		b.Write([]byte("spam"))
		p := make([]byte, 4)
		_, err := io.ReadFull(s.As(task), p)
		require.NoError(t, err)
		s.conn.Close()
		_, err = s.Read(task, p)
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = s.Write(task, p)
		require.ErrorIs(t, err, net.ErrClosed)
		return nil
	})
}

// A task can only wait for a stream of its own loop.
func TestReadOnAnotherLoop(t *testing.T) {
	bothWays(t, func(t *testing.T, wrap wrapper) {
		a, _ := pair(t)
		run(t, func(task *Task) error {
			s := task.Loop().Attach(wrap(a))
			require.PanicsWithValue(t, "eventloop: Await of a future of another loop", func() {
				Run(t.Context(), func(other *Task) error {
					_, err := s.Read(other, make([]byte, 1))
					return err
				})
			})
			return nil
		})
	})
}
