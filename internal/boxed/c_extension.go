package boxed

import (
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runCExtension is gil.go with an extension that gives the lock away around its
// work, which is nearly the whole program: the extension adds for 4096 steps of
// Loop in one call, and computes a whole fib(15) of Fib. It pays a release and an
// acquisition of the lock for each call, and everything that remains in the
// interpreter, some fifteen instructions a call, is still done one thread at a
// time. Blocking.
//
// It is not automatic: a kernel that is too short to be worth it keeps the lock,
// as hashlib does below 2048 bytes.
func runCExtension(p *Program, workers, n int) Answer {
	fork.Check("boxed", workers, n)
	s := p.buildWith(p.native, workers)
	var lock gil.GIL
	var value atomic.Int64
	fork.Run("boxed", workers, n, func(worker, n int) {
		t := &gilThread{machine: machine{space: s}, gil: &lock}
		lock.Acquire(&t.identity)
		value.Add(t.run(worker, n))
		lock.Release(&t.identity)
	})
	t := &gilThread{machine: machine{space: s}, gil: &lock}
	return Answer{value.Load(), s.close(t.drop)}
}
