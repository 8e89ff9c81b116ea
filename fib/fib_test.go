package fib

import (
	"fmt"
	"testing"

	"boundaries/internal/suite/suitetest"
)

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func TestAnswerIsExact(t *testing.T) { suitetest.Exact(t, Variants, Want, 0, 1, 7, 23) }

func TestMisuse(t *testing.T) { suitetest.Misuse(t, "fib", Variants) }

func Example() {
	answer := runGlobalMutex(4, 3)
	fmt.Println(answer.Sum, answer.Calls)
	// Output: 32838 65673
}
