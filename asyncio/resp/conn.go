package resp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// A Conn sends commands to a database, one at a time. Two goroutines, or two tasks,
// must not use it at once.
//
// After an error that is neither ErrNil nor an [Error], the next answer may belong
// to an earlier command. So every later command fails with the same error.
type Conn struct {
	rw       io.ReadWriter
	deadline interface{ SetDeadline(time.Time) error } // rw, or nil if it has no deadlines
	patience time.Duration
	r        *bufio.Reader
	out      []byte // the command; kept for its capacity
	value    []byte // the answer; kept for its capacity
	err      error  // why the connection cannot be used anymore
}

// Dial connects to the database at address, a host:port, and checks that it answers.
// ctx bounds the time to connect. A command that is not answered within patience
// fails with an error that wraps os.ErrDeadlineExceeded.
func Dial(ctx context.Context, address string, patience time.Duration) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("resp: connecting to the database: %w", err)
	}
	c := NewConn(conn, patience)
	if err := c.Ping(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("resp: connecting to the database at %s: %w", address, err)
	}
	return c, nil
}

// NewConn returns a Conn that writes commands to rw and reads the answers from it.
// If rw has deadlines, as a socket has, a command that is not answered within
// patience fails. If it has none, the caller must bound the time.
func NewConn(rw io.ReadWriter, patience time.Duration) *Conn {
	c := &Conn{rw: rw, patience: patience, r: bufio.NewReaderSize(rw, lineBytes)}
	c.deadline, _ = rw.(interface{ SetDeadline(time.Time) error })
	return c
}

// Ping checks that the database answers.
func (c *Conn) Ping() error {
	_, err := c.ask("PING")
	return err
}

// Get returns the value of a key, or ErrNil. The value is valid until the next
// command.
func (c *Conn) Get(key string) ([]byte, error) { return c.ask("GET", key) }

// Set gives a key a value.
func (c *Conn) Set(key, value string) error {
	_, err := c.ask("SET", key, value)
	return err
}

// SetFor gives a key a value that the database deletes after d, rounded down to
// milliseconds. A real Redis does that; a [Server] answers with an error.
func (c *Conn) SetFor(key, value string, d time.Duration) error {
	_, err := c.ask("SET", key, value, "PX", strconv.FormatInt(d.Milliseconds(), 10))
	return err
}

// Del deletes a key. A key that has no value is no error.
func (c *Conn) Del(key string) error {
	_, err := c.ask("DEL", key)
	return err
}

// Close closes the argument of NewConn if it is an io.Closer.
func (c *Conn) Close() error {
	if closer, ok := c.rw.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

func (c *Conn) ask(words ...string) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	answer, err := c.exchange(words)
	if _, answered := err.(Error); err != nil && err != ErrNil && !answered {
		c.err = fmt.Errorf("resp: %s: %w", words[0], err)
		return nil, c.err
	}
	return answer, err
}

func (c *Conn) exchange(words []string) ([]byte, error) {
	if c.deadline != nil {
		if err := c.deadline.SetDeadline(time.Now().Add(c.patience)); err != nil {
			return nil, err
		}
	}
	c.out = append(c.out[:0], '*')
	c.out = strconv.AppendInt(c.out, int64(len(words)), 10)
	c.out = append(c.out, "\r\n"...)
	for _, word := range words {
		c.out = appendBulk(c.out, word)
	}
	if _, err := c.rw.Write(c.out); err != nil {
		return nil, err
	}
	return c.answer()
}

// answer reads one answer.
func (c *Conn) answer() ([]byte, error) {
	line, err := readLine(c.r)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // a command has no answer yet
	}
	if err != nil {
		return nil, err
	}
	if len(line) == 0 {
		return nil, ProtocolError("an empty line for an answer")
	}
	switch line[0] {
	case '+', ':':
		c.value = append(c.value[:0], line[1:]...)
		return c.value, nil
	case '-':
		return nil, Error(line[1:])
	case '$':
		n, err := number(line[1:], maxBytes)
		if err != nil {
			return nil, err
		}
		if n == -1 {
			return nil, ErrNil
		}
		if n < 0 {
			return nil, ProtocolError(fmt.Sprintf("a length of %d", n))
		}
		c.value, err = readBulk(c.r, c.value[:0], n)
		return c.value, err
	}
	return nil, ProtocolError(fmt.Sprintf("no answer begins with %q", excerpt(line)))
}
