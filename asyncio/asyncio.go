// Package asyncio asks a database over sockets, with 64 questions in flight.
//
// A step is one question: take an idle connection, send a GET on it, wait for the
// answer, compare it with what was written, record its size in the connection's
// histogram, and put the connection back. The database speaks Redis's protocol over
// loopback. With latency=1ms it waits for a millisecond before each answer, so the
// row shows which variants can wait for 64 answers at once. All but serial can, and
// they differ little, which is the article's point about asyncio and databases. With
// latency=0 only the cost of waiting remains: system calls and switches from one
// client to the next. Every row makes the same two system calls per step, a write and
// a read. An event loop with a selector also takes a share of the calls that ask the
// selector which sockets are ready. The other rows also try each read before the answer is
// there. Otherwise the rows differ in the switches.
//
// 64 questions are in flight at every -cpu, on 64 connections that are opened before
// the clock starts; serial has one in flight. The rows differ in their clients:
//
//   - serial is one goroutine with one connection.
//   - gil is 64 threads, each with a connection of its own, and CPython's lock around
//     everything but system calls.
//   - global-mutex, sharded-lock, atomic and lock-free are 128 clients that share 64
//     connections, as the parts of a server share the connections of its Redis
//     client. Half of the clients wait for a turn, so a client always waits for the
//     next connection that is put back. The turns are the same in all four rows. The
//     rows differ in how they guard the pool of idle connections. Between take and
//     put, a connection and its histogram belong to the client that took the
//     connection.
//   - private is 64 clients, each with a connection of its own: no pool and no turns.
//   - event-loop is 64 tasks on one goroutine. executor is 64 such tasks, each of which
//     starts a goroutine for each question. Each task has a connection of its own.
//
// The four rows with a pool differ only in two short calls to it; the rest of a step is
// mostly system calls. Compare their ns/op and user+sys-ns/op at latency=0 and the
// highest -cpu, where most clients use the pool at once, and compare them with
// private, which has no pool. Read event_loop.go, gil.go and global_mutex.go first.
//
// The database is package resp's. It runs in this process, takes its share of the
// processors, and counts in user+sys-ns/op; at latency=0 that is a large part. If
// the environment variable that [Address] names is set, a real Redis answers, and
// user+sys-ns/op is the client alone. A real Redis has no service time: with
// latency=1ms a relay in this process holds every question for that long, as a
// longer wire would.
//
// The parts are packages of their own: eventloop shows what asyncio is, resp is the
// database, await measures the bare switch, and respond measures how fast a program
// answers events while it computes.
package asyncio

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"boundaries/asyncio/resp"
	"boundaries/internal/suite"
)

// inFlight is how many questions wait for their answers at once.
const inFlight = 64

// Address names the environment variable that holds the host:port of a real Redis.
// If it is set and not empty, that Redis answers instead of the embedded database.
const Address = "BOUNDARIES_REDIS"

// patience is how long one answer may take.
const patience = 10 * time.Second

// lifetime is how long a real Redis keeps the keys after they are written, so that
// it deletes them even if this process is interrupted. While the process runs, it
// rewrites them three times per lifetime. Only tests change lifetime.
var lifetime = 10 * time.Minute

// A Variant is a way to ask the database.
type Variant struct {
	Name       string // the value of the key sync=
	Sequential bool   // it has one question in flight, and shares nothing

	// Run asks n questions and returns the result. It panics if n is negative.
	Run func(db *Database, n int) Answer
}

// Variants lists the ways to ask, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{Name: "serial", Sequential: true, Run: runSerial},
	{Name: "gil", Run: runGIL},
	{Name: "global-mutex", Run: runGlobalMutex},
	{Name: "sharded-lock", Run: runShardedLock},
	{Name: "atomic", Run: runAtomic},
	{Name: "lock-free", Run: runLockFree},
	{Name: "private", Run: runPrivate},
	{Name: "event-loop", Run: runEventLoop},
	{Name: "executor", Run: runExecutor},
}

// An Answer is the result of a run.
type Answer struct {
	Right     int   // answers equal to the value that was written
	Histogram       // of all answers
	Err       error // why the run ended early, or nil
}

// A Histogram counts answers by their size.
type Histogram struct {
	Count, Sum int64        // answers, and their bytes
	Buckets    [sizes]int64 // answers by the number of bits of their size; the last has all larger ones too
}

// sizes is the number of buckets. A value has fewer than 1<<(sizes-1) bytes.
const sizes = 8

func (h *Histogram) record(size int) {
	h.Count++
	h.Sum += int64(size)
	h.Buckets[min(bits.Len(uint(size)), sizes-1)]++ // another client may have written a longer value
}

func (h *Histogram) add(other *Histogram) {
	h.Count += other.Count
	h.Sum += other.Sum
	for i, n := range other.Buckets {
		h.Buckets[i] += n
	}
}

// keys is the number of keys. The questions ask for them in turn.
const keys = 509

// valueOf returns the value of key i. No two values are equal, and they have 4 to
// 103 bytes.
func valueOf(i int) string {
	return fmt.Sprintf("%03d:", i) + strings.Repeat("v", i%100)
}

// CheckAddress returns an error of one line if the variable that [Address] names is set,
// and is not a host:port. The host may be an IP address or a name that can be looked up
// within ten seconds. CheckAddress does not connect, so Open may still fail.
func CheckAddress(ctx context.Context) error {
	address := os.Getenv(Address)
	if address == "" {
		return nil
	}
	if err := lookUp(ctx, address); err != nil {
		return fmt.Errorf("%s is %q, want the host:port of a Redis, such as 127.0.0.1:6379: %w", Address, address, err)
	}
	return nil
}

// lookUp returns an error of one line if the address is not a host and a port, or
// the host has no IP address.
func lookUp(ctx context.Context, address string) error {
	host, port, err := net.SplitHostPort(address)
	if split := (*net.AddrError)(nil); errors.As(err, &split) {
		return errors.New(split.Err) // without the address
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("the port is %q, want a number from 1 to 65535", port)
	}
	if host == "" {
		return errors.New("the host is missing")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = net.DefaultResolver.LookupHost(ctx, host)
	if failed := (*net.DNSError)(nil); errors.As(err, &failed) {
		return fmt.Errorf("looking up the host %q: %s", host, failed.Err)
	}
	return err
}

// A Database is a database with values in it and open connections to it. One run at
// a time may use it. After a run that returned an error its connections may be
// unusable.
type Database struct {
	conns  []net.Conn   // inFlight connections
	owner  *resp.Conn   // to the database itself, without latency
	server *resp.Server // the embedded database or the relay; nil if conns lead to a real Redis
	keys   []string
	values [][]byte // of keys, by index

	shared  bool           // the database is a real Redis
	stop    func()         // ends the renewal; nil if there is none
	renewal sync.WaitGroup // the renewal uses owner until it has ended
}

// Open starts a database, or finds the Redis that the variable [Address] names,
// writes several hundred keys, and opens the connections. Every answer takes at
// least the latency. The caller must call Close. If the process is interrupted
// before that, a real Redis deletes the keys ten minutes later.
func Open(ctx context.Context, latency time.Duration) (*Database, error) {
	db := &Database{}
	if err := db.open(ctx, latency); err != nil {
		db.Close()
		return nil, fmt.Errorf("asyncio: %w", err)
	}
	return db, nil
}

func (db *Database) open(ctx context.Context, latency time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience) // for all connections together
	defer cancel()
	origin := os.Getenv(Address) // the address of the database itself
	db.shared = origin != ""
	switch {
	case !db.shared:
		if db.server, err = resp.Listen(); err != nil {
			return err
		}
		origin = db.server.Addr()
	case latency > 0:
		if db.server, err = resp.Relay(origin); err != nil {
			return err
		}
	}
	once := "" // ends the keys in a real Redis: processes in two containers may have one number
	if db.shared {
		once = ":" + rand.Text()
	}
	for i := range keys {
		db.keys = append(db.keys, fmt.Sprintf("boundaries:%d:%d", os.Getpid(), i)+once)
		db.values = append(db.values, []byte(valueOf(i)))
	}
	if db.owner, err = resp.Dial(ctx, origin, patience); err == nil {
		err = db.write()
	}
	switch {
	case err != nil && db.shared:
		return fmt.Errorf("the Redis at %q, which %s names: %w", origin, Address, err)
	case err != nil:
		return err
	case db.shared:
		closing, stop := context.WithCancel(context.Background())
		db.stop = stop
		db.renewal.Go(func() { db.renew(closing) })
	}
	address := origin
	if db.server != nil {
		db.server.SetServiceTime(latency)
		address = db.server.Addr()
	}
	var d net.Dialer
	for range inFlight {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("connecting to the database: %w", err)
		}
		db.conns = append(db.conns, c)
	}
	return nil
}

// write gives every key its value. In a real Redis the value lasts for the lifetime.
func (db *Database) write() (err error) {
	for i := 0; i < len(db.keys) && err == nil; i++ {
		if db.shared {
			err = db.owner.SetFor(db.keys[i], valueOf(i), lifetime)
		} else {
			err = db.owner.Set(db.keys[i], valueOf(i))
		}
	}
	return err
}

// renew writes the keys three times a lifetime until closing is done. If Redis
// answers a write with an error, the next one may succeed. After any other error no later
// write succeeds, and Close fails.
func (db *Database) renew(closing context.Context) {
	tick := time.NewTicker(lifetime / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = db.write()
		case <-closing.Done():
			return
		}
	}
}

// Close closes the connections and stops the embedded database. It deletes the keys
// from a real Redis and returns an error if it cannot.
func (db *Database) Close() (err error) {
	for _, c := range db.conns {
		c.Close() // a failed run on the event loop has closed them already
	}
	if db.stop != nil {
		db.stop()
		db.renewal.Wait()
	}
	if db.owner != nil {
		for i := 0; i < len(db.keys) && db.shared && err == nil; i++ {
			err = db.owner.Del(db.keys[i])
		}
		db.owner.Close()
	}
	if db.server != nil {
		db.server.Close()
	}
	return err
}

// Workload returns the variants as rows. Each row has a database of its own, so that
// a row that fails does not break the next one. Every answer takes at least the
// latency.
func Workload(name string, latency time.Duration) suite.Workload {
	w := suite.Workload{Name: name, Key: "sync", Folder: "asyncio"}
	for _, v := range Variants {
		w.Benches = append(w.Benches, suite.Bench{Name: v.Name, Open: func(int) (suite.Session, error) {
			db, err := Open(context.Background(), latency)
			if err != nil {
				return suite.Session{}, err
			}
			var got Answer
			return suite.Session{
				Run: func(n int) { got = v.Run(db, n) },
				Check: func(n int) error {
					if got.Err != nil {
						return got.Err
					}
					return suite.Compare(got, Want(0, n))
				},
				Close: db.Close,
			}, nil
		}})
	}
	return w
}

// Want returns the right answer to n questions.
func Want(_, n int) Answer {
	var all, rest Histogram // of all keys, and of the keys of the last, unfinished turn
	for i := range keys {
		all.record(len(valueOf(i)))
		if i < n%keys {
			rest.record(len(valueOf(i)))
		}
	}
	turns := int64(n / keys)
	want := Answer{Right: n}
	want.Count, want.Sum = all.Count*turns, all.Sum*turns
	for i, count := range all.Buckets {
		want.Buckets[i] = count * turns
	}
	want.add(&rest)
	return want
}

// ask asks question i on a connection. It returns the size of the answer, and whether
// the answer was right.
func (db *Database) ask(c *resp.Conn, i int) (size int, right bool, err error) {
	value, err := c.Get(db.keys[i%keys])
	return len(value), err == nil && bytes.Equal(value, db.values[i%keys]), err
}

// check panics if n is negative.
func check(n int) {
	if n < 0 {
		panic(fmt.Sprintf("asyncio: %d questions, need none or more", n))
	}
}
