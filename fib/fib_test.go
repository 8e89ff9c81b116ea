package fib

import (
	"fmt"
	"testing"

	"boundaries/internal/gil"
	"boundaries/internal/suite/suitetest"
)

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func TestAnswerIsExact(t *testing.T) { suitetest.Exact(t, Variants, Want, 0, 1, 7, 23) }

func TestGILTicks(t *testing.T) {
	var lock gil.GIL
	var thread gil.Thread
	var calls int64
	suitetest.Ticks(t, &lock, &thread, func() { fibGIL(1, &lock, &thread, &calls) })
}

func TestMisuse(t *testing.T) { suitetest.Misuse(t, "fib", Variants) }

func Example() {
	var calls int64
	value := fibPrivate(20, &calls)
	fmt.Println(value, "in", calls, "calls")
	// Output: 10946 in 21891 calls
}
