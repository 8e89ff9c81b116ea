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
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/asyncio/resp"
	"boundaries/internal/sock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a database that is closed when the test is over.
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
			for _, n := range []int{0, 1, 7, InFlight - 1, InFlight, InFlight + 1, keys, 2000} {
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
			if v.Name == "serial" {
				require.GreaterOrEqual(t, time.Since(began), 70*time.Millisecond)
			}
			// 64 in flight: two after one another on some connections.
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

// Answers that are not what was written are counted as wrong, and recorded.
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

// A key that is gone is an error. It is the last question, after which the
// connections are not needed any more.
func TestMissingKey(t *testing.T) {
	for _, v := range Variants {
		db := open(t, 0)
		require.NoError(t, db.owner.Del(db.keys[7]))
		a := v.Run(db, 8)
		require.ErrorIs(t, a.Err, resp.ErrNil, v.Name)
		require.LessOrEqual(t, a.Right, 7)
	}
}

// A database that goes away in the middle ends every variant in bounded time, with
// an error, and leaves nothing behind.
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
				t.Fatal("waits for ever")
			}
		})
	}
}

// fake returns a database whose connections are answered by serve, all at once.
func fake(t *testing.T, serve func(slot int, conn net.Conn)) *Database {
	db := &Database{}
	for i := range keys {
		db.keys = append(db.keys, fmt.Sprintf("key:%03d", i))
		db.values = append(db.values, []byte("spam"))
	}
	var serving sync.WaitGroup
	for slot := range InFlight {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		near, err := sock.Dial(t.Context(), l.Addr().String())
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

// question is what every GET of a fake's key looks like.
const question = "*2\r\n$3\r\nGET\r\n$7\r\nkey:000\r\n"

// A database that answers nobody before all have asked: a variant that has fewer
// than 64 questions in flight, such as threads that keep the lock while they read,
// would wait for ever.
func TestAllAreInFlightAtOnce(t *testing.T) {
	for _, v := range Variants[1:] {
		t.Run(v.Name, func(t *testing.T) {
			const turns = 3
			var asked [turns]sync.WaitGroup
			for i := range asked {
				asked[i].Add(InFlight)
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
			a := v.Run(db, turns*InFlight)
			require.NoError(t, a.Err)
			require.Equal(t, turns*InFlight, a.Right)
			require.EqualValues(t, 4*turns*InFlight, a.Sum)
		})
	}
}

// One bad answer on one connection ends the run on all.
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

// Nothing that was opened stays open: goleak sees to the goroutines.
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
				require.NoError(t, v.Run(db, 2*InFlight).Err)
			}
			require.Greater(t, count(), InFlight)
			require.NoError(t, db.Close())
		}
		if round == 0 {
			before = count() // with the poller's own
		}
	}
	require.Equal(t, before, count())
}

// A Redis that is named and not there is an error that says so.
func TestNoRedis(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	l.Close()
	t.Setenv(Address, address)
	for _, latency := range []time.Duration{0, time.Millisecond} {
		_, err = Open(t.Context(), latency)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorContains(t, err, "asyncio: the Redis that BOUNDARIES_REDIS names: ")
	}
}

// redis answers commands on a port of its own, and tells what it was asked.
func redis(t *testing.T, answer func(command []string) string) (address string, asked func() [][]string) {
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

// The keys in a real Redis are written again as long as the database is open, end
// by themselves if nobody does, and are deleted by Close.
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

// A Redis that does not let us write is an error that says whose.
func TestRedisThatSaysNo(t *testing.T) {
	address, _ := redis(t, func(command []string) string {
		if command[0] == "PING" {
			return "+PONG\r\n"
		}
		return "-READONLY You can't write against a read only replica.\r\n"
	})
	t.Setenv(Address, address)
	_, err := Open(t.Context(), 0)
	require.EqualError(t, err, "asyncio: the Redis that BOUNDARIES_REDIS names: resp: the database answers: READONLY You can't write against a read only replica.")
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.PanicsWithValue(t, "asyncio: -1 questions, need none or more", func() { v.Run(nil, -1) })
		})
	}
}

func Example() {
	db, err := Open(context.Background(), 0)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	for _, v := range Variants {
		a := v.Run(db, 1000)
		fmt.Println(v.Name, a.Right, a.Count, a.Sum)
	}
	// Output:
	// serial 1000 1000 52681
	// gil 1000 1000 52681
	// global-mutex 1000 1000 52681
	// sharded-lock 1000 1000 52681
	// atomic 1000 1000 52681
	// lock-free 1000 1000 52681
	// private 1000 1000 52681
	// event-loop 1000 1000 52681
	// executor 1000 1000 52681
}
