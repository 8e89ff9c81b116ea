package eventloop

import (
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
	sockets map[int]*socket
}

// sockets is the selector of this system.
type sockets = epoll

func newSockets() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	unix.SetNonblock(fd, true) // else Go's poller does not take it, and SetReadDeadline fails
	e := &epoll{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, sockets: map[int]*socket{}}
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

// add begins to watch a socket.
func (e *epoll) add(fd int) error {
	return unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLPRI | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)})
}

// awaitOutput makes the selector report when the full socket takes something again.
// It does nothing: add has asked for that.
func (e *epoll) awaitOutput(int) {}

// remove ends the watching. Closing the descriptor would not end it if the descriptor
// has a duplicate.
func (e *epoll) remove(fd int) { unix.EpollCtl(e.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// dispatch makes ready the tasks that wait for the events. It runs none of them, so no
// stream is closed meanwhile.
func (e *epoll) dispatch() {
	// A read ends before an urgent byte, though more may follow. After the end of the input
	// nothing more is reported.
	const short = unix.EPOLLPRI | unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	for _, event := range e.events[:max(e.ready, 0)] {
		k := e.sockets[int(event.Fd)]
		if k == nil {
			continue // somebody has closed the connection, whose socket lives on in a duplicate
		}
		k.short = k.short || event.Events&short != 0
		if event.Events&(unix.EPOLLIN|short) != 0 {
			k.input = true
			k.stream.readable()
		}
		if len(k.rest) > 0 {
			k.stream.loop.callSoon(k.flush)
		}
	}
}
