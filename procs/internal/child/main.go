// Child is the program that children are: see package procs. It links neither
// testing nor net, so that it starts almost as fast as an empty program.
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
