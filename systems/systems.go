// Package systems runs programs on reference-counted objects, as a Python
// interpreter does, under every system of the article: CPython with its lock,
// the patch of 1996 that removed the lock, the two designs of the Gilectomy,
// nogil, sub-interpreters, and an extension that releases the lock.
//
// Compare the article's ratios with these rows only. A step of package loop is
// less than a nanosecond of work beside a lock. Here every instruction does what
// it does in CPython to objects, counts and containers, and a lock or a locked
// instruction is one part of that.
//
// # Programs
//
// The programs are in program.go:
//
//   - [Loop] adds 2 to a global. A step is 7 instructions, 4 references taken and
//     6 dropped, 2 objects made, a dict read and written.
//   - [Fib] computes a Fibonacci number. A call takes and drops 16 references on
//     average, and looks fib up twice if it is not a leaf.
//   - [Stone] reads and writes containers.
//   - [Countdown] subtracts 1 from a local. A step is 9 instructions, 5 references
//     taken and 6 dropped, 1 object made, and no container.
//   - [SharedLoop] is Loop with one global for all threads, as in the article's
//     code 4.3. Its rows report lost-updates/op, the share of the additions that a
//     thread overwrote.
//
// A test counts all this in every system, so that no system is fast by doing
// less. A system may skip only what its design removes: nogil skips the counts of
// immortal objects and of deferred references on the stack, and an extension
// skips everything that its kernel does.
//
// # Systems
//
// Each system is one file: what it does for a reference (incref, decref), for
// memory (take, give), for a container (lock, put), between two instructions
// (tick), and when a thread begins and ends. A system takes everything else from
// plain.go, and the interpreter itself, eval_plain.go, is the same for all.
// gen.go copies both for each system, into zz_generated files, with the system's
// thread as the receiver, because a call through an interface would cost as much
// as a count.
//
// Read plain.go and gil.go, which differ in the lock and in tick; then
// free_threading.go, gilectomy.go and nogil.go, which define the same few
// functions again. Then look at the rows of two threads in FibBoxed. Two threads under gil
// have the speed of one. Under free-threading they are slower than that. The Gilectomy's
// two threads wait for each other's cache lines at every constant. Two under nogil have
// nearly twice the speed of one. In LoopBoxed both threads change one dict, and two are
// slower than one under nogil, too.
//
// To add a system, write its file, with a struct for its thread whose name ends in Thread,
// add its line to [Systems], and run in the root
//
//	go generate ./systems
//
// # What is left out
//
// A model of this size has no exceptions (a program that fails ends), no
// collection of cycles (the Gilectomy had switched it off), no classes, and none
// of the caches that the bytecode of CPython has since 3.11. The arrays of
// containers are memory of Go's collector, whatever the system.
package systems

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"boundaries/internal/fork"
	"boundaries/internal/suite"
)

// A System is an interpreter.
type System struct {
	Name     string // what follows system= in the name of a row, such as nogil/without=immortal
	start    func(p *Program, threads int) interpreter
	programs []*Program // that have a row for the system

	// oneAtATime says that only the thread that holds a lock executes, so that
	// counts, containers and memory need no lock of their own.
	oneAtATime bool

	// wholeUpdates says that no other thread runs between the load and the store of
	// ans += 2, so that no update of a shared global is lost.
	wholeUpdates bool

	// unlocked says that threads may not write what they share in containers.
	unlocked bool
}

var common = []*Program{Loop, Fib, Stone}

// Systems lists the interpreters, in the order of the rows.
//
// To add a system, write its file, add its line here, and run go generate in this folder.
var Systems = []System{
	{Name: "plain", start: startPlain, programs: []*Program{Loop, Fib, Stone, Countdown, SharedLoop}, wholeUpdates: true},
	{Name: "gil", start: startGIL, programs: []*Program{Loop, Fib, Stone, Countdown, SharedLoop}, oneAtATime: true},
	{Name: "gil-jumps", start: startGILJumps, programs: []*Program{SharedLoop}, oneAtATime: true, wholeUpdates: true},
	{Name: "gil-ticks", start: startGILTicks, programs: []*Program{Loop, Fib, Stone, Countdown}, oneAtATime: true},
	{Name: "free-threading", start: startFreeThreading, programs: []*Program{Loop, Fib, Stone, Countdown}},
	{Name: "gilectomy", start: startGilectomy, programs: common},
	{Name: "gilectomy/without=locks", start: startGilectomyWithoutLocks, programs: []*Program{Loop, Fib}, unlocked: true},
	{Name: "gilectomy-buffered", start: startGilectomyBuffered, programs: common},
	{Name: "nogil", start: startNogil, programs: []*Program{Loop, Fib, Stone, Countdown, SharedLoop}},
	{Name: "nogil/without=immortal", start: startNogilWithoutImmortal, programs: common},
	{Name: "nogil/without=deferred", start: startNogilWithoutDeferred, programs: common},
	{Name: "nogil/without=biased", start: startNogilWithoutBiased, programs: common},
	{Name: "nogil/without=optimistic-reads", start: startNogilWithoutOptimisticReads, programs: common},
	{Name: "subinterpreters", start: startSubinterpreters, programs: common},
	{Name: "c-extension", start: startCExtension, programs: []*Program{Loop, Fib}, oneAtATime: true},
}

// An interpreter is a system that is ready to run a program.
type interpreter struct {
	threads []thread

	// end is called when all threads have ended. It drops what the interpreter
	// holds and returns the number of objects that are left.
	end func() int
}

// A thread of an interpreter. Calls through this interface are few: the run of a
// whole program is one.
type thread interface {
	begin() // is called first, by the goroutine that plays the thread
	run(thread, n int) int64
	end() // is called last, by the same goroutine
	drop(o *object)
	global(name string) *object
}

// newInterpreter returns an interpreter of that many threads that share a space.
func newInterpreter(s *space, threads int, newThread func() thread) interpreter {
	in := interpreter{}
	for range threads {
		in.threads = append(in.threads, newThread())
	}
	in.end = func() int { return s.close(in.threads[0].drop) }
	return in
}

// An answer is the result of a run.
type answer struct {
	Value int64 // of the program, over all steps
	Live  int   // the number of objects that have not been freed at the end, which must be 0
}

// run takes n steps of a program on that many workers, each of which plays one
// thread. It panics if there is no worker or n is negative.
func (sys System) run(p *Program, workers, n int) answer {
	fork.Check("systems", workers, n)
	in := sys.start(p, workers)
	var sum atomic.Int64
	fork.Run("systems", len(in.threads), n, func(worker, n int) {
		t := in.threads[worker]
		t.begin()
		sum.Add(t.run(worker, n))
		t.end()
	})
	value := sum.Load()
	if p.total != "" {
		value = in.threads[0].global(p.total).value()
	}
	return answer{value, in.end()}
}

// Workload returns the workload of a program, with a row for each system that runs it.
func (p *Program) Workload(name string) suite.Workload {
	w := suite.Workload{Name: name, Key: "system", Folder: "systems"}
	for _, sys := range Systems {
		if slices.Contains(sys.programs, p) {
			w.Benches = append(w.Benches, suite.Bench{Name: sys.Name, Open: func(workers int) (suite.Session, error) {
				return p.session(sys, workers), nil
			}})
		}
	}
	return w
}

func (p *Program) session(sys System, workers int) suite.Session {
	var got answer
	s := suite.Session{
		Run:   func(n int) { got = sys.run(p, workers, n) },
		Check: func(n int) error { return p.check(sys, workers, n, got) },
	}
	if p.total != "" {
		s.Metrics = func(_ time.Duration, n int) []suite.Metric {
			lost := (p.want(workers, n).Value - got.Value) / p.each
			return []suite.Metric{{Unit: "lost-updates/op", Value: float64(lost) / float64(n)}}
		}
	}
	return s
}

// want returns the answer of n steps, on any number of threads, if no update is
// lost.
func (p *Program) want(_, n int) answer { return answer{Value: p.first + p.each*int64(n)} }

// check returns an error if got cannot be the answer of n steps. A run may lose
// updates, but not its last store, so at least one update remains.
func (p *Program) check(sys System, workers, n int, got answer) error {
	want := p.want(workers, n)
	if p.total == "" || sys.wholeUpdates || workers == 1 || n == 0 {
		return suite.Compare(got, want)
	}
	least := p.want(workers, 1)
	lost := want.Value - got.Value
	if got.Live != 0 || got.Value < least.Value || lost < 0 || lost%p.each != 0 {
		return fmt.Errorf("got %v, want %v less a multiple of %d, but at least %v", got, want, p.each, least)
	}
	return nil
}
