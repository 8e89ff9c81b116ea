package eventloop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"boundaries/internal/sock"
)

// bufferSize is how much a helper reads at once. Two buffers are all that a
// stream ever holds of what its peer has sent and nobody has read.
const bufferSize = 4096

// A Conn is what a stream is made of. A deadline or Close ends its reads and writes,
// as with a net.Conn. One that has a TryWrite as a sock.Conn has is written to
// without a helper when it takes what is written at once.
type Conn interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
}

// A Stream is a connection whose reads and writes make the task wait and not the
// loop. One task may read while another writes.
//
// A buffer goes round: from free to the helper, which fills it and posts it; with
// the post it passes to the loop, which gives it back when it is read to the end.
// There are two, so that the helper waits for the peer while a task reads; a
// helper that finds none free leaves the rest in the socket, and TCP slows the
// peer down.
type Stream struct {
	loop *Loop
	conn Conn

	free    chan []byte       // capacity 2: giving back never blocks
	filled  [][]byte          // what was received, in order; emptied from the front
	buffers [][]byte          // what the elements of filled are the rest of
	readErr error             // why nothing follows filled
	reader  *Future[struct{}] // of the task that waits for more; nil, or canceled, if none does

	try      func(p []byte) (int, error) // writes what fits without waiting
	writing  bool                        // a helper writes, and nobody else may
	writeErr error                       // of a helper: why nothing can be written any more
	writers  []*Future[struct{}]         // of the tasks that wait for writing to end

	closed bool
}

// A dial is a connection that is being made. Until conn is a stream's the loop
// closes it: the task that waits may be canceled, or the loop may end, and either
// may happen when the connection is there already.
type dial struct{ conn *sock.Conn } // the helper's, until it has posted or ended

// Dial connects to the address.
func Dial(t *Task, address string) (*Stream, error) {
	l := t.loop
	ctx, cancel := context.WithCancel(l.ctx)
	out := NewFuture[*Stream](l)
	out.onCancel = func() bool {
		cancel()
		out.finish(nil, ErrCanceled)
		return true
	}
	d := &dial{}
	l.dials[d] = struct{}{}
	l.help(func() {
		defer cancel()
		var err error
		d.conn, err = sock.Dial(ctx, address)
		l.CallSoonThreadsafe(func() {
			delete(l.dials, d)
			switch {
			case err != nil:
				out.Resolve(nil, err)
			case out.Done(): // canceled
				d.conn.Close()
			default:
				out.Resolve(l.Attach(d.conn), nil)
			}
		})
	})
	s, err := Await(t, out)
	if err != nil {
		if out.value != nil { // canceled after that, and before the task's turn
			out.value.Close()
		}
		return nil, fmt.Errorf("eventloop: connecting to %s: %w", address, err)
	}
	return s, nil
}

// Attach makes a stream of a connection, which then belongs to the stream. A
// deadline that it has is no more.
func (l *Loop) Attach(conn Conn) *Stream {
	s := &Stream{loop: l, conn: conn, free: make(chan []byte, 2)}
	s.try = func([]byte) (int, error) { return 0, nil }
	if c, ok := conn.(interface{ TryWrite([]byte) (int, error) }); ok {
		s.try = c.TryWrite
	}
	conn.SetDeadline(time.Time{}) // an error is the next read's too
	for range cap(s.free) {
		s.free <- make([]byte, bufferSize)
	}
	l.streams[s] = struct{}{}
	l.help(func() {
		for buf := range s.free {
			n, err := conn.Read(buf)
			l.CallSoonThreadsafe(func() { s.received(buf, n, err) })
			if err != nil {
				return
			}
		}
	})
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

// Read waits until something was received and returns some of it, as io.Reader's
// Read does. It panics if another task is reading.
func (s *Stream) Read(t *Task, p []byte) (int, error) {
	if s.reader != nil && !s.reader.done { // done is one that was canceled
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
		return 0, os.ErrClosed
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

// Write writes p and waits until the socket has taken all of it. What it takes at
// once is written at once; only the rest, if any, is left to a helper. When Write
// is canceled, some of p may still be written later.
func (s *Stream) Write(t *Task, p []byte) (int, error) {
	if err := s.flushed(t); err != nil {
		return 0, err
	}
	n, err := s.try(p)
	if err != nil {
		return n, err
	}
	if n == len(p) {
		return n, nil
	}
	s.writing = true
	rest := bytes.Clone(p[n:]) // p is the caller's again after a canceled Write
	s.loop.help(func() {
		_, err := s.conn.Write(rest)
		s.loop.CallSoonThreadsafe(func() {
			s.writing, s.writeErr = false, err
			for _, f := range s.writers {
				f.Resolve(struct{}{}, nil)
			}
			s.writers = nil
		})
	})
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

// helped waits for the helper that is writing, and for no other that may be by the
// time of the task's turn.
func (s *Stream) helped(t *Task) error {
	f := NewFuture[struct{}](s.loop)
	s.writers = append(s.writers, f)
	if _, err := Await(t, f); err != nil {
		return err
	}
	return s.broken()
}

// broken returns why nothing can be written any more.
func (s *Stream) broken() error {
	if s.closed {
		return os.ErrClosed
	}
	return s.writeErr
}

// As returns the stream as t reads and writes it. What is written for a blocking
// connection works with it as it is, and makes t wait in the middle.
func (s *Stream) As(t *Task) io.ReadWriter { return boundStream{s, t} }

type boundStream struct {
	stream *Stream
	task   *Task
}

func (b boundStream) Read(p []byte) (int, error)  { return b.stream.Read(b.task, p) }
func (b boundStream) Write(p []byte) (int, error) { return b.stream.Write(b.task, p) }

// Detach ends the stream and gives the connection back as Attach got it. It is an
// error if something was received that nobody has read, or the peer has closed;
// the stream can then only be closed.
func (s *Stream) Detach(t *Task) (Conn, error) {
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

// Close closes the connection. Who waits for it gets os.ErrClosed. A second
// Close does nothing.
func (s *Stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	delete(s.loop.streams, s)
	close(s.free) // the helper may be waiting there, and then no task waits for it
	// A helper that reads or writes fails now, and what it posts wakes the tasks.
	return s.conn.Close()
}
