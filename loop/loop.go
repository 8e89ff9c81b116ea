// Package loop adds to one shared total on several goroutines at once.
//
// A step adds 2 to a total that starts at 1, as the article's code blocks 4.1
// to 4.3 do (ans += 2). After n steps the total is 1 + 2n. No piece of shared
// work is smaller, so a step's time is the price of keeping the steps apart.
// Do not compare these times with the article's: its step takes 50 ns, nearly all
// of it in the interpreter, and the addition here takes less than a nanosecond.
//
// Each variant is one function in one file and has its own loop. Read
// global_mutex.go first and compare the others with it. Then compare atomic.go
// with lock_free.go on two workers: the one adds to a shared word, the other to
// a word of the worker's own.
package loop

import "boundaries/internal/suite"

// Variants lists the ways to keep the steps apart, in the order of the rows.
// Run returns the total.
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

// Total returns the total after n steps on any number of workers.
func Total(_, n int) int64 { return 1 + 2*int64(n) }
