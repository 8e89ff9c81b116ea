// Package respond measures how fast a program answers events while it computes.
//
// An event is a byte that a user sends over a socket. A step ends when the user has
// the answer. With load=idle the program has nothing else to do. With load=busy one
// task, thread or goroutine also computes without pause: the article's window that
// must stay responsive during a long operation, and its difference between
// cooperative and pre-emptive switching. The latencies are the result: p50-ns and
// p99-ns, exact, by nearest rank. The slow rows answer fewer than 100 events in a
// run of the default length; their p99 is the longest latency.
//
// Look at load=busy:
//
//   - gil.go shows CPython's convoy effect. The thread that answers releases the lock
//     to read and to write. Each time it must wait for a switch interval of 5 ms to
//     get the lock back, although the computing thread has not missed it.
//   - event_loop.go shows that a task that computes keeps all others waiting until it
//     yields, here every 10 ms. As in asyncio, an event stands in the queue behind it
//     twice, once to be received and once to wake its task. So an event waits for two
//     or three slices of 10 ms.
//   - goroutine.go shows what Go does. The computation keeps one processor, and the
//     answer comes from another.
//
// The user is a goroutine of this process. At GOMAXPROCS=1 the user waits for the
// computation just as the program does, and all rows show Go's time slice of 10 ms;
// the GIL's 5 ms are visible only with two procs. The user sends the next event when
// the last one was answered, so ns/op is the mean latency, plus starting and ending
// the run.
//
// The disciplines are absent: one thread answers, and there is nothing to guard.
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
	Idle Load = iota // nothing
	Busy             // it computes without pause
)

// A Variant is a way to answer.
type Variant struct {
	Name string

	// Run answers n events, leaves their latencies in latencies, and returns how
	// many got the right answer in their order.
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

// Latencies are the latencies of the events of one run. The zero value is empty.
type Latencies struct {
	samples []time.Duration
	every   int // the latency of each every-th event is a sample
}

// maxSamples bounds the memory. Of more events, only some are samples, evenly
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
// nearest rank: always an observed one. Without samples it returns 0. It sorts the
// samples.
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
}

// dial connects a user with the program over loopback. It returns the user, and the
// program's end of the connection.
func dial() (*user, net.Conn) {
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
	return &user{conn: conn, done: make(chan struct{})}, program
}

// play sends n events, each after the answer to the last one, and hangs up.
func (u *user) play(n int, latencies *Latencies) {
	defer close(u.done)
	defer u.conn.Close()
	latencies.reset(n)
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
