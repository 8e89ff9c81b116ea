package fib

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/fibsize"
	"boundaries/internal/gil"
	"boundaries/internal/suite/suitetest"
)

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func TestAnswerIsExact(t *testing.T) { suitetest.Exact(t, Variants, Want, 0, 1, 7, 23) }

func TestGILTicks(t *testing.T) {
	var lock gil.GIL
	var thread gil.Thread
	var calls int64
	suitetest.Ticks(t, &lock, &thread, func() { fibGIL(1, &lock, &thread, &calls) })
}

// A step is fib(20) unless the environment says otherwise.
func TestStepIsFibOf20(t *testing.T) {
	if os.Getenv("BOUNDARIES_FIB") != "" {
		t.Skip("BOUNDARIES_FIB is set")
	}
	require.Equal(t, Answer{Sum: 10946, Calls: 21891}, Want(1, 1))
}

// The environment sets the size of the steps.
func TestSizeOfTheEnvironment(t *testing.T) {
	if os.Getenv(fibsize.Variable) == "7" {
		require.Equal(t, Answer{Sum: 21, Calls: 41}, runSerial(1, 1))
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), fibsize.Variable+"=7")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
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
