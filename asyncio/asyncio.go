// Package asyncio asks a database over sockets, with 64 questions in flight.
//
// A step is one GET, answered by a database that speaks Redis's protocol over
// loopback, compared with what was written, and recorded in one histogram of the
// answers' sizes. With latency=1ms every answer takes a millisecond of waiting, and
// what is measured is who waits for 64 at once: everybody but serial, and with
// little to choose between them, which is the article's point about asyncio and
// databases. With latency=0 what is left is the price of waiting: system calls, of
// which every row makes the same two, and the switches from one waiting party to
// the next, which is where rows differ.
//
// 64 are in flight at every -cpu, each on a connection of its own, opened before
// the clock starts. serial has one in flight. event-loop is one goroutine, gil has
// 64 threads, and the disciplines have a goroutine for each question, bounded by a
// semaphore, which differ only in what guards the histogram. That is a few
// nanoseconds in a step of several thousand: look at event_loop.go, gil.go and
// global_mutex.go first, and believe no ranking of the rest.
//
// The database is package resp's, in this process, and takes its share of the
// processors and of user+sys-ns/op, not a small one at latency=0. Where
// [Address] names a real Redis, that answers, and user+sys-ns/op is the client
// alone. A real Redis has no service time; with latency=1ms a relay in this
// process holds every question for that long, as a longer wire would.
//
// The parts are packages of their own: eventloop is what asyncio is, resp the
// database, await the bare switch, respond how fast an event is answered beside a
// computation.
package asyncio

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"sync"
	"time"

	"boundaries/asyncio/resp"
	"boundaries/internal/sock"
	"boundaries/internal/suite"
)

// InFlight is how many questions wait for their answers at once.
const InFlight = 64

// Address names the environment variable that holds the host:port of a real Redis
// to ask instead of the embedded database.
const Address = "BOUNDARIES_REDIS"

// patience is how long one answer may take.
const patience = 10 * time.Second

// lifetime is how long the keys stay in a real Redis if this process ends without
// deleting them, as it does when it is interrupted. They are written again before
// that, for the first time when a run of the default length is long over. Only
// tests change it.
var lifetime = 10 * time.Minute

// A Variant is a way to ask the database.
type Variant struct {
	Name string

	// Run asks n questions and returns what came of them. It panics if n is
	// negative.
	Run func(db *Database, n int) Answer
}

// Variants lists the ways to ask, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{"serial", runSerial},
	{"gil", runGIL},
	{"global-mutex", runGlobalMutex},
	{"sharded-lock", runShardedLock},
	{"atomic", runAtomic},
	{"lock-free", runLockFree},
	{"private", runPrivate},
	{"event-loop", runEventLoop},
	{"executor", runExecutor},
}

// An Answer is what a run must get exactly right.
type Answer struct {
	Right     int // answers that were what had been written
	Histogram     // of all answers
	Err       error
}

// A Histogram counts sizes by their number of bits. It takes several words that
// must agree, which is what the disciplines have to guard.
type Histogram struct {
	Count, Sum int64
	Buckets    [sizes]int64
}

// sizes is the number of buckets: values have less than 1 << (sizes-1) bytes.
const sizes = 8

func (h *Histogram) record(size int) {
	h.Count++
	h.Sum += int64(size)
	h.Buckets[bits.Len(uint(size))]++
}

func (h *Histogram) add(other *Histogram) {
	h.Count += other.Count
	h.Sum += other.Sum
	for i, n := range other.Buckets {
		h.Buckets[i] += n
	}
}

// keys is how many keys are written, and read in turn.
const keys = 509

// valueOf returns the value of key i. Every value differs from every other, and
// they have 4 to 103 bytes.
func valueOf(i int) string {
	return fmt.Sprintf("%03d:", i) + strings.Repeat("v", i%100)
}

// A Database answers questions on connections that are open.
type Database struct {
	Addr   string       // of what the connections lead to
	conns  []*sock.Conn // InFlight of them
	owner  *resp.Conn   // to the database itself, without latency
	server *resp.Server // the database, or the relay; nil if a real Redis is asked directly
	keys   []string
	values [][]byte // of keys, by index

	shared  bool           // the database is a real Redis
	stop    func()         // ends the renewal; nil if there is none
	renewal sync.WaitGroup // has the owner until it has ended
}

// Open starts a database whose answers take the latency, or finds the one that
// Address names, writes several hundred keys, and connects to it InFlight times. In
// a real Redis the keys end by themselves some minutes after the process, if that is
// interrupted before Close.
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
	db.Addr = os.Getenv(Address)
	origin := db.Addr
	db.shared = origin != ""
	switch {
	case origin == "":
		if db.server, err = resp.Listen(resp.Limits{}); err != nil {
			return err
		}
		db.Addr = db.server.Addr()
		origin = db.Addr
	case latency > 0:
		if db.server, err = resp.Relay(origin, resp.Limits{}); err != nil {
			return err
		}
		db.Addr = db.server.Addr()
	}
	for i := range keys {
		db.keys = append(db.keys, fmt.Sprintf("boundaries:%d:%d", os.Getpid(), i))
		db.values = append(db.values, []byte(valueOf(i)))
	}
	if db.owner, err = resp.Dial(ctx, origin, patience); err == nil {
		err = db.write()
	}
	switch {
	case err != nil && db.shared:
		return fmt.Errorf("the Redis that %s names: %w", Address, err)
	case err != nil:
		return err
	case db.shared:
		closing, stop := context.WithCancel(context.Background())
		db.stop = stop
		db.renewal.Go(func() { db.renew(closing) })
	}
	if db.server != nil {
		db.server.SetServiceTime(latency)
	}
	for range InFlight {
		c, err := sock.Dial(ctx, db.Addr)
		if err != nil {
			return fmt.Errorf("connecting to the database: %w", err)
		}
		db.conns = append(db.conns, c)
	}
	return nil
}

// write gives every key its value, in a real Redis for its lifetime.
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

// renew writes the keys again and again, until the database is closing. What fails is tried again in
// time, and if it fails for good, so does Close.
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

// Close closes the connections and ends what was started. It deletes the keys
// from a real Redis, and returns the error of that.
func (db *Database) Close() (err error) {
	for _, c := range db.conns {
		c.Close() // the event loop has closed them already if something failed
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

// Workload returns the variants as rows, each with a database of its own whose
// answers take the latency.
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
				Run:   func(n int) { got = v.Run(db, n) },
				Check: func(n int) error { return suite.Compare(got, Want(0, n)) },
				Close: db.Close,
			}, nil
		}})
	}
	return w
}

// Want returns what comes of n questions, which ask for the keys in turn.
func Want(_, n int) Answer {
	var all, rest Histogram // of all keys, and of those of the last, unfinished turn
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

// ask asks question i on a connection and returns the size of the answer.
func (db *Database) ask(c *resp.Conn, i int) (size int, right bool, err error) {
	value, err := c.Get(db.keys[i%keys])
	return len(value), err == nil && bytes.Equal(value, db.values[i%keys]), err
}

// check panics if a variant is asked for less than nothing.
func check(n int) {
	if n < 0 {
		panic(fmt.Sprintf("asyncio: %d questions, need none or more", n))
	}
}
