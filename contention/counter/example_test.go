package counter_test

import (
	"fmt"

	"boundaries/contention"
	"boundaries/contention/counter"
)

// Two goroutines count and sometimes read the count. The trial checks that no read goes
// back, and that no update is lost.
func Example() {
	for _, v := range counter.Variants {
		trial := contention.NewTrial(counter.Default, 2)
		trial.Take(v, 1000)
		fmt.Println(v.Name, trial.Err())
	}
	// Output:
	// global-mutex <nil>
	// rw-mutex <nil>
	// atomic <nil>
	// lock-free <nil>
	// striped-pool <nil>
	// striped-stack <nil>
	// striped-random <nil>
	// channel <nil>
	// private <nil>
}
