package fib

import (
	"fmt"

	"boundaries/procs/internal/children"
)

// runSerial computes on the caller's goroutine, without a child. Compare the other rows
// with it.
//
// Cost: the calls, and nothing else.
// Progress: wait-free.
func runSerial(p *children.Pool, n int) (int, error) {
	for done := range n {
		if got := int64(fib(size)); got != value {
			return done, fmt.Errorf("fib(%d) is %d, want %d", size, got, value)
		}
	}
	return n, nil
}
