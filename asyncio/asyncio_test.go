package asyncio

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/asyncio/resp"
	"boundaries/internal/gil"
	"boundaries/internal/suite"
	"boundaries/internal/suite/suitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(suitetest.Watched{M: m}) }

// open returns a database that is open until the test ends.
func open(t testing.TB, latency time.Duration) *Database {
	db, err := Open(t.Context(), latency)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestEveryAnswerIsRightAndRecordedOnce(t *testing.T) {
	db := open(t, 0)
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			suitetest.Guard(t, "a client waits for a connection, and nobody puts one back")
			for _, n := range []int{0, 1, 7, inFlight - 1, inFlight, inFlight + 1, keys, 2000} {
				require.Equal(t, Want(1, n), v.Run(db, n), "%d questions", n)
			}
		})
	}
}

func TestWithLatency(t *testing.T) {
	db := open(t, time.Millisecond)
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			began := time.Now()
			require.Equal(t, Want(1, 70), v.Run(db, 70))
			if v.Sequential {
				require.GreaterOrEqual(t, time.Since(began), 70*time.Millisecond)
			}
			// Of 70 questions, 64 in flight, two follow one another on some connection.
			require.GreaterOrEqual(t, time.Since(began), 2*time.Millisecond)
		})
	}
}

func TestWant(t *testing.T) {
	var h Histogram
	for n := range 2*keys + 2 {
		if n%100 == 0 || n%keys < 2 || n%keys == keys-1 {
			require.Equal(t, Answer{Right: n, Histogram: h}, Want(1, n))
		}
		h.record(len(valueOf(n % keys)))
	}
}

// An answer that is not what was written is recorded, and not counted as right.
func TestWrongAnswersAreSeen(t *testing.T) {
	db := open(t, 0)
	const n = 2 * keys
	for _, i := range []int{0, 5, keys - 1} {
		require.NoError(t, db.owner.Set(db.keys[i], strings.Repeat("w", len(db.values[i]))))
	}
	want := Want(1, n)
	want.Right -= 2 * 3
	for _, v := range Variants {
		require.Equal(t, want, v.Run(db, n), v.Name)
	}
}

// A bucket is for sizes of as many bits. Another client may have written a value that is
// longer than any of the suite's.
func TestBuckets(t *testing.T) {
	var h Histogram
	for _, size := range []int{0, 1, 4, 7, 64, 103, 1 << 20} {
		h.record(size)
	}
	require.Equal(t, [sizes]int64{0: 1, 1: 1, 3: 2, 7: 3}, h.Buckets)
}

// A key that has no value is an error.
func TestMissingKey(t *testing.T) {
	for _, v := range Variants {
		db := open(t, 0)
		require.NoError(t, db.owner.Del(db.keys[7]))
		a := v.Run(db, 8)
		require.ErrorIs(t, a.Err, resp.ErrNil, v.Name)
		require.LessOrEqual(t, a.Right, 7)
	}
}

// A database that stops ends every run in bounded time, with an error, and leaves
// nothing behind.
func TestDatabaseThatGoesAway(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			db := open(t, time.Millisecond)
			done := make(chan Answer)
			go func() { done <- v.Run(db, 1<<30) }()
			time.Sleep(10 * time.Millisecond)
			require.NoError(t, db.server.Close())
			select {
			case a := <-done:
				require.Error(t, a.Err)
				require.ErrorContains(t, a.Err, "resp: GET: ")
				require.EqualValues(t, a.Right, a.Count)
			case <-time.After(2 * patience):
				t.Fatal("the run does not end")
			}
		})
	}
}

// A database that does not answer ends every run when the patience is over.
func TestSilentDatabase(t *testing.T) {
	for _, v := range Variants {
		synctest.Test(t, func(t *testing.T) {
			db := &Database{keys: make([]string, keys), values: make([][]byte, keys)}
			for range inFlight {
				near, far := net.Pipe()
				go io.Copy(io.Discard, far)
				db.conns = append(db.conns, near)
			}
			began := time.Now()
			a := v.Run(db, 2*inFlight)
			require.Error(t, a.Err, v.Name)
			require.Equal(t, patience, time.Since(began), v.Name)
			require.NoError(t, db.Close())
		})
	}
}

// fake returns a database whose connections serve answers, each on a goroutine of
// its own.
func fake(t *testing.T, serve func(slot int, conn net.Conn)) *Database {
	suitetest.Guard(t, "a run does not end, or Close leaves a connection open")
	db := &Database{}
	for i := range keys {
		db.keys = append(db.keys, fmt.Sprintf("key:%03d", i))
		db.values = append(db.values, []byte("spam"))
	}
	var serving sync.WaitGroup
	for slot := range inFlight {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		near, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		far, err := l.Accept()
		require.NoError(t, err)
		l.Close()
		db.conns = append(db.conns, near)
		serving.Go(func() {
			serve(slot, far)
			io.Copy(io.Discard, far) // until the other end is closed
			far.Close()
		})
	}
	t.Cleanup(func() { db.Close(); serving.Wait() })
	return db
}

// question is what a GET of a fake's key looks like; all have the same length.
const question = "*2\r\n$3\r\nGET\r\n$7\r\nkey:000\r\n"

// The database of this test answers only when 64 questions have come. A variant that
// has fewer in flight, such as threads that keep the lock while they read, would not
// end.
func TestAllAreInFlightAtOnce(t *testing.T) {
	for _, v := range Variants {
		if v.Sequential {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			const turns = 3
			var asked [turns]sync.WaitGroup
			for i := range asked {
				asked[i].Add(inFlight)
			}
			db := fake(t, func(_ int, conn net.Conn) {
				for i := range asked {
					if _, err := io.ReadFull(conn, make([]byte, len(question))); err != nil {
						t.Error(err)
					}
					asked[i].Done()
					asked[i].Wait()
					io.WriteString(conn, "$4\r\nspam\r\n")
				}
			})
			a := v.Run(db, turns*inFlight)
			require.NoError(t, a.Err)
			require.Equal(t, turns*inFlight, a.Right)
			require.EqualValues(t, 4*turns*inFlight, a.Sum)
		})
	}
}

// One error answer on one connection ends the run on all connections.
func TestOneErrorEndsTheRun(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			db := fake(t, func(slot int, conn net.Conn) {
				for {
					if _, err := io.ReadFull(conn, make([]byte, len(question))); err != nil {
						return
					}
					if slot == 0 {
						io.WriteString(conn, "-ERR no\r\n")
					} else {
						io.WriteString(conn, "$4\r\nspam\r\n")
					}
				}
			})
			require.EqualError(t, v.Run(db, 1<<30).Err, "resp: the database answers: ERR no")
		})
	}
}

// Close leaves no descriptor open. (goleak checks the goroutines.)
func TestNoDescriptorIsLeft(t *testing.T) {
	count := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no list of open descriptors: ", err)
		}
		return len(all)
	}
	before := 0
	for round := range 3 {
		for _, latency := range []time.Duration{0, time.Millisecond} {
			db, err := Open(t.Context(), latency)
			require.NoError(t, err)
			for _, v := range Variants {
				require.NoError(t, v.Run(db, 2*inFlight).Err)
			}
			require.Greater(t, count(), inFlight)
			require.NoError(t, db.Close())
		}
		if round == 0 {
			before = count() // including the poller's own
		}
	}
	require.Equal(t, before, count())
}

// A malformed address is an error of one line that says what is wrong and what was
// expected.
func TestCheckAddress(t *testing.T) {
	for address, reason := range map[string]string{
		"spam":            "missing port in address",
		"127.0.0.1":       "missing port in address",
		"::1:6379":        "too many colons in address",
		"[::1":            "missing ']' in address",
		"127.0.0.1:":      `the port is "", want a number from 1 to 65535`,
		"127.0.0.1:redis": `the port is "redis", want a number from 1 to 65535`,
		"127.0.0.1:65536": `the port is "65536", want a number from 1 to 65535`,
		"127.0.0.1:0":     `the port is "0", want a number from 1 to 65535`,
		"127.0.0.1:-1":    `the port is "-1", want a number from 1 to 65535`,
		":6379":           "the host is missing",
		"a.invalid:6379":  `looking up the host "a.invalid": `,
		"a\nb:6379":       `looking up the host "a\nb": `,
	} {
		t.Setenv(Address, address)
		err := CheckAddress(t.Context())
		require.ErrorContains(t, err, fmt.Sprintf("BOUNDARIES_REDIS is %q, want the host:port of a Redis, such as 127.0.0.1:6379: ", address))
		require.ErrorContains(t, err, ": "+reason)
		require.NotContains(t, err.Error(), "\n")
	}
	for _, address := range []string{"", "127.0.0.1:6379", "[::1]:6379", "[fe80::1%eth0]:1", "localhost:65535"} {
		t.Setenv(Address, address)
		require.NoError(t, CheckAddress(t.Context()), address)
	}
}

// Open waits no longer than the patience for a connection. Here the name server is silent.
func TestSilentNames(t *testing.T) {
	t.Setenv(Address, "host.example:1")
	suitetest.SilentNames(t, func(t *testing.T) {
		began := time.Now()
		_, err := Open(t.Context(), 0)
		require.ErrorContains(t, err, "host.example")
		require.Equal(t, patience, time.Since(began))
	})
}

// If nothing listens at the address, Open's error names the address and its
// variable.
func TestNoRedis(t *testing.T) {
	const address = "127.0.0.1:1" // a port that no listener is given by chance
	for _, latency := range []time.Duration{0, time.Millisecond} {
		t.Setenv(Address, address)
		_, err := Open(t.Context(), latency)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorContains(t, err, fmt.Sprintf("asyncio: the Redis at %q, which BOUNDARIES_REDIS names: ", address))
		t.Setenv(Address, "a.invalid:1")
		_, err = Open(t.Context(), latency)
		require.ErrorContains(t, err, `asyncio: the Redis at "a.invalid:1", which BOUNDARIES_REDIS names: `)
		require.ErrorContains(t, err, "lookup a.invalid")
		_, err = Workload("AsyncIO", latency).Benches[0].Open(1)
		require.ErrorContains(t, err, "lookup a.invalid")
	}
}

// redis starts a database on a port of its own that answers each command with
// answer. asked returns the commands so far.
func redis(t *testing.T, answer func(command []string) string) (address string, asked func() [][]string) {
	suitetest.Guard(t, "a connection to the Redis is left open")
	var mu sync.Mutex
	var all [][]string // guarded by mu
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					words, _ := strconv.Atoi(strings.TrimPrefix(lines.Text(), "*"))
					var command []string
					for range words {
						lines.Scan() // the length
						lines.Scan()
						command = append(command, lines.Text())
					}
					mu.Lock()
					all = append(all, command)
					mu.Unlock()
					io.WriteString(conn, answer(command))
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return l.Addr().String(), func() [][]string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// values answers like a Redis that has the values of all keys.
func values(command []string) string {
	if command[0] != "GET" {
		return "+OK\r\n"
	}
	i, _ := strconv.Atoi(strings.Split(command[1], ":")[2])
	return fmt.Sprintf("$%d\r\n%s\r\n", len(valueOf(i)), valueOf(i))
}

// A real Redis may be known by name.
func TestRedisByName(t *testing.T) {
	address, _ := redis(t, values)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	t.Setenv(Address, "localhost:"+port)
	for _, latency := range []time.Duration{0, time.Millisecond} {
		db := open(t, latency)
		for _, v := range Variants {
			require.Equal(t, Want(1, 100), v.Run(db, 100), v.Name)
		}
	}
}

// A row that fails reports its own error, and leaves the other rows as they were.
func TestRowsFailAlone(t *testing.T) {
	var no atomic.Value // the error that a GET gets, or ""
	no.Store("")
	address, _ := redis(t, func(command []string) string {
		if no := no.Load().(string); no != "" && command[0] == "GET" {
			return "-ERR " + no + "\r\n"
		}
		return values(command)
	})
	t.Setenv(Address, address)
	for _, order := range []func([]suite.Bench){func([]suite.Bench) {}, slices.Reverse[[]suite.Bench]} {
		rows := Workload("AsyncIO", 0).Benches
		order(rows)
		var sessions []suite.Session
		for _, row := range rows {
			session, err := row.Open(1)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, session.Close()) })
			sessions = append(sessions, session)
		}
		for i, session := range sessions {
			no.Store(rows[i].Name)
			session.Run(100)
			require.EqualError(t, session.Check(100), "resp: the database answers: ERR "+rows[i].Name)
			no.Store("")
			for j, other := range sessions[i+1:] {
				other.Run(100)
				require.NoError(t, other.Check(100), "%s after %s failed", rows[i+1+j].Name, rows[i].Name)
			}
		}
	}
}

// A row's database has the latency of its workload.
func TestLatencyOfARow(t *testing.T) {
	const latency = 20 * time.Millisecond
	s, err := Workload("AsyncIO", latency).Benches[0].Open(1)
	require.NoError(t, err)
	began := time.Now()
	s.Run(1)
	require.GreaterOrEqual(t, time.Since(began), latency)
	require.NoError(t, s.Check(1))
	require.NoError(t, s.Close())
}

// A row checks all of an answer.
func TestARowChecksItsHistogram(t *testing.T) {
	defer func(old []Variant) { Variants = old }(Variants)
	wrong := 0
	Variants = []Variant{{Name: "spam", Run: func(_ *Database, n int) Answer {
		a := Want(1, n)
		a.Buckets[0] += int64(wrong)
		return a
	}}}
	s, err := Workload("AsyncIO", 0).Benches[0].Open(1)
	require.NoError(t, err)
	defer s.Close()
	s.Run(7)
	require.NoError(t, s.Check(7))
	wrong = 1
	s.Run(7)
	require.Error(t, s.Check(7))
}

// A free is a connection in whose calls another thread takes the lock.
type free struct {
	net.Conn
	lock *gil.GIL
}

func (c free) Read(p []byte) (int, error) { return c.Write(p) }
func (c free) Write(p []byte) (int, error) {
	var other gil.Thread
	c.lock.Acquire(&other)
	c.lock.Release(&other)
	return len(p), nil
}

// A thread reads and writes without the lock.
func TestSystemCallsWithoutTheLock(t *testing.T) {
	suitetest.Guard(t, "a thread keeps the lock in a system call")
	var lock gil.GIL
	var me gil.Thread
	c := &gilConn{free{nil, &lock}, &lock, &me}
	lock.Acquire(&me)
	c.Write(nil)
	c.Read(nil)
	lock.Release(&me)
}

// While the database is open, the keys in a real Redis are written again and again.
// They have a lifetime, and Close deletes them.
func TestKeysOfARedisEnd(t *testing.T) {
	defer func(old time.Duration) { lifetime = old }(lifetime)
	lifetime = 30 * time.Millisecond
	address, asked := redis(t, func([]string) string { return "+OK\r\n" })
	t.Setenv(Address, address)
	db, err := Open(t.Context(), 0)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(asked()) > 3*keys }, patience, time.Millisecond)
	require.NoError(t, db.Close())
	all := asked()
	require.Equal(t, []string{"PING"}, all[0])
	require.Contains(t, db.keys[0], fmt.Sprintf(":%d:", os.Getpid()), "other processes have keys of their own")
	written, deleted := all[1:len(all)-keys], all[len(all)-keys:]
	for i, command := range written {
		if want := []string{"SET", db.keys[i%keys], valueOf(i % keys), "PX", "30"}; !slices.Equal(want, command) {
			t.Fatalf("want %q, got %q", want, command)
		}
	}
	for i, command := range deleted {
		require.Equal(t, []string{"DEL", db.keys[i]}, command)
	}
}

// Processes in two containers may have one number. Their keys differ nevertheless.
func TestKeysOfTwoContainers(t *testing.T) {
	address, _ := redis(t, values)
	t.Setenv(Address, address)
	require.NotEqual(t, open(t, 0).keys[0], open(t, 0).keys[0])
}

// Close deletes the keys after a renewal that has begun has written them.
func TestCloseWaitsForTheRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		var asked []string
		go func() {
			lines := bufio.NewScanner(far)
			for lines.Scan() {
				if command := lines.Text(); command == "SET" || command == "DEL" {
					lines.Scan() // the length
					lines.Scan()
					asked = append(asked, command+" "+lines.Text())
					for range map[string]int{"SET": 6}[command] { // the value and PX
						lines.Scan()
					}
					time.Sleep(time.Second)
					io.WriteString(far, "+OK\r\n")
				}
			}
		}()
		db := &Database{shared: true, owner: resp.NewConn(near, patience), keys: []string{"spam", "eggs"}}
		ctx, cancel := context.WithCancel(t.Context())
		db.stop = cancel
		db.renewal.Go(func() { db.renew(ctx) })
		time.Sleep(lifetime/3 + 1)
		require.NoError(t, db.Close())
		synctest.Wait()
		require.Equal(t, []string{"SET spam", "SET eggs", "DEL spam", "DEL eggs"}, asked)
	})
}

// The keys are written again before a Redis may delete them.
func TestKeysAreWrittenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		written := 0
		go func() {
			lines := bufio.NewScanner(far)
			for lines.Scan() {
				if lines.Text() == "PX" {
					written++
					lines.Scan() // the length
					lines.Scan()
					io.WriteString(far, "+OK\r\n")
				}
			}
		}()
		db := &Database{shared: true, owner: resp.NewConn(near, patience), keys: []string{"spam"}}
		ctx, cancel := context.WithCancel(t.Context())
		db.renewal.Go(func() { db.renew(ctx) })
		time.Sleep(lifetime - 1)
		synctest.Wait()
		require.Equal(t, 2, written)
		cancel()
		db.renewal.Wait()
		near.Close()
	})
}

// If a real Redis refuses the keys, Open returns its answer.
func TestRedisThatRefusesKeys(t *testing.T) {
	address, _ := redis(t, func(command []string) string {
		if command[0] == "PING" {
			return "+PONG\r\n"
		}
		return "-READONLY You can't write against a read only replica.\r\n"
	})
	t.Setenv(Address, address)
	_, err := Open(t.Context(), 0)
	require.EqualError(t, err, fmt.Sprintf("asyncio: the Redis at %q, which BOUNDARIES_REDIS names: "+
		"resp: the database answers: READONLY You can't write against a read only replica.", address))
}

// If a real Redis keeps the keys, Close returns its answer.
func TestRedisThatKeepsKeys(t *testing.T) {
	address, _ := redis(t, func(command []string) string {
		if command[0] == "DEL" {
			return "-ERR no\r\n"
		}
		return "+OK\r\n"
	})
	t.Setenv(Address, address)
	db, err := Open(t.Context(), 0)
	require.NoError(t, err)
	require.EqualError(t, db.Close(), "resp: the database answers: ERR no")
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.PanicsWithValue(t, "asyncio: -1 questions, need none or more", func() { v.Run(nil, -1) })
		})
	}
}

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) {
	var names []string
	for _, v := range Variants {
		names = append(names, v.Name)
	}
	suitetest.Files(t, ".", names)
}

func Example() {
	db, err := Open(context.Background(), 0)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	for _, v := range Variants {
		if a := v.Run(db, 1000); a != Want(1, 1000) {
			fmt.Println(v.Name, a)
		}
	}
	a := runEventLoop(db, 1000)
	fmt.Println(a.Right, "right answers of", a.Count, "with", a.Sum, "bytes")
	// Output:
	// 1000 right answers of 1000 with 52681 bytes
}
