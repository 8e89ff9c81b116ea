// Package fib computes in child processes: the article's code block 5.1, with a
// smaller number, and with the calls counted as in the suite's other package fib.
//
// A step is one fib(20), with fib(0) = fib(1) = 1, which takes 21,891 calls. The
// environment variable BOUNDARIES_FIB changes the 20. The parent tells each child
// through a pipe how many to compute, a batch at a time, and the child answers with
// the sum of the values. So nearly all the time goes to computing and counting.
//
// The rows global-mutex, sharded-lock, atomic and lock-free count every call in memory
// that parent and children share: in one word, or in a word for each child in a cache
// line of its own. A child of lock-free adds to its word once in 64 calls, and the others
// at every call. The other rows count nothing: they show whether processes compute in
// parallel when they share nothing. Read private.go first. The rows that count differ
// from it in the lines that count.
//
// The parent checks every sum, and at the end of a run the count: one fib(k) takes
// 2 fib(k) - 1 calls. If a child is killed, another does its unanswered batches
// again, and calls of the batch at which the first child died may be counted twice.
// So the count is exact if no child was killed. Otherwise each death may add as many
// calls as a batch takes, and no more, and no call of an answered batch is missing.
// (An exact count after a death would need a count for each batch. Then the children
// would not share one count, and there would be nothing to compare.)
//
// Each row with children has two batches in flight for each child, so that the
// child has work while an answer travels. The time to start a child is not in these
// rows: package spawn measures it.
package fib

import (
	"fmt"
	"time"

	"boundaries/internal/fibsize"
	"boundaries/internal/fork"
	"boundaries/internal/suite"
	"boundaries/procs/internal/children"
)

// Variants lists the ways to compute, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = children.Table("fib", children.Source,
	children.Variant{Name: "serial", Run: runSerial},
	children.Variant{Name: "gil", Medium: children.Pipes, Crew: children.Each, Serve: serveGIL, Run: runGIL},
	children.Variant{Name: "global-mutex", Medium: children.Pipes | children.OneQueue, Crew: children.Each, Serve: serveGlobalMutex, Run: runGlobalMutex},
	children.Variant{Name: "sharded-lock", Medium: children.Pipes | children.Queues, Crew: children.Each, Serve: serveShardedLock, Run: runShardedLock},
	children.Variant{Name: "atomic", Medium: children.Pipes | children.OneQueue, Crew: children.Each, Serve: serveAtomic, Run: runAtomic},
	children.Variant{Name: "lock-free", Medium: children.Pipes | children.Queues, Crew: children.Each, Serve: serveLockFree, Run: runLockFree},
	children.Variant{Name: "private", Medium: children.Pipes, Crew: children.Each, Serve: servePrivate, Run: runPrivate},
	children.Variant{Name: "goroutine", Run: runGoroutine},
)

// Workload returns the benchmark of that name: the variants as rows.
func Workload(name string) suite.Workload {
	return children.Workload(name, "sync", "procs/fib", Variants, children.None)
}

var (
	size  = fibsize.N(20)
	value = fibsize.Value(size)
	calls = 2*value - 1 // that one fib(size) takes
)

func fib(n int) int {
	if n < 2 {
		return 1
	}
	return fib(n-1) + fib(n-2)
}

// compute makes the children compute n times and checks the sums.
func compute(p *children.Pool, n int) (int, error) {
	return p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		most := batch(n)
		batches := (n + most - 1) / most
		done, err := l.Ask(batches, patience(p, most),
			func(i int) uint64 { return uint64(fork.Share(i, batches, n)) },
			func(i int, sum uint64) error {
				if want := uint64(fork.Share(i, batches, n)) * uint64(value); sum != want {
					return fmt.Errorf("the sum is %d, want %d", sum, want)
				}
				return nil
			})
		steps := 0
		for i := range done {
			steps += fork.Share(i, batches, n)
		}
		return steps, err
	})
}

// patience returns how long the answer to a batch of n may take. A call may take 10 µs for
// each child, if all contend for one lock.
func patience(p *children.Pool, n int) time.Duration {
	return p.Patience + time.Duration(int64(n*len(p.Lanes))*calls)*10*time.Microsecond
}

// batch returns how many of a child's n steps make a batch. It is at most an eighth
// of them: two in flight keep the child busy, and little is lost if the child dies.
// And it is at most what takes as long as 256 fib(20).
func batch(n int) int { return min(max(n/8, 1), max(int(256*21_891/calls), 1)) }

// computeAndCount is compute for children that count their calls in shared memory,
// and checks the count as well.
func computeAndCount(p *children.Pool, n int) (int, error) {
	counting := p.Lanes[:p.Layout.Queues] // one for all if they share a queue
	for _, l := range counting {
		l.Queue.Count = 0
	}
	done, err := compute(p, n)
	if err != nil {
		return done, err
	}
	got := uint64(0)
	for _, l := range counting {
		got += l.Queue.Count
	}
	want := uint64(int64(n) * calls)
	twice := uint64(int64(p.Deaths()*batch((n+len(p.Lanes)-1)/len(p.Lanes))) * calls)
	if got < want || got > want+twice {
		return 0, fmt.Errorf("%d calls are counted, want %d, and up to %d more for %d children that were killed", got, want, twice, p.Deaths())
	}
	return done, nil
}
