// Package boxed runs programs on reference-counted objects, as a Python
// interpreter does, under every system of the article: CPython with its lock,
// the patch of 1996 that took it out, the two designs of the Gilectomy, nogil,
// sub-interpreters, and an extension that gives the lock away.
//
// Only these rows may be held against the article's ratios. A step of package
// loop is less than a nanosecond of work beside a lock; here every instruction
// does what it does in CPython to objects, counts and containers, and a lock or a
// locked instruction is a part of that.
//
// There are three programs, in program.go: [Loop], one step of which is 7
// instructions, 4 references taken and 6 dropped, 2 objects made, a dict read and
// written; [Fib], a call of which takes and drops 16 references on average and
// looks fib up twice if it is not a leaf; and [Stone], where containers are read
// and written. A test counts all this in every system, so that none is fast by
// doing less. What a system's idea removes, and nothing else, may be missing: of
// nogil the counts of immortal objects, and of deferred ones on the stack; of an
// extension everything that its kernel does.
//
// Each system is one file: what it does for a reference (incref, decref), for
// memory (take, give), for a container (lock, put) and between two instructions
// (tick). The interpreter itself, eval_plain.go, is the same for all: the other
// eval files are written from it by gen.go, with the system's thread as the
// receiver, because a call through an interface would cost as much as a count.
//
// Read plain.go and gil.go, which differ in tick; then free_threading.go,
// gilectomy.go and nogil.go, which are the same three functions again. Look at
// two threads: gil has the speed of one, free-threading less than that, the
// Gilectomy's two threads wait for each other's cache lines at every constant,
// and nogil has nearly twice the speed.
//
// What a model of this size leaves out: exceptions (a program that fails ends),
// the collection of cycles, which the Gilectomy has switched off, classes, and
// the caches in the bytecode of CPython 3.11 and later. The arrays of containers
// are memory of Go's collector, whatever the system.
package systems

import "boundaries/internal/suite"

// A System is an interpreter.
type System struct {
	Name string

	// Run takes n steps of a program on that many threads. It panics if there is
	// no thread or n is negative.
	Run func(p *Program, workers, n int) Answer
}

// Systems lists the interpreters, in the order of the rows.
//
// To add a system, write its file and add its line here and in gen.go.
var Systems = []System{
	{"plain", runPlain},
	{"gil", runGIL},
	{"gil-ticks", runGILTicks},
	{"free-threading", runFreeThreading},
	{"gilectomy", runGilectomy},
	{"gilectomy-buffered", runGilectomyBuffered},
	{"nogil", runNogil},
	{"nogil/without=immortal", runNogilWithoutImmortal},
	{"nogil/without=deferred", runNogilWithoutDeferred},
	{"nogil/without=biased", runNogilWithoutBiased},
	{"nogil/without=optimistic-reads", runNogilWithoutOptimisticReads},
	{"subinterpreters", runSubinterpreters},
	{"c-extension", runCExtension},
}

// An Answer is what a run must get exactly right.
type Answer struct {
	Value int64 // of the program, over all steps
	Live  int   // objects that nobody has freed
}

// Want returns the answer that n steps lead to on any number of threads.
func (p *Program) Want(_, n int) Answer { return Answer{Value: p.first + p.each*int64(n)} }

// Rows returns the systems with this program.
func (p *Program) Rows() []suite.Row[Answer] {
	var rows []suite.Row[Answer]
	for _, s := range Systems {
		if s.Name == "c-extension" && p.native == "" {
			continue
		}
		rows = append(rows, suite.Row[Answer]{Name: s.Name, Run: func(workers, n int) Answer { return s.Run(p, workers, n) }})
	}
	return rows
}
