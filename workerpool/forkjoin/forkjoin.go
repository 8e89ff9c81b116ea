// Package forkjoin computes a recursive function with a fork at every call.
//
// A step is one fib(20) with fib(0) = fib(1) = 1. Every call that is not a leaf forks
// one branch, computes the other, and joins: 10,945 forks with a call or two of work
// between them. No program should fork that finely. The step measures the cost of a
// fork, reported as ns/fork, and so the smallest piece of work that is worth a fork.
// Here work stealing is at its best: nearly all forks are not stolen, and a fork that is
// not stolen need not be shared.
//
// A worker that joins a task that has not begun runs it. A worker that joins a task that
// another worker is running helps: it runs tasks of others until that task is done. So no
// worker is lost to waiting, and any number of workers can compute any depth. This cannot
// deadlock. On a worker's stack, each task began later than the tasks below it, and a task
// waits only for its descendants, which began later than itself. If workers waited for
// each other in a circle, each task in it would have begun before itself.
//
// These are variants whose workers help, or never have to wait:
//
//   - gil, global-mutex and sharded-lock take tasks from a list under a lock. A worker
//     that waits releases the GIL, because the task it waits for needs it.
//   - atomic claims each task by a compare-and-swap.
//   - private takes whole steps on each worker and shares none.
//   - goroutine has a goroutine for every waiting task.
//   - There is no channel row and no errgroup row. Their workers wait in the runtime
//     and cannot help: once every worker waits for a nested task, none is left to run
//     these tasks. With an unlimited number of workers they would be the goroutine row.
//
// Read lock_free.go, which is written to be used: [New], [Pool.Run], [Worker.Fork] and
// [Worker.Join] are the whole of it. The other variants are the same fib on the same kind
// of worker.
package forkjoin

import (
	"time"

	"boundaries/internal/suite"
)

// N is the argument of the one call of fib that a step makes.
const N = 20

// Forks is the number of forks of a step.
const Forks = 10945

// An Answer is the result of a run, which must be exact.
type Answer struct {
	Sum   int // of the values of all steps
	Forks int // as the workers counted them
}

// Variants lists the ways to fork, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []suite.Row[Answer]{
	{Name: "serial", Run: runSerial},
	{Name: "gil", Run: runGIL},
	{Name: "global-mutex", Run: runGlobalMutex},
	{Name: "sharded-lock", Run: runShardedLock},
	{Name: "atomic", Run: runAtomic},
	{Name: "lock-free", Run: runLockFree},
	{Name: "private", Run: runPrivate},
	{Name: "goroutine", Run: runGoroutine},
}

// Want returns the answer to n steps on any number of workers.
func Want(_, n int) Answer { return Answer{Sum: n * (Forks + 1), Forks: n * Forks} }

// Metrics returns the time per fork in a run of n steps, in ns/fork.
func Metrics(elapsed time.Duration, n int) []suite.Metric {
	return []suite.Metric{{Unit: "ns/fork", Value: float64(elapsed) / float64(n) / Forks}}
}
