// Package fib computes the article's recursive Fibonacci number, counting calls.
//
// A step is one fib(20) with fib(0) = fib(1) = 1, that is 21,891 calls, each of
// which adds one to a count that all workers share. The count stands for what
// CPython touches at every call: the reference counts of the function object
// and of the small integers, which made the article's code blocks 4.4.1 and
// 4.5.1 the worst case of the Gilectomy and the best of nogil. A call itself is
// little more than a nanosecond of work, so this is the loop of package loop with a
// little more between two touches of the shared word, as in a real program.
//
// Each variant is a recursive function and its caller in one file. Read
// private.go first, which is the bare recursion, then the others: they differ
// in the line that counts.
package fib

import "boundaries/internal/suite"

// N is the argument of the one call of fib that a step makes.
const N = 20

// An Answer is what a run must get exactly right.
type Answer struct {
	Sum   int64 // of the values of all steps
	Calls int64 // as the variant counted them
}

// Variants lists the ways to count the calls, in the order of the rows. Run
// takes n steps on that many workers. It panics if there is no worker or n is
// negative.
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

// Want returns the answer that n steps lead to on any number of workers. That
// fib(k) takes 2 fib(k) - 1 calls is the check that costs nothing.
func Want(_, n int) Answer {
	a, b := int64(1), int64(1)
	for range N - 1 {
		a, b = b, a+b
	}
	return Answer{Sum: int64(n) * b, Calls: int64(n) * (2*b - 1)}
}
