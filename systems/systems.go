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
// (tick), and when a thread begins and ends. What a system does not define it has
// from plain.go, and the interpreter itself, eval_plain.go, is the same for all.
// gen.go writes both again for each system, into zz_generated files, with the
// system's thread as the receiver, because a call through an interface would cost
// as much as a count.
//
// Read plain.go and gil.go, which differ in the lock and in tick; then
// free_threading.go, gilectomy.go and nogil.go, which define the same few
// functions again. Then look at the rows of two threads: gil has the speed of one,
// free-threading is slower than that, the Gilectomy's two threads wait for each
// other's cache lines at every constant, and nogil has nearly twice the speed.
//
// To add a system, write its file, add its line to [Systems], and run
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
	"slices"
	"sync/atomic"

	"boundaries/internal/fork"
	"boundaries/internal/suite"
)

// A System is an interpreter.
type System struct {
	Name     string
	start    func(p *Program, threads int) interpreter
	programs []*Program // that have a row of the system

	// oneAtATime says that only the thread that holds a lock executes, so that
	// counts, containers and memory need no lock of their own.
	oneAtATime bool
}

var common = []*Program{Loop, Fib, Stone}

// Systems lists the interpreters, in the order of the rows.
//
// To add a system, write its file, add its line here, and run go generate.
var Systems = []System{
	{Name: "plain", start: startPlain, programs: common},
	{Name: "gil", start: startGIL, programs: common, oneAtATime: true},
	{Name: "gil-ticks", start: startGILTicks, programs: common, oneAtATime: true},
	{Name: "free-threading", start: startFreeThreading, programs: common},
	{Name: "gilectomy", start: startGilectomy, programs: common},
	{Name: "gilectomy-buffered", start: startGilectomyBuffered, programs: common},
	{Name: "nogil", start: startNogil, programs: common},
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
	drop(o *Object)
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

// An Answer is what a run must get exactly right.
type Answer struct {
	Value int64 // of the program, over all steps
	Live  int   // the number of objects that have not been freed at the end, which must be 0
}

// run takes n steps of a program on that many workers, each of which plays one
// thread. It panics if there is no worker or n is negative.
func (sys System) run(p *Program, workers, n int) Answer {
	fork.Check("systems", workers, n)
	in := sys.start(p, workers)
	var value atomic.Int64
	fork.Run("systems", len(in.threads), n, func(worker, n int) {
		t := in.threads[worker]
		t.begin()
		value.Add(t.run(worker, n))
		t.end()
	})
	return Answer{value.Load(), in.end()}
}

// Rows returns the systems that have a row of p.
func (p *Program) Rows() []suite.Row[Answer] {
	var rows []suite.Row[Answer]
	for _, sys := range Systems {
		if slices.Contains(sys.programs, p) {
			rows = append(rows, suite.Row[Answer]{Name: sys.Name, Run: func(workers, n int) Answer { return sys.run(p, workers, n) }})
		}
	}
	return rows
}

// Want returns the answer that n steps lead to on any number of threads.
func (p *Program) Want(_, n int) Answer { return Answer{Value: p.first + p.each*int64(n)} }
