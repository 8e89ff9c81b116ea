package all

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/fibsize"
	"boundaries/internal/suite"
	"boundaries/internal/suite/suitetest"
)

// Rows of another fib have names of their own, so that no claim takes them for fib(20).
func TestSized(t *testing.T) {
	for value, want := range map[string]string{"": "gil", "1": "gil/fib=1", "30": "gil/fib=30"} {
		t.Setenv(fibsize.Variable, value)
		require.Equal(t, want, sized(suite.Workload{Benches: []suite.Bench{{Name: "gil"}}}).Benches[0].Name)
	}
}

// A caller that changes its list changes no other.
func TestListsAreTheCallers(t *testing.T) {
	Workloads()[0].Name = "changed"
	require.NotEqual(t, "changed", Workloads()[0].Name)
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
		"ForkJoin":           "got {65676 65670}, want {76622 76615}", // and a metric
	} {
		s := open(t, name, 3)
		s.Run(6)
		require.NoError(t, s.Check(6), name)
		require.EqualError(t, s.Check(7), want, name)
		require.Equal(t, name == "SharedLoopBoxed" || name == "ForkJoin", s.Metrics != nil, name)
	}
}

// Of two workloads that only their times tell apart, the second takes many times as long. The
// fastest of a few runs counts, and a busy machine gets more of them.
func TestTimesFitTheNames(t *testing.T) {
	suitetest.Once(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4)) // on one, the load busy is nearly as slow as stuck
	const patience = 10 * time.Second
	for _, test := range []struct {
		short, long string
		rounds, n   int
		times       time.Duration
	}{
		{"WorkerPool/task=empty", "WorkerPool/task=1us", 20, 1000, 10},
		{"WorkerPool/task=1us", "WorkerPool/task=io", 20, 2, 20},
		{"Respond/load=idle", "Respond/load=busy", 10, 1, 5},
		{"Respond/load=busy", "Respond/load=stuck", 3, 1, 5},
		{"AsyncIO/latency=0", "AsyncIO/latency=1ms", 20, 2, 5},
	} {
		rows := []suite.Session{open(t, test.short, 1), open(t, test.long, 1)}
		fastest := []time.Duration{patience, patience}
		end := time.Now().Add(patience)
		for round := 0; round < test.rounds || fastest[1] < test.times*fastest[0] && time.Now().Before(end); round++ {
			for i, row := range rows {
				began := time.Now()
				row.Run(test.n)
				fastest[i] = min(fastest[i], time.Since(began))
			}
		}
		require.GreaterOrEqual(t, fastest[1], test.times*fastest[0], "%s, and before it %s", test.long, test.short)
	}
}
