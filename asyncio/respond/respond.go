// Package respond answers events while something computes.
//
// An event is a byte that a user sends over a socket; the step ends when the user
// has the answer. With load=idle the program has nothing else to do. With
// load=busy it also computes without pause, in one task, thread or goroutine: the
// article's window that must stay responsive during a long operation, and the
// difference between cooperative and pre-emptive switching that its list of
// options begins with. The latencies are the result: p50-ns and p99-ns, exact, by
// nearest rank. Of fewer than 100 events, which is what 200 ms are good for in the
// slow rows, p99 is the longest.
//
// Look at load=busy. gil.go shows CPython's convoy effect: the thread that answers
// releases the lock to read and to write, and each time has to wait a switch
// interval of 5 ms to get it back, while the other has not even noticed.
// event_loop.go shows that a task that computes keeps everybody waiting until it
// yields, here every 10 ms, because somebody put that line there; and an event
// stands in the queue behind it twice, to be received and to wake its task, as it
// does in asyncio, so that it waits for two or three such slices. goroutine.go
// shows what Go does: the computation keeps one processor, and the answer comes
// from the other.
//
// The user is a goroutine of this process. On one proc it waits for the
// computation just as the program does, and all rows show Go's own time slice of
// 10 ms; a switch interval of 5 ms needs two procs to be one. Events come one at a
// time: the next byte is sent when the last was answered, so ns/op is the mean of
// the latencies, with what it takes to begin and to end.
//
// The rows with shared state are absent: there is one thread that answers, and
// nothing to guard.
package respond

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"boundaries/internal/fork"
	"boundaries/internal/sock"
	"boundaries/internal/suite"
)

// Load is what the program does beside answering.
type Load int

const (
	Idle Load = iota // nothing
	Busy             // it computes without pause
)

// A Variant is a way to answer.
type Variant struct {
	Name string

	// Run answers n events, notes the latency of each, and returns how many got
	// the right answer in their turn.
	Run func(load Load, n int, latencies *Latencies) (right int)
}

// Variants lists the ways to answer, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{"gil", runGIL},
	{"event-loop", runEventLoop},
	{"goroutine", runGoroutine},
}

// Workload returns the variants under this load as rows, which report p50-ns and
// p99-ns. A run panics if there is no worker or n is negative; the number of
// workers has no other use.
func (l Load) Workload(name string) suite.Workload {
	w := suite.Workload{Name: name, Key: "sync", Folder: "asyncio/respond"}
	for _, v := range Variants {
		w.Benches = append(w.Benches, suite.Bench{Name: v.Name, Open: func(workers int) (suite.Session, error) {
			var latencies Latencies
			var right int
			return suite.Session{
				Run: func(n int) {
					fork.Check("respond", workers, n)
					latencies.reset(n)
					right = v.Run(l, n, &latencies)
				},
				Check: func(n int) error { return suite.Compare(right, n) },
				Metrics: func(time.Duration, int) []suite.Metric {
					return []suite.Metric{
						{Unit: "p50-ns", Value: float64(latencies.Percentile(50))},
						{Unit: "p99-ns", Value: float64(latencies.Percentile(99))},
					}
				},
			}, nil
		}})
	}
	return w
}

// Latencies are how long events took. The zero value is empty.
type Latencies struct {
	samples []time.Duration
	every   int // one event in so many is a sample
}

// maxSamples bounds the memory: of more events, only some are samples, evenly
// spread.
const maxSamples = 1 << 20

func (l *Latencies) reset(n int) {
	l.every = n/maxSamples + 1
	l.samples = slices.Grow(l.samples[:0], n/l.every+1)
}

func (l *Latencies) note(event int, d time.Duration) {
	if event%l.every == 0 {
		l.samples = append(l.samples, d)
	}
}

// Percentile returns the latency that p percent of the samples do not exceed, by
// nearest rank: an observed one, the longest if there are few. It is zero if there
// are none, and it reorders the samples.
func (l *Latencies) Percentile(p float64) time.Duration {
	if len(l.samples) == 0 {
		return 0
	}
	slices.Sort(l.samples)
	rank := int(math.Ceil(p / 100 * float64(len(l.samples))))
	return l.samples[max(rank, 1)-1]
}

// answer is what the program answers to an event.
func answer(event byte) byte { return event + 1 }

// A user sends events and waits for their answers.
type user struct {
	conn  *sock.Conn
	right int
	done  chan struct{} // closed when the last answer is there; synchronizes right
}

// dial connects a user with the program over loopback, and returns both ends.
func dial() (*user, *sock.Conn) {
	listener, err := sock.Listen()
	if err != nil {
		panic(fmt.Sprintf("respond: %v", err))
	}
	defer listener.Close()
	conn, err := sock.Dial(context.Background(), listener.Addr())
	if err != nil {
		panic(fmt.Sprintf("respond: %v", err))
	}
	program, err := listener.Accept()
	if err != nil {
		panic(fmt.Sprintf("respond: %v", err))
	}
	return &user{conn: conn, done: make(chan struct{})}, program
}

// play sends n events, one after the other, and hangs up.
func (u *user) play(n int, latencies *Latencies) {
	defer close(u.done)
	defer u.conn.Close()
	var event [1]byte
	for i := range n {
		sent := byte(i)
		event[0] = sent
		began := time.Now()
		if _, err := u.conn.Write(event[:]); err != nil {
			return
		}
		if _, err := io.ReadFull(u.conn, event[:]); err != nil {
			return
		}
		latencies.note(i, time.Since(began))
		if event[0] == answer(sent) {
			u.right++
		}
	}
}

// A computation has no end but the one it is given.
type computation struct {
	stop   atomic.Bool
	result uint64
}

// chunk is a small piece of it: about a hundred nanoseconds.
func (c *computation) chunk() {
	x := c.result | 1
	for range 64 {
		x = x*6364136223846793005 + 1442695040888963407
	}
	c.result = x
}
