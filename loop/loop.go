// Package loop adds to one shared total on several goroutines at once.
//
// A step adds 2 to a total that starts at 1, as the article's code blocks 4.1
// to 4.3 do (ans += 2); after n steps the total is 1 + 2n. There is no smaller
// piece of shared work, so nearly all the time goes to keeping the steps apart,
// and the time of a step is the price of the way they are kept apart. Do not
// hold these times against the article's: a step of CPython is some 40 ns of
// interpreter, this one less than a nanosecond of addition.
//
// Each variant is one function in one file and owns its loop. Read
// global_mutex.go first and compare the others with it; then look at what two
// goroutines make of atomic.go and lock_free.go, which differ in whose word
// they add to.
package loop

import "boundaries/internal/suite"

// Variants lists the ways to keep the steps apart, in the order of the rows.
// Run takes n steps on that many workers and returns the total. It panics if
// there is no worker or n is negative.
//
// To add a variant, write its file and add its line here.
var Variants = []suite.Row[int64]{
	{Name: "serial", Run: runSerial},
	{Name: "gil", Run: runGIL},
	{Name: "global-mutex", Run: runGlobalMutex},
	{Name: "sharded-lock", Run: runShardedLock},
	{Name: "atomic", Run: runAtomic},
	{Name: "lock-free", Run: runLockFree},
	{Name: "private", Run: runPrivate},
	{Name: "cas", Run: runCAS},
	{Name: "false-sharing", Run: runFalseSharing},
}

// Total returns what n steps lead to on any number of workers.
func Total(_, n int) int64 { return 1 + 2*int64(n) }
