package asyncio

import (
	"fmt"
	"sync/atomic"

	"boundaries/asyncio/resp"
	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
)

// clients is how many goroutines share the connections of a pool. It is twice the number
// of connections, so that some client always waits for the next one that becomes idle.
const clients = 2 * inFlight

// A run is one run of a variant.
type run struct {
	db      *Database
	conns   []conn                // by slot
	failure atomic.Pointer[error] // the first one; ends the run
}

// A conn is a connection and the results of the questions asked on it. It belongs to
// the client that has taken it.
type conn struct {
	*resp.Conn
	taken atomic.Bool // checks the pool
	right int
	h     Histogram
	_     cacheline.Pad
}

func newRun(db *Database) *run {
	r := &run{db: db, conns: make([]conn, inFlight)}
	for slot, c := range db.conns {
		r.conns[slot].Conn = resp.NewConn(c, patience)
	}
	return r
}

func (r *run) fail(err error) { r.failure.CompareAndSwap(nil, &err) }

// ask asks question i on a connection that the caller has taken.
func (r *run) ask(c *conn, i int) {
	size, right, err := r.db.ask(c.Conn, i)
	if err != nil {
		r.fail(err)
		return
	}
	if right {
		c.right++
	}
	c.h.record(size)
}

// answer returns the result of the run. All clients must have ended.
func (r *run) answer() (a Answer) {
	for i := range r.conns {
		a.Right += r.conns[i].right
		a.add(&r.conns[i].h)
	}
	if err := r.failure.Load(); err != nil {
		a.Err = *err
	}
	return a
}

// share asks n questions from clients that share the connections. For each question
// a client waits for its turn, takes a connection out of the pool, asks on it, and
// puts it back. A connection is known by its slot, from 0 to inFlight-1.
//
// There are as many turns at a time as connections, so share calls take only while the
// pool has an idle one. If take finds none nevertheless, it returns -1 or goes on looking. A
// put must synchronize before the take that returns the same slot.
//
// All variants with a pool share this driver: two calls through function values do not
// show in a step of several thousand nanoseconds.
func (db *Database) share(n int, take func(client int) (slot int), put func(client, slot int)) Answer {
	r := newRun(db)
	t := newTurns()
	fork.Run("asyncio", clients, clients, func(client, _ int) {
		for i := t.begin(n); i < n; i = t.begin(n) {
			if r.failure.Load() != nil {
				t.end()
				return
			}
			slot := take(client)
			switch {
			case slot < 0:
				r.fail(fmt.Errorf("asyncio: the pool has lost a connection: none is idle, and fewer than %d are in use", inFlight))
			case !r.conns[slot].taken.CompareAndSwap(false, true):
				r.fail(fmt.Errorf("asyncio: the pool gave connection %d to two clients at once", slot))
			default:
				r.ask(&r.conns[slot], i)
				r.conns[slot].taken.Store(false)
				put(client, slot)
			}
			t.end()
		}
	})
	return r.answer()
}

// A turns lets inFlight clients have a turn at a time, first come, first served. It
// has no lock, because some of the variants have none. A client draws a ticket,
// which is also the number of its question, and waits at the ticket's gate for a
// token. There are inFlight tokens, which clients pass on.
type turns struct {
	_     cacheline.Pad
	drawn atomic.Int64 // tickets
	_     cacheline.Pad
	begun atomic.Int64 // turns
	_     cacheline.Pad
	gates [clients]chan struct{} // capacity 1; ticket i waits at gate i modulo clients
}

func newTurns() *turns {
	t := &turns{}
	for i := range t.gates {
		t.gates[i] = make(chan struct{}, 1)
	}
	for range inFlight {
		t.end()
	}
	return t
}

// begin begins a turn and returns its number. It waits while inFlight other clients
// have turns. If n turns have begun already, it returns n or more, and there is no
// turn.
func (t *turns) begin(n int) int {
	i := t.drawn.Add(1) - 1
	if i < int64(n) {
		<-t.gates[i%clients]
	}
	return int(i)
}

// end ends a turn and lets the turn of the next ticket begin. The turn that ends
// synchronizes before the turn that begins.
func (t *turns) end() { t.gates[(t.begun.Add(1)-1)%clients] <- struct{}{} }

// slots returns the slots of all connections, in a slice with room for more.
func slots() []int {
	all := make([]int, inFlight, 2*inFlight)
	for slot := range all {
		all[slot] = slot
	}
	return all
}

// pop takes the last slot out of idle, or returns -1 if idle is empty.
func pop(idle []int) (slot int, rest []int) {
	last := len(idle) - 1
	if last < 0 {
		return -1, idle
	}
	return idle[last], idle[:last]
}
