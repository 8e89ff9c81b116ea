package eventloop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// bufferSize is how many bytes a helper reads at once. A stream holds at most two
// buffers of what its peer has sent and no task has read.
const bufferSize = 4096

// A Stream is a connection whose reads and writes make only the calling task wait,
// not the loop. One task may read while another writes.
//
// The helper takes a buffer from free, fills it and posts it to the loop, which
// then owns it. The loop puts the buffer back into free once tasks have read all
// of it. There are two buffers, so that the helper can wait for the peer while a
// task reads. A helper that finds no free buffer leaves the rest in the socket,
// and TCP slows the peer down.
type Stream struct {
	loop *Loop
	conn net.Conn

	free    chan []byte       // capacity 2, so putting a buffer back never blocks
	filled  [][]byte          // what was received, in order; tasks read from the front
	buffers [][]byte          // the whole buffers of the elements of filled
	readErr error             // why nothing follows filled
	reader  *Future[struct{}] // of the task that waits for input; nil or canceled if none does

	try      func(p []byte) (int, error) // writes what fits without waiting; nil if that is impossible
	writing  bool                        // a helper is writing, and no other may begin
	writeErr error                       // of a helper: why nothing can be written anymore
	writers  []*Future[struct{}]         // of the tasks that wait until writing is false

	closed bool
}

// Attach makes a stream of a connection. The connection then belongs to the stream
// and loses its deadline.
//
// On Unix, a connection that is a socket (a syscall.Conn) takes small writes
// without the help of another goroutine.
func (l *Loop) Attach(conn net.Conn) *Stream {
	s := &Stream{loop: l, conn: conn, free: make(chan []byte, 2), try: tryWrite(conn)}
	conn.SetDeadline(time.Time{}) // if this fails, so does the next read
	for range cap(s.free) {
		s.free <- make([]byte, bufferSize)
	}
	l.streams[s] = struct{}{}
	l.help(func() {
		for buf := range s.free {
			n, err := conn.Read(buf)
			l.callSoonThreadsafe(func() { s.received(buf, n, err) })
			if err != nil {
				return
			}
		}
	}, func() { l.callSoonThreadsafe(func() { s.received(nil, 0, errGoexit) }) })
	return s
}

// received takes over a buffer from the helper.
func (s *Stream) received(buf []byte, n int, err error) {
	switch {
	case n > 0:
		s.filled, s.buffers = append(s.filled, buf[:n]), append(s.buffers, buf)
	case !s.closed:
		s.free <- buf
	}
	s.readErr = err
	if s.reader != nil {
		s.reader.Resolve(struct{}{}, nil)
		s.reader = nil
	}
}

// Read waits until something was received and returns some of it, as the Read of
// an io.Reader does. After Close it returns net.ErrClosed. It panics if another
// task is reading.
func (s *Stream) Read(t *Task, p []byte) (int, error) {
	if s.reader != nil && !s.reader.done { // a done future belongs to a canceled Read
		panic("eventloop: Read of a stream that another task reads")
	}
	for !s.closed && len(s.filled) == 0 && s.readErr == nil {
		f := NewFuture[struct{}](s.loop)
		s.reader = f
		if _, err := Await(t, f); err != nil {
			return 0, err
		}
	}
	if s.closed {
		return 0, net.ErrClosed
	}
	if len(s.filled) == 0 {
		return 0, s.readErr
	}
	n := copy(p, s.filled[0])
	s.filled[0] = s.filled[0][n:]
	if len(s.filled[0]) == 0 {
		s.free <- s.buffers[0]
		s.filled = s.filled[:copy(s.filled, s.filled[1:])]
		s.buffers = s.buffers[:copy(s.buffers, s.buffers[1:])]
	}
	return n, nil
}

// Write writes p and waits until the socket has taken all of it. What the socket
// takes at once is written at once; a helper writes the rest, if there is any.
// After a canceled Write, some of p may still be written later.
func (s *Stream) Write(t *Task, p []byte) (n int, err error) {
	if err := s.flushed(t); err != nil {
		return 0, err
	}
	if s.try != nil {
		n, err = s.try(p)
	}
	if err != nil || n == len(p) {
		return n, err
	}
	s.writing = true
	rest := bytes.Clone(p[n:]) // p is the caller's again after a canceled Write
	wrote := func(err error) {
		s.loop.callSoonThreadsafe(func() {
			s.writing, s.writeErr = false, err
			for _, f := range s.writers {
				f.Resolve(struct{}{}, nil)
			}
			s.writers = nil
		})
	}
	s.loop.help(func() {
		_, err := s.conn.Write(rest)
		wrote(err)
	}, func() { wrote(errGoexit) })
	if err := s.helped(t); err != nil {
		return n, err
	}
	return len(p), nil
}

// flushed waits until no helper is writing.
func (s *Stream) flushed(t *Task) error {
	for s.writing && !s.closed {
		if err := s.helped(t); err != nil {
			return err
		}
	}
	return s.broken()
}

// helped waits for the helper that is writing now. By the time of the task's turn
// another may be writing; helped does not wait for that one.
func (s *Stream) helped(t *Task) error {
	f := NewFuture[struct{}](s.loop)
	s.writers = append(s.writers, f)
	if _, err := Await(t, f); err != nil {
		return err
	}
	return s.broken()
}

// broken returns why nothing can be written anymore.
func (s *Stream) broken() error {
	if s.closed {
		return net.ErrClosed
	}
	return s.writeErr
}

// As returns a reader and writer with which t uses the stream. Code written for a
// blocking connection works with it unchanged: a read or write makes t wait,
// whatever function it is called from.
func (s *Stream) As(t *Task) io.ReadWriter { return boundStream{s, t} }

type boundStream struct {
	stream *Stream
	task   *Task
}

func (b boundStream) Read(p []byte) (int, error)  { return b.stream.Read(b.task, p) }
func (b boundStream) Write(p []byte) (int, error) { return b.stream.Write(b.task, p) }

// Detach ends the stream and returns the connection as Attach got it. It fails if
// something was received that no task has read, or if the peer has closed the
// connection; the stream can then only be closed.
func (s *Stream) Detach(t *Task) (net.Conn, error) {
	if err := s.flushed(t); err != nil {
		return nil, err
	}
	// A deadline in the past ends the helper's read, now or when it begins.
	s.conn.SetDeadline(time.Unix(1, 0))
	var p [1]byte
	switch n, err := s.Read(t, p[:]); {
	case n > 0:
		return nil, errors.New("eventloop: Detach of a stream with unread input")
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return nil, err
	}
	s.closed = true
	delete(s.loop.streams, s)
	return s.conn, s.conn.SetDeadline(time.Time{})
}

// Close closes the connection. Tasks that wait for it get net.ErrClosed. A second
// Close does nothing.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	delete(s.loop.streams, s)
	close(s.free) // a helper may be waiting for a buffer; then no task waits for the helper
	// A helper that reads or writes fails now, and what it posts wakes the tasks.
	return s.conn.Close()
}
