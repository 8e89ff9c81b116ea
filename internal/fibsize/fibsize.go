// Package fibsize reads the argument of fib from the environment, so that the
// article's fib(30), fib(40) and fib(50) can be run.
//
// A step of a fib benchmark is one call of fib. It takes 2 fib(k) - 1 calls in
// all: 1,973 for fib(15), 2.7 million for fib(30), and 40.7 billion for fib(50),
// which take a minute or more in plain Go and an hour or more on objects.
package fibsize

import (
	"fmt"
	"os"
	"strconv"
)

// Variable names the environment variable. Its value is an integer from 1 to 50.
const Variable = "BOUNDARIES_FIB"

const most = 50

// N returns the value of Variable, or fallback if Variable is not set or not valid.
func N(fallback int) int {
	if n, err := parse(os.Getenv(Variable)); err == nil && n > 0 {
		return n
	}
	return fallback
}

// Check returns an error if Variable is set to a value that is not valid.
func Check() error {
	_, err := parse(os.Getenv(Variable))
	return err
}

// parse returns 0 for an empty value.
func parse(value string) (int, error) {
	if value == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s is %q, want an integer from 1 to %d", Variable, value, most)
	}
	return n, nil
}

// Value returns fib(n), where fib(0) = fib(1) = 1. One call of fib(n) makes
// 2*Value(n) - 1 calls of fib in all, itself included.
func Value(n int) int64 {
	a, b := int64(1), int64(1)
	for range n {
		a, b = b, a+b
	}
	return a
}
