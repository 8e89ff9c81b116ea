package fib

import (
	"fmt"
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/procs/internal/children"
)

// runGoroutine has a goroutine in the place of each child. Python programmers hoped
// that threads would be like this.
//
// Cost: the calls. There is no process and no message.
// Progress: wait-free.
func runGoroutine(p *children.Pool, n int) (int, error) {
	var sum atomic.Int64
	fork.Run("procs", p.Workers, n, func(_, n int) {
		mine := int64(0)
		for range n {
			mine += int64(fib(size))
		}
		sum.Add(mine)
	})
	if got, want := sum.Load(), int64(n)*value; got != want {
		return 0, fmt.Errorf("the sum is %d, want %d", got, want)
	}
	return n, nil
}
