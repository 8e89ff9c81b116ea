//go:build darwin || dragonfly || freebsd

package eventloop

import (
	"time"

	"golang.org/x/sys/unix"
)

// A kqueue is the selector of macOS and two of the BSDs. It watches the loop's sockets,
// and only the loop's goroutine uses it, except for wake.
//
// The goroutine blocks in the system call kevent. It cannot wait in Go's poller, as it
// does on Linux: the poller watches a descriptor for input and for output, and a kqueue
// can be watched for input only. So the processor of a waiting loop stays with it until
// the runtime notices, after 20 µs or much later. This matters if there is one processor.
type kqueue struct {
	fd      int
	due     time.Time // when wait returns at the latest; zero if there is no such time
	events  [128]unix.Kevent_t
	ready   int // elements of events that kevent has filled
	sockets map[int]*socket
}

// sockets is the selector of this system.
type sockets = kqueue

func newSockets() (*kqueue, error) {
	fd, err := unix.Kqueue() // a child does not inherit it
	if err != nil {
		return nil, err
	}
	q := &kqueue{fd: fd, sockets: map[int]*socket{}}
	if err := q.change(0, unix.EVFILT_USER, unix.EV_ADD|unix.EV_CLEAR, 0); err != nil {
		q.close()
		return nil, err
	}
	return q, nil
}

func (q *kqueue) close() { unix.Close(q.fd) }

func (q *kqueue) poll() { q.look(&unix.Timespec{}) }

func (q *kqueue) setDue(due time.Time) { q.due = due }

func (q *kqueue) wait() {
	if q.due.IsZero() {
		q.look(nil)
		return
	}
	// macOS refuses a timeout of years.
	timeout := unix.NsecToTimespec(int64(min(max(0, time.Until(q.due)), time.Hour)))
	q.due = time.Time{}
	q.look(&timeout)
}

// wake may come after close. At worst it then wakes another loop without a reason, whose
// kqueue has the same descriptor by then.
func (q *kqueue) wake() { q.change(0, unix.EVFILT_USER, 0, unix.NOTE_TRIGGER) }

// change tells the kqueue what to watch, or triggers the event of wake.
func (q *kqueue) change(ident, filter, flags int, fflags uint32) error {
	var changes [1]unix.Kevent_t
	unix.SetKevent(&changes[0], ident, filter, flags)
	changes[0].Fflags = fflags
	_, err := unix.Kevent(q.fd, changes[:], nil, nil)
	return err
}

// add begins to watch a socket for input. A kqueue does not report an urgent byte of TCP. A
// read ends before it, and the next one may wait until something more arrives.
func (q *kqueue) add(fd int) error {
	return q.change(fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR, 0)
}

// awaitOutput makes the selector report, once, when the full socket takes something
// again. A socket that is watched all the time would report after every write that the
// peer has acknowledged it.
func (q *kqueue) awaitOutput(fd int) {
	q.change(fd, unix.EVFILT_WRITE, unix.EV_ADD|unix.EV_ONESHOT, 0)
}

// remove ends the watching.
func (q *kqueue) remove(fd int) {
	q.change(fd, unix.EVFILT_READ, unix.EV_DELETE, 0)
	q.change(fd, unix.EVFILT_WRITE, unix.EV_DELETE, 0) // fails if no output is awaited
}

// look asks the kqueue for events and makes ready the tasks that wait for them. It runs
// none of them, so no stream is closed meanwhile.
func (q *kqueue) look(timeout *unix.Timespec) {
	q.ready, _ = unix.Kevent(q.fd, nil, q.events[:], timeout) // a signal may interrupt it
	for _, event := range q.events[:max(q.ready, 0)] {
		if event.Filter == unix.EVFILT_USER {
			continue
		}
		k := q.sockets[int(event.Ident)]
		if k == nil {
			continue // somebody has closed the connection
		}
		if event.Filter == unix.EVFILT_READ {
			k.short = k.short || event.Flags&unix.EV_EOF != 0
			k.input = true
			k.stream.readable()
		} else if len(k.rest) > 0 {
			k.stream.loop.callSoon(k.flush)
		}
	}
}
