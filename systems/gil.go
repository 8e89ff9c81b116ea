package systems

import "boundaries/internal/gil"

// startGIL starts CPython with the lock of 3.2 to 3.9: only the thread that holds the lock
// executes bytecode. A thread that has waited for 5 ms requests the lock, and the holder
// releases it. Counts and containers are plain memory. The holder checks for a request
// before every instruction. CPython up to 3.9 skips the check before some instructions, and
// later versions check only where gil_jumps.go does.
//
// The eval breaker is the lock's own word: CPython, too, has one word for the
// request to drop the lock and for everything else.
//
// Cost: no parallelism. Two threads are no faster than one.
// Progress: blocking. A waiter waits until the holder reaches its next instruction.
func startGIL(p *Program, threads int) interpreter { return startLocked(p, p.thread, threads) }

// startLocked starts threads under one GIL. The threads call the functions of a
// listing.
func startLocked(p *Program, listing string, threads int) interpreter {
	s, lock := p.buildWith(listing, threads), new(gil.GIL)
	return newInterpreter(s, threads, func() thread { return &gilThread{machine: machine{space: s}, gil: lock} })
}

// A gilThread touches objects only while it holds the lock.
type gilThread struct {
	machine
	gil      *gil.GIL
	identity gil.Thread
}

func (t *gilThread) begin() { t.gil.Acquire(&t.identity) }
func (t *gilThread) end()   { t.gil.Release(&t.identity) }

func (t *gilThread) tick() {
	if counting {
		t.counts.ticks++
	}
	t.gil.Tick(&t.identity)
}

// native releases the lock around a kernel that is long enough to be worth it, as
// an extension does with Py_BEGIN_ALLOW_THREADS. The interpreter does not do so by
// itself.
func (t *gilThread) native(k *kernel, x, n int64) int64 {
	if n < k.least {
		return k.run(x, n)
	}
	t.gil.Release(&t.identity)
	x = k.run(x, n)
	t.gil.Acquire(&t.identity)
	return x
}
