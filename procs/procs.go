// Package procs hands items to child processes and hears their answers, over
// shared memory and over pipes, and goes on when a child dies.
//
// A step is one item: the parent writes it, a child rewrites every word of it,
// the parent checks every word of the answer. An item is one word (payload=8B)
// or 8192 words (payload=64KiB), so that either the hand-over or the work on the
// memory is what is paid for. The children are the running binary executed
// again, see [Main], as many as there are workers, with one processor each.
// This is the multiprocessing chapter of the article: code block 5.1 is
// FibVariants, whole computations and nothing shared; the sentence of 100 µs
// against 50 ms is SpawnVariants.
//
// Read pipe.go first, which is how multiprocessing.Queue works, then
// lock_free.go, the same over shared memory; memory.go says who owns which word.
//
// What is in flight: up to 1024 items of one word for each child, or up to 16 of
// 64 KiB, which are 1 MiB (1024 would be more memory than the caches of any
// machine, and 512 MiB at -cpu 8). What each row publishes at once:
//
//	gil, lock-free    half of what is in flight
//	private           all of it
//	atomic            each item, claimed one by one
//	global-mutex      each item a child, under the lock; the parent as many as it can
//	sharded-lock      the same
//	pipe              each item, a system call or more on either side
//	ping              one item, and there is only one in flight
//
// Each row of Fib with children has two batches in flight, see fib_private.go.
// The rows serial and channel have no child, and ping has one at every number of
// workers. There is no ping for 64 KiB: a round trip is a matter of the hand-over.
//
// Shared memory is a memfd on Linux, and a file without a name on other Unixes.
// Who waits spins for 20 µs if there is a processor for everybody, and then
// sleeps on a futex; where there is none it looks again every millisecond or
// sooner. On other systems the rows that need shared memory are skipped.
//
// # Death
//
// A child may be killed at any instant. The parent keeps the ledger: it can
// write every item again, and counts an item as answered only once. Whatever a
// dead child had not answered goes to the child started in its place, or to the
// others where they share one queue, and [Pool.Run] tells of it with an error
// that holds an [*Error] although every answer arrived. A child that is not
// killed but ends, answers wrongly, or is silent for longer than
// [Pool].Patience, is broken, and ends the run.
//
// # What Python does
//
// multiprocessing starts a child in one of three ways. fork copies the process
// as it stands: a few milliseconds, what code block 5.1 used on Linux, and the
// article's deadlocks, because only the thread that forks lives on in the child
// while the locks that the others hold stay locked there for ever. spawn starts
// a new interpreter and sends it what it needs: the article's 50 ms. forkserver
// forks from a process with a single thread, and is the default since 3.14. Go
// can only do the second: its runtime has threads of its own and cannot be
// forked without an exec, so that it has none of fork's deadlocks, and none of
// its speed. What is near to forkserver is the row warm-process.
//
// What serialising costs is left out of all these rows: an item is memory as it
// stands. Whoever sends Go values pays for encoding/gob or the like on top,
// which this suite does not measure.
package procs

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"boundaries/internal/suite"
)

// Variants lists the ways to hand items over, in the order of the rows.
//
// To add a variant, write its file and add its line here.
var Variants = []Variant{
	{"serial", "procs", nothing, nobody, nil, runSerial},
	{"gil", "procs", queues, each, serveGIL, runGIL},
	{"global-mutex", "procs", oneQueue, each, serveGlobalMutex, runGlobalMutex},
	{"sharded-lock", "procs", queues, each, serveShardedLock, runShardedLock},
	{"atomic", "procs", oneQueue, each, serveAtomic, runAtomic},
	{"lock-free", "procs", queues, each, serveLockFree, runLockFree},
	{"private", "procs", queues, each, servePrivate, runPrivate},
	{"pipe", "procs", pipes, each, servePipe, runPipe},
	{"channel", "procs", nothing, nobody, nil, runChannel},
	{"ping", "procs", queues, one, servePing, runPing},
}

// Blocks returns the variants that have a row for items of 64 KiB.
func Blocks() []Variant {
	return slices.DeleteFunc(slices.Clone(Variants), func(v Variant) bool { return v.crew == one })
}

// FibVariants lists the ways to compute: a step is one fib(20), which is the
// article's code block 5.1 with a smaller number. Nothing is shared: a child is
// told how many to compute, a batch at a time, and answers with their sum.
var FibVariants = []Variant{
	{"serial", "fib", nothing, nobody, nil, runFibSerial},
	{"gil", "fib", pipes, each, serveFibGIL, runFibGIL},
	{"private", "fib", pipes, each, serveFibPrivate, runFibPrivate},
	{"goroutine", "fib", nothing, nobody, nil, runFibGoroutine},
}

// SpawnVariants lists what can be started and ended: a step does both, and
// nothing in between. With process every step is a new child; with warm-process
// it is work handed to a child that waits, and its answer, the child living on.
var SpawnVariants = []Variant{
	{"goroutine", "spawn", nothing, nobody, nil, runSpawnGoroutine},
	{"thread", "spawn", nothing, nobody, nil, runSpawnThread},
	{"process", "spawn", nothing, nobody, serveSpawnProcess, runSpawnProcess},
	{"warm-process", "spawn", pipes, each, serveSpawnWarmProcess, runSpawnWarmProcess},
}

// A Variant is a way to have steps done with children.
type Variant struct {
	Name   string
	of     string // which table it is in
	medium medium
	crew   crew
	serve  func(w *worker)                            // what a child does; it ends with the parent
	run    func(p *Pool, n int) (done int, err error) // has n steps done
}

// medium is what items travel through.
type medium int

const (
	nothing  medium = iota // no items travel
	pipes                  // the child's standard input and output
	queues                 // shared memory, a queue for each child
	oneQueue               // shared memory, a queue for all children
)

// crew is how many children there are.
type crew int

const (
	nobody crew = iota
	one
	each // as many as workers
)

// Payload is the size of an item in bytes.
type Payload int

const (
	None  Payload = 0 // for variants whose steps have no items
	Word  Payload = 8
	Block Payload = 64 << 10
)

// An item is words of memory. As the parent fills it, the words count up from
// the item's number; a child turns all bits of each. So the request tells whether
// it is whole, the answer tells which request it answers, and an item that was
// not changed, or changed twice, is none.

// fill writes the request of an item.
func fill(item []uint64, number uint64) {
	for i := range item {
		item[i] = number + uint64(i)
	}
}

// change turns a request into its answer, and reports whether it was whole.
func change(item []uint64) bool {
	first, wrong := item[0], uint64(0)
	for i, v := range item {
		wrong |= v ^ (first + uint64(i))
		item[i] = ^v
	}
	return wrong == 0
}

// right reports whether every word is that of the item's answer.
func right(item []uint64, number uint64) bool {
	wrong := uint64(0)
	for i, v := range item {
		wrong |= ^v ^ (number + uint64(i))
	}
	return wrong == 0
}

// An Error tells which child failed, and at what. Run and Close return errors
// that hold one for each child, for errors.As to find.
type Error struct {
	Pid    int
	Signal os.Signal // what killed the child; nil if it was not killed
	Item   int       // of the run: the first the child had not answered (in Fib a batch of its own), or -1
	Err    error
}

func (e *Error) Error() string {
	if e.Item < 0 {
		return fmt.Sprintf("procs: child %d, which had no item: %v", e.Pid, e.Err)
	}
	return fmt.Sprintf("procs: child %d at item %d: %v", e.Pid, e.Item, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Workload returns variants as rows. Their children start before the clock does,
// serve all runs of a row on one number of workers, and end with the row.
func Workload(name, key string, variants []Variant, payload Payload) suite.Workload {
	w := suite.Workload{Name: name, Key: key, Folder: "procs"}
	for _, v := range variants {
		w.Benches = append(w.Benches, suite.Bench{Name: v.Name, Open: func(workers int) (suite.Session, error) {
			p, err := v.Start(workers, payload)
			if err != nil {
				return suite.Session{}, err
			}
			var done int
			return suite.Session{
				Run:      func(n int) { done, err = p.Run(n) },
				Check:    func(n int) error { return errors.Join(err, suite.Compare(done, n)) },
				Bytes:    int64(payload),
				Children: p.Pids,
				Close:    p.Close,
			}, nil
		}})
	}
	return w
}
