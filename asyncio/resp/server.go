package resp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"boundaries/internal/sock"
)

// A Server is the database. Its connections are goroutines; the answers to one
// connection come one after the other, each after the service time, as from a
// database with a process per connection. A sleeping goroutine is a timer of Go's,
// so any number of answers may be due at once, at no cost while they wait.
//
// A Server is made by [Listen]. It keeps at most MaxConns connections: who comes
// later gets an error for an answer, as from Redis, and is disconnected. A
// command must be complete CommandTime after its first byte, and no longer than
// MaxBytes.
type Server struct {
	listener *sock.Listener
	service  atomic.Int64 // a time.Duration
	running  sync.WaitGroup
	limits   Limits
	handle   func(*sock.Conn) // serves a connection until it ends

	values sync.RWMutex
	store  map[string][]byte // guarded by values; a value is never written again
	used   int               // guarded by values; bytes in store

	mu     sync.Mutex
	conns  map[*sock.Conn]struct{} // guarded by mu
	closed bool                    // guarded by mu
}

// Limits are what a Server grants. A field that is zero has its default.
type Limits struct {
	MaxConns    int           // 1024
	CommandTime time.Duration // 10 s
}

// maxStore is how many bytes of keys and values a Server keeps.
const maxStore = 64 << 20

// Listen starts a database on a free port of the loopback interface.
func Listen(limits Limits) (*Server, error) {
	s := &Server{store: map[string][]byte{}}
	s.handle = s.serve
	return s, s.start(limits)
}

// Relay starts a server that passes everything on to the database at the address
// and back, and holds what goes there for the service time: a longer wire to a
// database that has no such setting.
func Relay(address string, limits Limits) (*Server, error) {
	s := &Server{}
	s.handle = func(conn *sock.Conn) { s.relay(conn, address) }
	return s, s.start(limits)
}

func (s *Server) start(limits Limits) error {
	if limits.MaxConns == 0 {
		limits.MaxConns = 1024
	}
	if limits.CommandTime == 0 {
		limits.CommandTime = 10 * time.Second
	}
	l, err := sock.Listen()
	if err != nil {
		return fmt.Errorf("resp: starting the database: %w", err)
	}
	s.listener, s.limits, s.conns = l, limits, map[*sock.Conn]struct{}{}
	s.running.Go(s.accept)
	return nil
}

// Addr returns the address to connect to.
func (s *Server) Addr() string { return s.listener.Addr() }

// SetServiceTime makes every command take d, from the moment it was read. It may be
// called at any time.
func (s *Server) SetServiceTime(d time.Duration) { s.service.Store(int64(d)) }

// Conns returns how many connections there are.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close disconnects everybody and returns when nothing of the server is left. A
// second Close does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	err := s.listener.Close()
	s.running.Wait()
	return err
}

func (s *Server) accept() {
	pause := time.Duration(0)
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			// No descriptors left, or the peer is gone already. The one may
			// last, and must not keep a processor busy.
			pause = min(max(2*pause, time.Millisecond), 100*time.Millisecond)
			time.Sleep(pause)
			continue
		}
		pause = 0
		s.mu.Lock()
		closed := s.closed
		welcome := len(s.conns) < s.limits.MaxConns && !closed
		if welcome {
			s.conns[conn] = struct{}{}
			s.running.Go(func() {
				s.handle(conn)
				conn.Close()
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
			})
		}
		s.mu.Unlock()
		if !welcome {
			if !closed {
				conn.Write([]byte("-ERR max number of clients reached\r\n")) // fits, and so does not block
			}
			conn.Close()
		}
	}
}

// serve answers the commands of one connection until it ends.
func (s *Server) serve(conn *sock.Conn) {
	in := &patientReader{conn: conn, patience: s.limits.CommandTime}
	r := bufio.NewReaderSize(in, lineBytes)
	var cmd command
	var out []byte
	for {
		in.begun = false
		if _, err := r.Peek(1); err != nil {
			return
		}
		in.begun = true
		err := cmd.read(r)
		in.rest()
		if err != nil {
			s.hangUp(conn, append(out, errorLine(err)...))
			return
		}
		if d := time.Duration(s.service.Load()); d > 0 {
			time.Sleep(d)
		}
		var last bool
		out, last = s.answer(out, cmd.args)
		// Commands that are here already are answered together, as far as
		// that saves system calls and not more.
		if last || r.Buffered() == 0 || len(out) > lineBytes {
			if _, err := conn.Write(out); err != nil || last {
				return
			}
			out = out[:0]
		}
	}
}

// relay passes the bytes of one connection on.
func (s *Server) relay(conn *sock.Conn, address string) {
	ctx, cancel := context.WithTimeout(context.Background(), s.limits.CommandTime)
	defer cancel()
	far, err := sock.Dial(ctx, address)
	if err != nil {
		s.hangUp(conn, fmt.Appendf(nil, "-ERR %v\r\n", err))
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(conn, far)
		conn.Close() // the other direction ends as well
	})
	buf := make([]byte, lineBytes)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			break
		}
		time.Sleep(time.Duration(s.service.Load()))
		if _, err := far.Write(buf[:n]); err != nil {
			break
		}
	}
	far.Close()
	back.Wait()
}

// errorLine says to the peer why it is disconnected.
func errorLine(err error) string {
	var wrong ProtocolError
	switch {
	case errors.As(err, &wrong):
		return "-ERR Protocol error: " + string(wrong) + "\r\n"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "-ERR Protocol error: the command did not end in time\r\n"
	}
	return "" // it is the peer that has gone
}

// hangUp writes the last words to a connection that is to be closed. It reads on
// for a while: closing with unread input resets the connection, and the last words
// may be lost with it.
func (s *Server) hangUp(conn *sock.Conn, words []byte) {
	conn.SetDeadline(time.Now().Add(s.limits.CommandTime))
	if _, err := conn.Write(words); err != nil {
		return
	}
	conn.CloseWrite()
	io.CopyN(io.Discard, conn, MaxBytes)
}

// arity is how many words follow the names of commands that have a fixed number.
var arity = map[string]int{"ECHO": 1, "GET": 1, "SET": 2, "SELECT": 1}

// answer appends the answer to a command, and says whether it is the last.
func (s *Server) answer(out []byte, args [][]byte) (_ []byte, last bool) {
	name, args := args[0], args[1:]
	for i, c := range name { // in place; the word is ours
		if 'a' <= c && c <= 'z' {
			name[i] = c - 'a' + 'A'
		}
	}
	if want, ok := arity[string(name)]; ok && len(args) != want {
		return fmt.Appendf(out, "-ERR wrong number of arguments for '%s' command\r\n", name), false
	}
	switch string(name) {
	case "GET":
		s.values.RLock()
		value, ok := s.store[string(args[0])]
		s.values.RUnlock()
		if !ok {
			return append(out, "$-1\r\n"...), false
		}
		return appendBulk(out, value), false
	case "SET":
		if !s.set(string(args[0]), args[1]) {
			return append(out, "-OOM command not allowed when used memory > 'maxmemory'.\r\n"...), false
		}
		return append(out, "+OK\r\n"...), false
	case "DEL":
		n := 0
		for _, key := range args {
			n += s.del(string(key))
		}
		return fmt.Appendf(out, ":%d\r\n", n), false
	case "PING":
		if len(args) == 0 {
			return append(out, "+PONG\r\n"...), false
		}
		return appendBulk(out, args[0]), false
	case "ECHO":
		return appendBulk(out, args[0]), false
	case "HELLO":
		if len(args) > 0 && string(args[0]) != "2" {
			return append(out, "-NOPROTO unsupported protocol version\r\n"...), false
		}
		return append(out, "*4\r\n$6\r\nserver\r\n$10\r\nboundaries\r\n$5\r\nproto\r\n:2\r\n"...), false
	case "SELECT":
		if string(args[0]) != "0" {
			return append(out, "-ERR DB index is out of range\r\n"...), false
		}
		return append(out, "+OK\r\n"...), false
	case "CLIENT":
		return append(out, "+OK\r\n"...), false
	case "COMMAND":
		return append(out, "*0\r\n"...), false
	case "QUIT":
		return append(out, "+OK\r\n"...), true
	}
	return fmt.Appendf(out, "-ERR unknown command %q\r\n", excerpt(name)), false
}

// set reports whether there was room.
func (s *Server) set(key string, value []byte) bool {
	s.values.Lock()
	defer s.values.Unlock()
	old, ok := s.store[key]
	used := s.used + len(value) - len(old)
	if !ok {
		used += len(key)
	}
	if used > maxStore {
		return false
	}
	s.store[key], s.used = bytes.Clone(value), used
	return true
}

// del returns how many keys it deleted.
func (s *Server) del(key string) int {
	s.values.Lock()
	defer s.values.Unlock()
	old, ok := s.store[key]
	if !ok {
		return 0
	}
	delete(s.store, key)
	s.used -= len(key) + len(old)
	return 1
}

// A patientReader sets a time for the rest of a command, once it has begun. A
// command that arrives in one piece, as nearly all do, costs it nothing.
type patientReader struct {
	conn     *sock.Conn
	patience time.Duration
	begun    bool // a command is being read
	armed    bool // a deadline is set
}

func (p *patientReader) Read(b []byte) (int, error) {
	if p.begun && !p.armed {
		p.armed = true
		p.conn.SetReadDeadline(time.Now().Add(p.patience))
	}
	return p.conn.Read(b)
}

// rest ends the time for a command: the next may come at any time.
func (p *patientReader) rest() {
	if p.armed {
		p.armed = false
		p.conn.SetReadDeadline(time.Time{})
	}
}

// A command is the words of one question. Its memory is used again.
type command struct {
	args [][]byte
	text []byte
	ends []int // of the words in text
}

// read reads one command: an array of byte strings, or a line of words, which is
// what people type.
func (c *command) read(r *bufio.Reader) error {
	c.args, c.text, c.ends = c.args[:0], c.text[:0], c.ends[:0]
	for len(c.ends) == 0 { // Redis skips empty lines and empty arrays too
		line, err := readLine(r)
		switch {
		case err != nil:
			return err
		case len(line) > 0 && line[0] == '*':
			err = c.readWords(r, line)
		default:
			for _, word := range bytes.Fields(line) {
				c.text = append(c.text, word...)
				c.ends = append(c.ends, len(c.text))
			}
		}
		if err != nil {
			return err
		}
	}
	// Only now, because text moves while it grows.
	begin := 0
	for _, end := range c.ends {
		c.args = append(c.args, c.text[begin:end:end])
		begin = end
	}
	return nil
}

func (c *command) readWords(r *bufio.Reader, line []byte) error {
	words, err := number(line[1:], maxArgs)
	if err != nil {
		return err
	}
	for range words {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		if len(line) == 0 || line[0] != '$' {
			return ProtocolError(fmt.Sprintf("expected '$', got %q", excerpt(line)))
		}
		n, err := number(line[1:], MaxBytes-len(c.text))
		if err != nil {
			return err
		}
		if n < 0 {
			return ProtocolError("a word of negative length")
		}
		if c.text, err = readBulk(r, c.text, n); err != nil {
			return err
		}
		c.ends = append(c.ends, len(c.text))
	}
	return nil
}
