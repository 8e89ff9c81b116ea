// Package counter has the variants of the lab's shape=counter: a count that many
// goroutines add 1 to and that is also read, such as a server's count of requests.
//
// A striped count scales because each adder has a cell of its own. It has two
// costs, which this package measures. First, a read loads all cells. It may miss an
// add that ended before another add that it includes. Because every add is 1, the sum
// is still the count at some moment during the read; if adds had different sizes, it
// need not be the count at any moment. Second, the adder must choose a cell. A worker
// that knows its number uses that (lock-free). A request handler has no number. It
// can use the cell that its processor used last (striped-pool), choose one by the
// address of its stack (striped-stack), or choose at random (striped-random).
//
// No read may return less than the number of the reader's own updates, or less than
// the reader's previous read. The dials hold, records and skew do not apply.
package counter

import (
	"errors"
	"math/bits"
	"sync/atomic"

	"boundaries/contention"
	"boundaries/internal/cacheline"
)

// Variants lists the ways to count, in the order of the rows.
//
// To add a variant, write its file and add its line here. Then, in docs, run
//
//	go tool boundaries map -format which results/lab.txt > which.md
//
// because that page lists the variants.
var Variants = []contention.Variant{
	{Name: "global-mutex", Is: "one sync.Mutex", Run: runGlobalMutex, Forbids: "two accesses at once"},
	{Name: "rw-mutex", Is: "one sync.RWMutex", Run: runRWMutex, Forbids: "read locking again while read locked: a waiting writer deadlocks it"},
	{Name: "atomic", Is: "one word", Run: runAtomic, Forbids: "counting in several words that must agree"},
	{Name: "lock-free", Is: "a word for each worker, by the worker's number", Run: runLockFree, Forbids: "counting without a worker's number; " + cellwise},
	{Name: "striped-pool", Is: "several words: a goroutine takes the one that its processor used last, from a sync.Pool", Run: runStripedPool, Forbids: cellwise},
	{Name: "striped-stack", Is: "several words: a goroutine takes one by the address of its stack", Run: runStripedStack, Forbids: cellwise + "; relying on where stacks are, which no version of Go promises"},
	{Name: "striped-random", Is: "several words: a goroutine takes any", Run: runStripedRandom, Forbids: cellwise},
	{Name: "channel", Is: "one goroutine has the count, and acts for the others", Run: runChannel, Forbids: "any access except through the owner"},
	{Name: "private", Is: "nothing shared until the end", Run: runPrivate, Forbids: "sharing", Reference: true},
}

// cellwise is what a count in several cells forbids.
const cellwise = "cheap reads: each loads every cell; an exact read of adds of different sizes"

// Default has the values of the dials that are not set.
var Default = func() contention.Case {
	c := contention.Default
	c.Read = 1
	return c
}()

// Check returns an error if a dial is out of range, or is one that a counter does
// not have.
func Check(c contention.Case) error {
	if c.Hold != 0 || c.Records != 1 || c.Skew != "none" {
		return errors.New("want no hold, records or skew with shape=counter: there is one word, and nothing to do while it is held")
	}
	return c.Check()
}

// A cell is a part of the count.
type cell struct {
	atomic.Int64
	_ cacheline.Pad // no two cells on one line
}

// newCells returns 4 cells for each proc, rounded up to a power of two, so that
// two adders seldom meet.
func newCells(procs int) []cell { return make([]cell, 1<<bits.Len(uint(4*procs-1))) }

func sum(cells []cell) int64 {
	total := int64(0)
	for i := range cells {
		total += cells[i].Load()
	}
	return total
}
