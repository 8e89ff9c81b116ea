package sock

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is longer than any test needs, and bounds one that hangs.
const patience = 20 * time.Second

func listen(t *testing.T) *Listener {
	t.Helper()
	l, err := Listen()
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// pairs returns the two ends of connections, each of them with another end made by
// package net and by this package.
func pairs(t *testing.T) map[string][2]io.ReadWriteCloser {
	t.Helper()
	l := listen(t)
	all := map[string][2]io.ReadWriteCloser{}
	dial := func() *Conn {
		c, err := Dial(t.Context(), l.Addr())
		require.NoError(t, err)
		return c
	}
	accept := func() *Conn {
		c, err := l.Accept()
		require.NoError(t, err)
		return c
	}
	all["both"] = [2]io.ReadWriteCloser{dial(), accept()}
	far, err := net.Dial("tcp", l.Addr())
	require.NoError(t, err)
	all["accepted"] = [2]io.ReadWriteCloser{accept(), far}
	other, err := net.Listen("tcp", "[::1]:0")
	if err == nil { // there may be no IPv6
		near, err := Dial(t.Context(), other.Addr().String())
		require.NoError(t, err)
		far, err := other.Accept()
		require.NoError(t, err)
		other.Close()
		all["dialled, IPv6"] = [2]io.ReadWriteCloser{near, far}
	}
	t.Cleanup(func() {
		for _, ends := range all {
			ends[0].Close()
			ends[1].Close()
		}
	})
	return all
}

// What one end writes the other reads, in both directions at once, until the end.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, ends := range pairs(t) {
		t.Run(name, func(t *testing.T) {
			const size = 8 << 20
			var all sync.WaitGroup
			for i, end := range ends {
				all.Go(func() {
					p := make([]byte, size)
					for at := range p {
						p[at] = byte(at*7 + i)
					}
					if n, err := end.Write(p); n != size || err != nil {
						t.Errorf("wrote %d: %v", n, err)
					}
					end.(interface{ CloseWrite() error }).CloseWrite()
				})
				all.Go(func() {
					p, err := io.ReadAll(end)
					if len(p) != size || err != nil {
						t.Errorf("read %d: %v", len(p), err)
						return
					}
					for at := range p {
						if p[at] != byte(at*7+1-i) {
							t.Errorf("byte %d is wrong", at)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

// A deadline ends a read that waits and one that comes later; without it, the
// connection is as it was.
func TestDeadline(t *testing.T) {
	for name, ends := range pairs(t) {
		t.Run(name, func(t *testing.T) {
			c := ends[0].(*Conn)
			p := make([]byte, 4)
			for _, set := range []func(time.Time) error{c.SetDeadline, c.SetReadDeadline} {
				require.NoError(t, set(time.Now().Add(5*time.Millisecond)))
				for range 2 {
					_, err := c.Read(p)
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				}
				require.NoError(t, set(time.Time{}))
			}
			io.WriteString(ends[1], "spam")
			_, err := io.ReadFull(c, p)
			require.NoError(t, err)
			require.Equal(t, "spam", string(p))

			require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Millisecond)))
			_, err = c.Write(make([]byte, 64<<20))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		})
	}
}

// Close ends the reads, writes and accepts that wait, on whatever goroutine.
func TestCloseEndsWhoWaits(t *testing.T) {
	l := listen(t)
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, l.Addr())
	ends := pairs(t)["both"]
	c := ends[0].(*Conn)
	failed := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		failed <- err
	}()
	go func() {
		_, err := c.Write(make([]byte, 64<<20))
		failed <- err
	}()
	go func() {
		_, err := l.Accept()
		failed <- err
	}()
	time.Sleep(10 * time.Millisecond) // they wait by now, or fail all the same
	require.NoError(t, c.Close())
	require.NoError(t, l.Close())
	for range 3 {
		select {
		case err := <-failed:
			require.ErrorIs(t, err, os.ErrClosed)
		case <-time.After(patience):
			t.Fatal("waits for ever")
		}
	}
	_, err := l.Accept()
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = c.TryWrite([]byte{1})
	require.Error(t, err)
	require.Error(t, c.CloseWrite())
	_, err = Dial(t.Context(), l.Addr())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.EqualError(t, err, "dial tcp "+l.Addr()+": connect: connection refused")
}

// TryWrite takes what fits and does not wait for the rest.
func TestTryWrite(t *testing.T) {
	ends := pairs(t)["both"]
	c := ends[0].(*Conn)
	n, err := c.TryWrite([]byte("spam"))
	require.NoError(t, err)
	if n == 0 {
		t.Skip("on this platform it always leaves everything")
	}
	require.Equal(t, 4, n)
	all := 4
	for n > 0 {
		n, err = c.TryWrite(make([]byte, 1<<20))
		require.NoError(t, err)
		all += n
	}
	_, err = io.ReadFull(ends[1], make([]byte, all))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		n, err := c.TryWrite([]byte{1})
		return n == 1 && err == nil
	}, patience, time.Millisecond)
	ends[1].Close() // with something unread: a reset
	require.Eventually(t, func() bool {
		_, err := c.TryWrite([]byte{1})
		return err != nil
	}, patience, time.Millisecond)
}

// A context that is done ends a Dial before it begins.
func TestCanceledDial(t *testing.T) {
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Dial(ctx, l.Addr())
	require.ErrorIs(t, err, context.Canceled)
}

// A small message does not wait for the answer to the one before.
func TestSmallMessagesAreSentAtOnce(t *testing.T) {
	for name, ends := range pairs(t) {
		t.Run(name, func(t *testing.T) {
			const delays = 50 * 40 * time.Millisecond
			least := delays
			for try := 0; try < 5 && least >= delays/2; try++ { // a busy machine is slow too, but not always
				began := time.Now()
				for range 50 {
					// Without TCP_NODELAY the second waits for the acknowledgement of
					// the first, which the peer delays by 40 ms.
					for range 2 {
						_, err := ends[0].Write([]byte("x"))
						require.NoError(t, err)
					}
					_, err := io.ReadFull(ends[1], make([]byte, 2))
					require.NoError(t, err)
					_, err = ends[1].Write([]byte("y"))
					require.NoError(t, err)
					_, err = io.ReadFull(ends[0], make([]byte, 1))
					require.NoError(t, err)
				}
				least = min(least, time.Since(began))
			}
			require.Less(t, least, delays/2)
		})
	}
}

// Waiting readers are goroutines and not threads.
func TestWaitingTakesNoThread(t *testing.T) {
	threads := func() int {
		all, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Skip("no list of threads: ", err)
		}
		return len(all)
	}
	l := listen(t)
	before := threads()
	var waiting sync.WaitGroup
	var ends []io.Closer
	for range 64 {
		c, err := Dial(t.Context(), l.Addr())
		require.NoError(t, err)
		far, err := l.Accept()
		require.NoError(t, err)
		ends = append(ends, c, far)
		waiting.Go(func() { c.Read(make([]byte, 1)) })
	}
	time.Sleep(10 * time.Millisecond)
	require.Less(t, threads(), before+32)
	for _, end := range ends {
		end.Close()
	}
	waiting.Wait()
}

// No child inherits a socket.
func TestChildrenInheritNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no list of a child's descriptors")
	}
	listen(t)
	pairs(t)
	out, err := exec.Command("ls", "-l", "/proc/self/fd").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "socket:")
}

// Nothing that was opened stays open, whatever came of it.
func TestNoDescriptorIsLeft(t *testing.T) {
	count := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no list of open descriptors: ", err)
		}
		return len(all)
	}
	before := count()
	for range 20 {
		l, err := Listen()
		require.NoError(t, err)
		c, err := Dial(t.Context(), l.Addr())
		require.NoError(t, err)
		far, err := l.Accept()
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = Dial(ctx, l.Addr())
		require.Error(t, err)
		for _, end := range []io.Closer{c, far, l} {
			require.NoError(t, end.Close())
		}
		for _, nobody := range []string{l.Addr(), "255.255.255.255:1"} {
			_, err = Dial(t.Context(), nobody)
			require.Error(t, err)
		}
	}
	require.Equal(t, before, count())
}
