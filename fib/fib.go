// Package fib computes the article's recursive Fibonacci number, counting calls.
//
// A step is one fib(20) with fib(0) = fib(1) = 1. It takes 21,891 calls, and each
// call adds one to a count that all workers share. The count stands for the
// memory that CPython writes at every call: the reference counts of the function
// object and of the small integers. They made the article's code blocks 4.4.1
// and 4.5.1 the worst case of the Gilectomy and the best case of nogil. A call
// takes one to two nanoseconds, so this is the loop of package loop with a little
// more work between two writes of the shared word, as in a real program.
//
// The environment variable BOUNDARIES_FIB changes the 20, for example to the
// article's 30, 40 or 50.
//
// Each variant is a recursive function and its caller, in one file. Read
// private.go first, which is the bare recursion. The others differ from it in
// the line that counts.
package fib

import (
	"boundaries/internal/fibsize"
	"boundaries/internal/suite"
)

// size is the argument of the outermost call of fib in a step.
var size = fibsize.N(20)

// An Answer is the result of a run, which must be exact.
type Answer struct {
	Sum   int64 // of the values of all steps
	Calls int64 // as the variant counted them
}

// Variants lists the ways to count the calls, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []suite.Row[Answer]{
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

// Want returns the answer to n steps on any number of workers. fib(k) takes
// 2 fib(k) - 1 calls.
func Want(_, n int) Answer {
	value := fibsize.Value(size)
	return Answer{Sum: int64(n) * value, Calls: int64(n) * (2*value - 1)}
}
