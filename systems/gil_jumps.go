package systems

import "boundaries/internal/gil"

// startGILJumps starts CPython with the lock of 3.10 and later. It differs from gil.go in
// where a thread looks for a request to give the lock away: only when a call begins and
// after a jump backward. Between the load and the store of ans += 2 there is
// neither, so no update is lost. No version of the language promises that.
//
// Cost: no parallelism, as under gil, and a longer wait for the lock.
// Progress: blocking. A waiter waits until the holder calls a function or jumps
// backward.
func startGILJumps(p *Program, threads int) interpreter {
	s, lock := p.build(threads), new(gil.GIL)
	return newInterpreter(s, threads, func() thread { return &jumpsThread{machine: machine{space: s}, gil: lock} })
}

// A jumpsThread touches objects only while it holds the lock.
type jumpsThread struct {
	machine
	gil      *gil.GIL
	identity gil.Thread
}

func (t *jumpsThread) begin() { t.gil.Acquire(&t.identity) }
func (t *jumpsThread) end()   { t.gil.Release(&t.identity) }

func (t *jumpsThread) tick() {
	if counting {
		t.counts.ticks++
	}
}

func (t *jumpsThread) enterFrame(c *code, args []reference) *frame {
	f := t.machine.enterFrame(c, args)
	t.gil.Tick(&t.identity)
	return f
}

func (t *jumpsThread) jump(from, to int) int {
	if to < from {
		t.gil.Tick(&t.identity)
	}
	return to
}
