package eventloop

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An epoll is the selector of Linux. It watches the loop's sockets, and only the
// loop's goroutine uses it, except for wake.
//
// A goroutine that blocks in the system call epoll_wait would keep its processor from
// all other goroutines until the runtime notices, after 20 µs or much later. So the
// goroutine waits in Go's poller instead, which watches the epoll descriptor as it
// watches any other, and calls epoll_wait only to take what is ready. The poller's
// deadline is the timeout, and a deadline in the past wakes the loop without a system
// call.
type epoll struct {
	file    *os.File
	raw     syscall.RawConn // of file
	fd      int             // of file
	due     time.Time       // file's deadline, unless wake has changed it; zero if there is none
	look    func(fd uintptr) bool
	events  [128]unix.EpollEvent
	ready   int // elements of events that epoll_wait has filled
	sockets map[int32]*socket
}

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	unix.SetNonblock(fd, true) // else Go's poller does not take it, and SetReadDeadline fails
	e := &epoll{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, sockets: map[int32]*socket{}}
	e.raw, err = e.file.SyscallConn()
	if err == nil {
		err = e.file.SetReadDeadline(time.Time{})
	}
	if err != nil {
		e.file.Close()
		return nil, err
	}
	e.look = func(uintptr) bool { // made once, because it escapes
		e.ready, _ = unix.EpollWait(e.fd, e.events[:], 0)
		return e.ready > 0
	}
	return e, nil
}

func (e *epoll) close() { e.file.Close() }

func (e *epoll) poll() {
	e.look(0)
	e.dispatch()
}

func (e *epoll) setDue(due time.Time) {
	// An earlier deadline may stay. It costs a wait that returns early, and most timers
	// are timeouts that end before they are due.
	if e.due.IsZero() || due.Before(e.due) {
		e.due = due
		e.file.SetReadDeadline(due)
	}
}

func (e *epoll) wait() {
	if e.raw.Read(e.look) != nil { // the deadline has passed, perhaps without a look
		e.due = time.Time{}
		e.file.SetReadDeadline(e.due)
		e.look(0)
	}
	e.dispatch()
}

func (e *epoll) wake() { e.file.SetReadDeadline(time.Unix(1, 0)) }

// dispatch makes ready the tasks that wait for the events. It runs none of them, so
// every event belongs to a socket that is still watched.
func (e *epoll) dispatch() {
	const ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	for _, event := range e.events[:max(e.ready, 0)] {
		k := e.sockets[event.Fd]
		k.ended = k.ended || event.Events&ended != 0
		if event.Events&(unix.EPOLLIN|ended) != 0 {
			k.input = true
			k.stream.readable()
		}
		if len(k.rest) > 0 {
			k.stream.loop.callSoon(k.flush)
		}
	}
}

// A socket is a connection that does not block and that the selector watches. The
// selector reports a socket once whenever something arrives (edge-triggered). So what
// is reported must be remembered until a read finds the socket empty.
type socket struct {
	stream *Stream
	epoll  *epoll
	raw    syscall.RawConn
	fd     int32 // for epoll; system calls get it from raw, which knows if it is closed

	input bool  // the socket may not be empty
	ended bool  // the peer sends nothing more, and the selector has reported that
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

// watch makes the loop's selector watch the stream's connection. It returns nil if
// that is not a stream socket of package net or there is no selector.
func (s *Stream) watch() transport {
	conn, ok := s.conn.(syscall.Conn)
	network := s.conn.LocalAddr().Network()
	if !ok || network != "tcp" && network != "unix" {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	l := s.loop
	e, _ := l.selector.(*epoll)
	if e == nil {
		if e, err = newEpoll(); err != nil {
			return nil
		}
		l.mu.Lock()
		l.selector = e
		l.mu.Unlock()
	}
	k := &socket{stream: s, epoll: e, raw: raw}
	if closed := raw.Control(func(fd uintptr) {
		k.fd = int32(fd)
		err = unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{
			Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: k.fd})
	}); closed != nil || err != nil {
		return nil
	}
	k.sysRead = func(fd uintptr) { k.n, k.failed = unix.Read(int(fd), k.p) }
	k.sysWrite = func(fd uintptr) { k.n, k.failed = unix.Write(int(fd), k.p) }
	e.sockets[k.fd] = k
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
	n, err := k.call("read", k.sysRead, p)
	switch {
	case n > 0:
		// A read that fills only a part of p has emptied the socket. What arrives after
		// it is reported, but the end of the input may have been reported before.
		k.input = n == len(p) || k.ended
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
	n, err := k.call("write", k.sysWrite, p)
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

// close ends the watching, which closing the descriptor would not if there is a
// duplicate of it.
func (k *socket) close() {
	k.rest = nil
	delete(k.epoll.sockets, k.fd)
	k.raw.Control(func(fd uintptr) { unix.EpollCtl(k.epoll.fd, unix.EPOLL_CTL_DEL, int(fd), nil) })
}
