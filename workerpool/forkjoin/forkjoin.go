// Package forkjoin computes a recursive function with a fork at every call.
//
// A step is one fib(20) with fib(0) = fib(1) = 1, in which every call that is not
// a leaf forks one branch, computes the other, and joins: 10,945 forks with a
// call or two of work between them. Nobody would fork that finely on purpose;
// what is measured is the price of a fork, reported as ns/fork, and how soon
// forks can be had instead of calls. This is where work stealing shines: a fork
// that nobody steals, which nearly all are, need not be shared.
//
// Who joins a task that has not begun runs it. Who joins a task that another
// runs does not wait idly but helps: it runs tasks of others until the other is
// done. So no worker is ever lost to waiting, and any depth can be computed by
// any number of workers. This cannot deadlock: on a worker's stack, what is above
// began later than what is below, and a task waits only for its descendants,
// which began later than itself. If workers waited for each other in a circle,
// each task on it would have begun before the next.
//
// A discipline takes part if its workers can help, or need not:
//
//   - gil, global-mutex, sharded-lock and atomic take a task from a queue they
//     can look into, under whatever guards it. Who waits under the GIL releases
//     it, or the task it waits for could not go on.
//   - private takes whole steps on each worker and shares none.
//   - goroutine has as many workers as tasks that wait.
//   - There is no channel row and no errgroup row. Their workers wait in the
//     runtime, and one that waits for its own task's task helps nobody: nested
//     once for every worker, all wait and none is left to run what they wait for.
//     With an unbounded number of workers they would be the goroutine row.
//
// Read lock_free.go, which is meant to be used: [New], [Pool.Run], [Worker.Fork]
// and [Worker.Join] are the whole of it. The other variants are the same fib on
// the same kind of worker.
package forkjoin

import (
	"time"

	"boundaries/internal/suite"
)

// N is the argument of the one call of fib that a step makes.
const N = 20

// Forks is the number of forks of a step.
const Forks = 10945

// An Answer is what a run must get exactly right.
type Answer struct {
	Sum   int // of the values of all steps
	Forks int // as the workers counted them
}

// Variants lists the ways to fork, in the order of the rows. Run takes n steps on
// that many workers. It panics if there is no worker or n is negative.
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

// Want returns the answer that n steps lead to on any number of workers.
func Want(_, n int) Answer { return Answer{Sum: n * (Forks + 1), Forks: n * Forks} }

// Metrics returns the time of a fork, in ns/fork.
func Metrics(elapsed time.Duration, n int) []suite.Metric {
	return []suite.Metric{{Unit: "ns/fork", Value: float64(elapsed) / float64(n) / Forks}}
}
