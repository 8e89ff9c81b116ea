package fib

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

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

func TestMisuse(t *testing.T) { suitetest.Misuse(t, "fib", Variants) }

func Example() {
	var calls int64
	value := fibPrivate(20, &calls)
	fmt.Println(value, "in", calls, "calls")
	// Output: 10946 in 21891 calls
}
