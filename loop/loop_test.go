package loop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTotalIsExact(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			for workers := 1; workers <= 9; workers++ {
				for _, n := range []int{0, 1, 7, 1000, 10007} {
					require.Equal(t, Total(workers, n), v.Run(workers, n), "%d workers, %d steps", workers, n)
				}
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.PanicsWithValue(t, "loop: 0 workers, need at least one", func() { v.Run(0, 1) })
			require.PanicsWithValue(t, "loop: -1 workers, need at least one", func() { v.Run(-1, 1) })
			require.PanicsWithValue(t, "loop: -1 steps, need none or more", func() { v.Run(1, -1) })
		})
	}
}

func Example() {
	for _, v := range Variants {
		fmt.Println(v.Name, v.Run(4, 1000))
	}
	// Output:
	// serial 2001
	// gil 2001
	// global-mutex 2001
	// sharded-lock 2001
	// atomic 2001
	// lock-free 2001
	// private 2001
	// cas 2001
	// false-sharing 2001
}
