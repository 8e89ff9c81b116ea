// Package fib computes in child processes, with nothing shared: the article's code
// block 5.1, with a smaller number.
//
// A step is one fib(20). The parent tells each child how many to compute, a batch
// at a time, and the child answers with the sum of the values, which the parent
// checks. So nearly all the time goes to computing, and the rows show whether
// processes compute in parallel. Read private.go first.
//
// Each row with children has two batches in flight for each child, so that the
// child has work while an answer travels. A child touches only its pipes; package
// procs says what happens when it dies. The time to start a child is not in these
// rows: package spawn measures it.
package fib

import (
	"boundaries/internal/suite"
	"boundaries/procs/internal/children"
)

// Variants lists the ways to compute, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = children.Table("fib", children.Source,
	children.Variant{Name: "serial", Run: runSerial},
	children.Variant{Name: "gil", Medium: children.Pipes, Crew: children.Each, Serve: serveGIL, Run: runGIL},
	children.Variant{Name: "private", Medium: children.Pipes, Crew: children.Each, Serve: servePrivate, Run: runPrivate},
	children.Variant{Name: "goroutine", Run: runGoroutine},
)

// Workload returns the rows.
func Workload(name string) suite.Workload {
	return children.Workload(name, "sync", "procs/fib", Variants, children.None)
}

const (
	number = 20
	value  = 10946 // fib(number), with fib(0) = fib(1) = 1
)

func fib(n int) int {
	if n < 2 {
		return 1
	}
	return fib(n-1) + fib(n-2)
}
