package asyncio

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a database that is closed when the test is over.
func open(t testing.TB, latency time.Duration) *Database {
	db, err := Open(t.Context(), latency)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestEveryAnswerIsRightAndRecordedOnce(t *testing.T) {
	db := open(t, 0)
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			for _, n := range []int{0, 1, 7, InFlight - 1, InFlight, InFlight + 1, keys, 2000} {
				require.Equal(t, Want(1, n), v.Run(db, n), "%d questions", n)
			}
		})
	}
}

func TestWithLatency(t *testing.T) {
	db := open(t, time.Millisecond)
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			began := time.Now()
			require.Equal(t, Want(1, 70), v.Run(db, 70))
			if v.Name == "serial" {
				require.GreaterOrEqual(t, time.Since(began), 70*time.Millisecond)
			}
			// 64 in flight: two after one another on some connections.
			require.GreaterOrEqual(t, time.Since(began), 2*time.Millisecond)
		})
	}
}

func TestWant(t *testing.T) {
	var h Histogram
	for n := range 3 * keys {
		require.Equal(t, Answer{Right: n, Histogram: h}, Want(1, n))
		h.record(len(valueOf(n % keys)))
	}
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			require.PanicsWithValue(t, "asyncio: -1 questions, need none or more", func() { v.Run(nil, -1) })
		})
	}
}

func Example() {
	db, err := Open(context.Background(), 0)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	for _, v := range Variants {
		a := v.Run(db, 1000)
		fmt.Println(v.Name, a.Right, a.Count, a.Sum)
	}
	// Output:
}
