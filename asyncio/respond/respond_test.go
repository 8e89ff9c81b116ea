package respond

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/suite/suitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(suitetest.Watched{M: m}) }

func TestEveryEventIsAnsweredInItsOrder(t *testing.T) {
	for load, counts := range map[Load][]int{Idle: {0, 1, 7, 1000}, Busy: {0, 1, 7}, Stuck: {0, 1, 3}} {
		for _, v := range Variants {
			t.Run(fmt.Sprintf("load=%d/%s", load, v.Name), func(t *testing.T) {
				suitetest.Guard(t, "an event is not answered")
				for _, n := range counts {
					var latencies Latencies
					require.Equal(t, n, v.Run(load, n, &latencies))
					require.Len(t, latencies.samples, n)
				}
			})
		}
	}
}

// Under load=busy and load=stuck, each row computes beside its events. One event may be too
// short to see that.
func TestBusyComputes(t *testing.T) {
	stacks := make([]byte, 1<<16)
	for _, load := range []Load{Busy, Stuck} {
		for _, v := range Variants {
			computes := false
			for run := 0; run < 100 && !computes; run++ {
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					v.Run(load, 1, new(Latencies))
				}()
				for over := false; !over && !computes; {
					computes = bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*computation).chunk"))
					select {
					case <-ended:
						over = true
					default:
					}
				}
				<-ended
			}
			require.True(t, computes, "load=%d/%s", load, v.Name)
		}
	}
}

// A wrong answer does not count.
func TestWrongAnswer(t *testing.T) {
	near, far := net.Pipe()
	go func() {
		var event [1]byte
		for {
			if _, err := far.Read(event[:]); err != nil {
				return
			}
			if event[0] != 1 { // an echo is no answer
				event[0] = answer(event[0])
			}
			far.Write(event[:])
		}
	}()
	u := &user{conn: near, done: make(chan struct{})}
	u.play(3, new(Latencies))
	require.Equal(t, 2, u.right)
}

// If the connection fails, the row's error says how. The next run begins without it.
func TestConnectionThatFails(t *testing.T) {
	defer func(old []Variant) { Variants = old }(Variants)
	var reads int64 // of the program
	Variants = []Variant{{Name: "spam", Run: func(_ Load, n int, latencies *Latencies) int {
		near, far := net.Pipe()
		program := io.LimitReader(far, reads)
		go func() {
			io.Copy(io.Discard, program)
			far.Close()
		}()
		u := &user{conn: near, done: make(chan struct{})}
		u.play(n, latencies)
		return u.right
	}}}
	s, err := Idle.Workload("Respond").Benches[0].Open(1)
	require.NoError(t, err)
	for _, want := range []error{io.ErrClosedPipe, io.EOF} {
		s.Run(3)
		require.EqualError(t, s.Check(3), "respond: event 0 has no answer: "+want.Error())
		require.ErrorIs(t, s.Check(3), want)
		s.Run(0)
		require.NoError(t, s.Check(0))
		reads++
	}
}

// The computation that is stuck ends with the answer. In virtual time its patience, which
// would end it too, is never over. The hour that it takes to begin is not part of a latency.
func TestOperationEndsWithTheAnswer(t *testing.T) {
	suitetest.Guard(t, "the computation goes on after the answer")
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		u := &user{conn: near, done: make(chan struct{}), op: &operation{wanted: make(chan struct{}), begun: make(chan struct{}, 1)}}
		go func() {
			var event [1]byte
			for {
				if _, err := far.Read(event[:]); err != nil {
					return
				}
				event[0] = answer(event[0])
				far.Write(event[:])
			}
		}()
		go func() {
			var c computation
			for range u.op.wanted {
				time.Sleep(time.Hour)
				u.op.run(&c)
			}
		}()
		var latencies Latencies
		u.play(3, &latencies)
		require.Equal(t, 3, u.right)
		require.Zero(t, latencies.Percentile(100))
	})
}

// A computation that never yields delays an event until it ends, if it holds a lock
// or a loop.
func TestStuckHoldsUp(t *testing.T) {
	for name, run := range map[string]func(Load, int, *Latencies) int{"gil": runGIL, "event-loop": runEventLoop} {
		var latencies Latencies
		require.Equal(t, 3, run(Stuck, 3, &latencies), name)
		for _, d := range latencies.samples {
			require.GreaterOrEqual(t, d, patience, name)
		}
	}
}

// The thread that answers has no lock while it reads or writes.
func TestSystemCallsWithoutTheLock(t *testing.T) {
	code, err := os.ReadFile("gil.go")
	require.NoError(t, err)
	for _, call := range []string{"Read", "Write"} {
		require.Regexp(t, `lock\.Release\(&t\)\s+_, err :?= conn\.`+call+`\(event\[:\]\)\s+lock\.Acquire\(&t\)`, string(code))
	}
}

// A row's session reports the results of its last run.
func TestWorkload(t *testing.T) {
	for _, b := range Idle.Workload("Respond/load=idle").Benches {
		s, err := b.Open(2)
		require.NoError(t, err)
		for _, n := range []int{40, 30} {
			s.Run(n)
			require.NoError(t, s.Check(n))
			require.Error(t, s.Check(n+1))
			m := s.Metrics(time.Second, n)
			require.Equal(t, []string{"p50-ns", "p99-ns"}, []string{m[0].Unit, m[1].Unit})
			require.Positive(t, m[0].Value)
			require.Greater(t, m[1].Value, m[0].Value, "the longest of a few, and the median")
		}
	}
}

// A row runs under the load of its workload.
func TestLoadOfARow(t *testing.T) {
	defer func(old []Variant) { Variants = old }(Variants)
	var ran Load
	Variants = []Variant{{Name: "spam", Run: func(load Load, n int, _ *Latencies) int {
		ran = load
		return n
	}}}
	for _, load := range []Load{Stuck, Busy, Idle} {
		s, err := load.Workload("Respond").Benches[0].Open(1)
		require.NoError(t, err)
		s.Run(1)
		require.Equal(t, load, ran)
	}
}

func TestMisuse(t *testing.T) {
	for _, b := range Idle.Workload("Respond/load=idle").Benches {
		for workers, text := range map[int]string{0: "respond: 0 workers, need at least one", 1: "respond: -1 steps, need none or more"} {
			s, err := b.Open(workers)
			require.NoError(t, err)
			require.PanicsWithValue(t, text, func() { s.Run(-workers) }, b.Name)
		}
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

func TestPercentile(t *testing.T) {
	var l Latencies
	require.Zero(t, l.Percentile(50))
	for _, test := range []struct {
		n        int
		p50, p99 time.Duration
	}{
		{1, 1, 1},
		{2, 1, 2},
		{4, 2, 4},
		{99, 50, 99},
		{100, 50, 99},
		{101, 51, 100},
		{200, 100, 198},
	} {
		l.reset(test.n)
		for i := range test.n {
			l.note(i, time.Duration(test.n-i)) // the longest first
		}
		require.Equal(t, test.p50, l.Percentile(50), "%d samples", test.n)
		require.Equal(t, test.p99, l.Percentile(99), "%d samples", test.n)
	}
}

// If there are many events, only some of them, evenly spread, are samples.
func TestSamplesAreBounded(t *testing.T) {
	var l Latencies
	for _, n := range []int{maxSamples - 1, maxSamples, maxSamples + 1, 5*maxSamples + 3} {
		l.reset(n)
		room := cap(l.samples)
		for i := range n {
			l.note(i, time.Duration(i))
		}
		require.LessOrEqual(t, len(l.samples), maxSamples)
		require.Greater(t, len(l.samples), maxSamples/3)
		require.Equal(t, room, cap(l.samples), "grew while timed")
		require.Greater(t, slices.Max(l.samples), time.Duration(n-n/1000-10))
	}
}

func Example() {
	var latencies Latencies
	right := runGoroutine(Busy, 100, &latencies)
	fmt.Println(right, "events answered; some took time:", latencies.Percentile(99) > 0)
	// Output:
	// 100 events answered; some took time: true
}

// The task that computes gives the turn away once a slice. So an event that comes while it
// computes waits for the rest of the slice, also on two processors.
func TestEventsWaitForTheSlice(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for range 3 {
		var latencies Latencies
		require.Equal(t, 12, runEventLoop(Busy, 12, &latencies))
		early := 0
		for _, l := range latencies.samples {
			if l < slice/10 {
				early++
			}
		}
		require.Less(t, early, 6, "answers in less than a tenth of a slice, of 12")
	}
}
