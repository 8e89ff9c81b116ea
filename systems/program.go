package systems

import (
	"strconv"
	"strings"

	"boundaries/internal/fibsize"
)

// A Program is what the threads of a system execute. Every thread calls a function
// of its own, run0, run1 and so on, which takes steps and returns their value.
type Program struct {
	shared  string                      // the listing of functions that all threads call
	thread  string                      // the listing of a thread's function, in which @ is the thread's number
	native  string                      // like thread, for an interpreter with an extension; or empty
	globals func(s *space, threads int) // makes the globals that are not functions; or nil

	first, each int64 // n steps have the value first + n*each

	// total is the global that all threads add to, or empty if they share none. The
	// value of the program is then that of the global at the end. Every lost update
	// makes it smaller by each.
	total string
}

// Loop is the loop of the article's code 4.1: a step adds 2 to a global. Each
// thread has its own global, and all of them are in one dict, so that no addition
// is lost and yet all threads write to one container. The sum of the globals starts
// at 1.
var Loop = &Program{
	thread: `
def run@ i / n
	LOAD_FAST n
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL ans@
	LOAD_CONST 2
	BINARY_ADD
	STORE_GLOBAL ans@
	JUMP next
end:
	LOAD_GLOBAL ans@
	RETURN_VALUE
`,
	native: `
def run@ steps / n
next:
	LOAD_CONST 262144
	STORE_FAST steps
	LOAD_FAST n
	LOAD_FAST steps
	COMPARE_LESS
	POP_JUMP_IF_FALSE enough
	LOAD_FAST n
	STORE_FAST steps
enough:
	LOAD_GLOBAL ans@
	LOAD_FAST steps
	CALL_NATIVE 0
	STORE_GLOBAL ans@
	LOAD_FAST n
	LOAD_FAST steps
	BINARY_SUBTRACT
	STORE_FAST n
	LOAD_CONST 0
	LOAD_FAST n
	COMPARE_LESS
	POP_JUMP_IF_FALSE end
	JUMP next
end:
	LOAD_GLOBAL ans@
	RETURN_VALUE
`,
	globals: func(s *space, threads int) {
		for i := range threads {
			first := s.integer(0)
			if i == 0 {
				first = s.integer(1)
			}
			first.refs++
			s.setGlobal("ans"+strconv.Itoa(i), first)
		}
	},
	first: 1, each: 2,
}

// SharedLoop is the loop of the article's code 4.3: a step adds 2 to the one global
// ans, which starts at 1. A thread overwrites the updates that other threads make
// between its load and its store.
//
// Under a GIL, updates are lost in whole slices. A thread that gives the lock away
// between its load and its store overwrites, when it is back, everything that the
// others added in their 5 ms. So the lost share settles only after many switches. A
// run of 200 ms has 40 of them, and a run shorter than 5 ms has none and loses
// nothing.
//
// Two threads lose about a third of their updates under gil, where a thread may lose
// the lock before any instruction. (In Python up to 3.9 it may lose it before most
// instructions.) Under gil-jumps, which is Python 3.10 and later, they lose none, and
// under nogil up to half. With more threads they lose more.
var SharedLoop = &Program{
	thread: `
def run@ i / n
	LOAD_FAST n
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL ans
	LOAD_CONST 2
	BINARY_ADD
	STORE_GLOBAL ans
	JUMP next
end:
	LOAD_CONST 0
	RETURN_VALUE
`,
	globals: func(s *space, _ int) {
		one := s.integer(1)
		one.refs++
		s.setGlobal("ans", one)
	},
	first: 1, each: 2,
	total: "ans",
}

// Countdown is the loop of the 1996 figures, as we remember them: a step is one
// n -= 1 in "while 0 < n", where n is a local. The program uses no container. Its
// value is the amount by which n has decreased.
var Countdown = &Program{
	thread: `
def run@ first / n
	LOAD_FAST n
	STORE_FAST first
next:
	LOAD_CONST 0
	LOAD_FAST n
	COMPARE_LESS
	POP_JUMP_IF_FALSE end
	LOAD_FAST n
	LOAD_CONST 1
	BINARY_SUBTRACT
	STORE_FAST n
	JUMP next
end:
	LOAD_FAST first
	LOAD_FAST n
	BINARY_SUBTRACT
	RETURN_VALUE
`,
	each: 1,
}

// Fib is the article's code 4.4.1 and 4.5.1: a step is one fib(15), which is 1,973
// calls, or the fib that the environment variable BOUNDARIES_FIB sets (see package
// fibsize). All threads call the same function.
var Fib = newFib(fibsize.N(15))

func newFib(k int) *Program {
	listing := func(text string) string { return strings.ReplaceAll(text, "FIB", strconv.Itoa(k)) }
	return &Program{shared: fibShared, thread: listing(fibThread), native: listing(fibNative), each: fibsize.Value(k)}
}

const fibShared = `
def fib / n
	LOAD_FAST n
	LOAD_CONST 2
	COMPARE_LESS
	POP_JUMP_IF_FALSE more
	LOAD_CONST 1
	RETURN_VALUE
more:
	LOAD_GLOBAL fib
	LOAD_FAST n
	LOAD_CONST 1
	BINARY_SUBTRACT
	CALL 1
	LOAD_GLOBAL fib
	LOAD_FAST n
	LOAD_CONST 2
	BINARY_SUBTRACT
	CALL 1
	BINARY_ADD
	RETURN_VALUE
`

const fibThread = `
def run@ i total / n
	LOAD_CONST 0
	STORE_FAST total
	LOAD_FAST n
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_FAST total
	LOAD_GLOBAL fib
	LOAD_CONST FIB
	CALL 1
	BINARY_ADD
	STORE_FAST total
	JUMP next
end:
	LOAD_FAST total
	RETURN_VALUE
`

const fibNative = `
def run@ steps total / n
	LOAD_CONST 0
	STORE_FAST total
next:
	LOAD_CONST 64
	STORE_FAST steps
	LOAD_FAST n
	LOAD_FAST steps
	COMPARE_LESS
	POP_JUMP_IF_FALSE enough
	LOAD_FAST n
	STORE_FAST steps
enough:
	LOAD_FAST total
	LOAD_CONST FIB
	LOAD_FAST steps
	CALL_NATIVE 1
	BINARY_ADD
	STORE_FAST total
	LOAD_FAST n
	LOAD_FAST steps
	BINARY_SUBTRACT
	STORE_FAST n
	LOAD_CONST 0
	LOAD_FAST n
	COMPARE_LESS
	POP_JUMP_IF_FALSE end
	JUMP next
end:
	LOAD_FAST total
	RETURN_VALUE
`

// Stone is a round of pystone, shortened: calls, and reads and writes of records
// and lists that all threads share. Every thread writes the same values to the
// same places, so the value of a round does not depend on the other threads.
//
// There is no row for an extension, because it must not touch these objects without
// the GIL.
var Stone = &Program{
	shared: `
def proc7 / a b
	LOAD_FAST a
	LOAD_CONST 2
	BINARY_ADD
	LOAD_FAST b
	BINARY_ADD
	RETURN_VALUE

def func1 / a b
	LOAD_FAST a
	LOAD_FAST b
	COMPARE_EQUAL
	POP_JUMP_IF_FALSE other
	LOAD_CONST 1
	RETURN_VALUE
other:
	LOAD_CONST 0
	RETURN_VALUE

def proc3 / record
	LOAD_GLOBAL PtrGlb
	LOAD_ATTR PtrComp
	LOAD_FAST record
	STORE_ATTR PtrComp
	LOAD_GLOBAL proc7
	LOAD_CONST 10
	LOAD_GLOBAL IntGlob
	CALL 2
	LOAD_FAST record
	STORE_ATTR IntComp
	LOAD_CONST None
	RETURN_VALUE

def proc1 new / record
	LOAD_FAST record
	COPY
	STORE_FAST new
	LOAD_CONST 5
	LOAD_FAST record
	STORE_ATTR IntComp
	LOAD_FAST record
	LOAD_ATTR IntComp
	LOAD_FAST new
	STORE_ATTR IntComp
	LOAD_FAST record
	LOAD_ATTR PtrComp
	LOAD_FAST new
	STORE_ATTR PtrComp
	LOAD_GLOBAL proc3
	LOAD_FAST new
	CALL 1
	POP_TOP
	LOAD_FAST new
	LOAD_ATTR Discr
	LOAD_CONST 0
	COMPARE_EQUAL
	POP_JUMP_IF_FALSE other
	LOAD_GLOBAL proc7
	LOAD_FAST new
	LOAD_ATTR IntComp
	LOAD_CONST 10
	CALL 2
	LOAD_FAST new
	STORE_ATTR IntComp
other:
	LOAD_FAST new
	LOAD_ATTR IntComp
	RETURN_VALUE

def proc8 loc i / list rows x y
	LOAD_FAST x
	LOAD_CONST 5
	BINARY_ADD
	STORE_FAST loc
	LOAD_FAST y
	LOAD_FAST list
	LOAD_FAST loc
	STORE_SUBSCR
	LOAD_FAST list
	LOAD_FAST loc
	BINARY_SUBSCR
	LOAD_FAST list
	LOAD_FAST loc
	LOAD_CONST 1
	BINARY_ADD
	STORE_SUBSCR
	LOAD_FAST loc
	LOAD_FAST list
	LOAD_FAST loc
	LOAD_CONST 30
	BINARY_ADD
	STORE_SUBSCR
	LOAD_CONST 2
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_FAST loc
	LOAD_FAST rows
	LOAD_FAST loc
	BINARY_SUBSCR
	LOAD_FAST loc
	LOAD_FAST i
	BINARY_ADD
	STORE_SUBSCR
	JUMP next
end:
	LOAD_CONST 5
	STORE_GLOBAL IntGlob
	LOAD_FAST list
	LOAD_FAST loc
	LOAD_CONST 30
	BINARY_ADD
	BINARY_SUBSCR
	RETURN_VALUE

def round a b c
	LOAD_CONST 2
	STORE_FAST a
	LOAD_CONST 3
	STORE_FAST b
while:
	LOAD_FAST a
	LOAD_FAST b
	COMPARE_LESS
	POP_JUMP_IF_FALSE done
	LOAD_CONST 5
	LOAD_FAST a
	BINARY_MULTIPLY
	LOAD_FAST b
	BINARY_SUBTRACT
	STORE_FAST c
	LOAD_GLOBAL proc7
	LOAD_FAST a
	LOAD_FAST b
	CALL 2
	STORE_FAST c
	LOAD_FAST a
	LOAD_CONST 1
	BINARY_ADD
	STORE_FAST a
	JUMP while
done:
	LOAD_GLOBAL proc8
	LOAD_GLOBAL Array1Glob
	LOAD_GLOBAL Array2Glob
	LOAD_FAST a
	LOAD_FAST c
	CALL 4
	STORE_FAST a
	LOAD_GLOBAL Array3Glob
	LOAD_GLOBAL Array1Glob
	ASSIGN_SLICE
	LOAD_GLOBAL func1
	LOAD_FAST a
	LOAD_FAST b
	CALL 2
	LOAD_FAST a
	BINARY_ADD
	LOAD_GLOBAL proc1
	LOAD_GLOBAL PtrGlb
	CALL 1
	LOAD_CONST 100
	BINARY_MULTIPLY
	BINARY_ADD
	RETURN_VALUE
`,
	thread: `
def run@ i total / n
	LOAD_CONST 0
	STORE_FAST total
	LOAD_FAST n
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_FAST total
	LOAD_GLOBAL round
	CALL 0
	BINARY_ADD
	STORE_FAST total
	JUMP next
end:
	LOAD_FAST total
	RETURN_VALUE
`,
	globals: func(s *space, threads int) {
		// The lists start as proc8 leaves them, so that Array1Glob is the same
		// before and after Array3Glob is assigned to it.
		list := func(n int) *object {
			items := make([]*object, n)
			for i := range items {
				items[i] = s.integer(7)
				if i == 38 {
					items[i] = s.integer(8)
				}
			}
			return s.container(kindList, nil, items...)
		}
		rows := make([]*object, 51)
		for i := range rows {
			rows[i] = list(51)
			rows[i].refs-- // the container of all rows takes its own
		}
		var entries []keyEntry
		for _, word := range []string{"PtrComp", "Discr", "EnumComp", "IntComp", "StringComp"} {
			entries = append(entries, keyEntry{s.name(word).num, s.name(word)})
		}
		names := newKeys(entries)
		next := s.container(kindDict, names, s.none, s.integer(0), s.integer(1), s.integer(0), s.name("DHRYSTONE PROGRAM, SOME STRING"))
		record := s.container(kindDict, names, next, s.integer(0), s.integer(3), s.integer(5), s.name("DHRYSTONE PROGRAM, SOME STRING"))
		next.refs--
		s.setGlobal("Array1Glob", list(51))
		s.setGlobal("Array2Glob", s.container(kindList, nil, rows...))
		s.setGlobal("Array3Glob", list(51))
		s.setGlobal("PtrGlb", record)
		five := s.integer(5)
		five.refs++
		s.setGlobal("IntGlob", five)
	},
	each: 8 + 2900,
}

// build makes the space of an interpreter that runs p on that many threads.
func (p *Program) build(threads int) *space { return p.buildWith(p.thread, threads) }

// buildWith is like build, with another listing of a thread's function.
func (p *Program) buildWith(thread string, threads int) *space {
	s := newSpace()
	s.compile(p.shared)
	for i := range threads {
		s.compile(strings.ReplaceAll(thread, "@", strconv.Itoa(i)))
	}
	if p.globals != nil {
		p.globals(s, threads)
	}
	return s
}
