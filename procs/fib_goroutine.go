package procs

import (
	"sync/atomic"

	"boundaries/internal/fork"
)

// runFibGoroutine has a goroutine in each child's place, which is what Python's
// threads were hoped to be. It pays for no process and no message. Wait-free.
func runFibGoroutine(p *Pool, n int) (int, error) {
	var sum atomic.Int64
	fork.Run("procs", p.workers, n, func(_, n int) {
		mine := 0
		for range n {
			mine += fib(fibN)
		}
		sum.Add(int64(mine))
	})
	if sum.Load() != int64(n)*fibValue {
		return 0, errWrong
	}
	return n, nil
}
