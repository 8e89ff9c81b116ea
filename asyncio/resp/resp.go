// Package resp is a small database over sockets and its client. It is the part of
// Redis that package asyncio uses.
//
// Both speak RESP2, the protocol of Redis
// (redis.io/docs/latest/develop/reference/protocol-spec). A command is an array of
// byte strings; an answer is one line or one byte string:
//
//	*2\r\n$3\r\nGET\r\n$1\r\nk\r\n     GET k
//	$5\r\nvalue\r\n                    its value
//
// A [Server] answers PING, GET, SET and DEL, each after a service time that the
// caller sets. A [Relay] stands in front of a real Redis and adds such a service
// time. A [Conn] sends commands over any io.ReadWriter: a socket, whose reads
// block a goroutine, or an event loop's stream, whose reads make a task wait.
//
// Neither side trusts the other. Whatever the peer sends, a Conn and each
// connection of a Server hold a bounded number of bytes, and end with an error that
// says what was wrong.
package resp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxBytes is how many bytes a command or an answer may have.
const maxBytes = 1 << 20

// maxArgs is how many byte strings a command that is sent as an array may have.
const maxArgs = 1024

// lineBytes is how many bytes a line may have: a length, an error, a command typed
// by hand.
const lineBytes = 4096

// ErrNil is the error that Get returns for a key that has no value.
var ErrNil = errors.New("resp: no such key")

// An Error is the database's answer to a command that it could not carry out. The
// connection remains usable.
type Error string

func (e Error) Error() string { return "resp: the database answers: " + string(e) }

// A ProtocolError says why an answer or a command is not RESP2.
type ProtocolError string

func (e ProtocolError) Error() string { return "resp: protocol error: " + string(e) }

// readLine returns a line without its end. The line is valid until the next read of
// r.
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

// readBulk appends the next n bytes to a slice, and skips the line end after them.
func readBulk(r *bufio.Reader, to []byte, n int) ([]byte, error) {
	for n > 0 {
		// Grow by what has arrived, not by the announced length n: the peer may
		// announce anything.
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

// halfway returns err, or io.ErrUnexpectedEOF if the peer closed the connection after
// it had sent a part.
func halfway(err error, read int) error {
	if err == io.EOF && read > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// number parses a length.
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

// excerpt returns as much of b as an error text should show.
func excerpt(b []byte) []byte { return b[:min(len(b), 40)] }

// appendBulk appends s as a byte string of RESP.
func appendBulk[S string | []byte](to []byte, s S) []byte {
	to = append(to, '$')
	to = strconv.AppendInt(to, int64(len(s)), 10)
	to = append(to, "\r\n"...)
	to = append(to, s...)
	return append(to, "\r\n"...)
}
