// Package boundaries measures what a global lock costs, and what each way of
// removing it costs, on the machine it runs on.
//
// It re-expresses in Go the workloads of "Breaking Boundaries", an article about
// Python's global interpreter lock (GIL), each under several of the
// disciplines that have been tried in the lock's place:
//
//	serial         one goroutine, no sharing: what the others are compared with
//	gil            CPython's lock: one holder, 5 ms switch interval, forced switching
//	global-mutex   one sync.Mutex around every step
//	sharded-lock   many padded locks
//	atomic         the processor's locked instructions on shared words
//	lock-free      no lock, and in most workloads few shared writes
//	private        nothing shared until the end: the ceiling
//
// and under some that a workload adds because they teach something these do not
// (cas, false-sharing, buffered, channel, errgroup, goroutine, event-loop, ...).
// The word lock-free names the strategy. The doc of a variant says what progress
// the variant guarantees.
//
// Beside these stand the systems of the article (plain, gil, gil-jumps,
// gil-ticks, free-threading, gilectomy, gilectomy-buffered, nogil,
// subinterpreters, c-extension), which run bytecode on boxed, reference-counted
// objects.
//
// The suite is a program to run, not a library to import. There is nothing in
// this package but its benchmarks:
//
//	go test -bench . -cpu 1,2,4,8 | tee bench.txt
//	go tool boundaries table bench.txt
//
// ns/op is wall time per step, whichever worker took it. So the speed-up at N
// procs is ns/op at 1 divided by ns/op at N. For fib, the article plots the wall
// time of N threads that do a whole task each: that is N times ns/op at N.
// user+sys-ns/op is the processor time of all workers per step.
//
// # The tour
//
// Read in this order:
//
//  1. loop: the smallest shared step there is. Compare global_mutex.go,
//     atomic.go and lock_free.go.
//  2. fib: the same with a little work between two touches.
//  3. internal/gil: CPython's lock, alone.
//  4. refcount: what CPython's lock protects, and what has replaced it: atomic
//     counts, biased counts, buffered counts, immortal objects.
//  5. workerpool: the queue between the submitter of a task and the worker that runs
//     it. Then workerpool/forkjoin/lock_free.go: how little a fork can cost.
//  6. procs: work given to child processes, through a pipe and through shared
//     memory, and what happens when a child dies. Compare pipe.go and
//     lock_free.go, then procs/internal/futex/lock.go, a mutex that survives
//     its holder.
//  7. asyncio/eventloop: what asyncio is. Read turn, then Yield and Await.
//  8. asyncio: a database over sockets, with 64 questions in flight;
//     asyncio/await: the bare switch; asyncio/respond: how fast a program
//     answers events while it computes.
//  9. races, and the racy.go of five packages: what happens without protection.
//     make race-demo is the tour of it, for readers who know threads and no Go.
//  10. systems: the systems of the article on reference-counted objects.
//     Read plain.go, gil.go, gilectomy.go and nogil.go side by side.
//  11. contention: which lock is cheapest, by hold time and share of reads. Read
//     global_mutex.go, big_reader_lock.go and lock_free.go.
//  12. docs/article.md: the article from its first block to its last claim, with
//     corrections; internal/claims/table.go: which rows test the claims;
//     python: the same jobs on your own CPython.
//  13. bench_test.go: how the suite measures.
//
// A step of the rows named sync= is far smaller than a bytecode, so the ratios
// between variants are far larger than the article's: they are the price of the
// lock, not of Python. Compare the article's ratios only with the rows named
// system=.
package boundaries
