package eventloop

import (
	"errors"
	"net"
	"os"
	"time"
)

// bufferSize is how many bytes a helper reads at once. A stream with a helper holds
// at most two buffers of what its peer has sent and no task has read.
const bufferSize = 4096

// A helper reads and writes a connection that the selector cannot watch. It has a
// goroutine for all reads, and one for each write that has to wait.
//
// The reading goroutine takes a buffer from free, fills it and posts it to the loop,
// which then owns it. The loop puts the buffer back into free once tasks have read
// all of it. There are two buffers, so that the goroutine can wait for the peer while
// a task reads. If no buffer is free, the rest stays in the socket, and TCP slows the
// peer down.
type helper struct {
	stream  *Stream
	conn    net.Conn
	free    chan []byte // capacity 2, so putting a buffer back never blocks
	filled  [][]byte    // what was received, in order; tasks read from the front
	buffers [][]byte    // the whole buffers of the elements of filled
	err     error       // why nothing follows filled
}

// help makes a helper for the stream's connection.
func (s *Stream) help() *helper {
	h := &helper{stream: s, conn: s.conn, free: make(chan []byte, 2)}
	for range cap(h.free) {
		h.free <- make([]byte, bufferSize)
	}
	l := s.loop
	l.help(func() {
		for buf := range h.free {
			n, err := h.conn.Read(buf)
			l.callSoonThreadsafe(func() { h.received(buf, n, err) })
			if err != nil {
				return
			}
		}
	}, func() { l.callSoonThreadsafe(func() { h.received(nil, 0, errGoexit) }) })
	return h
}

// received takes over a buffer from the reading goroutine.
func (h *helper) received(buf []byte, n int, err error) {
	switch {
	case n > 0:
		h.filled, h.buffers = append(h.filled, buf[:n]), append(h.buffers, buf)
	case !h.stream.closed:
		h.free <- buf
	}
	h.err = err
	h.stream.readable()
}

func (h *helper) read(p []byte) (int, error) {
	if len(h.filled) == 0 {
		if h.err != nil {
			return 0, h.err
		}
		return 0, errAgain
	}
	n := copy(p, h.filled[0])
	h.filled[0] = h.filled[0][n:]
	if len(h.filled[0]) == 0 {
		h.free <- h.buffers[0]
		h.filled = h.filled[:copy(h.filled, h.filled[1:])]
		h.buffers = h.buffers[:copy(h.buffers, h.buffers[1:])]
	}
	return n, nil
}

// write leaves all of p to finish: there is no portable way to write what the
// connection takes without waiting.
func (h *helper) write([]byte) (int, error) { return 0, nil }

// finish writes rest on a goroutine of its own.
func (h *helper) finish(rest []byte) {
	l := h.stream.loop
	l.help(func() {
		_, err := h.conn.Write(rest)
		l.callSoonThreadsafe(func() { h.stream.written(err) })
	}, func() { l.callSoonThreadsafe(func() { h.stream.written(errGoexit) }) })
}

func (h *helper) detach(t *Task) error {
	// A deadline in the past ends the goroutine's read, now or when it begins.
	h.conn.SetDeadline(time.Unix(1, 0))
	var p [1]byte
	switch n, err := h.stream.Read(t, p[:]); {
	case n > 0:
		return errUnread
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	return h.conn.SetDeadline(time.Time{})
}

// close ends the reading goroutine if it waits for a free buffer. No task waits for it
// then. A goroutine that reads or writes ends when the connection is closed.
func (h *helper) close() { close(h.free) }
