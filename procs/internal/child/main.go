// Child is the program that the children of procs and procs/fib run: see package
// procs.
package main

import (
	"fmt"
	"os"

	"boundaries/procs"
)

func main() {
	procs.Main()
	fmt.Fprintln(os.Stderr, "child: this program is started by package procs, and does nothing alone")
	os.Exit(2)
}
