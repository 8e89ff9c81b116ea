package config_test

import (
	"fmt"

	"boundaries/contention"
	"boundaries/contention/config"
)

// Two goroutines read a map and sometimes update it. The trial checks that no read sees
// half an update, and that no update is lost.
func Example() {
	c := config.Default
	c.Read = 90
	for _, v := range config.Variants {
		trial := contention.NewTrial(c, 2)
		trial.Take(v, 1000)
		fmt.Println(v.Name, trial.Err())
	}
	// Output:
	// global-mutex <nil>
	// rw-mutex <nil>
	// sharded-lock <nil>
	// sync-map <nil>
	// copy-on-write <nil>
	// private <nil>
}
