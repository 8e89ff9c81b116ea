package systems

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/fibsize"
	"boundaries/internal/suite"
	"boundaries/internal/suite/suitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWired(t *testing.T) { suitetest.Wired(t, Systems) }

func TestFiles(t *testing.T) {
	var names []string
	for _, sys := range Systems {
		names = append(names, sys.Name)
	}
	suitetest.Files(t, ".", names)
}

// rowsWith returns the rows of a program with another one in its place.
func rowsWith(p, other *Program) []suite.Row[answer] {
	var rows []suite.Row[answer]
	for _, sys := range Systems {
		if slices.Contains(sys.programs, p) {
			rows = append(rows, suite.Row[answer]{Name: sys.Name, Run: func(workers, n int) answer { return sys.run(other, workers, n) }})
		}
	}
	return rows
}

// smallFib has the instructions of Fib, fewer times.
var smallFib = newFib(8)

func TestExact(t *testing.T) {
	for name, p := range map[string]*Program{"Loop": Loop, "Stone": Stone, "Countdown": Countdown} {
		t.Run(name, func(t *testing.T) { suitetest.Exact(t, rowsWith(p, p), p.want, 0, 1, 7, 100) })
	}
	t.Run("Fib", func(t *testing.T) { suitetest.Exact(t, rowsWith(Fib, smallFib), smallFib.want, 0, 1, 7, 100) })
}

// Every row of every program checks its answer, and those of SharedLoop say how many
// updates were lost.
func TestWorkloads(t *testing.T) {
	for _, p := range []*Program{Loop, smallFib, Stone, Countdown, SharedLoop} {
		for _, b := range p.Workload("x").Benches {
			for _, workers := range []int{1, 3} {
				s, err := b.Open(workers)
				require.NoError(t, err)
				for _, n := range []int{1, 300} {
					s.Run(n)
					require.NoError(t, s.Check(n), "%s, %d threads", b.Name, workers)
					if p != SharedLoop {
						require.Error(t, s.Check(n-1), "%s, %d threads", b.Name, workers)
						require.Nil(t, s.Metrics)
						continue
					}
					lost := s.Metrics(0, n)
					require.Len(t, lost, 1)
					require.Equal(t, "lost-updates/op", lost[0].Unit)
					require.GreaterOrEqual(t, lost[0].Value, 0.0)
					require.Less(t, lost[0].Value, 1.0)
				}
			}
		}
	}
}

// check rejects answers that SharedLoop cannot have.
func TestLostUpdatesAreChecked(t *testing.T) {
	loses, keeps := named(t, "nogil"), named(t, "gil-jumps")
	for _, test := range []struct {
		sys        System
		workers, n int
		got        answer
		ok         bool
	}{
		{loses, 2, 10, answer{21, 0}, true},
		{loses, 2, 10, answer{11, 0}, true},
		{loses, 2, 10, answer{3, 0}, true},
		{loses, 2, 10, answer{1, 0}, false},  // the last store is not lost
		{loses, 2, 10, answer{12, 0}, false}, // half an update
		{loses, 2, 10, answer{23, 0}, false}, // an update too many
		{loses, 2, 10, answer{11, 1}, false}, // an object too many
		{loses, 2, 10, answer{11, -1}, false},
		{loses, 2, 0, answer{1, 0}, true},
		{loses, 1, 10, answer{21, 0}, true},
		{loses, 1, 10, answer{19, 0}, false},
		{keeps, 2, 10, answer{21, 0}, true},
		{keeps, 2, 10, answer{19, 0}, false},
	} {
		err := SharedLoop.check(test.sys, test.workers, test.n, test.got)
		require.Equal(t, test.ok, err == nil, "%s, %+v: %v", test.sys.Name, test, err)
	}
	require.EqualError(t, SharedLoop.check(loses, 2, 10, answer{12, 0}), "got {12 0}, want {21 0} less a multiple of 2, but at least {3 0}")
}

// lost-updates/op is the share of the updates that the global lacks at the end.
func TestLostUpdatesPerStep(t *testing.T) {
	p := *SharedLoop
	p.each *= 2 // of which the program adds half
	s := p.session(named(t, "plain"), 1)
	s.Run(300)
	require.Equal(t, []suite.Metric{{Unit: "lost-updates/op", Value: 0.5}}, s.Metrics(0, 300))
}

// An extension takes more steps in one call than TestExact takes in all.
func TestManySteps(t *testing.T) {
	for _, row := range rowsWith(Loop, Loop) {
		require.Equal(t, answer{Value: 1 + 2*5001}, row.Run(3, 5001), row.Name)
	}
	extension := named(t, "c-extension")
	require.Equal(t, answer{Value: 1 + 2*600001}, extension.run(Loop, 2, 600001))
	require.Equal(t, answer{Value: 200 * 987}, extension.run(newFib(15), 2, 200))
}

func TestFibSize(t *testing.T) {
	for k, value := range map[int]int64{1: 1, 2: 2, 15: 987, 20: 10946} {
		p := newFib(k)
		require.Equal(t, answer{Value: 3 * value}, p.want(2, 3))
		for _, row := range rowsWith(Fib, p) {
			if k == 20 && row.Name != "plain" {
				continue // takes long
			}
			require.Equal(t, p.want(2, 3), row.Run(2, 3), "%s: fib(%d)", row.Name, k)
		}
	}
	require.Equal(t, fibsize.Value(fibsize.N(15)), Fib.each)
}

func TestMisuse(t *testing.T) {
	suitetest.Misuse(t, "systems", rowsWith(Loop, Loop))
	for listing, message := range map[string]string{
		"def f\n\tFLY 1\n":        "systems: f: no instruction FLY",
		"def f\n\tLOAD_FAST x\n":  "systems: f: no local x",
		"def f\n\tJUMP nowhere\n": "systems: f: no label nowhere",
		"def f\n\tCALL many\n":    `systems: f: strconv.ParseUint: parsing "many": invalid syntax`,
	} {
		require.PanicsWithValue(t, message, func() { newSpace().compile(listing) })
	}
}

// named returns the system of a name.
func named(t *testing.T, name string) System {
	i := slices.IndexFunc(Systems, func(sys System) bool { return sys.Name == name })
	require.GreaterOrEqual(t, i, 0, "no system is named %s", name)
	return Systems[i]
}

// A driven thread is one that a test drives by hand.
type driven interface {
	thread
	eval(function *object, args ...reference) *object
	tick()
	newInt(n int64) *object
	incref(*object)
	decref(*object)
	getItem(list, index *object) *object
	setItem(list, index, value *object) bool
	getKey(dict, name *object) *object
	setKey(dict, name, value *object) bool
	copyOf(o *object) *object
	assign(to, from *object) bool
	core() *machine
}

func (m *machine) core() *machine { return m }

// program returns a program for a test to drive by hand. globals makes what the
// functions of the listing find in globals, or is nil.
func program(listing string, globals func(s *space)) *Program {
	return &Program{shared: listing, globals: func(s *space, _ int) {
		if globals != nil {
			globals(s)
		}
	}}
}

// drive begins the threads of a system's interpreter, or the first if only one may
// run at a time. end ends them, and returns the number of objects that are left.
func (sys System) drive(p *Program, threads int) (all []driven, end func() int) {
	in := sys.start(p, threads)
	for _, t := range in.threads {
		all = append(all, t.(driven))
	}
	begun := all
	if sys.oneAtATime {
		begun = all[:1]
	}
	for _, t := range begun {
		t.begin()
	}
	return all, func() int {
		for _, t := range begun {
			t.end()
		}
		return in.end()
	}
}

// A program that fails says why and where, and leaves nothing behind.
func TestFailure(t *testing.T) {
	for _, test := range []struct{ listing, message string }{
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_CONST None\n\tBINARY_ADD\n\tRETURN_VALUE\n", "addition of int and None, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1\n\tLOAD_CONST 2000000000\n\tBINARY_MULTIPLY\n\tRETURN_VALUE\n", "multiplication of integers of two digits, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1\n\tLOAD_CONST None\n\tCOMPARE_LESS\n\tRETURN_VALUE\n", "comparison of int and None, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_GLOBAL nothing\n\tRETURN_VALUE\n", "a name has no value, in f, instruction 1"},
		{"def f x\n\tLOAD_FAST x\n\tRETURN_VALUE\n", "a local is used before it has a value, in f, instruction 0"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_GLOBAL f\n\tCALL 0\n\tRETURN_VALUE\n", "maximum recursion depth exceeded, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_CONST 1\n\tCALL 1\n\tRETURN_VALUE\n", "call of int with 1 arguments, in f, instruction 2"},
		{"def f\n\tLOAD_CONST None\n\tGET_ITER\n\tRETURN_VALUE\n", "range of None, in f, instruction 1"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_CONST 1\n\tLOAD_CONST 2\n\tSTORE_SUBSCR\n\tRETURN_VALUE\n", "int[int], in f, instruction 3"},
		{"def f\n\tLOAD_GLOBAL list\n\tLOAD_CONST 3\n\tBINARY_SUBSCR\n\tRETURN_VALUE\n", "list index out of range, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1000\n\tLOAD_GLOBAL list\n\tLOAD_CONST -1\n\tSTORE_SUBSCR\n\tRETURN_VALUE\n", "list index out of range, in f, instruction 3"},
		{"def f\n\tLOAD_CONST 1\n\tLOAD_ATTR x\n\tRETURN_VALUE\n", "int has no names, in f, instruction 1"},
		{"def f\n\tLOAD_CONST None\n\tLOAD_CONST 1000\n\tCALL_NATIVE 0\n\tRETURN_VALUE\n", "a kernel of None and int, in f, instruction 2"},
		{"def f\n\tLOAD_CONST 1\n\tCOPY\n\tRETURN_VALUE\n", "copy of int, in f, instruction 1"},
		{"def f\n\tLOAD_CONST 1\n\tLOAD_GLOBAL list\n\tASSIGN_SLICE\n\tRETURN_VALUE\n", "assignment of int to a slice of list, in f, instruction 2"},
	} {
		p := program(test.listing, func(s *space) {
			s.setGlobal("list", s.container(kindList, nil, s.integer(1000), s.none, s.integer(7)))
		})
		for _, sys := range Systems {
			threads, end := sys.drive(p, 1)
			m := threads[0].core()
			require.Nil(t, threads[0].eval(m.global("f")), "%s: %s", sys.Name, test.message)
			require.EqualError(t, m.err, "systems: "+test.message, sys.Name)
			require.Zero(t, m.depth, "%s: calls open after %s", sys.Name, test.message)
			require.Zero(t, end(), "%s: objects after %s", sys.Name, test.message)
		}
	}
}

// Containers do what lists and dicts do.
func TestContainers(t *testing.T) {
	suitetest.Guard(t, "a thread waits for a lock, perhaps its own")
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
	p := program(listing, func(s *space) {
		s.setGlobal("record", s.container(kindDict, newKeys([]keyEntry{{s.name("old").num, s.name("old")}}), s.integer(20)))
		s.setGlobal("short", s.container(kindList, nil, s.integer(1000), s.integer(2000)))
		s.setGlobal("long", s.container(kindList, nil, s.integer(1), s.integer(2), s.integer(3)))
		s.setGlobal("functions", s.container(kindList, nil, s.global("f")))
	})
	for _, sys := range Systems {
		threads, end := sys.drive(p, 1)
		m := threads[0].core()
		result := threads[0].eval(m.global("f"))
		require.NoError(t, m.err, sys.Name)
		require.EqualValues(t, 20+300+4000+2000+50000+1, result.value(), sys.Name)
		threads[0].decref(result)
		require.Zero(t, end(), sys.Name)
	}
}

// None and 0 are false, other integers are true, and an integer may have two digits.
func TestIntegers(t *testing.T) {
	const listing = `
def f
	LOAD_CONST None
	POP_JUMP_IF_FALSE zero
	LOAD_CONST 1
	RETURN_VALUE
zero:
	LOAD_CONST 0
	POP_JUMP_IF_FALSE negative
	LOAD_CONST 2
	RETURN_VALUE
negative:
	LOAD_CONST -3
	POP_JUMP_IF_FALSE wrong
	LOAD_CONST 1099511627776
	LOAD_CONST -1
	BINARY_ADD
	LOAD_CONST 1099511627777
	BINARY_SUBTRACT
	RETURN_VALUE
wrong:
	LOAD_CONST 3
	RETURN_VALUE
`
	for _, sys := range Systems {
		threads, end := sys.drive(program(listing, nil), 1)
		m := threads[0].core()
		result := threads[0].eval(m.global("f"))
		require.NoError(t, m.err, sys.Name)
		require.EqualValues(t, -2, result.value(), sys.Name)
		threads[0].decref(result)
		require.Zero(t, end(), sys.Name)
	}
}

func ExampleProgram() {
	for _, bench := range Countdown.Workload("CountdownBoxed").Benches {
		row, err := bench.Open(2)
		if err != nil {
			panic(err)
		}
		row.Run(1000)
		fmt.Println(bench.Name, row.Check(1000))
	}
	// Output:
	// plain <nil>
	// gil <nil>
	// gil-ticks <nil>
	// free-threading <nil>
	// nogil <nil>
}
