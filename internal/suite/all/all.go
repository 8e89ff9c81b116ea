// Package all lists every workload of the suite.
//
// It is separate from package suite, because the packages that it lists import
// package suite.
package all

import (
	"slices"
	"strconv"
	"time"

	"boundaries/asyncio"
	"boundaries/asyncio/await"
	"boundaries/asyncio/respond"
	"boundaries/fib"
	"boundaries/internal/fibsize"
	"boundaries/internal/suite"
	"boundaries/loop"
	"boundaries/procs"
	procsfib "boundaries/procs/fib"
	"boundaries/procs/spawn"
	"boundaries/refcount"
	"boundaries/systems"
	"boundaries/workerpool"
	"boundaries/workerpool/forkjoin"
)

// Workloads returns every workload, in the order of the main command.
//
// To add a workload, write its package, add its line here, and add its line in
// bench_test.go.
func Workloads() []suite.Workload {
	return slices.Clone(workloads)
}

var workloads = []suite.Workload{
	suite.New("Loop", "sync", "loop", loop.Variants, loop.Total, nil),
	sized(suite.New("Fib", "sync", "fib", fib.Variants, fib.Want, nil)),
	systems.Loop.Workload("LoopBoxed"),
	systems.SharedLoop.Workload("SharedLoopBoxed"),
	systems.Countdown.Workload("CountdownBoxed"),
	systems.Fib.Workload("FibBoxed"),
	systems.Stone.Workload("StoneBoxed"),
	suite.New("Refcount/share=hot", "sync", "refcount", refcount.Hot.Rows(), refcount.Hot.Want, nil),
	suite.New("Refcount/share=own", "sync", "refcount", refcount.Own.Rows(), refcount.Own.Want, nil),
	suite.New("WorkerPool/task=empty", "sync", "workerpool", workerpool.Empty.Rows(), workerpool.Want, nil),
	suite.New("WorkerPool/task=1us", "sync", "workerpool", workerpool.Microsecond.Rows(), workerpool.Want, nil),
	suite.New("WorkerPool/task=io", "sync", "workerpool", workerpool.IO.Rows(), workerpool.Want, nil),
	suite.New("ForkJoin", "sync", "workerpool/forkjoin", forkjoin.Variants, forkjoin.Want, forkjoin.Metrics),
	respond.Idle.Workload("Respond/load=idle"),
	respond.Busy.Workload("Respond/load=busy"),
	respond.Stuck.Workload("Respond/load=stuck"),
	procs.Workload("Procs/payload=8B", procs.Word),
	procs.Workload("Procs/payload=64KiB", procs.Block),
	procsfib.Workload("ProcsFib"),
	spawn.Workload("Spawn"),
	asyncio.Workload("AsyncIO/latency=0", 0),
	asyncio.Workload("AsyncIO/latency=1ms", time.Millisecond),
	suite.New("Await", "sync", "asyncio/await", await.Variants, await.Want, nil),
}

// sized puts the size of fib into the names of the rows if the environment changes it.
// The claims compare this workload with the fib(20) of python/, and another size is
// another job. The other fibs are compared with themselves only.
func sized(w suite.Workload) suite.Workload {
	if size := fibsize.N(0); size > 0 {
		for i := range w.Benches {
			w.Benches[i].Name += "/fib=" + strconv.Itoa(size)
		}
	}
	return w
}
