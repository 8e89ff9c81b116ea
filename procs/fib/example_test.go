package fib_test

import (
	"fmt"

	"boundaries/internal/suite"
	"boundaries/procs/fib"
)

// Code block 5.1 of the article: fib in two processes that share nothing.
func Example() {
	for _, row := range fib.Workload("ProcsFib").Benches {
		if row.Name == "private" {
			fmt.Println(steps(row))
		}
	}
	// Output: <nil>
}

// steps takes ten steps in two children and returns an error if an answer is wrong.
func steps(row suite.Bench) error {
	children, err := row.Open(2)
	if err != nil {
		return err
	}
	children.Run(10)
	if err := children.Check(10); err != nil {
		return err
	}
	return children.Close()
}
