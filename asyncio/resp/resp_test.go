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
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/asyncio/eventloop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is longer than any test needs, and bounds one that hangs.
const patience = 20 * time.Second

// listen returns a database that is closed when the test is over.
func listen(t *testing.T, limits Limits) *Server {
	t.Helper()
	s, err := Listen(limits)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// dial connects to a database until the test is over.
func dial(t *testing.T, address string) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), address, patience)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// database returns the addresses to test: of the embedded database, of a relay in
// front of it, and of a real Redis if there is one.
func database(t *testing.T) map[string]string {
	t.Helper()
	embedded := listen(t, Limits{}).Addr()
	all := map[string]string{"embedded": embedded}
	if redis := os.Getenv("BOUNDARIES_REDIS"); redis != "" {
		all["redis"] = redis
	}
	for name, address := range map[string]string{"relay": embedded, "relayed redis": all["redis"]} {
		if address == "" {
			continue
		}
		relay, err := Relay(address, Limits{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, relay.Close()) })
		all[name] = relay.Addr()
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
			for _, value := range []string{"", "\r\n", "$5\r\nvalue\r\n", "\x00\xff", strings.Repeat("x", MaxBytes/2)} {
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
			require.NoError(t, c.Ping(), "no answer is not the end")
		})
	}
}

// An answer that says no is an error, and the connection goes on.
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

// say writes to the database what is not a Conn's to write, and returns what
// comes until the database hangs up or, if end is not empty, until end.
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
		require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "waits for ever after %q", got)
		if err != nil {
			break
		}
	}
	return string(got)
}

// What a Redis client sends to connect, and people type.
func TestGreetings(t *testing.T) {
	address := listen(t, Limits{}).Addr()
	for words, want := range map[string]string{
		"PING\r\n":                                      "+PONG\r\n",
		"ping\n":                                        "+PONG\r\n",
		"\r\n\r\n  Ping  spam \r\n":                     "$4\r\nspam\r\n",
		"*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n":             "+PONG\r\n",
		"*2\r\n$4\r\nEcho\r\n$3\r\na\nb\r\n":            "$3\r\na\nb\r\n",
		"HELLO 3\r\n":                                   "-NOPROTO unsupported protocol version\r\n",
		"HELLO 2\r\nPING\r\n":                           "*4\r\n$6\r\nserver\r\n$10\r\nboundaries\r\n$5\r\nproto\r\n:2\r\n+PONG\r\n",
		"CLIENT SETINFO LIB-NAME spam\r\n":              "+OK\r\n",
		"COMMAND DOCS\r\n":                              "*0\r\n",
		"SELECT 0\r\nSELECT 1\r\n":                      "+OK\r\n-ERR DB index is out of range\r\n",
		"SET a 1\r\nGET a\r\nDEL a b a\r\nGET a\r\n":    "+OK\r\n$1\r\n1\r\n:1\r\n$-1\r\n",
		"QUIT\r\nPING\r\n":                              "+OK\r\n",
		"*1\r\n$4\r\nQUIT\r\n":                          "+OK\r\n",
		"GET\r\nSET a\r\nPING\r\n":                      "-ERR wrong number of arguments for 'GET' command\r\n-ERR wrong number of arguments for 'SET' command\r\n+PONG\r\n",
		strings.Repeat("s", 100) + "\r\n":               "-ERR unknown command \"" + strings.Repeat("S", 40) + "\"\r\n",
		"*1\r\n$0\r\n\r\n":                              "-ERR unknown command \"\"\r\n",
		"*1\r\n$8\r\nSPAM\r\nXX\r\n":                    "-ERR unknown command \"SPAM\\r\\nXX\"\r\n",
		strings.Repeat("PING\r\n", 5000) + "ECHO x\r\n": strings.Repeat("+PONG\r\n", 5000) + "$1\r\nx\r\n",
	} {
		require.Equal(t, want, say(t, address, words, want), "%.60q", words)
	}
}

// A client that sends what is no command is told so and disconnected; the others
// do not notice.
func TestMalformedCommands(t *testing.T) {
	s := listen(t, Limits{})
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

// The last words arrive although the client is still sending: the connection is
// not reset under it.
func TestLastWordsArrive(t *testing.T) {
	conn, err := net.Dial("tcp", listen(t, Limits{}).Addr())
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "*x\r\n")
	for range 10 { // the first may be on its way before the reset is
		time.Sleep(time.Millisecond)
		_, err = io.WriteString(conn, strings.Repeat("x", MaxBytes/20))
		require.NoError(t, err)
	}
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "-ERR Protocol error: want a length, got \"x\"\r\n", string(got))
}

// A command without an end is cut off by its length or by its time, whichever
// comes first, and takes no more memory than that; so is a client that disappears.
func TestEndlessCommands(t *testing.T) {
	s := listen(t, Limits{CommandTime: 50 * time.Millisecond})
	other := dial(t, s.Addr())
	late := "-ERR Protocol error: the command did not end in time\r\n"
	for _, words := range []string{"P", "*1\r\n", "*1\r\n$4\r\n", "*1\r\n$4\r\nPI", "*1\r\n$4\r\nPING", "\r\n"} {
		require.Equal(t, late, say(t, s.Addr(), words, ""), "%q", words)
	}
	require.Equal(t, "+PONG\r\n"+late, say(t, s.Addr(), "PING\r\nPIN", ""))

	// Endless bytes, from a client that does not even read.
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

	// Half a command, and gone.
	gone, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	io.WriteString(gone, "*1\r\n$4\r\nPI")
	gone.Close()

	// Told to go, and stays.
	stays, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer stays.Close()
	io.WriteString(stays, "*x\r\n")

	// Who is silent between two commands may be so for as long as it likes.
	time.Sleep(100 * time.Millisecond)
	require.NoError(t, other.Ping())
	require.NoError(t, patient.Ping())
	require.Eventually(t, func() bool { return s.Conns() == 2 }, patience, time.Millisecond)
}

// memory is what is in use. It counts the whole program's.
func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The values of all keys together are bounded.
func TestStoreIsBounded(t *testing.T) {
	s := listen(t, Limits{})
	c := dial(t, s.Addr())
	value := strings.Repeat("x", MaxBytes/2)
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
}

// 10,000 connections: as many as are allowed are served, the others are told why
// not, and when they are gone there is room again.
func TestTooManyConnections(t *testing.T) {
	const clients, allowed = 10000, 100
	s := listen(t, Limits{MaxConns: allowed})
	var served []*Conn
	for range allowed {
		served = append(served, dial(t, s.Addr()))
	}
	// At most so many descriptors at once, of the client's end; the database
	// closes its own at once.
	held := make([]net.Conn, 256)
	for i := range clients {
		conn, err := net.Dial("tcp", s.Addr())
		require.NoError(t, err)
		// No descriptor and no port is left waiting for ever.
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
	require.Equal(t, allowed, s.Conns())
	_, err := Dial(t.Context(), s.Addr(), patience)
	require.Error(t, err) // said, or reset, if the PING was first
	for _, c := range served {
		require.NoError(t, c.Ping())
	}
	require.NoError(t, served[0].Close())
	require.Eventually(t, func() bool { return s.Conns() < allowed }, patience, time.Millisecond)
	require.NoError(t, dial(t, s.Addr()).Ping())
}

// Every answer takes the service time, and those of many connections take it
// together; so it is with a relay's.
func TestServiceTime(t *testing.T) {
	const service, clients, each = 20 * time.Millisecond, 50, 3
	embedded := listen(t, Limits{})
	relay, err := Relay(embedded.Addr(), Limits{})
	require.NoError(t, err)
	defer relay.Close()
	for _, s := range []*Server{relay, embedded} {
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

// peers are databases that are none. Each is what a client may be connected with,
// and the error that it must end in.
var peers = []struct {
	name  string
	serve func(conn net.Conn, r *bufio.Reader)
	want  func(t *testing.T, err error)
	time  time.Duration // for it to answer
}{
	{"closes in the middle of an answer", says("$5\r\nva"), is(io.ErrUnexpectedEOF), patience},
	{"closes in the middle of a length", says("$5"), is(io.ErrUnexpectedEOF), patience},
	{"closes instead of answering", says(""), is(io.ErrUnexpectedEOF), patience},
	{"closes before the line end", says("$5\r\nvalue\r"), is(io.ErrUnexpectedEOF), patience},
	{"answers half and stays", stays("$5\r\nva"), is(os.ErrDeadlineExceeded), 100 * time.Millisecond},
	{"never answers", stays(""), is(os.ErrDeadlineExceeded), 100 * time.Millisecond},
	{"answers a byte at a time, for ever", dribbles, is(os.ErrDeadlineExceeded), 100 * time.Millisecond},
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

// bad returns the address of a peer that reads one question and serves.
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
		r := bufio.NewReader(conn)
		var cmd command
		if cmd.read(r) == nil {
			serve(conn, r)
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// A bad peer is an error that says what is wrong, in bounded time and memory, and
// it stays one: nobody knows which answer would be the next question's.
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
			require.LessOrEqual(t, cap(c.value), 2*MaxBytes)
			_, again := c.Get("k")
			require.Equal(t, err, again)
		})
	}
}

// The same with a client that is a task: the loop and the other tasks live on.
func TestBadPeerOfATask(t *testing.T) {
	for _, peer := range peers {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			address := bad(t, peer.serve)
			good := listen(t, Limits{}).Addr()
			err := eventloop.Run(t.Context(), func(task *eventloop.Task) error {
				l := task.Loop()
				bad := eventloop.Go(l, func(task *eventloop.Task) ([]byte, error) {
					s, err := eventloop.Dial(task, address)
					if err != nil {
						return nil, err
					}
					defer s.Close()
					c := NewConn(s.As(task), 0)
					var value []byte
					err = task.Timeout(peer.time, func() (err error) {
						value, err = c.Get("k")
						return err
					})
					return value, err
				})
				asked := 0
				s, err := eventloop.Dial(task, good)
				require.NoError(t, err)
				c := NewConn(s.As(task), 0)
				for !bad.Done() || asked < 10 {
					require.NoError(t, c.Ping())
					asked++
				}
				_, err = eventloop.Await(task, bad)
				if errors.Is(err, context.DeadlineExceeded) {
					err = os.ErrDeadlineExceeded // what a socket's deadline is, a task's timeout is not
				}
				peer.want(t, err)
				return c.Ping()
			})
			require.NoError(t, err)
		})
	}
}

// A relay is as long as both its ends: what one closes, it closes to the other.
func TestRelayCloses(t *testing.T) {
	relay, err := Relay(bad(t, says("$5\r\nva")), Limits{})
	require.NoError(t, err)
	defer relay.Close()
	_, err = Dial(t.Context(), relay.Addr(), patience)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	s := listen(t, Limits{})
	relay, err = Relay(s.Addr(), Limits{})
	require.NoError(t, err)
	defer relay.Close()
	c := dial(t, relay.Addr())
	require.Equal(t, 1, s.Conns())
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return s.Conns()+relay.Conns() == 0 }, patience, time.Millisecond)
}

// Nobody is there, or somebody who does not answer.
func TestDialErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	began := time.Now()
	_, err = Dial(t.Context(), address, 50*time.Millisecond) // nobody accepts
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.ErrorContains(t, err, "resp: connecting to the database at "+address)
	require.Less(t, time.Since(began), patience)
	l.Close()
	_, err = Dial(t.Context(), address, patience)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "resp: connecting to the database: dial tcp "+address)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Dial(ctx, listen(t, Limits{}).Addr(), patience)
	require.ErrorIs(t, err, context.Canceled)

	relay, err := Relay(address, Limits{})
	require.NoError(t, err)
	defer relay.Close()
	_, err = Dial(t.Context(), relay.Addr(), patience)
	var no Error
	require.ErrorAs(t, err, &no)
	require.Contains(t, string(no), "connection refused")
}

// Close disconnects those who wait, and twice is once.
func TestCloseDisconnects(t *testing.T) {
	s := listen(t, Limits{})
	conns := []*Conn{dial(t, s.Addr()), dial(t, s.Addr())}
	half, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer half.Close()
	io.WriteString(half, "*1\r\n")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	for _, c := range conns {
		require.Error(t, c.Ping())
	}
	require.Zero(t, s.Conns())
}

// Who comes while the database closes is disconnected, and not told that there
// are too many.
func TestConnectingToADatabaseThatCloses(t *testing.T) {
	s := listen(t, Limits{})
	closes := func(is bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = is
	}
	closes(true)
	defer closes(false)
	require.Empty(t, say(t, s.Addr(), "PING\r\n", ""))
}

// Neither side of the protocol can be made to panic or to hold more than its
// limits.
func FuzzProtocol(f *testing.F) {
	for _, s := range []string{"*1\r\n$4\r\nPING\r\n", "$5\r\nvalue\r\n", "+OK\r\n", "-ERR\r\n", "$-1\r\n", "*-1\r\n", "a b\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var cmd command
		r := bufio.NewReaderSize(bytes.NewReader(in), lineBytes)
		for cmd.read(r) == nil {
			require.NotEmpty(t, cmd.args)
			require.LessOrEqual(t, len(cmd.args), max(maxArgs, lineBytes))
			require.LessOrEqual(t, len(cmd.text), MaxBytes)
		}
		c := NewConn(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(in), io.Discard}, 0)
		for {
			value, err := c.Get("k")
			require.LessOrEqual(t, len(value), MaxBytes)
			if c.err != nil {
				require.Error(t, err)
				break
			}
		}
	})
}

func Example() {
	db, err := Listen(Limits{})
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
