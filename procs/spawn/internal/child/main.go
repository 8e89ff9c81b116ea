// Child is the program that the children of package spawn run: see package procs.
package main

import (
	"fmt"
	"os"

	"boundaries/procs/internal/children"
	"boundaries/procs/spawn"
)

func main() {
	children.Main(spawn.Variants)
	fmt.Fprintln(os.Stderr, "child: this program is started by package spawn, and does nothing alone")
	os.Exit(2)
}
