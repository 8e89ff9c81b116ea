package spawn_test

import (
	"fmt"

	"boundaries/procs/spawn"
)

// A goroutine, a thread and a process are started and ended, three times each.
func Example() {
	for _, v := range spawn.Variants {
		pool, err := v.Start(1, 8)
		if err != nil {
			fmt.Println(err)
			return
		}
		done, err := pool.Run(3)
		fmt.Println(v.Name, done, err, pool.Close())
	}
	// Output:
	// goroutine 3 <nil> <nil>
	// thread 3 <nil> <nil>
	// process 3 <nil> <nil>
	// warm-process 3 <nil> <nil>
}
