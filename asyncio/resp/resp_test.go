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
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/asyncio/eventloop"
	"boundaries/internal/suite/suitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(suitetest.Watched{M: m}) }

// patience is more time than any test needs, and bounds a test that hangs.
const patience = 20 * time.Second

// start starts a server until the test ends.
func start(t *testing.T, s *Server) *Server {
	t.Helper()
	_, err := s.start()
	require.NoError(t, err)
	t.Cleanup(func() { closes(t, s) })
	return s
}

// closes closes a server, and fails if that does not end.
func closes(t *testing.T, s *Server) {
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(patience):
		t.Error("the server does not close: it waits for the end of a connection")
	}
}

// listen returns a database that runs until the test ends.
func listen(t *testing.T) *Server { t.Helper(); return start(t, newDatabase()) }

// relay returns a relay that runs until the test ends.
func relay(t *testing.T, address string) *Server {
	t.Helper()
	s, err := Relay(address)
	require.NoError(t, err)
	t.Cleanup(func() { closes(t, s) })
	return s
}

// conns returns how many connections a server has.
func conns(s *Server) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// dial connects to a database until the test ends.
func dial(t *testing.T, address string) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), address, patience)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// database returns the addresses to test: of a Server, of a relay in front of it,
// and, if BOUNDARIES_REDIS names a real Redis, of that and of a relay in front of it.
func database(t *testing.T) map[string]string {
	t.Helper()
	embedded := listen(t).Addr()
	all := map[string]string{"embedded": embedded}
	if redis := os.Getenv("BOUNDARIES_REDIS"); redis != "" {
		all["redis"] = redis
	}
	for name, address := range map[string]string{"relay": embedded, "relayed redis": all["redis"]} {
		if address == "" {
			continue
		}
		all[name] = relay(t, address).Addr()
	}
	return all
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, address := range database(t) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, address)
			key := fmt.Sprintf("boundaries:test:%d:", os.Getpid())
			for i := range 300 {
				require.NoError(t, c.Set(fmt.Sprint(key, i), strings.Repeat("v", i)))
			}
			for i := range 300 {
				value, err := c.Get(fmt.Sprint(key, i))
				require.NoError(t, err)
				require.Equal(t, strings.Repeat("v", i), string(value))
			}
			for _, value := range []string{"", "\r\n", "$5\r\nvalue\r\n", "\x00\xff", strings.Repeat("x", maxBytes-len("SET"+key))} {
				require.NoError(t, c.Set(key, value))
				got, err := c.Get(key)
				require.NoError(t, err)
				require.Equal(t, value, string(got))
			}
			for i := range 300 {
				require.NoError(t, c.Del(fmt.Sprint(key, i)))
			}
			require.NoError(t, c.Del(key))
			require.NoError(t, c.Del(key))
			_, err := c.Get(key)
			require.Equal(t, ErrNil, err)
			require.NoError(t, c.Ping(), "a key without a value is not the end")
		})
	}
}

// An error answer is an Error, and the connection goes on.
func TestErrorAnswer(t *testing.T) {
	for name, address := range database(t) {
		t.Run(name, func(t *testing.T) {
			c := dial(t, address)
			_, err := c.ask("SPAM", "eggs")
			var no Error
			require.ErrorAs(t, err, &no)
			require.Contains(t, no.Error(), "resp: the database answers: ERR unknown command")
			_, err = c.ask("GET")
			require.ErrorAs(t, err, &no)
			require.Contains(t, strings.ToLower(string(no)), "wrong number of arguments for 'get' command")
			require.NoError(t, c.Ping())
		})
	}
}

// say sends bytes that a Conn never would. It returns everything that the database
// sends back until the database hangs up or, if end is not empty, until end arrives.
func say(t *testing.T, address, words, end string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	go io.WriteString(conn, words)
	var got []byte
	p := make([]byte, 512)
	for end == "" || !bytes.HasSuffix(got, []byte(end)) {
		n, err := conn.Read(p)
		got = append(got, p[:n]...)
		require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "no end after %q", got)
		if err != nil {
			break
		}
	}
	return string(got)
}

// Commands come as arrays or as lines, many at once and in any case.
func TestCommands(t *testing.T) {
	address := listen(t).Addr()
	for words, want := range map[string]string{
		"PING\r\n":                          "+PONG\r\n",
		"ping\n":                            "+PONG\r\n",
		"\r\n\r\n  Ping  spam \r\n":         "+PONG\r\n",
		"*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n": "+PONG\r\n",
		"SET a 1\r\nGET a\r\nDEL a b a\r\nGET a\r\n": "+OK\r\n$1\r\n1\r\n:1\r\n$-1\r\n",
		"GET\r\nSET a\r\nPING\r\n":                   "-ERR wrong number of arguments for 'GET' command\r\n-ERR wrong number of arguments for 'SET' command\r\n+PONG\r\n",
		strings.Repeat("s", 100) + "\r\n":            "-ERR unknown command \"" + strings.Repeat("S", 40) + "\"\r\n",
		"*1\r\n$0\r\n\r\n":                           "-ERR unknown command \"\"\r\n",
		"*1\r\n$8\r\nSPAM\r\nXX\r\n":                 "-ERR unknown command \"SPAM\\r\\nXX\"\r\n",
		strings.Repeat("PING\r\n", 5000):             strings.Repeat("+PONG\r\n", 5000),
	} {
		require.Equal(t, want, say(t, address, words, want), "%.60q", words)
	}
}

// A command with too few or too many words is refused and changes nothing.
func TestWrongNumberOfArguments(t *testing.T) {
	c := dial(t, listen(t).Addr())
	for name, want := range arity {
		for n := range want + 4 {
			if n != want {
				_, err := c.ask(append([]string{name}, slices.Repeat([]string{"k"}, n)...)...)
				require.Equal(t, Error("ERR wrong number of arguments for '"+name+"' command"), err, "%d words", n)
			}
		}
	}
	var no Error
	require.ErrorAs(t, c.SetFor("k", "v", time.Second), &no)
	_, err := c.Get("k")
	require.Equal(t, ErrNil, err)
}

// A client that sends a malformed command gets an error and is disconnected. The
// other clients do not notice.
func TestMalformedCommands(t *testing.T) {
	s := newDatabase()
	s.commandTime = time.Hour // the end of the time does not disconnect it
	start(t, s)
	other := dial(t, s.Addr())
	for words, want := range map[string]string{
		"*2\r\n:1\r\n":                         "-ERR Protocol error: expected '$', got \":1\"\r\n",
		"*2\r\n\r\n":                           "-ERR Protocol error: expected '$', got \"\"\r\n",
		"*x\r\n":                               "-ERR Protocol error: want a length, got \"x\"\r\n",
		"*" + strings.Repeat("9", 50) + "\r\n": "-ERR Protocol error: want a length, got \"" + strings.Repeat("9", 40) + "\"\r\n",
		"*1025\r\n":                            "-ERR Protocol error: a length of 1025, over the limit of 1024\r\n",
		"*1\r\n$-1\r\n":                        "-ERR Protocol error: a word of negative length\r\n",
		"*1\r\n$1048577\r\n":                   "-ERR Protocol error: a length of 1048577, over the limit of 1048576\r\n",
		"*1\r\n$1\r\nab\r\n":                   "-ERR Protocol error: want a line end after a byte string, got \"b\\r\"\r\n",
		"*2\r\n$1000000\r\n" + strings.Repeat("x", 1e6) + "\r\n$1000000\r\n": "-ERR Protocol error: a length of 1000000, over the limit of 48576\r\n",
		"PING\r\n*x\r\n": "+PONG\r\n-ERR Protocol error: want a length, got \"x\"\r\n",
		"GET / HTTP/1.1 " + strings.Repeat("x", 5000):    "-ERR Protocol error: a line of more than 4096 bytes\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n": "-ERR unknown command \"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03\"\r\n",
	} {
		end := ""
		if !strings.Contains(want, "Protocol") {
			end = want
		}
		require.Equal(t, want, say(t, s.Addr(), words, end), "%.60q", words)
		require.NoError(t, other.Ping())
	}
}

// The last answer arrives although the client is still sending, and slowly: the connection
// is not reset.
func TestLastWordsArrive(t *testing.T) {
	conn, err := net.Dial("tcp", listen(t).Addr())
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "*x\r\n")
	for range 10 { // the first may be on its way before the reset is
		time.Sleep(20 * time.Millisecond)
		_, err = io.WriteString(conn, strings.Repeat("x", maxBytes/20))
		require.NoError(t, err)
	}
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "-ERR Protocol error: want a length, got \"x\"\r\n", string(got))
}

// An answer does not wait for the rest of the next command.
func TestAnswerBesideHalfACommand(t *testing.T) {
	conn, err := net.Dial("tcp", listen(t).Addr())
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second)) // the server's patience is 10 s
	io.WriteString(conn, "PING\r\nPIN")
	got := make([]byte, len("+PONG\r\n"))
	_, err = io.ReadFull(conn, got)
	require.NoError(t, err)
	require.Equal(t, "+PONG\r\n", string(got))
}

// A command that does not end is cut off by its length or by its time, whichever
// comes first, and takes a bounded amount of memory.
func TestEndlessCommands(t *testing.T) {
	s := newDatabase()
	s.commandTime = 50 * time.Millisecond
	start(t, s)
	other := dial(t, s.Addr())
	late := "-ERR Protocol error: the command did not end in time\r\n"
	for _, words := range []string{"P", "*1\r\n", "*1\r\n$4\r\n", "*1\r\n$4\r\nPI", "*1\r\n$4\r\nPING", "\r\n"} {
		require.Equal(t, late, say(t, s.Addr(), words, ""), "%q", words)
	}
	require.Equal(t, "+PONG\r\n"+late, say(t, s.Addr(), "PING\r\nPIN", ""))

	// Endless bytes, from a client that does not read.
	for _, piece := range []string{"x", "\r\n", "*0\r\n", "*1000\r\n$1000\r\n" + strings.Repeat("x", 1000)} {
		conn, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		conn.SetDeadline(time.Now().Add(patience))
		piece = strings.Repeat(piece, 1000)
		before := memory()
		for err == nil {
			_, err = io.WriteString(conn, piece)
		}
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Less(t, memory()-before, int64(16<<20))
		conn.Close()
	}
	// A command that is late, but not too late, leaves no deadline behind.
	var patient *Conn
	for patient == nil {
		slow, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		defer slow.Close()
		slow.SetDeadline(time.Now().Add(patience))
		io.WriteString(slow, "PI")
		time.Sleep(time.Millisecond)
		io.WriteString(slow, "NG\r\n")
		c := NewConn(slow, patience)
		if value, err := c.answer(); err == nil {
			require.Equal(t, "PONG", string(value))
			patient = c
		} else { // too late, on a busy machine
			require.ErrorIs(t, err, Error(strings.TrimSuffix(late[1:], "\r\n")))
		}
	}

	// A client that disconnects within a command.
	gone, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	io.WriteString(gone, "*1\r\n$4\r\nPI")
	gone.Close()

	// After a command that is not RESP2 the server hangs up, and this client does not.
	stays, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer stays.Close()
	io.WriteString(stays, "*x\r\n")

	// A client may be silent between two commands for as long as it likes.
	time.Sleep(100 * time.Millisecond)
	require.NoError(t, other.Ping())
	require.NoError(t, patient.Ping())

	// A second slow command has a deadline too.
	io.WriteString(patient.rw, "PI")
	_, err = patient.answer()
	require.Equal(t, Error(strings.TrimSuffix(late[1:], "\r\n")), err)
	require.Eventually(t, func() bool { return conns(s) == 1 }, patience, time.Millisecond)
}

// memory returns how many bytes of the heap the whole program uses.
func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Neither a length that a peer announces nor answers that it does not read take memory.
func TestMemoryOfAPeerIsBounded(t *testing.T) {
	got, err := readBulk(bufio.NewReader(strings.NewReader("few")), nil, maxBytes)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, cap(got), 100)

	s := listen(t)
	require.NoError(t, dial(t, s.Addr()).Set("k", strings.Repeat("x", maxBytes/2)))
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	before := memory()
	_, err = io.WriteString(conn, strings.Repeat("GET k\r\n", 100))
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 1)) // when the server writes its first answer
	require.NoError(t, err)
	require.Less(t, memory()-before, int64(8<<20))
}

// The bytes of all keys and values together are bounded.
func TestStoreIsBounded(t *testing.T) {
	s := listen(t)
	c := dial(t, s.Addr())
	value := strings.Repeat("x", maxBytes/2)
	n := 0
	var err error
	for ; err == nil; n++ {
		err = c.Set(fmt.Sprint(n), value)
	}
	require.EqualError(t, err, "resp: the database answers: OOM command not allowed when used memory > 'maxmemory'.")
	require.Equal(t, maxStore/len(value), n) // the last did not fit, for its key
	require.NoError(t, c.Set("0", ""))
	require.NoError(t, c.Set("new", value[:len(value)-100]))
	for i := range n {
		require.NoError(t, c.Del(fmt.Sprint(i)))
	}
	require.NoError(t, c.Del("new"))
	require.Zero(t, s.used)

	// A key without a value takes room, too.
	s.used = maxStore - keyBytes
	require.Error(t, c.Set("k", ""))
	require.NoError(t, c.Set("", ""))
	require.NoError(t, c.Del(""))
}

// No one but this machine reaches a database or a relay.
func TestLoopbackOnly(t *testing.T) {
	s := listen(t)
	for _, s := range []*Server{s, relay(t, s.Addr())} {
		require.True(t, s.listener.Addr().(*net.TCPAddr).IP.IsLoopback(), s.Addr())
	}
}

// A server with 2,000 clients serves as many as it allows and tells the others that
// there are too many. When one of the served clients has gone, there is room again.
func TestTooManyConnections(t *testing.T) {
	const clients, allowed, most = 2000, 100, 1024
	s := newDatabase()
	for range most - allowed {
		s.conns[new(net.TCPConn)] = nil // takes no descriptor
	}
	start(t, s)
	var served []*Conn
	for range allowed {
		served = append(served, dial(t, s.Addr()))
	}
	// The test holds at most this many descriptors at once. The database closes
	// its own ends at once.
	held := make([]net.Conn, 256)
	for i := range clients {
		conn, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		// Closing resets the connection, so that no port stays in TIME-WAIT.
		conn.(*net.TCPConn).SetLinger(0)
		if old := held[i%len(held)]; old != nil {
			old.SetReadDeadline(time.Now().Add(patience))
			answer, err := bufio.NewReader(old).ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "-ERR max number of clients reached\r\n", answer)
			old.Close()
		}
		held[i%len(held)] = conn
	}
	for _, conn := range held {
		conn.Close()
	}
	require.Equal(t, most, conns(s))
	_, err := Dial(t.Context(), s.Addr(), patience)
	require.Error(t, err) // the answer, or a reset if the PING came first
	for _, c := range served {
		require.NoError(t, c.Ping())
	}
	require.NoError(t, served[0].Close())
	require.Eventually(t, func() bool { return conns(s) < most }, patience, time.Millisecond)
	require.NoError(t, dial(t, s.Addr()).Ping())
}

// Every answer takes the service time, and many connections wait for theirs at the
// same time. The same holds for a relay.
func TestServiceTime(t *testing.T) {
	const service, clients, each = 100 * time.Millisecond, 50, 3
	embedded := listen(t)
	for _, s := range []*Server{relay(t, embedded.Addr()), embedded} {
		var conns []*Conn
		for range clients {
			conns = append(conns, dial(t, s.Addr()))
		}
		s.SetServiceTime(service)
		began := time.Now()
		var wg sync.WaitGroup
		for _, c := range conns {
			wg.Go(func() {
				for range each {
					if err := c.Ping(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.GreaterOrEqual(t, time.Since(began), each*service)
		require.Less(t, time.Since(began), clients*each*service/2)
		s.SetServiceTime(0)
	}
}

// peers are broken databases, each with the error that a command must end in.
var peers = []struct {
	name  string
	serve func(conn net.Conn, r *bufio.Reader)
	want  func(t *testing.T, err error)
	time  time.Duration // patience with it
}{
	{"closes in the middle of an answer", says("$5\r\nva"), is(io.ErrUnexpectedEOF), patience},
	{"closes in the middle of a length", says("$5"), is(io.ErrUnexpectedEOF), patience},
	{"closes instead of answering", says(""), is(io.ErrUnexpectedEOF), patience},
	{"closes before the line end", says("$5\r\nvalue\r"), is(io.ErrUnexpectedEOF), patience},
	{"answers half and stays", stays("$5\r\nva"), is(os.ErrDeadlineExceeded), 100 * time.Millisecond},
	{"never answers", stays(""), is(os.ErrDeadlineExceeded), 100 * time.Millisecond},
	{"answers a byte at a time, without end", dribbles, is(os.ErrDeadlineExceeded), 100 * time.Millisecond},
	{"speaks HTTP", says("HTTP/1.1 400 Bad Request\r\n\r\n"), protocol(`no answer begins with "HTTP/1.1 400 Bad Request"`), patience},
	{"answers an empty line", says("\r\n"), protocol("an empty line for an answer"), patience},
	{"answers an array", says("*1\r\n+a\r\n"), protocol(`no answer begins with "*1"`), patience},
	{"has a length that is none", says("$x\r\n"), protocol(`want a length, got "x"`), patience},
	{"has a length below none", says("$-2\r\n"), protocol("a length of -2"), patience},
	{"announces too much", says("$1048577\r\n"), protocol("a length of 1048577, over the limit of 1048576"), patience},
	{"announces far too much", says("$9999999999999999999999\r\n"), protocol(`want a length, got "9999999999999999999999"`), patience},
	{"ends the value late", says("$2\r\nvalue\r\n"), protocol(`want a line end after a byte string, got "lu"`), patience},
	{"answers a line without end", floods, protocol("a line of more than 4096 bytes"), patience},
	{"resets", resets, is(syscall.ECONNRESET), patience},
}

func says(words string) func(net.Conn, *bufio.Reader) {
	return func(conn net.Conn, r *bufio.Reader) { io.WriteString(conn, words) }
}

func stays(words string) func(net.Conn, *bufio.Reader) {
	return func(conn net.Conn, r *bufio.Reader) {
		io.WriteString(conn, words)
		io.Copy(io.Discard, r)
	}
}

func dribbles(conn net.Conn, r *bufio.Reader) {
	io.WriteString(conn, "$1000000\r\n")
	for {
		if _, err := io.WriteString(conn, "x"); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func floods(conn net.Conn, r *bufio.Reader) {
	for {
		if _, err := io.WriteString(conn, "++++++++++++++++"); err != nil {
			return
		}
	}
}

func resets(conn net.Conn, r *bufio.Reader) { conn.(*net.TCPConn).SetLinger(0) }

func is(want error) func(*testing.T, error) {
	return func(t *testing.T, err error) { require.ErrorIs(t, err, want) }
}

func protocol(want string) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		var got ProtocolError
		require.ErrorAs(t, err, &got)
		require.Equal(t, ProtocolError(want), got)
	}
}

// bad returns the address of a peer that reads one command and then calls serve.
func bad(t *testing.T, serve func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience)) // so that a client without one does not wait forever
		r := bufio.NewReader(conn)
		var cmd command
		if cmd.read(r) == nil {
			serve(conn, r)
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// A broken database leads to an error that says what is wrong, in bounded time and
// memory. The next command fails with the same error, because the client cannot
// know which answer would belong to it.
func TestBadPeerOfABlockingClient(t *testing.T) {
	for _, peer := range peers {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			nc, err := net.Dial("tcp", bad(t, peer.serve))
			require.NoError(t, err)
			c := NewConn(nc, peer.time)
			defer c.Close()
			began := time.Now()
			_, err = c.Get("k")
			peer.want(t, err)
			require.ErrorContains(t, err, "resp: GET: ")
			require.Less(t, time.Since(began), patience)
			require.LessOrEqual(t, cap(c.value), 2*maxBytes)
			_, again := c.Get("k")
			require.Equal(t, err, again)
		})
	}
}

// The same with a client that is a task. The loop and the other tasks go on.
func TestBadPeerOfATask(t *testing.T) {
	for _, peer := range peers {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			badConn, err := net.Dial("tcp", bad(t, peer.serve))
			require.NoError(t, err)
			goodConn, err := net.Dial("tcp", listen(t).Addr())
			require.NoError(t, err)
			err = eventloop.Run(t.Context(), func(task *eventloop.Task) error {
				l := task.Loop()
				bad := eventloop.Go(l, func(task *eventloop.Task) ([]byte, error) {
					s := l.Attach(badConn)
					defer s.Close()
					c := NewConn(s.As(task), 0)
					var value []byte
					err := task.Timeout(peer.time, func() (err error) {
						value, err = c.Get("k")
						return err
					})
					return value, err
				})
				asked := 0
				c := NewConn(l.Attach(goodConn).As(task), 0)
				for !bad.Done() || asked < 10 {
					require.NoError(t, c.Ping())
					asked++
				}
				_, err := eventloop.Await(task, bad)
				if errors.Is(err, context.DeadlineExceeded) {
					err = os.ErrDeadlineExceeded // a socket's deadline has this error, but a task's timeout does not
				}
				peer.want(t, err)
				return c.Ping()
			})
			require.NoError(t, err)
		})
	}
}

// A relay that loses one end of a connection closes the other.
func TestRelayCloses(t *testing.T) {
	_, err := Dial(t.Context(), relay(t, bad(t, says("$5\r\nva"))).Addr(), patience)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	s := listen(t)
	r := relay(t, s.Addr())
	c := dial(t, r.Addr())
	require.Equal(t, 1, conns(s))
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return conns(s)+conns(r) == 0 }, patience, time.Millisecond)
}

// When a relay has ended, so has its goroutine for the other direction.
func TestRelayWaits(t *testing.T) {
	s := listen(t)
	stacks := make([]byte, 1<<16)
	for range 20 {
		l, err := net.ListenTCP("tcp", nil)
		require.NoError(t, err)
		near, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		conn, err := l.AcceptTCP()
		require.NoError(t, err)
		l.Close()
		near.Close()
		newServer().relay(conn, s.Addr())
		require.NotContains(t, string(stacks[:runtime.Stack(stacks, true)]), "relay.func")
		conn.Close()
	}
}

// A relay does not wait for a database that does not read: neither when the relay closes, nor
// when its client is gone.
func TestRelayOfADatabaseThatDoesNotRead(t *testing.T) {
	for _, gone := range []bool{false, true} {
		over := make(chan struct{})
		r := relay(t, bad(t, func(conn net.Conn, _ *bufio.Reader) {
			conn.SetDeadline(time.Time{})
			for err := error(nil); gone && err == nil; {
				_, err = conn.Write(make([]byte, 1<<16)) // so the relay learns that the client is gone
			}
			<-over
		}))
		t.Cleanup(func() { close(over) })
		client, err := net.Dial("tcp", r.Addr())
		require.NoError(t, err)
		defer client.Close()
		_, err = io.WriteString(client, "PING\r\n")
		require.NoError(t, err)
		for n := 1; n > 0; { // until the relay waits for room
			client.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			n, _ = client.Write(make([]byte, 1<<20))
		}
		if gone {
			client.Close()
			require.Eventually(t, func() bool { return conns(r) == 0 }, patience, time.Millisecond)
		}
		closes(t, r)
	}
}

// Dial fails if nothing listens at the address, or if what listens does not answer.
func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	// These listen while l does, so that none of them gets its port.
	s, r := listen(t), relay(t, address)
	began := time.Now()
	_, err = Dial(t.Context(), address, 50*time.Millisecond) // no goroutine accepts
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorContains(t, err, "resp: connecting to the database at "+address)
	require.Less(t, time.Since(began), patience)
	l.Close()
	_, err = Dial(t.Context(), address, patience)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "resp: connecting to the database: dial tcp "+address)

	ended := make(chan error, 1)
	_, err = Dial(t.Context(), bad(t, func(conn net.Conn, r *bufio.Reader) {
		io.WriteString(conn, "*0\r\n")
		_, err := r.ReadByte()
		ended <- err
	}), patience)
	require.ErrorContains(t, err, "protocol error")
	require.Equal(t, io.EOF, <-ended, "Dial leaves no connection")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Dial(ctx, s.Addr(), patience)
	require.ErrorIs(t, err, context.Canceled)

	_, err = Dial(t.Context(), r.Addr(), patience)
	var no Error
	require.ErrorAs(t, err, &no)
	require.Contains(t, string(no), "connection refused")
}

// A relay waits 10 s for a connection to its database, as for a command. Here the name server
// is silent.
func TestRelayLooksUpInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	near, err := l.Accept()
	require.NoError(t, err)
	defer near.Close()
	far.Close()
	suitetest.SilentNames(t, func(t *testing.T) {
		began := time.Now()
		newServer().relay(near.(*net.TCPConn), "host.example:1")
		require.Equal(t, 10*time.Second, time.Since(began))
	})
}

// Close disconnects the clients, in whatever state they are. A second Close does
// nothing.
func TestCloseDisconnects(t *testing.T) {
	s := listen(t)
	clients := []*Conn{dial(t, s.Addr()), dial(t, s.Addr())}
	half, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer half.Close()
	io.WriteString(half, "*1\r\n")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	for _, c := range clients {
		require.Error(t, c.Ping())
	}
	require.Zero(t, conns(s))
}

// Close waits for what still runs.
func TestCloseWaits(t *testing.T) {
	s := newServer()
	begun := make(chan struct{})
	var ended atomic.Bool
	s.handle = func(conn *net.TCPConn) {
		close(begun)
		conn.Read(make([]byte, 1))
		time.Sleep(5 * time.Millisecond) // Close could have returned
		ended.Store(true)
	}
	start(t, s)
	conn, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer conn.Close()
	<-begun
	require.NoError(t, s.Close())
	require.True(t, ended.Load())
}

// After an Accept that fails, as it does while there is no free descriptor, the server goes on.
func TestAcceptFails(t *testing.T) {
	s := listen(t)
	require.NoError(t, s.listener.SetDeadline(time.Unix(1, 0)))
	time.Sleep(10 * time.Millisecond)
	require.NoError(t, s.listener.SetDeadline(time.Time{}))
	c, err := Dial(t.Context(), s.Addr(), patience)
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

// A client that connects while the database closes is disconnected, and is not told
// that there are too many clients.
func TestConnectingToADatabaseThatCloses(t *testing.T) {
	s := listen(t)
	closes := func(is bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = is
	}
	closes(true)
	defer closes(false)
	require.Empty(t, say(t, s.Addr(), "PING\r\n", ""))
}

func Example() {
	db, err := Listen()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	c, err := Dial(context.Background(), db.Addr(), time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(c.Set("spam", "eggs"))
	value, err := c.Get("spam")
	fmt.Printf("%s %v\n", value, err)
	_, err = c.Get("ham")
	fmt.Println(err)
	// Output:
	// <nil>
	// eggs <nil>
	// resp: no such key
}
