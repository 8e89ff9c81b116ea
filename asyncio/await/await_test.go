package await

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTurnIsHandedOver(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			for workers := 1; workers <= 9; workers++ {
				for _, n := range []int{0, 1, 2, 3, 7, 1000} {
					require.Equal(t, Want(workers, n), v.Run(workers, n), "%d workers, %d steps", workers, n)
				}
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.PanicsWithValue(t, "await: 0 workers, need at least one", func() { v.Run(0, 1) })
			require.PanicsWithValue(t, "await: -1 steps, need none or more", func() { v.Run(1, -1) })
		})
	}
}

func Example() {
	for _, v := range Variants {
		fmt.Println(v.Name, v.Run(1, 1000))
	}
	// Output:
	// event-loop 1000
	// goroutine 1000
	// thread 1000
}
