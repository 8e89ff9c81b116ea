package fib

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswerIsExact(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			for workers := 1; workers <= 9; workers++ {
				for _, n := range []int{0, 1, 7, 23} {
					require.Equal(t, Want(workers, n), v.Run(workers, n), "%d workers, %d steps", workers, n)
				}
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.PanicsWithValue(t, "fib: 0 workers, need at least one", func() { v.Run(0, 1) })
			require.PanicsWithValue(t, "fib: -1 workers, need at least one", func() { v.Run(-1, 1) })
			require.PanicsWithValue(t, "fib: -1 steps, need none or more", func() { v.Run(1, -1) })
		})
	}
}

func Example() {
	for _, v := range Variants {
		fmt.Println(v.Name, v.Run(4, 3))
	}
	// Output:
	// serial {32838 65673}
	// gil {32838 65673}
	// global-mutex {32838 65673}
	// sharded-lock {32838 65673}
	// atomic {32838 65673}
	// lock-free {32838 65673}
	// private {32838 65673}
	// cas {32838 65673}
	// false-sharing {32838 65673}
}
