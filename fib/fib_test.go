package fib

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/gil"
	"boundaries/internal/suite/suitetest"
)

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func TestAnswerIsExact(t *testing.T) { suitetest.Exact(t, Variants, Want, 0, 1, 7, 23) }

// A thread that computes gives the lock to one that waits.
func TestGILTicks(t *testing.T) {
	suitetest.Guard(t, "the thread that waits for the lock does not get it")
	lock := gil.GIL{Interval: time.Millisecond}
	var computing, waiting gil.Thread
	lock.Acquire(&computing)
	var took atomic.Bool
	go func() {
		lock.Acquire(&waiting)
		took.Store(true)
		lock.Release(&waiting)
	}()
	for calls := int64(0); !took.Load(); {
		fibGIL(10, &lock, &computing, &calls)
	}
	lock.Release(&computing)
}

// A step is fib(20) unless the environment says otherwise.
func TestStepIsFibOf20(t *testing.T) {
	if os.Getenv("BOUNDARIES_FIB") != "" {
		t.Skip("BOUNDARIES_FIB is set")
	}
	require.Equal(t, Answer{Sum: 10946, Calls: 21891}, Want(1, 1))
}

// A worker of lock-free adds to its cell once in 64 calls.
func TestLockFreeCountsInPlainMemory(t *testing.T) {
	var cell callsCell
	for range flushEvery - 1 {
		fibLockFree(0, &cell)
	}
	require.Zero(t, cell.calls.Load())
	require.EqualValues(t, 63, cell.pending)
	fibLockFree(0, &cell)
	require.EqualValues(t, 64, cell.calls.Load())
}

// Each row runs on its workers.
func TestWorkers(t *testing.T) { suitetest.Workers(t, Variants) }

func TestMisuse(t *testing.T) { suitetest.Misuse(t, "fib", Variants) }

func Example() {
	var calls int64
	value := fibPrivate(20, &calls)
	fmt.Println(value, "in", calls, "calls")
	// Output: 10946 in 21891 calls
}
