package suite

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A row of New runs on the workers for which it is open, and its answer must be right for
// them and for its steps.
func TestNew(t *testing.T) {
	type answer struct{ workers, n int }
	run := func(workers, n int) answer { return answer{workers, n} }
	names := []string{"gil", "atomic"}
	rows := Rows(names, func(name string) Row[answer] { return Row[answer]{name, run} })
	w := New("Fake", "sync", "fake", rows, run, func(elapsed time.Duration, n int) []Metric {
		return []Metric{{"ns", float64(elapsed) / float64(n)}}
	})
	require.Len(t, w.Benches, len(names))
	for i, b := range w.Benches {
		require.Equal(t, names[i], b.Name)
		s, err := b.Open(3)
		require.NoError(t, err)
		s.Run(7)
		require.NoError(t, s.Check(7))
		require.EqualError(t, s.Check(8), "got {3 7}, want {3 8}")
		require.Equal(t, []Metric{{"ns", 10}}, s.Metrics(70, 7))
	}
}
