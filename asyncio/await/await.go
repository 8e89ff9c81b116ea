// Package await gives the turn away, and nothing else.
//
// A step is one bare yield: what Python writes as await asyncio.sleep(0). Two
// coroutines, goroutines or threads take turns, so that a step is the price of one
// switch from a waiting party to the other, with no work, no timer and no socket
// in between. It is the floor under everything that package asyncio measures.
//
// Read event_loop.go first: a step there is a place in a queue and two switches of
// a coroutine, all on one goroutine. goroutine.go hands the turn over through
// channels, which is what Go programs do, and pays the scheduler; thread.go is the
// same with each goroutine locked to a thread of its own, and pays the kernel.
//
// The other disciplines are absent: there is no state to guard. Nothing here is
// parallel, so no row gets faster with more procs.
package await

import (
	"boundaries/internal/fork"
	"boundaries/internal/suite"
)

// Variants lists the ways to give the turn away, in the order of the rows. Run
// gives it away n times in all and returns how often the other party had it next.
// It panics if there is no worker or n is negative; the number of workers has no
// other use.
//
// To add a variant, write its file and add its line here.
var Variants = []suite.Row[int]{
	{Name: "event-loop", Run: runEventLoop},
	{Name: "goroutine", Run: runGoroutine},
	{Name: "thread", Run: runThread},
}

// Want returns how often the turn is handed over in n steps.
func Want(_, n int) int { return n }

// check panics as fork.Check does.
func check(workers, n int) { fork.Check("await", workers, n) }
