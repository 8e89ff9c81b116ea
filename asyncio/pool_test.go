package asyncio

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// A pool that breaks its promise ends the run with an error that says how.
func TestBrokenPools(t *testing.T) {
	for _, test := range []struct {
		want string
		take func(client int) int
	}{
		{"asyncio: the pool gave connection 7 to two clients at once", func(int) int { return 7 }},
		{"asyncio: the pool has lost a connection: none is idle, and fewer than 64 are in use", func(int) int { return -1 }},
	} {
		db := open(t, 0)
		a := db.share(1<<30, test.take, func(_, slot int) {})
		require.EqualError(t, a.Err, test.want)
		require.EqualValues(t, a.Right, a.Count)
	}
}

// No more than inFlight connections are out of the pool at once, from the beginning of a
// take to the end of the put, however long that takes.
func TestPutBelongsToTheTurn(t *testing.T) {
	db := open(t, 0)
	idle := make(chan int, inFlight)
	for _, slot := range slots() {
		idle <- slot
	}
	var out, most atomic.Int32
	var had [clients]atomic.Bool // a turn
	a := db.share(1000, func(client int) int {
		had[client].Store(true)
		if n := out.Add(1); n > inFlight {
			most.Store(n)
		}
		return <-idle
	}, func(_, slot int) {
		idle <- slot
		for range 50 {
			runtime.Gosched()
		}
		out.Add(-1)
	})
	require.NoError(t, a.Err)
	require.Zero(t, most.Load(), "connections are out of the pool at once")
	all := 0
	for i := range had {
		if had[i].Load() {
			all++
		}
	}
	require.Greater(t, all, inFlight, "clients, some of which wait for a turn")
}

// A client takes what it has put into its own stack, or else from the next that is not empty.
func TestShards(t *testing.T) {
	var s shards
	for client := range 2 * len(s) {
		s.put(client, client)
	}
	for _, slot := range []int{len(s) + 3, 3, len(s) + 4} {
		require.Equal(t, slot, s.take(3))
	}
}

// Turns begin in the order of their tickets, inFlight at a time.
func TestTurns(t *testing.T) {
	const n = 3 * clients
	turns := newTurns()
	for i := range n {
		if i >= inFlight {
			turns.end()
		}
		require.Equal(t, i, turns.begin(n))
	}
	for _, gate := range turns.gates {
		require.Empty(t, gate)
	}
	require.Equal(t, n, turns.begin(n), "no turn, and no wait for one")
}

// The head of a stack changes although its top is the same (the ABA problem).
func TestStackHasATag(t *testing.T) {
	var s stack
	require.Equal(t, -1, s.take(0))
	for slot := range 3 {
		s.put(0, slot)
	}
	// A client has read the head, 2, and what is below it, 1.
	head, below := s.head.Load(), s.below[2].Load()
	require.Equal(t, 2, s.take(0))
	require.Equal(t, 1, s.take(0))
	s.put(0, 2)
	require.False(t, s.head.CompareAndSwap(head, next(head, below)), "would put connection 1 back, which is in use")
	require.Equal(t, 2, s.take(0))
	require.Equal(t, 0, s.take(0))
	require.Equal(t, -1, s.take(0))
}

// What different clients write is not on one cache line.
func TestWhatIsApart(t *testing.T) {
	var s stack
	var u turns
	var c conn
	suitetest.Gap(t, "the memory before a stack, and its head", 0, unsafe.Offsetof(s.head))
	suitetest.Gap(t, "a stack's head, and its links", unsafe.Offsetof(s.head)+unsafe.Sizeof(s.head), unsafe.Offsetof(s.below))
	suitetest.Gap(t, "a stack's links, and the memory after it", unsafe.Offsetof(s.below)+unsafe.Sizeof(s.below), unsafe.Sizeof(s))
	suitetest.Gap(t, "the memory before the turns, and the tickets", 0, unsafe.Offsetof(u.drawn))
	suitetest.Gap(t, "the tickets, and the turns that have begun", unsafe.Offsetof(u.drawn)+unsafe.Sizeof(u.drawn), unsafe.Offsetof(u.begun))
	suitetest.Gap(t, "the turns that have begun, and the gates", unsafe.Offsetof(u.begun)+unsafe.Sizeof(u.begun), unsafe.Offsetof(u.gates))
	suitetest.Gap(t, "a connection, and the next one", unsafe.Offsetof(c.h)+unsafe.Sizeof(c.h), unsafe.Sizeof(c))
}

// The error of a run is the first. The failures after it may be its effects.
func TestTheFirstFailureCounts(t *testing.T) {
	r := run{}
	r.fail(io.EOF)
	r.fail(io.ErrClosedPipe)
	require.Equal(t, io.EOF, r.answer().Err)
}
