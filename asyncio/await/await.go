// Package await measures what it costs to give up the turn, and nothing else.
//
// A step is one bare yield, which Python writes as await asyncio.sleep(0). Two
// coroutines, goroutines or threads take turns, so a step is the price of one
// switch from one waiting party to the other, with no work, no timer and no socket
// in between. Everything that package asyncio measures costs at least this much.
//
// Read event_loop.go first: a step there is a place in a queue and two coroutine
// switches, all on one goroutine. goroutine.go hands the turn over through
// channels, as Go programs do, and adds the scheduler. thread.go locks each
// goroutine to a thread of its own, and adds the kernel.
//
// There are no rows with locks or atomics, because there is no state to guard. Nothing
// here runs in parallel, so no row gets faster with more processors.
package await

import (
	"boundaries/internal/fork"
	"boundaries/internal/suite"
)

// Variants lists the ways to give up the turn, in the order of the rows. Run gives
// it up n times in all, and returns how often the other party had the turn next.
// The number of workers has no effect.
//
// To add a variant, write its file and add its line here.
var Variants = []suite.Row[int]{
	{Name: "event-loop", Run: runEventLoop},
	{Name: "goroutine", Run: runGoroutine},
	{Name: "thread", Run: runThread},
}

// Want returns how often n steps hand the turn over.
func Want(_, n int) int { return n }

// check panics as fork.Check does.
func check(workers, n int) { fork.Check("await", workers, n) }
