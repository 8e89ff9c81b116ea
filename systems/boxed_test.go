package systems

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/gil"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// smallFib is Fib with fib(8): the same instructions, fewer times.
var smallFib = &Program{
	shared: Fib.shared,
	thread: strings.Replace(Fib.thread, "LOAD_CONST 15", "LOAD_CONST 8", 1),
	each:   34,
}

func TestAnswers(t *testing.T) {
	for name, p := range map[string]*Program{"Loop": Loop, "Fib": smallFib, "Stone": Stone} {
		for _, row := range p.Rows() {
			t.Run(name+"/"+row.Name, func(t *testing.T) {
				for workers := 1; workers <= 9; workers++ {
					for _, n := range []int{0, 1, 7, 100} {
						require.Equal(t, p.Want(workers, n), row.Run(workers, n), "%d threads, %d steps", workers, n)
					}
				}
			})
		}
	}
}

// A step of Fib is fib(15), and an extension takes more steps than it does in one
// call.
func TestWholeSteps(t *testing.T) {
	for _, row := range Fib.Rows() {
		require.Equal(t, Answer{Value: 5 * 987}, row.Run(2, 5), row.Name)
	}
	for _, row := range Loop.Rows() {
		require.Equal(t, Answer{Value: 1 + 2*20001}, row.Run(3, 20001), row.Name)
	}
	require.Equal(t, Answer{Value: 1 + 2*600001}, runCExtension(Loop, 2, 600001))
	require.Equal(t, Answer{Value: 200 * 987}, runCExtension(Fib, 2, 200))
}

func TestMisuse(t *testing.T) {
	for _, s := range Systems {
		require.PanicsWithValue(t, "systems: 0 workers, need at least one", func() { s.Run(Loop, 0, 1) }, s.Name)
		require.PanicsWithValue(t, "systems: -1 steps, need none or more", func() { s.Run(Loop, 1, -1) }, s.Name)
	}
	for _, listing := range []string{"def f\n\tFLY 1\n", "def f\n\tLOAD_FAST x\n", "def f\n\tJUMP nowhere\n", "def f\n\tCALL many\n"} {
		require.Panics(t, func() { newSpace().compile(listing) }, listing)
	}
}

// A thread of one of the systems, for tests that drive one by hand.
type thread interface {
	eval(function *Object, args ...reference) *Object
	newInt(n int64) *Object
	decref(*Object)
	core() *machine
}

func (m *machine) core() *machine { return m }

// interpreters make the threads of an interpreter, and a function that ends it and
// returns the number of objects that are left.
var interpreters = map[string]func(s *space, threads int) ([]thread, func() int){
	"plain": func(s *space, threads int) ([]thread, func() int) {
		all := make([]thread, threads)
		for i := range all {
			all[i] = &plainThread{machine: machine{space: s}}
		}
		return all, func() int { return s.close(all[0].decref) }
	},
	"gil": func(s *space, threads int) ([]thread, func() int) {
		lock := newLockedGIL()
		all := make([]thread, threads)
		for i := range all {
			all[i] = &gilThread{machine: machine{space: s}, gil: lock}
		}
		return all, func() int { return s.close(all[0].decref) }
	},
	"gil-ticks": func(s *space, threads int) ([]thread, func() int) {
		lock := newTickLock()
		all := make([]thread, threads)
		for i := range all {
			all[i] = &ticksThread{machine: machine{space: s}, gil: lock}
		}
		return all, func() int { return s.close(all[0].decref) }
	},
	"free-threading": func(s *space, threads int) ([]thread, func() int) {
		var locks freeLocks
		all := make([]thread, threads)
		for i := range all {
			all[i] = &freeThread{machine: machine{space: s}, locks: &locks}
		}
		return all, func() int { return s.close(all[0].decref) }
	},
	"gilectomy": func(s *space, threads int) ([]thread, func() int) {
		var memory gilectomyMemory
		all := make([]thread, threads)
		for i := range all {
			all[i] = &gilectomyThread{machine: machine{space: s}, memory: &memory}
		}
		return all, func() int { return s.close(all[0].decref) }
	},
	"gilectomy-buffered": func(s *space, threads int) ([]thread, func() int) {
		r := newReflog(s, 2*slack)
		all := make([]thread, threads)
		for i := range all {
			all[i] = r.newThread()
		}
		return all, func() int {
			for _, t := range all {
				t.(*bufferedThread).close() // for those that have not
			}
			last := r.newThread()
			s.release(last.decref)
			last.close()
			r.stop()
			return s.live
		}
	},
	"nogil":                          nogilInterpreter(nogilPieces{}),
	"nogil/without=immortal":         nogilInterpreter(nogilPieces{withoutImmortal: true}),
	"nogil/without=deferred":         nogilInterpreter(nogilPieces{withoutDeferred: true}),
	"nogil/without=biased":           nogilInterpreter(nogilPieces{withoutBiased: true}),
	"nogil/without=optimistic-reads": nogilInterpreter(nogilPieces{withoutOptimisticReads: true}),
}

func nogilInterpreter(pieces nogilPieces) func(s *space, threads int) ([]thread, func() int) {
	return func(s *space, threads int) ([]thread, func() int) {
		all := make([]thread, threads)
		own := make([]*nogilThread, threads)
		for i := range all {
			own[i] = newNogilThread(s, pieces)
			all[i] = own[i]
		}
		own[0].adopt()
		return all, func() int {
			for _, t := range own {
				t.close() // for those that have not
			}
			return newNogilThread(s, pieces).finalize(own)
		}
	}
}

// A program that fails says why and where, and leaves nothing behind.
func TestFailure(t *testing.T) {
	for _, test := range []struct{ listing, message string }{
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_CONST None\n\tBINARY_ADD\n\tRETURN_VALUE\n", "addition of int and None, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1\n\tLOAD_CONST None\n\tCOMPARE_LESS\n\tRETURN_VALUE\n", "comparison of int and None, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_GLOBAL nothing\n\tRETURN_VALUE\n", "a name has no value, in f, instruction 1"},
		{"def f x\n\tLOAD_FAST x\n\tRETURN_VALUE\n", "a local is used before it has a value, in f, instruction 0"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_GLOBAL f\n\tCALL 0\n\tRETURN_VALUE\n", "maximum recursion depth exceeded, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_CONST 1\n\tCALL 1\n\tRETURN_VALUE\n", "call of int with 1 arguments, in f, instruction 2"},
		{"def f\n\tLOAD_CONST None\n\tGET_ITER\n\tRETURN_VALUE\n", "range of None, in f, instruction 1"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_CONST 1\n\tLOAD_CONST 2\n\tSTORE_SUBSCR\n\tRETURN_VALUE\n", "int[int], in f, instruction 3"},
		{"def f\n\tLOAD_GLOBAL list\n\tLOAD_CONST 3\n\tBINARY_SUBSCR\n\tRETURN_VALUE\n", "list index out of range, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_GLOBAL list\n\tLOAD_CONST -1\n\tSTORE_SUBSCR\n\tRETURN_VALUE\n", "list index out of range, in f, instruction 3"},
		{"def f\n\tLOAD_CONST 1\n\tLOAD_ATTR x\n\tRETURN_VALUE\n", "a name in int, in f, instruction 1"},
		{"def f\n\tLOAD_CONST None\n\tLOAD_CONST 1000\n\tCALL_NATIVE 0\n\tRETURN_VALUE\n", "a kernel of None and int, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1\n\tCOPY\n\tRETURN_VALUE\n", "copy of int, in f, instruction 1"},
		{"def f\n\tLOAD_CONST 1\n\tLOAD_GLOBAL list\n\tASSIGN_SLICE\n\tRETURN_VALUE\n", "assignment of int to a slice of list, in f, instruction 2"},
	} {
		for name, start := range interpreters {
			s := newSpace()
			s.compile(test.listing)
			s.setGlobal("list", s.container(kindList, nil, s.integer(1000), s.none, s.integer(7)))
			threads, end := start(s, 1)
			require.Nil(t, threads[0].eval(s.global("f")), "%s: %s", name, test.message)
			require.EqualError(t, threads[0].core().err, "systems: "+test.message, name)
			require.Zero(t, threads[0].core().depth, "%s: calls open after %s", name, test.message)
			require.Zero(t, end(), "%s: objects after %s", name, test.message)
		}
	}
}

// Containers do what lists and dicts do.
func TestContainers(t *testing.T) {
	const listing = `
def f copy
	LOAD_GLOBAL record
	COPY
	STORE_FAST copy
	LOAD_CONST 4000
	LOAD_FAST copy
	STORE_ATTR new
	LOAD_CONST 300
	LOAD_FAST copy
	STORE_ATTR old
	LOAD_GLOBAL short
	LOAD_GLOBAL long
	ASSIGN_SLICE
	LOAD_GLOBAL long
	LOAD_GLOBAL long
	ASSIGN_SLICE
	LOAD_CONST 50000
	LOAD_GLOBAL short
	LOAD_CONST 1
	STORE_SUBSCR
	LOAD_CONST 1
	STORE_GLOBAL fresh
	LOAD_GLOBAL record
	LOAD_ATTR old
	LOAD_FAST copy
	LOAD_ATTR old
	BINARY_ADD
	LOAD_FAST copy
	LOAD_ATTR new
	BINARY_ADD
	LOAD_GLOBAL long
	LOAD_CONST 1
	BINARY_SUBSCR
	BINARY_ADD
	LOAD_GLOBAL short
	LOAD_CONST 1
	BINARY_SUBSCR
	BINARY_ADD
	LOAD_GLOBAL fresh
	BINARY_ADD
	LOAD_GLOBAL functions
	LOAD_CONST 0
	BINARY_SUBSCR
	POP_TOP
	RETURN_VALUE
`
	for name, start := range interpreters {
		s := newSpace()
		s.compile(listing)
		s.setGlobal("record", s.container(kindDict, newKeys([]keyEntry{{s.name("old").num, s.name("old")}}), s.integer(20)))
		s.setGlobal("short", s.container(kindList, nil, s.integer(1000), s.integer(2000)))
		s.setGlobal("long", s.container(kindList, nil, s.integer(1), s.integer(2), s.integer(3)))
		s.setGlobal("functions", s.container(kindList, nil, s.global("f")))
		threads, end := start(s, 1)
		result := threads[0].eval(s.global("f"))
		require.NoError(t, threads[0].core().err, name)
		require.EqualValues(t, 20+300+4000+2000+50000+1, result.value(), name)
		threads[0].decref(result)
		require.Zero(t, end(), name)
	}
}

// newLockedGIL returns a lock that some thread has, which nobody will ask for.
func newLockedGIL() *gil.GIL {
	lock := new(gil.GIL)
	lock.Acquire(new(gil.Thread))
	return lock
}

func ExampleProgram() {
	for _, row := range Loop.Rows()[:2] {
		fmt.Println(row.Name, row.Run(2, 1000))
	}
	// Output:
	// plain {2001 0}
	// gil {2001 0}
}
