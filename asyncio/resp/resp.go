// Package resp is a small database over sockets, and its client: the part of
// Redis that package asyncio asks questions of.
//
// Both speak RESP2, the protocol of Redis (redis.io/docs/latest/develop/reference/protocol-spec).
// A command is an array of byte strings, an answer one line or one byte string:
//
//	*2\r\n$3\r\nGET\r\n$1\r\nk\r\n     GET k
//	$5\r\nvalue\r\n                    its value
//
// [Server] answers PING, ECHO, GET, SET, DEL and what a Redis client sends to
// connect, each after a settable service time; [Relay] stands for the same time
// in front of a real Redis. [Conn] asks, through anything that can be read and
// written: a socket whose reads block a goroutine, or a stream whose reads make a
// task wait.
//
// Neither side trusts the other. Whatever the peer sends, a Conn and a connection
// of a Server hold a bounded number of bytes, and end with an error that says what
// was wrong.
package resp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// MaxBytes is how long a command or an answer may be.
const MaxBytes = 1 << 20

// maxArgs is how many byte strings a command may have.
const maxArgs = 1024

// lineBytes is how long a line may be: a length, an error, a command typed by hand.
const lineBytes = 4096

// ErrNil is the answer to GET of a key that is not there.
var ErrNil = errors.New("resp: no such key")

// An Error is an answer that says what was wrong with the command.
type Error string

func (e Error) Error() string { return "resp: the database answers: " + string(e) }

// A ProtocolError is an answer, or a command, that is not RESP2.
type ProtocolError string

func (e ProtocolError) Error() string { return "resp: protocol error: " + string(e) }

// readLine returns a line without its end. It is valid until the next read of r.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return nil, ProtocolError(fmt.Sprintf("a line of more than %d bytes", len(line)))
	}
	if err != nil {
		return nil, halfway(err, len(line))
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// readBulk appends the n bytes that follow, and drops the line end after them.
func readBulk(r *bufio.Reader, to []byte, n int) ([]byte, error) {
	for n > 0 {
		// Not all at once: room is made for what has come, not for what was
		// announced.
		have, err := r.Peek(min(n, max(1, r.Buffered())))
		if err != nil {
			return to, halfway(err, 1)
		}
		to = append(to, have...)
		n -= len(have)
		r.Discard(len(have))
	}
	end, err := r.Peek(2)
	if err != nil {
		return to, halfway(err, 1)
	}
	if string(end) != "\r\n" {
		return to, ProtocolError(fmt.Sprintf("want a line end after a byte string, got %q", end))
	}
	r.Discard(2)
	return to, nil
}

// halfway returns err, or io.ErrUnexpectedEOF if the peer has closed in the middle.
func halfway(err error, read int) error {
	if err == io.EOF && read > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// number reads a length.
func number(digits []byte, limit int) (int, error) {
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return 0, ProtocolError(fmt.Sprintf("want a length, got %q", excerpt(digits)))
	}
	if n > limit {
		return 0, ProtocolError(fmt.Sprintf("a length of %d, over the limit of %d", n, limit))
	}
	return n, nil
}

// excerpt keeps error texts short.
func excerpt(b []byte) []byte { return b[:min(len(b), 40)] }

// appendBulk appends a byte string as RESP writes it.
func appendBulk[S string | []byte](to []byte, s S) []byte {
	to = append(to, '$')
	to = strconv.AppendInt(to, int64(len(s)), 10)
	to = append(to, "\r\n"...)
	to = append(to, s...)
	return append(to, "\r\n"...)
}
