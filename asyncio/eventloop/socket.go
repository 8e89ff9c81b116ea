//go:build linux || darwin || dragonfly || freebsd

package eventloop

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A socket is a connection that does not block and that the selector watches. The
// selector reports a socket once whenever something arrives (edge-triggered). So what
// is reported must be remembered until a read finds the socket empty.
type socket struct {
	stream   *Stream
	selector *sockets
	raw      syscall.RawConn
	fd       int // the selector's name of the socket; system calls get it from raw, which knows if it is closed

	input bool  // the socket may not be empty
	short bool  // a short read does not mean that the socket is empty
	err   error // why nothing can be read anymore

	rest []byte // what is left to write

	// The argument and results of the system calls. The functions are made once,
	// because they escape. They are for Control, which does less than the Read and
	// Write of a RawConn: nothing here waits in Go's poller.
	p                 []byte
	n                 int
	failed            error
	sysRead, sysWrite func(fd uintptr)
}

// maxCall is how many bytes a system call reads or writes at most. The BSDs and macOS
// refuse 2 GiB.
const maxCall = 1 << 30

// watch makes the loop's selector watch the stream's connection. It returns nil if
// that is not a stream socket of package net or there is no selector.
func (s *Stream) watch() transport {
	var conn syscall.Conn
	short := false
	switch c := s.conn.(type) { // not the interface, which a type that embeds one has, too
	case *net.TCPConn:
		conn = c
	case *net.UnixConn:
		if c.LocalAddr().Network() != "unix" { // it keeps the bounds of messages
			return nil
		}
		conn, short = c, true // a read ends where the peer has passed descriptors
	default:
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	l := s.loop
	watched, _ := l.selector.(*sockets)
	if watched == nil {
		if watched, err = newSockets(); err != nil {
			return nil
		}
		l.mu.Lock()
		l.selector = watched
		l.mu.Unlock()
	}
	k := &socket{stream: s, selector: watched, raw: raw, short: short}
	if closed := raw.Control(func(fd uintptr) { k.fd, err = int(fd), watched.add(int(fd)) }); closed != nil || err != nil {
		return nil
	}
	k.sysRead = func(fd uintptr) { k.n, k.failed = unix.Read(int(fd), k.p) }
	k.sysWrite = func(fd uintptr) { k.n, k.failed = unix.Write(int(fd), k.p) }
	watched.sockets[k.fd] = k
	return k
}

func (k *socket) read(p []byte) (int, error) {
	switch {
	case k.err != nil:
		return 0, k.err
	case len(p) == 0:
		return 0, nil
	case !k.input:
		return 0, errAgain
	}
	p = p[:min(len(p), maxCall)]
	n, err := k.call("read", k.sysRead, p)
	switch {
	case n > 0:
		// A read that fills only a part of p has emptied the socket, unless k.short is
		// set. What arrives after the read is reported.
		k.input = n == len(p) || k.short
		return n, nil
	case err == errAgain:
		k.input = false
		return 0, err
	case err == nil:
		err = io.EOF
	}
	k.err = err
	return 0, err
}

func (k *socket) write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := k.call("write", k.sysWrite, p[:min(len(p), maxCall)])
	if err == errAgain {
		err = nil
	}
	return n, err
}

// call makes a system call with p.
func (k *socket) call(name string, do func(fd uintptr), p []byte) (int, error) {
	k.p = p
	closed := k.raw.Control(do)
	for closed == nil && k.failed == unix.EINTR {
		closed = k.raw.Control(do)
	}
	k.p = nil
	switch {
	case closed != nil:
		return 0, closed
	case k.failed == unix.EAGAIN:
		return 0, errAgain
	case k.failed != nil:
		local := k.stream.conn.LocalAddr()
		return 0, &net.OpError{Op: name, Net: local.Network(), Source: local, Addr: k.stream.conn.RemoteAddr(), Err: os.NewSyscallError(name, k.failed)}
	}
	return k.n, nil
}

func (k *socket) finish(rest []byte) {
	k.rest = rest
	k.stream.loop.callSoon(k.flush)
}

// flush writes some of the rest. It does not write all of it at once, for the sake of
// the other tasks.
func (k *socket) flush() {
	if len(k.rest) == 0 {
		return
	}
	n, err := k.write(k.rest)
	k.rest = k.rest[n:]
	switch {
	case err != nil || len(k.rest) == 0:
		k.rest = nil
		k.stream.written(err)
	case n > 0:
		k.stream.loop.callSoon(k.flush)
	default:
		k.raw.Control(func(fd uintptr) { k.selector.awaitOutput(int(fd)) })
	}
}

func (k *socket) detach(*Task) error {
	k.input = true
	var p [1]byte
	switch n, err := k.read(p[:]); {
	case n > 0:
		return errUnread
	case err != errAgain:
		return err
	}
	k.close()
	return nil
}

func (k *socket) close() {
	k.rest = nil
	if k.selector.sockets[k.fd] == k { // else somebody has closed the connection, and its descriptor is another's
		delete(k.selector.sockets, k.fd)
	}
	k.raw.Control(func(fd uintptr) { k.selector.remove(int(fd)) })
}
