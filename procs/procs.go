// Package procs hands items to child processes and reads their answers, over
// shared memory and over pipes, and goes on when a child dies.
//
// A step is one item: the parent writes it, a child changes every word of it, and
// the parent checks every word of the answer. An item is one word (payload=8B),
// so that the hand-over dominates, or 8192 words (payload=64KiB), so that the work
// on the memory does. Most rows have a child for each worker, with
// GOMAXPROCS=1. This is the multiprocessing chapter of the article. Package fib of
// this folder is the chapter's code block 5.1, whole computations that share no more
// than a count of calls. Package spawn measures its sentence that a thread starts in
// about 100 µs and a process in about 50 ms.
//
// Read pipe.go first, which works as multiprocessing.Queue does, and then
// lock_free.go, the same over shared memory. Package internal/shm says which process
// owns which word of the memory, and the doc of each variant what it adds to that.
//
// Up to 1024 items of one word are in flight for each child, or up to 16 of
// 64 KiB, which are 1 MiB. (1024 of these would be 64 MiB for each child, more than
// the caches of most machines hold, and 512 MiB at -cpu 8.) What each row publishes at once:
//
//	gil, lock-free    half of what is in flight
//	private           all of it
//	atomic            each item, claimed one by one
//	global-mutex      a child: each item, under the lock; the parent: all it can
//	sharded-lock      the same
//	pipe, pipe-gob    each item, with a system call or more on either side
//	ping              one item, the only one in flight
//
// The rows serial and channel have no child, and ping has one child at every number
// of workers. There is no ping for 64 KiB, because a round trip measures the
// hand-over, not the work on the memory.
//
// Shared memory is a memfd on Linux, and a file without a name on other Unixes. A
// waiter sleeps on a futex. Before that it spins for 20 µs, if the quota of this process
// and the machine have a processor for each child and for each goroutine that hands out
// items. Where there is no futex, the waiter polls, every millisecond or more often. On
// systems that are not Unix, the harness skips the rows that need shared memory.
//
// # Children
//
// A child is a small program, which the parent builds before the first clock starts,
// with the go command. A child is the parent's own binary, executed again, if there is no
// go command, if the current directory is not in the source that the parent was built from,
// or if that source has changed since. That is why a program that starts children calls
// [Main] first.
// [Children] says which program a child runs.
//
// # Death
//
// A child may be killed at any instant. The parent can write every item again, and it
// counts an item as answered only once. The items that a dead child had not answered
// go to the child that replaces it, or to all children where they share one queue. Run
// returns an error that reports the death, although every answer arrived. A child is
// broken, and ends the run, if it ends without being killed, answers wrongly, or is
// silent for longer than the pool's Patience.
package procs

import (
	"slices"

	"boundaries/internal/suite"
	"boundaries/procs/fib"
	"boundaries/procs/internal/children"
	"boundaries/procs/spawn"
)

// A Variant is a way to take steps with children. Start starts the children.
type Variant = children.Variant

// Variants lists the ways to hand items over, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = children.Table("procs", children.Source,
	children.Variant{Name: "serial", Run: runSerial},
	children.Variant{Name: "gil", Medium: children.Queues, Crew: children.Each, Serve: serveGIL, Run: runGIL},
	children.Variant{Name: "global-mutex", Medium: children.OneQueue, Crew: children.Each, Serve: serveGlobalMutex, Run: runGlobalMutex},
	children.Variant{Name: "sharded-lock", Medium: children.Queues, Crew: children.Each, Serve: serveShardedLock, Run: runShardedLock},
	children.Variant{Name: "atomic", Medium: children.OneQueue, Crew: children.Each, States: true, Serve: serveAtomic, Run: runAtomic},
	children.Variant{Name: "lock-free", Medium: children.Queues, Crew: children.Each, Serve: serveLockFree, Run: runLockFree},
	children.Variant{Name: "private", Medium: children.Queues, Crew: children.Each, Serve: servePrivate, Run: runPrivate},
	children.Variant{Name: "pipe", Medium: children.Pipes, Crew: children.Each, Serve: servePipe, Run: runPipe},
	children.Variant{Name: "pipe-gob", Medium: children.Pipes, Crew: children.Each, Serve: servePipeGob, Run: runPipeGob},
	children.Variant{Name: "channel", Run: runChannel},
	children.Variant{Name: "ping", Medium: children.Queues, Crew: children.One, InFlight: 1, Serve: servePing, Run: runPing},
)

// The payloads, in bytes.
const (
	Word  = children.Word  // 8 B
	Block = children.Block // 64 KiB
)

// Workload returns the benchmark of that name: the variants as rows, with items of that payload.
func Workload(name string, payload children.Payload) suite.Workload {
	return children.Workload(name, "sync", "procs", rowsOf(payload), payload)
}

// rowsOf returns the variants that have a row of that payload. Ping has none for blocks.
func rowsOf(payload children.Payload) []Variant {
	return slices.DeleteFunc(slices.Clone(Variants), func(v Variant) bool {
		return payload > Word && v.InFlight == 1
	})
}

// Main does the work of a child and does not return, if this process is a child.
// Otherwise it returns at once. A program that starts children of procs, procs/fib
// or procs/spawn calls it first in main or TestMain.
func Main() { children.Main(Variants, Sums, fib.Variants, spawn.Variants) }

// Children says in a few words which program a child is to run: one of its own, or the
// running binary, and why. It builds nothing. If the build fails later, a line of output
// says so, and the child runs the running binary.
//
// A program of its own links neither testing nor net. That of package spawn,
// procs/spawn/internal/child, starts almost as fast as an empty one. That of the other
// rows, procs/internal/child, also links encoding/gob, whose initialization alone took
// a fifth of a millisecond where we measured it.
func Children() string { return children.Description() }

// Cleanup removes the programs that children ran. A program that may have started
// children calls it before it ends.
func Cleanup() { children.RemovePrograms() }
