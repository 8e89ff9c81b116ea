package all

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/fibsize"
	"boundaries/internal/suite"
)

// Rows of another fib have names of their own, so that no claim takes them for fib(20).
func TestSized(t *testing.T) {
	for value, want := range map[string]string{"": "gil", "30": "gil/fib=30"} {
		t.Setenv(fibsize.Variable, value)
		require.Equal(t, want, sized(suite.Workload{Benches: []suite.Bench{{Name: "gil"}}}).Benches[0].Name)
	}
}

// open opens the first row of a workload.
func open(t *testing.T, workload string, workers int) suite.Session {
	i := slices.IndexFunc(workloads, func(w suite.Workload) bool { return w.Name == workload })
	require.GreaterOrEqual(t, i, 0, workload)
	s, err := workloads[i].Benches[0].Open(workers)
	require.NoError(t, err)
	if s.Close != nil {
		t.Cleanup(func() { require.NoError(t, s.Close()) })
	}
	return s
}

// A workload whose answer tells what its rows did has the rows that its name says.
func TestAnswersFitTheNames(t *testing.T) {
	fib := fibsize.Value(fibsize.N(15))
	for name, want := range map[string]string{
		"LoopBoxed":          "got {13 0}, want {15 0}",
		"SharedLoopBoxed":    "got {13 0}, want {15 0}", // and a metric
		"CountdownBoxed":     "got {6 0}, want {7 0}",
		"FibBoxed":           fmt.Sprintf("got {%d 0}, want {%d 0}", 6*fib, 7*fib),
		"StoneBoxed":         "got {17448 0}, want {20356 0}",
		"Refcount/share=hot": "got {6 1}, want {7 1}",
		"Refcount/share=own": "got {6 3}, want {7 3}",
	} {
		s := open(t, name, 3)
		s.Run(6)
		require.NoError(t, s.Check(6), name)
		require.EqualError(t, s.Check(7), want, name)
		require.Equal(t, name == "SharedLoopBoxed", s.Metrics != nil, name)
	}
}

// A workload that only its time tells from another takes the time that its name says. Each run
// takes at least that long. On a busy machine a run takes longer, so one that is fast enough
// may be late.
func TestTimesFitTheNames(t *testing.T) {
	const ms, patience = time.Millisecond, 10 * time.Second
	for _, test := range []struct {
		name        string
		n           int
		least, less time.Duration
	}{
		{"WorkerPool/task=empty", 5000, 0, 2 * ms},
		{"WorkerPool/task=1us", 5000, 2 * ms, time.Second},
		{"WorkerPool/task=io", 10, 5 * ms, patience},
		{"Respond/load=idle", 1, 0, 3 * ms},
		{"Respond/load=busy", 1, 3 * ms, 90 * ms},
		{"Respond/load=stuck", 1, 90 * ms, patience},
		{"AsyncIO/latency=0", 10, 0, 5 * ms},
		{"AsyncIO/latency=1ms", 10, 5 * ms, patience},
	} {
		s := open(t, test.name, 1)
		fastest := patience
		for total := time.Duration(0); total < test.least || fastest >= test.less && total < patience; {
			began := time.Now()
			s.Run(test.n)
			took := time.Since(began)
			fastest = min(fastest, took)
			total += took
		}
		require.GreaterOrEqual(t, fastest, test.least, test.name)
		require.Less(t, fastest, test.less, test.name)
	}
}
