// Package respond measures how fast a program answers events while it computes.
//
// An event is a byte that a user sends over a socket. A step ends when the user has
// the answer. With load=idle the program has nothing else to do. With load=busy one
// task, thread or goroutine also computes without pause. This is the article's window
// that must stay responsive during a long operation, and it shows the difference
// between cooperative and preemptive switching. With load=stuck a computation begins
// just before each event. It never yields and never checks whether another thread has
// requested the lock. If it had no end, some rows would never answer an event. So it
// ends when the event is answered, or 100 ms after the event was sent. A latency of
// 100 ms or more means that the program could not answer until the computation ended;
// a shorter one means that it answered while computing.
//
// The latencies are the result: p50-ns and p99-ns, exact, by nearest rank. The slow
// rows answer fewer than 100 events in a run of the default length; their p99 is the
// longest latency.
//
// Look at load=busy and load=stuck:
//
//   - gil.go shows CPython's convoy effect. The thread that answers releases the lock
//     to read and to write. If the computing thread takes it meanwhile, the thread must
//     wait for a switch interval of 5 ms to get it back, however short the read or write
//     was. A thread that is stuck does not see the request for the lock.
//   - event_loop.go shows that a task that computes keeps all others waiting until it
//     yields, here every 10 ms. An event waits until the loop asks its selector, and
//     then once more, because the computing task was ready earlier: one or two slices
//     of 10 ms. In asyncio, and here without a selector, it waits for one more, because
//     the selector wakes a callback, and only that wakes the task. A task that is stuck
//     stops the loop.
//   - goroutine.go shows what Go does. The computation keeps one processor, and the
//     answer comes from another, whatever the computation does.
//
// The user is a goroutine of this process. At GOMAXPROCS=1 the user waits for the
// computation just as the program does, and all rows show Go's time slice of 10 ms,
// once or several times; the GIL's 5 ms are visible only with two procs. The user
// sends the next event when the last one was answered. So ns/op is the mean latency,
// plus the time to start and end the run and, with load=stuck, the time to start
// each computation.
//
// There are no rows with locks or atomics: one thread answers, and there is no shared
// state to guard.
package respond

import (
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"boundaries/internal/fork"
	"boundaries/internal/suite"
)

// Load is what the program does beside answering events.
type Load int

const (
	Idle  Load = iota // nothing
	Busy              // it computes without pause
	Stuck             // it computes beside each event, and never yields or gives the lock up
)

// A Variant is a way to answer.
type Variant struct {
	Name string // the value of the key sync=

	// Run answers n events, records their latencies in latencies, and returns how
	// many got the right answer in the right order.
	Run func(load Load, n int, latencies *Latencies) (right int)
}

// Variants lists the ways to answer, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{Name: "gil", Run: runGIL},
	{Name: "event-loop", Run: runEventLoop},
	{Name: "goroutine", Run: runGoroutine},
}

// Workload returns the variants under this load as rows. They report p50-ns and
// p99-ns. The number of workers has no effect.
func (l Load) Workload(name string) suite.Workload {
	w := suite.Workload{Name: name, Key: "sync", Folder: "asyncio/respond"}
	for _, v := range Variants {
		w.Benches = append(w.Benches, suite.Bench{Name: v.Name, Open: func(workers int) (suite.Session, error) {
			var latencies Latencies
			var right int
			return suite.Session{
				Run: func(n int) {
					fork.Check("respond", workers, n)
					right = v.Run(l, n, &latencies)
				},
				Check: func(n int) error {
					if latencies.err != nil {
						return latencies.err
					}
					return suite.Compare(right, n)
				},
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

// Latencies are the latencies of the events of one run, and the error that ended it
// early. The zero value is empty.
type Latencies struct {
	samples []time.Duration
	err     error
	every   int // the latency of each every-th event is a sample
}

// maxSamples bounds the memory. If there are more events, only some of them, evenly
// spread, are samples.
const maxSamples = 1 << 20

func (l *Latencies) reset(n int) {
	l.err = nil
	l.every = n/maxSamples + 1
	l.samples = slices.Grow(l.samples[:0], n/l.every+1)
}

func (l *Latencies) note(event int, d time.Duration) {
	if event%l.every == 0 {
		l.samples = append(l.samples, d)
	}
}

// Percentile returns the latency that p percent of the samples do not exceed, by
// nearest rank: always an observed one. Without samples it returns 0. It sorts the
// samples. It panics if p is greater than 100.
func (l *Latencies) Percentile(p float64) time.Duration {
	if len(l.samples) == 0 {
		return 0
	}
	slices.Sort(l.samples)
	rank := int(math.Ceil(p / 100 * float64(len(l.samples))))
	return l.samples[max(rank, 1)-1]
}

// answer returns the right answer to an event.
func answer(event byte) byte { return event + 1 }

// A user sends events and waits for their answers.
type user struct {
	conn  net.Conn
	right int
	done  chan struct{} // closed after the last answer; right is not written after that
	op    *operation    // nil unless the load is Stuck
}

// dial connects a user with the program over loopback. It returns the user, and the
// program's end of the connection.
func dial(load Load) (*user, net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("respond: %v", err))
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(fmt.Sprintf("respond: %v", err))
	}
	program, err := listener.Accept()
	if err != nil {
		panic(fmt.Sprintf("respond: %v", err))
	}
	u := &user{conn: conn, done: make(chan struct{})}
	if load == Stuck {
		u.op = &operation{wanted: make(chan struct{}), begun: make(chan struct{}, 1)}
	}
	return u, program
}

// play sends n events, each after the answer to the last one, and hangs up.
func (u *user) play(n int, latencies *Latencies) {
	defer close(u.done)
	defer u.conn.Close()
	if u.op != nil {
		defer close(u.op.wanted)
		defer u.op.endAt(time.Time{})
	}
	latencies.reset(n)
	var event [1]byte
	for i := range n {
		sent := byte(i)
		event[0] = sent
		if u.op != nil {
			u.op.begin()
		}
		began := time.Now()
		if u.op != nil {
			u.op.endAt(began.Add(patience))
		}
		_, err := u.conn.Write(event[:])
		if err == nil {
			_, err = io.ReadFull(u.conn, event[:])
		}
		if err != nil {
			latencies.err = fmt.Errorf("respond: event %d has no answer: %w", i, err)
			return
		}
		latencies.note(i, time.Since(began))
		if u.op != nil {
			u.op.endAt(began) // at once
		}
		if event[0] == answer(sent) {
			u.right++
		}
	}
}

// A computation goes on until stop is set.
type computation struct {
	stop   atomic.Bool
	result uint64
}

// chunk does a small piece of the computation, which takes about a hundred
// nanoseconds.
func (c *computation) chunk() {
	x := c.result | 1
	for range 64 {
		x = x*6364136223846793005 + 1442695040888963407
	}
	c.result = x
}

// patience is how long an operation goes on after the event was sent, if no answer
// comes.
const patience = 100 * time.Millisecond

// An operation is a long computation that never yields or gives the lock up. The
// user requests one before each event and sets when it ends.
type operation struct {
	wanted chan struct{}             // requests an operation; closed after the last one
	begun  chan struct{}             // reports that it has begun; capacity 1
	end    atomic.Pointer[time.Time] // when it ends; nil from its beginning until the user sets it
}

// begin starts an operation, and returns when it computes.
func (o *operation) begin() {
	o.wanted <- struct{}{}
	<-o.begun
}

func (o *operation) endAt(t time.Time) { o.end.Store(&t) }

// run is the operation. It neither ticks nor yields.
func (o *operation) run(c *computation) {
	o.end.Store(nil)
	o.begun <- struct{}{}
	for end := o.end.Load(); end == nil || time.Now().Before(*end); end = o.end.Load() {
		c.chunk()
	}
}
