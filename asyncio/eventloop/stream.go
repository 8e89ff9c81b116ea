package eventloop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"
)

// A Stream is a connection whose reads and writes make only the calling task wait,
// not the loop. One task may read while another writes.
type Stream struct {
	loop      *Loop
	conn      net.Conn
	transport transport

	reader *Future[struct{}] // of the task that waits for input; nil or canceled if none does

	writing  bool                // the transport is writing what a Write left to it
	writeErr error               // why nothing can be written anymore
	writers  []*Future[struct{}] // of the tasks that wait until writing is false

	closed bool
}

// A transport moves the bytes of a stream. It is a [socket] that the loop's selector
// watches or, where there is no selector for the connection, a [helper]. All methods
// are called on the loop's goroutine, and none of them waits, except detach, which
// makes t wait.
type transport interface {
	// read returns what is there. If nothing is there, the error is errAgain, and the
	// transport calls Stream.readable later. After any other error, every read
	// returns that error.
	read(p []byte) (int, error)

	// write writes what fits without waiting, which may be nothing.
	write(p []byte) (int, error)

	// finish goes on to write rest, and then calls Stream.written, in a later turn.
	finish(rest []byte)

	// detach lets go of the connection. It fails if there is unread input.
	detach(t *Task) error

	// close lets go of the connection, which is about to be closed.
	close()
}

var (
	// errAgain is the error of a transport's read that would have to wait.
	errAgain  = errors.New("eventloop: would wait")
	errUnread = errors.New("eventloop: Detach of a stream with unread input")
)

// Attach makes a stream of a connection. The connection then belongs to the stream
// and loses its deadline.
//
// Where there is a selector, the loop itself reads and writes a TCP or Unix connection
// of package net. Any other connection has a helper, a goroutine that blocks in its Read.
func (l *Loop) Attach(conn net.Conn) *Stream {
	s := &Stream{loop: l, conn: conn}
	conn.SetDeadline(time.Time{}) // if this fails, so does the next read
	l.streams[s] = struct{}{}
	if s.transport = s.watch(); s.transport == nil {
		s.transport = s.help()
	}
	return s
}

// readable wakes the task that waits for input.
func (s *Stream) readable() {
	if s.reader != nil {
		s.reader.Resolve(struct{}{}, nil)
		s.reader = nil
	}
}

// written wakes the tasks that wait for the transport's write. The transport calls it
// when it has written everything or failed with err.
func (s *Stream) written(err error) {
	s.writing, s.writeErr = false, err
	for _, f := range s.writers {
		f.Resolve(struct{}{}, nil)
	}
	s.writers = nil
}

// Read waits until something was received and returns some of it, as the Read of
// an io.Reader does. After Close it returns net.ErrClosed. It panics if another
// task is reading.
func (s *Stream) Read(t *Task, p []byte) (int, error) {
	s.checkReader()
	for {
		if s.closed {
			return 0, net.ErrClosed
		}
		if n, err := s.transport.read(p); err != errAgain {
			return n, err
		}
		f := &t.input
		f.loop, f.done = s.loop, false // the loop is for Await's check
		s.reader = f
		_, err := Await(t, f)
		if s.reader == f { // the wait was canceled
			s.reader = nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// checkReader panics if a task is reading.
func (s *Stream) checkReader() {
	if s.reader != nil && !s.reader.done { // a done future belongs to a canceled Read
		panic("eventloop: Read of a stream that another task reads")
	}
}

// Write writes p and waits until the socket has taken all of it. What the socket
// takes at once is written at once; the rest, if there is any, when the socket takes
// it. After a canceled Write, some of p may still be written later. After Close it returns
// net.ErrClosed.
func (s *Stream) Write(t *Task, p []byte) (int, error) {
	if err := s.flushed(t); err != nil {
		return 0, err
	}
	n, err := s.transport.write(p)
	if err != nil || n == len(p) {
		return n, err
	}
	s.writing = true
	s.transport.finish(bytes.Clone(p[n:])) // p is the caller's again after a canceled Write
	if err := s.finished(t); err != nil {
		return n, err
	}
	return len(p), nil
}

// flushed waits until the transport is not writing.
func (s *Stream) flushed(t *Task) error {
	for s.writing && !s.closed {
		if err := s.finished(t); err != nil {
			return err
		}
	}
	return s.broken()
}

// finished waits until the transport has written what it is writing now. By the time
// of the task's turn it may be writing for another task; finished does not wait for
// that.
func (s *Stream) finished(t *Task) error {
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
// connection; the stream can then only be closed. It panics if another task is
// reading.
func (s *Stream) Detach(t *Task) (net.Conn, error) {
	if err := s.flushed(t); err != nil {
		return nil, err
	}
	s.checkReader()
	if err := s.transport.detach(t); err != nil {
		return nil, err
	}
	s.closed = true
	delete(s.loop.streams, s)
	return s.conn, nil
}

// Close closes the connection. Tasks that wait for it get net.ErrClosed. A second
// Close does nothing.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	delete(s.loop.streams, s)
	s.transport.close()
	s.readable()
	s.written(net.ErrClosed)
	return s.conn.Close()
}
