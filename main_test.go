package boundaries_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"boundaries/asyncio"
	"boundaries/internal/fibsize"
	"boundaries/internal/noise"
	"boundaries/procs"
)

// TestMain makes the main command, go test -bench . -cpu 1,2,4,8, do what its
// reader means by it: measure, for long enough and no longer, and say where.
func TestMain(m *testing.M) {
	procs.Main() // does not return in a child of a benchmark
	flag.Parse()
	checkEnvironment()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if flag.Lookup("test.bench").Value.String() != "" {
		if !given["test.run"] {
			// go test would run every test as well, once per value of -cpu.
			set("test.run", "^$")
		}
		if !given["test.benchtime"] {
			set("test.benchtime", "100ms")
		}
		printFacts()
	}
	status := m.Run()
	if err := runs.Write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "writing how steady the machine was:", err)
		status = max(status, 1)
	}
	procs.Cleanup()
	os.Exit(status)
}

// checkEnvironment ends the program if a variable has a value that cannot be meant.
func checkEnvironment() {
	for _, err := range []error{asyncio.CheckAddress(context.Background()), fibsize.Check()} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
}

func set(name, value string) {
	if err := flag.Set(name, value); err != nil {
		panic(fmt.Sprintf("setting -%s to %q: %v", name, value, err))
	}
}

// printFacts prints what the figures depend on, in the benchmark format
// (go.dev/design/14313-benchmark-format). A "key: value" line makes benchstat
// put what differs in it into tables of their own. That is right for the number
// of processors and wrong for everything that differs between two runs which
// somebody wants to compare: such lines begin with "#", which benchstat skips.
func printFacts() {
	fmt.Printf("numcpu: %d\n", usable.N())
	if size := os.Getenv(fibsize.Variable); size != "" {
		fmt.Println("fib:", size) // another size is another job: a table of its own
	}
	for _, unit := range []string{"user+sys-ns/op", "ns/fork", "p50-ns", "p99-ns", "lost-updates/op"} {
		fmt.Println("Unit", unit, "better=lower")
	}
	fmt.Println("# go:", runtime.Version())
	fmt.Println("# date:", time.Now().UTC().Format(time.RFC3339))
	fmt.Println("# benchtime:", flag.Lookup("test.benchtime").Value)
	fmt.Println("# gomaxprocs:", runtime.GOMAXPROCS(0), "where -cpu does not say otherwise")
	database := "embedded"
	if redis := os.Getenv(asyncio.Address); redis != "" {
		database = "the Redis at " + redis
	}
	fmt.Println("# database:", database)
	fmt.Println("# children:", procs.Children())
	fmt.Println("# processors:", usable)
	fmt.Println("# oversubscribed: rows of more than", usable.N(), "procs")
	for _, fact := range noise.Facts() {
		fmt.Printf("# %s: %s\n", fact.Key, fact.Value)
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Println("# load:", strings.TrimSpace(string(load)))
	}
	if commit, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		fmt.Println("# commit:", strings.TrimSpace(string(commit)))
	}
}
