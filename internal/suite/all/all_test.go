package all

import (
	"testing"

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
