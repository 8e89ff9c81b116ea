//go:build unix

package sock

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// backlog is how many connections may wait to be accepted. The kernel grants less
// if that is too many.
const backlog = 4096

// A Listener accepts connections.
type Listener struct {
	file *os.File
	raw  syscall.RawConn // of file
	addr string
}

// Listen listens on a free port of the loopback interface.
func Listen() (*Listener, error) {
	fd, err := open(func() (int, error) { return syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0) })
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = os.NewSyscallError("bind", syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	if err == nil {
		err = os.NewSyscallError("listen", syscall.Listen(fd, backlog))
	}
	var name syscall.Sockaddr
	if err == nil {
		name, err = syscall.Getsockname(fd)
		err = os.NewSyscallError("getsockname", err)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	own := name.(*syscall.SockaddrInet4)
	l := &Listener{addr: fmt.Sprintf("%d.%d.%d.%d:%d", own.Addr[0], own.Addr[1], own.Addr[2], own.Addr[3], own.Port)}
	l.file, l.raw = poll(fd, l.addr)
	return l, nil
}

// Addr returns the address to connect to.
func (l *Listener) Addr() string { return l.addr }

// Accept waits for a connection. After Close it returns os.ErrClosed.
func (l *Listener) Accept() (*Conn, error) {
	var fd int
	var err error
	closed := l.raw.Read(func(listening uintptr) bool {
		for {
			fd, err = open(func() (int, error) {
				fd, _, err := syscall.Accept(int(listening))
				return fd, err
			})
			// Aborted is one that the peer has reset while it waited.
			if err != syscall.EINTR && err != syscall.ECONNABORTED {
				return err != syscall.EAGAIN
			}
		}
	})
	if closed != nil {
		return nil, os.ErrClosed
	}
	if err != nil {
		return nil, os.NewSyscallError("accept", err)
	}
	return newConn(fd, l.addr), nil
}

// Close ends Accept, now and from now on.
func (l *Listener) Close() error { return l.file.Close() }

// A Conn is a connection. One goroutine may read while another writes, and any may
// set deadlines and close it.
type Conn struct {
	file *os.File
	raw  syscall.RawConn // of file

	try  func(fd uintptr) bool // writes rest; made once, because it escapes
	rest []byte                // to try
	n    int                   // of try
	err  error                 // of try
}

// newConn makes a connection of a socket that is connected or about to be.
func newConn(fd int, addr string) *Conn {
	// As package net has it: a small message is sent at once.
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	c := &Conn{}
	c.file, c.raw = poll(fd, addr)
	c.try = func(fd uintptr) bool {
		c.n, c.err = syscall.Write(int(fd), c.rest)
		return true // do not wait
	}
	return c
}

// Dial connects to a host:port. ctx bounds the connecting.
func Dial(ctx context.Context, address string) (*Conn, error) {
	peers, err := resolve(address)
	for _, peer := range peers {
		c, failed := dial(ctx, peer, address)
		if failed == nil {
			return c, nil
		}
		err = cmp.Or(err, failed)
	}
	return nil, fmt.Errorf("dial tcp %s: %w", address, err)
}

func dial(ctx context.Context, peer syscall.Sockaddr, address string) (*Conn, error) {
	family := syscall.AF_INET
	if _, ok := peer.(*syscall.SockaddrInet6); ok {
		family = syscall.AF_INET6
	}
	fd, err := open(func() (int, error) { return syscall.Socket(family, syscall.SOCK_STREAM, 0) })
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := syscall.Connect(fd, peer); err != nil && err != syscall.EINPROGRESS && err != syscall.EINTR {
		syscall.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	c := newConn(fd, address)
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	err = c.connected()
	if !stop() {
		err = ctx.Err() // whatever came first: the connection has that deadline
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// connected waits until the socket is connected.
func (c *Conn) connected() error {
	var err error
	closed := c.raw.Write(func(fd uintptr) bool {
		var code int
		if code, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR); err != nil {
			err = os.NewSyscallError("getsockopt", err)
			return true
		}
		switch failed := syscall.Errno(code); failed {
		case syscall.EINPROGRESS, syscall.EALREADY, syscall.EINTR:
			return false
		case 0, syscall.EISCONN:
			// No error is not success: the first look comes before any wait,
			// and the poller may wake too early.
			_, err := syscall.Getpeername(int(fd))
			return err == nil
		default:
			err = os.NewSyscallError("connect", failed)
			return true
		}
	})
	return cmp.Or(closed, err)
}

// Read is io.Reader's.
func (c *Conn) Read(p []byte) (int, error) { return c.file.Read(p) }

// Write is io.Writer's.
func (c *Conn) Write(p []byte) (int, error) { return c.file.Write(p) }

// TryWrite writes what the socket takes without waiting, which may be nothing. It
// must not be called by two goroutines at once.
func (c *Conn) TryWrite(p []byte) (int, error) {
	c.rest = p
	closed := c.raw.Write(c.try)
	c.rest = nil
	switch {
	case closed != nil:
		return 0, closed
	case c.err == syscall.EAGAIN || c.err == syscall.EINTR:
		return 0, nil
	case c.err != nil:
		return 0, os.NewSyscallError("write", c.err)
	}
	return c.n, nil
}

// SetDeadline ends reads and writes at that time, or never if it is zero.
func (c *Conn) SetDeadline(t time.Time) error { return c.file.SetDeadline(t) }

// SetReadDeadline ends reads at that time, or never if it is zero.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// CloseWrite tells the peer that nothing more will be written.
func (c *Conn) CloseWrite() error {
	var err error
	closed := c.raw.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_WR) })
	return cmp.Or(closed, os.NewSyscallError("shutdown", err))
}

// Close ends reads and writes, and the connection.
func (c *Conn) Close() error { return c.file.Close() }

// open calls socket or accept and makes what it returns a descriptor that does not
// block and that no child inherits. Not every Unix does that in one step, hence
// the lock, which whoever forks takes too.
func open(call func() (int, error)) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := call()
	if err != nil {
		return -1, err
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// poll gives a descriptor to the runtime's poller.
func poll(fd int, addr string) (*os.File, syscall.RawConn) {
	file := os.NewFile(uintptr(fd), "tcp "+addr)
	raw, _ := file.SyscallConn() // there is one, because there is a file
	return file, raw
}
