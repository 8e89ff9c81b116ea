package respond

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryEventIsAnsweredInItsTurn(t *testing.T) {
	for load, counts := range map[Load][]int{Idle: {0, 1, 7, 1000}, Busy: {0, 1, 7}} {
		var latencies Latencies
		for _, row := range load.Rows(&latencies) {
			t.Run(fmt.Sprintf("load=%d/%s", load, row.Name), func(t *testing.T) {
				for _, n := range counts {
					require.Equal(t, Want(1, n), row.Run(1, n))
					require.Len(t, latencies.samples, n)
				}
			})
		}
	}
}

func TestMisuse(t *testing.T) {
	for _, row := range Idle.Rows(nil) {
		require.PanicsWithValue(t, "respond: 0 workers, need at least one", func() { row.Run(0, 1) })
		require.PanicsWithValue(t, "respond: -1 steps, need none or more", func() { row.Run(1, -1) })
	}
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

// Of many events only some are samples, spread over all of them.
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
	for _, row := range Idle.Rows(&latencies) {
		fmt.Println(row.Name, row.Run(1, 100))
	}
	// Output:
	// gil 100
	// event-loop 100
	// goroutine 100
}
