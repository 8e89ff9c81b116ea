package resp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A Server is a database that [Listen] has started, or a relay that [Relay] has
// started. It has a goroutine for each connection. The answers on one connection
// come one after the other, each after the service time, as from a database with a
// process for each connection. A sleeping goroutine is only a timer, so any number
// of answers may wait at the same time without using a processor.
//
// A Server keeps at most 1,024 connections. It answers any further client with an
// error, as Redis does, and disconnects it. A command must be complete 10 s after
// its first byte and have at most 1 MiB. The keys and values of a database may have
// 64 MiB in all, with 64 bytes more for each key.
type Server struct {
	maxConns    int           // connections at once
	commandTime time.Duration // from the first byte of a command to its last

	listener *net.TCPListener
	open     context.Context    // ends when the server closes
	close    context.CancelFunc // ends open
	service  atomic.Int64       // a time.Duration
	running  sync.WaitGroup
	handle   func(*net.TCPConn) // serves a connection until it ends

	values sync.RWMutex
	store  map[string][]byte // guarded by values; the bytes of a value never change
	used   int               // guarded by values; bytes of what is in store

	mu     sync.Mutex
	conns  map[*net.TCPConn]net.Conn // guarded by mu; a relay's with its connection to the database
	closed bool                      // guarded by mu
}

// maxStore is how many bytes of keys and values a Server keeps. Each key counts keyBytes
// more, about what the map needs for it. Otherwise the memory for short keys with empty
// values could grow to gigabytes.
const (
	maxStore = 64 << 20
	keyBytes = 64
)

// Listen starts a database on a free port of the loopback interface.
func Listen() (*Server, error) {
	return newDatabase().start()
}

// Relay starts a server that passes everything on to the database at address, a
// host:port, and back. It holds what goes to the database for the service time, as
// a longer wire would.
func Relay(address string) (*Server, error) {
	s := newServer()
	s.handle = func(conn *net.TCPConn) { s.relay(conn, address) }
	return s.start()
}

func newServer() *Server {
	s := &Server{maxConns: 1024, commandTime: 10 * time.Second, conns: map[*net.TCPConn]net.Conn{}}
	s.open, s.close = context.WithCancel(context.Background())
	return s
}

func newDatabase() *Server {
	s := newServer()
	s.store = map[string][]byte{}
	s.handle = s.serve
	return s
}

func (s *Server) start() (_ *Server, err error) {
	s.listener, err = net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("resp: starting a server: %w", err)
	}
	s.running.Go(s.accept)
	return s, nil
}

// Addr returns the address to connect to, a host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// SetServiceTime makes every command that is read from now on take d. It may be
// called at any time.
func (s *Server) SetServiceTime(d time.Duration) { s.service.Store(int64(d)) }

// Close disconnects all clients and returns when all goroutines of the server have
// ended. A second Close does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for conn, far := range s.conns {
		conn.Close()
		if far != nil {
			far.Close() // the relay may wait for a database that does not read
		}
	}
	s.mu.Unlock()
	s.close() // a relay may wait for a database that does not accept
	err := s.listener.Close()
	s.running.Wait()
	return err
}

func (s *Server) accept() {
	pause := time.Duration(0)
	for {
		conn, err := s.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// There may be no free descriptor for a while. A pause keeps the
			// loop from using a whole processor.
			pause = min(max(2*pause, time.Millisecond), 100*time.Millisecond)
			time.Sleep(pause)
			continue
		}
		pause = 0
		s.mu.Lock()
		closed := s.closed
		welcome := len(s.conns) < s.maxConns && !closed
		if welcome {
			s.conns[conn] = nil
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
				conn.Write([]byte("-ERR max number of clients reached\r\n")) // does not block, because it fits
			}
			conn.Close()
		}
	}
}

// serve answers the commands of one connection until it ends.
func (s *Server) serve(conn *net.TCPConn) {
	var cmd command
	var out []byte
	in := &patientReader{conn: conn, patience: s.commandTime}
	// The answers to all commands that have arrived go out at once, to save system calls:
	// before the server waits for more input, and before they pile up.
	flush := func() (err error) {
		if len(out) > 0 {
			_, err = conn.Write(out)
			out = out[:0]
		}
		return err
	}
	in.before = flush
	r := bufio.NewReaderSize(in, lineBytes)
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
		out = s.answer(out, cmd.args)
		if len(out) > lineBytes && flush() != nil {
			return
		}
	}
}

// relay passes on the bytes of one connection, in both directions.
func (s *Server) relay(conn *net.TCPConn, address string) {
	ctx, cancel := context.WithTimeout(s.open, s.commandTime)
	defer cancel()
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		s.hangUp(conn, fmt.Appendf(nil, "-ERR %v\r\n", err))
		return
	}
	s.mu.Lock()
	s.conns[conn] = far
	s.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(conn, far)
		conn.Close() // ends the other direction as well, whether it reads
		far.Close()  // or writes
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

// errorLine returns the answer that tells the peer why it is disconnected.
func errorLine(err error) string {
	var wrong ProtocolError
	switch {
	case errors.As(err, &wrong):
		return "-ERR Protocol error: " + string(wrong) + "\r\n"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "-ERR Protocol error: the command did not end in time\r\n"
	}
	return "" // the peer is gone
}

// hangUp writes the last answer to a connection that the caller is about to close.
// It then reads on for a while. Closing with unread input would reset the
// connection, and the peer might lose the answer.
func (s *Server) hangUp(conn *net.TCPConn, words []byte) {
	conn.SetDeadline(time.Now().Add(s.commandTime))
	if _, err := conn.Write(words); err != nil {
		return
	}
	conn.CloseWrite()
	io.CopyN(io.Discard, conn, maxBytes)
}

// arity is how many words must follow the name of a command.
var arity = map[string]int{"GET": 1, "SET": 2}

// answer appends the answer to a command.
func (s *Server) answer(out []byte, args [][]byte) []byte {
	name, args := args[0], args[1:]
	for i, c := range name { // in place: the bytes are the server's
		if 'a' <= c && c <= 'z' {
			name[i] = c - 'a' + 'A'
		}
	}
	if want, ok := arity[string(name)]; ok && len(args) != want {
		return fmt.Appendf(out, "-ERR wrong number of arguments for '%s' command\r\n", name)
	}
	switch string(name) {
	case "GET":
		s.values.RLock()
		value, ok := s.store[string(args[0])]
		s.values.RUnlock()
		if !ok {
			return append(out, "$-1\r\n"...)
		}
		return appendBulk(out, value)
	case "SET":
		if !s.set(string(args[0]), args[1]) {
			return append(out, "-OOM command not allowed when used memory > 'maxmemory'.\r\n"...)
		}
		return append(out, "+OK\r\n"...)
	case "DEL":
		n := 0
		for _, key := range args {
			n += s.del(string(key))
		}
		return fmt.Appendf(out, ":%d\r\n", n)
	case "PING":
		return append(out, "+PONG\r\n"...)
	}
	return fmt.Appendf(out, "-ERR unknown command %q\r\n", excerpt(name))
}

// set gives a key a value, and reports whether there was room.
func (s *Server) set(key string, value []byte) bool {
	s.values.Lock()
	defer s.values.Unlock()
	old, ok := s.store[key]
	used := s.used + len(value) - len(old)
	if !ok {
		used += keyBytes + len(key)
	}
	if used > maxStore {
		return false
	}
	s.store[key], s.used = bytes.Clone(value), used
	return true
}

// del deletes a key and returns how many keys it deleted, 0 or 1.
func (s *Server) del(key string) int {
	s.values.Lock()
	defer s.values.Unlock()
	old, ok := s.store[key]
	if !ok {
		return 0
	}
	delete(s.store, key)
	s.used -= keyBytes + len(key) + len(old)
	return 1
}

// A patientReader bounds the time for the rest of a command once it has begun. It
// sets no deadline for a command that arrives in one piece, as nearly all do.
type patientReader struct {
	conn     *net.TCPConn
	patience time.Duration
	before   func() error // called before each read
	begun    bool         // a command is being read
	armed    bool         // a deadline is set
}

func (p *patientReader) Read(b []byte) (int, error) {
	if err := p.before(); err != nil {
		return 0, err
	}
	if p.begun && !p.armed {
		p.armed = true
		p.conn.SetReadDeadline(time.Now().Add(p.patience))
	}
	return p.conn.Read(b)
}

// rest drops the deadline: the next command may come at any time.
func (p *patientReader) rest() {
	if p.armed {
		p.armed = false
		p.conn.SetReadDeadline(time.Time{})
	}
}

// A command is a name and its arguments. The next command reuses its memory.
type command struct {
	args [][]byte
	text []byte
	ends []int // of the words in text
}

// read reads one command: an array of byte strings, or a line of words as people
// type it.
func (c *command) read(r *bufio.Reader) error {
	c.args, c.text, c.ends = c.args[:0], c.text[:0], c.ends[:0]
	for len(c.ends) == 0 { // skip empty lines and empty arrays, as Redis does
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
	// Slice text only now, because it moves while it grows.
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
		n, err := number(line[1:], maxBytes-len(c.text))
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
