package fibsize

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVariable(t *testing.T) {
	for _, test := range []struct {
		value string
		n     int // 0 if the value is not valid
	}{
		{"", 15}, {"1", 1}, {"30", 30}, {"50", 50},
		{"0", 0}, {"51", 0}, {"-1", 0}, {"x", 0}, {" 30", 0}, {"3e1", 0}, {"99999999999999999999", 0},
	} {
		t.Setenv(Variable, test.value)
		if test.n == 0 {
			require.EqualError(t, Check(), `BOUNDARIES_FIB is "`+test.value+`", want an integer from 1 to 50`)
			require.Equal(t, 15, N(15), "%q", test.value)
			continue
		}
		require.NoError(t, Check())
		require.Equal(t, test.n, N(15), "%q", test.value)
	}
}

func TestValue(t *testing.T) {
	for n, want := range map[int]int64{0: 1, 1: 1, 2: 2, 15: 987, 20: 10946, 30: 1346269, 40: 165580141, 50: 20365011074} {
		require.Equal(t, want, Value(n), "fib(%d)", n)
	}
}
