package boundaries_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"boundaries/asyncio"
	"boundaries/internal/fibsize"
	"boundaries/internal/suite/suitebench"
	"boundaries/procs"
)

// TestMain runs the main command, go test -bench . -cpu 1,2,4,8: it measures each row for
// 100 ms unless -benchtime is given, runs no test, and says on which machine it measures.
func TestMain(m *testing.M) {
	procs.Main() // does not return in a child of a benchmark
	flag.Parse()
	checkEnvironment()
	head := suitebench.Head{
		Benchtime: "100ms",
		Lower:     []string{"user+sys-ns/op", "ns/fork", "p50-ns", "p99-ns", "lost-updates/op"},
		Facts:     []string{"database: embedded", fmt.Sprintf("children: %v", procs.Children())},
	}
	if size := os.Getenv(fibsize.Variable); size != "" {
		head.Keys = []string{"fib: " + size} // another size is another job: a table of its own
	}
	if redis := os.Getenv(asyncio.Address); redis != "" {
		head.Facts[0] = "database: the Redis at " + redis
	}
	status := suitebench.Main(m, head)
	procs.Cleanup()
	os.Exit(status)
}

// checkEnvironment ends the program if an environment variable has an invalid value.
func checkEnvironment() {
	for _, err := range []error{asyncio.CheckAddress(context.Background()), fibsize.Check()} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}
