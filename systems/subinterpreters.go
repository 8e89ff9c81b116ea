package systems

import (
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/internal/gil"
)

// runSubinterpreters gives every thread an interpreter of its own: a GIL and a
// space with objects of its own, down to None (PEP 684, Python 3.12). It pays
// with memory, and with a copy of everything that one interpreter tells another:
// here the number of steps on the way in, and the value on the way out. Blocking
// in principle, but nobody else wants the lock.
func runSubinterpreters(p *Program, workers, n int) Answer {
	fork.Check("systems", workers, n)
	threads := make([]*gilThread, workers)
	for i := range threads {
		threads[i] = subinterpreter(p, workers)
	}
	var value, live atomic.Int64
	fork.Run("systems", workers, n, func(worker, n int) {
		t := threads[worker]
		t.gil.Acquire(&t.identity)
		value.Add(t.run(worker, n))
		live.Add(int64(t.close(t.drop)))
		t.gil.Release(&t.identity)
	})
	return Answer{value.Load(), int(live.Load())}
}

// subinterpreter returns the only thread of a new interpreter.
func subinterpreter(p *Program, threads int) *gilThread {
	return &gilThread{machine: machine{space: p.build(threads)}, gil: new(gil.GIL)}
}
