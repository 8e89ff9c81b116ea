package procs_test

import (
	"fmt"

	"boundaries/procs"
)

// Two children answer 1000 items of one word each, over pipes. The program has called
// Main first, in TestMain.
func Example() {
	for _, v := range procs.Variants {
		if v.Name != "pipe" {
			continue
		}
		children, err := v.Start(2, procs.Word)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(children.Pids()), "children")
		fmt.Println(children.Run(1000)) // items that were answered, and right
		fmt.Println(children.Close())
	}
	// Output:
	// 2 children
	// 1000 <nil>
	// <nil>
}
