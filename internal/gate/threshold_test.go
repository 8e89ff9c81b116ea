package gate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// A difference that the test confirms and that is less than the threshold is no
// regression.
func TestDifferencesBelowTheThreshold(t *testing.T) {
	d := &Data{}
	add(t, d, Base, "X", "ns/op", steady...)
	for _, v := range steady {
		add(t, d, Head, "X", "ns/op", v*1.02)
	}
	got := Default.decideOnce(d).Results[0]
	require.LessOrEqual(t, got.Adjusted, Default.Alpha, "it is confirmed")
	require.Equal(t, Unchanged, got.Verdict)
}

// The more suspects there are, the larger a change in one cell must be to be seen.
func TestDetectableCountsTheSuspects(t *testing.T) {
	detectable := map[int]float64{}
	for _, suspects := range []int{1, 20} {
		d := &Data{}
		add(t, d, Base, "Calm", "ns/op", steady...)
		add(t, d, Head, "Calm", "ns/op", steady...)
		for i := range suspects {
			add(t, d, Base, fmt.Sprint("Slow", i), "ns/op", steady...)
			add(t, d, Head, fmt.Sprint("Slow", i), "ns/op", slow...)
		}
		decision := Default.Decide(d, d)
		require.Equal(t, suspects, decision.Suspects)
		detectable[suspects] = decision.Results[0].Detectable
	}
	require.Greater(t, detectable[20], 1.1*detectable[1])
}

// A p-value that would confirm a difference in one cell is not enough for two cells.
func TestTwoTestsAskForMore(t *testing.T) {
	for cells, want := range map[int]bool{1: true, 2: false} {
		d := &Data{}
		add(t, d, Base, "X", "ns/op", 100, 101, 102, 103, 104)
		add(t, d, Head, "X", "ns/op", 103.5, 103.6, 120, 121, 122) // p is 0.03
		for i := 1; i < cells; i++ {
			add(t, d, Base, "Calm", "ns/op", steady[:5]...)
			add(t, d, Head, "Calm", "ns/op", steady[:5]...)
		}
		got := Default.decideOnce(d).Results[0]
		require.Equal(t, want, got.Verdict == Regression, "%+v", got)
	}
}
