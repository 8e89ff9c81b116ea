package systems

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/fork"
	"boundaries/internal/gil"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// These tests check that each system works as its design says. A system that gives the
// right answers but works in another way fails one of them.

// together runs the functions of a program at once, each on a thread of its own, and
// returns the number of objects that are left.
func (sys System) together(t *testing.T, p *Program, functions ...string) int {
	in := sys.start(p, len(functions))
	done := make(chan struct{})
	go func() {
		defer close(done)
		fork.Run("systems", len(functions), 0, func(worker, _ int) {
			t := in.threads[worker].(driven)
			t.begin()
			defer t.end()
			result := t.eval(t.global(functions[worker]))
			if result == nil {
				panic(t.core().err)
			}
			t.decref(result)
		})
	}()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		stacks := make([]byte, 1<<16)
		t.Fatalf("%s: the threads wait for each other:\n%s", sys.Name, stacks[:runtime.Stack(stacks, true)])
	}
	return in.end()
}

// sharing returns the systems whose threads share objects and containers.
func sharing() []System {
	var all []System
	for _, sys := range Systems {
		if sys.unlocked {
			continue
		}
		in := sys.start(smallFib, 2)
		if len(in.threads) == 2 && in.threads[0].(driven).core().space == in.threads[1].(driven).core().space {
			all = append(all, sys)
		}
		for _, t := range in.threads {
			t.begin()
			t.end()
		}
		in.end()
	}
	return all
}

// parallel returns the systems whose threads share objects and execute at the same
// time.
func parallel() []System {
	return slices.DeleteFunc(sharing(), func(sys System) bool { return sys.oneAtATime })
}

// Two threads that assign two lists to each other, in opposite orders, lock two
// objects each and do not deadlock. The article says that there are no deadlocks
// because there is only one lock.
func TestOppositeOrders(t *testing.T) {
	const listing = `
def ab i
	LOAD_CONST 3000
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL a
	LOAD_GLOBAL b
	ASSIGN_SLICE
	JUMP next
end:
	LOAD_CONST None
	RETURN_VALUE

def ba i
	LOAD_CONST 3000
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL b
	LOAD_GLOBAL a
	ASSIGN_SLICE
	JUMP next
end:
	LOAD_CONST None
	RETURN_VALUE
`
	p := program(listing, func(s *space) {
		s.setGlobal("a", s.container(kindList, nil, s.integer(1000), s.integer(2000)))
		s.setGlobal("b", s.container(kindList, nil, s.integer(3000)))
	})
	for _, sys := range sharing() {
		require.Zero(t, sys.together(t, p, "ab", "ba"), sys.Name)
	}
}

// One thread reads items that another thread replaces and so frees. A reader that
// took its reference a moment after the read, or from a slot that already holds
// another object, would compute with a wrong number or with none. The reader reads
// an item, copies the list, and assigns it to another. The copies are freed again.
func TestReadWhatIsReplaced(t *testing.T) {
	const listing = `
def write i
	LOAD_CONST 20000
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_FAST i
	LOAD_CONST 1000000
	BINARY_ADD
	STORE_GLOBAL x
	LOAD_FAST i
	LOAD_CONST 3000000
	BINARY_ADD
	LOAD_GLOBAL list
	LOAD_CONST 1
	STORE_SUBSCR
	JUMP next
end:
	LOAD_CONST None
	RETURN_VALUE

def read i y
	LOAD_CONST 20000
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL x
	STORE_FAST y
	LOAD_FAST y
	LOAD_CONST 1000000
	COMPARE_LESS
	POP_JUMP_IF_FALSE low
	LOAD_CONST None
	LOAD_CONST 1
	BINARY_ADD
low:
	LOAD_CONST 1020000
	LOAD_FAST y
	COMPARE_LESS
	POP_JUMP_IF_FALSE high
	LOAD_CONST None
	LOAD_CONST 1
	BINARY_ADD
high:
	LOAD_GLOBAL list
	LOAD_CONST 1
	BINARY_SUBSCR
	LOAD_CONST 3000000
	COMPARE_LESS
	POP_JUMP_IF_FALSE item
	LOAD_CONST None
	LOAD_CONST 1
	BINARY_ADD
item:
	LOAD_GLOBAL list
	COPY
	LOAD_CONST 1
	BINARY_SUBSCR
	LOAD_CONST 3000000
	COMPARE_LESS
	POP_JUMP_IF_FALSE copied
	LOAD_CONST None
	LOAD_CONST 1
	BINARY_ADD
copied:
	LOAD_GLOBAL other
	LOAD_GLOBAL list
	ASSIGN_SLICE
	LOAD_GLOBAL other
	LOAD_CONST 1
	BINARY_SUBSCR
	LOAD_CONST 3000000
	COMPARE_LESS
	POP_JUMP_IF_FALSE next
	LOAD_CONST None
	LOAD_CONST 1
	BINARY_ADD
end:
	LOAD_CONST None
	RETURN_VALUE
`
	rounds := 10000
	if race.Enabled {
		rounds /= 10
	}
	p := program(strings.ReplaceAll(listing, "LOAD_CONST 20000\n", fmt.Sprintf("LOAD_CONST %d\n", rounds)), func(s *space) {
		x := s.integer(1000000)
		x.refs++
		s.setGlobal("x", x)
		s.setGlobal("list", s.container(kindList, nil, s.none, s.integer(3000000)))
		s.setGlobal("other", s.container(kindList, nil, s.none, s.integer(3000000)))
	})
	for _, sys := range sharing() {
		for _, functions := range [][]string{{"write", "read", "read"}, {"read", "write", "write"}} {
			require.Zero(t, sys.together(t, p, functions...), sys.Name)
		}
	}
}

// A function has two globals and loses both while it runs. A counted function is
// freed then, and a deferred one at the end.
func TestFunctionThatForgetsItself(t *testing.T) {
	const listing = `
def f
	LOAD_GLOBAL f
	STORE_GLOBAL g
	LOAD_CONST None
	STORE_GLOBAL f
	LOAD_GLOBAL g
	STORE_GLOBAL f
	LOAD_CONST None
	STORE_GLOBAL g
	LOAD_CONST None
	STORE_GLOBAL f
	LOAD_CONST 70000
	LOAD_CONST 7
	BINARY_ADD
	RETURN_VALUE
`
	for _, sys := range Systems {
		threads, end := sys.drive(program(listing, nil), 1)
		m := threads[0].core()
		f := m.global("f")
		result := threads[0].eval(f)
		require.NoError(t, m.err, sys.Name)
		require.EqualValues(t, 70007, result.value(), sys.Name)
		threads[0].decref(result)
		want := kindFree
		switch t := threads[0].(type) {
		case *bufferedThread: // freed by a commit
			want = f.kind
		case *nogilThread:
			if !t.withoutDeferred {
				want = kindFunction
			}
		}
		require.Equal(t, want, f.kind, sys.Name)
		require.Zero(t, end(), sys.Name)
	}
}

// Threads put the same function into globals and take it out again.
func TestFunctionInManyPlaces(t *testing.T) {
	const thread = `
def run@ i
	LOAD_CONST 3000
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL run0
	STORE_GLOBAL g@
	LOAD_FAST i
	STORE_GLOBAL g@
	JUMP next
end:
	LOAD_CONST None
	RETURN_VALUE
`
	for _, sys := range sharing() {
		require.Zero(t, sys.together(t, &Program{thread: thread, native: thread}, "run0", "run1"), sys.Name)
	}
}

// A thread without a breaker of its own looks at the space's before every
// instruction: a call that is asked for before one instruction is made before the
// next.
func TestEvalBreaker(t *testing.T) {
	const listing = "def f\n\tLOAD_CONST 1\n\tPOP_TOP\n\tLOAD_CONST None\n\tRETURN_VALUE\n"
	looked := 0
	for _, sys := range Systems {
		threads, end := sys.drive(program(listing, nil), 1)
		m := threads[0].core()
		called, at := 0, 0
		m.trace = func(*frame) {
			switch threads[0].(type) {
			case *plainThread, *freeThread, *gilectomyThread, *atomicThread:
				require.Equal(t, at, called, sys.Name)
				looked++
			}
			at++
			m.callSoon(func() { called++ })
		}
		threads[0].decref(threads[0].eval(m.global("f")))
		require.Equal(t, 4, at)
		require.Zero(t, end(), sys.Name)
	}
	require.Equal(t, 4*4, looked)
}

// gil: a thread that computes gives the lock away if another thread asks for it, and
// only then. The race detector would see two holders, because counts are plain.
func TestGILIsGivenAway(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	}
	s := Loop.build(2)
	lock := &gil.GIL{Interval: time.Millisecond}
	first := &gilThread{machine: machine{space: s}, gil: lock}
	second := &gilThread{machine: machine{space: s}, gil: lock}
	lock.Acquire(&first.identity)
	first.run(0, 1000)
	require.Equal(t, 1, lock.Stats().Switches, "alone")
	require.Zero(t, lock.Stats().Drops, "alone")
	done := make(chan struct{})
	go func() {
		defer close(done)
		lock.Acquire(&second.identity)
		second.run(1, 1000)
		lock.Release(&second.identity)
	}()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
			first.run(0, 100)
		}
	}
	require.Positive(t, lock.Stats().Drops)
	require.Zero(t, s.close(first.drop))
	lock.Release(&first.identity)
}

// gil looks for a request to give the lock away before every instruction, and
// gil-jumps only after a call and a jump backward.
func TestWhereTheLockIsGivenAway(t *testing.T) {
	const listing = `
def g
	LOAD_CONST None
	RETURN_VALUE

def f i
	LOAD_CONST 1
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL g
	CALL 0
	POP_TOP
	JUMP next
end:
	LOAD_CONST 0
	POP_JUMP_IF_FALSE forward
forward:
	JUMP last
last:
	LOAD_CONST None
	RETURN_VALUE
`
	all := []opcode{
		opLoadConst, opGetIter, opForIter, opStoreFast, opLoadGlobal, opCall, opLoadConst, opReturn, opPopTop, opJump,
		opForIter, opLoadConst, opPopJumpIfFalse, opJump, opLoadConst,
	}
	for name, want := range map[string][]opcode{"gil": all, "gil-jumps": {opCall, opJump}} {
		synctest.Test(t, func(t *testing.T) {
			in := named(t, name).start(program(listing, nil), 2)
			var lock *gil.GIL
			switch thread := in.threads[0].(type) {
			case *gilThread:
				lock = thread.gil
			case *jumpsThread:
				lock = thread.gil
			}
			thread := in.threads[0].(driven)
			thread.begin()
			var stop atomic.Bool
			ended := make(chan struct{})
			go func() { // requests the lock all the time
				defer close(ended)
				for !stop.Load() {
					in.threads[1].begin()
					in.threads[1].end()
					time.Sleep(time.Millisecond)
				}
			}()
			var after []opcode // the instructions at which the lock was given away and came back
			var last opcode
			var switches int
			thread.core().trace = func(f *frame) {
				if lock.Stats().Switches != switches && switches > 0 {
					after = append(after, last)
				}
				last = f.code.program[f.last].op()
				time.Sleep(2 * gil.DefaultInterval) // so that the other thread asks for the lock
				switches = lock.Stats().Switches
			}
			thread.decref(thread.eval(thread.global("f")))
			stop.Store(true)
			thread.end()
			<-ended
			require.Equal(t, want, after, name)
			require.Zero(t, in.end(), name)
		})
	}
}

// A thread that is stopped between the load and the store of ans += 2 overwrites what
// another thread adds meanwhile. gil-jumps does not stop there.
func TestLostUpdates(t *testing.T) {
	const steps, meanwhile = 3, 100
	for _, sys := range Systems {
		if !slices.Contains(sys.programs, SharedLoop) {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			in := sys.start(SharedLoop, 2)
			if len(in.threads) == 1 {
				require.True(t, sys.wholeUpdates, "no other thread runs")
				return
			}
			first, second := in.threads[0].(driven), in.threads[1]
			ended := make(chan struct{})
			first.core().trace = func(f *frame) {
				if f.code.program[f.last].op() != opLoadConst {
					return
				}
				first.core().trace = nil // ans is loaded
				go func() {
					defer close(ended)
					second.begin()
					second.run(1, meanwhile)
					second.end()
				}()
				time.Sleep(2 * gil.DefaultInterval) // until the second has ended or asks for the lock
			}
			first.begin()
			first.run(0, steps)
			first.end()
			<-ended
			want := int64(1 + 2*steps)
			if sys.wholeUpdates {
				want += 2 * meanwhile
			}
			require.Equal(t, want, first.global("ans").value(), sys.Name)
			require.Zero(t, in.end(), sys.Name)
		})
	}
}

// gil-ticks: the lock is free for a moment every eleven instructions, and at no other
// time.
func TestTicks(t *testing.T) {
	s := newSpace()
	s.compile("def f\n" + "\tLOAD_CONST 1\n\tPOP_TOP\n\tLOAD_CONST 2\n\tPOP_TOP\n\tLOAD_CONST 3\n\tPOP_TOP\n\tLOAD_CONST 4\n\tPOP_TOP\n\tLOAD_CONST 5\n\tPOP_TOP\n\tLOAD_CONST 6\n\tPOP_TOP\n\tLOAD_CONST None\n\tRETURN_VALUE\n")
	lock := newTickLock()
	thread := &ticksThread{machine: machine{space: s}, gil: lock, ticker: checkInterval}
	lock.acquire()
	var tickers []int
	thread.trace = func(*frame) { tickers = append(tickers, thread.ticker) }
	thread.decref(thread.eval(s.global("f")))
	require.Equal(t, []int{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 10, 9, 8, 7}, tickers)
	lock.release()
	// Another thread gets the lock, although this one does not end.
	thread.trace = nil
	var stop atomic.Bool
	entered := make(chan struct{})
	go func() {
		lock.acquire()
		close(entered)
		stop.Store(true)
		lock.release()
	}()
	lock.acquire()
	for !stop.Load() {
		thread.decref(thread.eval(s.global("f")))
	}
	<-entered
	require.Zero(t, s.close(thread.drop))
	lock.release()
}

// waits calls f on another goroutine and then unlock, and reports whether f waited
// for unlock. It is wrong only if f does not wait and is not scheduled for long.
func waits(t *testing.T, unlock func(), f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for range 1000 {
		runtime.Gosched()
	}
	waits := true
	select {
	case <-done:
		waits = false
	default:
	}
	unlock()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatal("waits for something else")
	}
	return waits
}

// free-threading: taking or dropping a reference waits for the same lock, whatever
// the object.
func TestOneLockForAllCounts(t *testing.T) {
	s := newSpace()
	var locks freeLocks
	a := &freeThread{machine: machine{space: s}, locks: &locks}
	b := &freeThread{machine: machine{space: s}, locks: &locks}
	for _, o := range []*object{a.newInt(1000), s.none, s.globals, s.container(kindList, nil)} {
		a.incref(o)
		locks.counts.Lock()
		require.True(t, waits(t, locks.counts.Unlock, func() { b.incref(o) }), "taken, of %v", o.kind)
		locks.counts.Lock()
		require.True(t, waits(t, locks.counts.Unlock, func() { b.decref(o) }), "dropped, of %v", o.kind)
		a.decref(o)
		if o.kind == kindInt || o.kind == kindList {
			a.decref(o)
		}
	}
	require.Zero(t, s.close(a.drop))
}

// Each container has a lock of its own: a thread that uses the container waits while
// that lock is locked, and for no other lock. nogil's reads do not wait at all.
func TestOneLockForEachContainer(t *testing.T) {
	suitetest.Guard(t, "a thread waits for a lock that it should not need, or the system lacks oneAtATime in Systems")
	for _, sys := range parallel() {
		threads, end := sys.drive(program("", func(s *space) {
			keys := newKeys([]keyEntry{{s.name("x").num, s.name("x")}})
			s.setGlobal("list", s.container(kindList, nil, s.integer(1000)))
			s.setGlobal("other", s.container(kindList, nil, s.integer(2000)))
			s.setGlobal("dict", s.container(kindDict, keys, s.integer(3000)))
			s.setGlobal("record", s.container(kindDict, keys, s.integer(4000)))
		}), 2)
		u := threads[1] // nogil: the first owns everything
		s := u.core().space
		x, zero := s.name("x"), s.integer(0)
		list, other, dict, record := s.global("list"), s.global("other"), s.global("dict"), s.global("record")
		nogil, ok := u.(*nogilThread)
		reads := ok && !nogil.withoutOptimisticReads
		// The first read locks and declares the object weak. So later reads of
		// nogil need no lock.
		for _, o := range []*object{u.getItem(list, zero), u.getItem(other, zero), u.getKey(dict, x), u.getKey(record, x)} {
			u.decref(o)
		}
		for _, use := range []struct {
			name   string
			locked []*object // the use waits for each of these
			free   []*object
			read   bool
			f      func()
		}{
			{"getItem", []*object{list}, []*object{other, dict}, true, func() { u.decref(u.getItem(list, zero)) }},
			{"getKey", []*object{dict}, []*object{record, list}, true, func() { u.decref(u.getKey(dict, x)) }},
			{"setItem", []*object{list}, []*object{other, dict}, false, func() { u.setItem(list, zero, s.yes) }},
			{"setKey", []*object{dict}, []*object{record, list}, false, func() { u.setKey(dict, x, s.yes) }},
			{"copyOf", []*object{list}, []*object{other, dict}, false, func() { u.decref(u.copyOf(list)) }},
			{"assign", []*object{list, other}, []*object{dict}, false, func() { u.assign(list, other) }},
			{"assign the other way round", []*object{list, other}, []*object{dict}, false, func() { u.assign(other, list) }},
			{"assign to itself", []*object{list}, []*object{other}, false, func() { u.assign(list, list) }},
		} {
			for _, o := range use.locked {
				o.mu.Lock()
				if reads && use.read {
					use.f()
					o.mu.Unlock()
				} else {
					require.True(t, waits(t, o.mu.Unlock, use.f), "%s: %s", sys.Name, use.name)
				}
			}
			for _, o := range use.free {
				o.mu.Lock()
				use.f()
				o.mu.Unlock()
			}
		}
		require.Zero(t, end(), sys.Name)
	}
}

// A thread that waits for the lower of two containers has not locked the higher one,
// whatever their order as arguments.
func TestLockBothInOneOrder(t *testing.T) {
	list := new([2]object)
	low, high := &list[0], &list[1]
	for _, named := range [][2]*object{{low, high}, {high, low}} {
		low.mu.Lock()
		require.True(t, waits(t, func() {
			if high.mu.TryLock() {
				high.mu.Unlock()
			} else {
				t.Error("the second is locked first")
			}
			low.mu.Unlock()
		}, func() {
			lockBoth(named[0], named[1])
			unlockBoth(named[0], named[1])
		}))
	}
}

// take and give lock the memory that all threads share.
func TestMemoryIsLocked(t *testing.T) {
	s := newSpace()
	var locks freeLocks
	var memory gilectomyMemory
	r := newReflog(s, 2*slack)
	free := &freeThread{machine: machine{space: s}, locks: &locks}
	gilectomy := &gilectomyThread{machine: machine{space: s}, memory: &memory}
	buffered := r.newThread()
	for _, test := range []struct {
		name string
		mu   *sync.Mutex
		take func(kind) *object
		give func(*object)
	}{
		{"free-threading", &locks.memory, free.take, free.give},
		{"gilectomy", &memory.Mutex, gilectomy.take, gilectomy.give},
		{"gilectomy-buffered", &r.memory.Mutex, buffered.take, func(o *object) { r.dropOne(o, nil) }},
	} {
		var o *object
		test.mu.Lock()
		require.True(t, waits(t, test.mu.Unlock, func() { o = test.take(kindInt) }), "%s: take", test.name)
		test.mu.Lock()
		require.True(t, waits(t, test.mu.Unlock, func() { test.give(o) }), "%s: give", test.name)

		// give marks the slot first. Later it would destroy the count of the slot's next object.
		o.refs = 1
		require.Panics(t, func() { test.give(o) }, "%s: a second time", test.name)
		test.mu.Unlock()
		require.EqualValues(t, int64(freed), o.refs, test.name)
	}
	buffered.end()
	r.stop()
}

// Two threads that drop the last two references at the same time free the object
// once.
func TestTwoDropsAtOnce(t *testing.T) {
	for _, sys := range parallel() {
		in := sys.start(program("", nil), 2)
		threads := []driven{in.threads[0].(driven), in.threads[1].(driven)}
		objects := make([]*object, 10000)
		for i := range objects {
			objects[i] = threads[0].newInt(1000)
			threads[1].incref(objects[i])
		}
		fork.Run("systems", 2, 0, func(worker, _ int) {
			threads[worker].begin()
			for i, o := range objects {
				threads[worker].decref(o)
				if i%100 == 0 {
					threads[worker].tick()
				}
			}
			threads[worker].end()
		})
		require.Zero(t, in.end(), sys.Name)
	}
}

// A thread of free-threading looks at a count only under the lock. Here nothing orders its
// drop and another's but that lock, so -race sees a look without it.
func TestDropLooksUnderTheLock(t *testing.T) {
	s, locks := newSpace(), new(freeLocks)
	threads := [2]freeThread{{machine{space: s}, locks}, {machine{space: s}, locks}}
	live := s.live
	for range 100 {
		o := threads[0].newInt(1000)
		threads[1].incref(o)
		fork.Run("systems", 2, 0, func(worker, _ int) { threads[worker].decref(o) })
	}
	require.Equal(t, live, s.live)
}

// A reader takes its reference before it unlocks the container, because a moment
// later the object may be freed. In this test it has been freed already, so that
// taking the reference panics and leaves the container locked.
func TestReferenceIsTakenUnderTheLock(t *testing.T) {
	for _, sys := range parallel() {
		var freed, list, other, dict *object
		threads, _ := sys.drive(program("", func(s *space) {
			freed = s.take(kindInt)
			list, other = s.container(kindList, nil, freed), s.container(kindList, nil, freed)
			dict = s.container(kindDict, newKeys([]keyEntry{{s.name("x").num, s.name("x")}}), freed)
		}), 1)
		u := threads[0]
		if b, ok := u.(*bufferedThread); ok {
			b.end()
			b.log.stop()
			continue // it does not look at what it logs
		}
		x, zero := u.core().name("x"), u.core().integer(0)
		for _, use := range []struct {
			name   string
			locked []*object
			f      func()
		}{
			{"getItem", []*object{list}, func() { u.getItem(list, zero) }},
			{"getKey", []*object{dict}, func() { u.getKey(dict, x) }},
			{"copyOf", []*object{dict}, func() { u.copyOf(dict) }},
			{"assign", []*object{list, other}, func() { u.assign(list, other) }},
		} {
			freed.owner.Store(nil)
			freed.refs, freed.kind = isMerged, kindFree
			require.Panics(t, use.f, "%s: %s", sys.Name, use.name)
			for _, o := range use.locked {
				require.False(t, o.mu.TryLock(), "%s: %s", sys.Name, use.name)
				o.mu.Unlock()
			}
		}
	}
}

// A drop too many is found where the object would be freed again. nogil and the
// committer find it by the count.
func TestDropOfAFreedObject(t *testing.T) {
	for _, sys := range sharing() {
		threads, end := sys.drive(program("", nil), 1)
		switch threads[0].(type) {
		case *nogilThread, *bufferedThread:
			require.Zero(t, end(), sys.Name)
			continue
		}
		o := threads[0].newInt(1000)
		threads[0].decref(o)
		require.PanicsWithValue(t, "systems: an object was freed twice", func() { threads[0].decref(o) }, sys.Name)
	}
}

// A container's items are dropped before its slot is given back, because a moment
// later another thread may put another array there.
func TestItemsAreDroppedBeforeTheSlotIsGivenBack(t *testing.T) {
	s := newSpace()
	var memory gilectomyMemory
	thread := &gilectomyThread{machine: machine{space: s}, memory: &memory}
	item := thread.newInt(1000)
	list := thread.take(kindList)
	thread.incref(item)
	list.array.Store(&array{items: []*object{item}})
	memory.Lock() // so that nothing can be given back
	done := make(chan struct{})
	go func() {
		defer close(done)
		thread.decref(list)
	}()
	for i := 0; i < 1_000_000 && atomic.LoadInt64(&item.refs) == 2; i++ {
		runtime.Gosched()
	}
	require.EqualValues(t, 1, atomic.LoadInt64(&item.refs))
	memory.Unlock()
	<-done
	thread.decref(item)
	require.Zero(t, s.close(thread.drop))
}

// subinterpreters: no object of one interpreter is reachable from another.
func TestSubinterpretersShareNothing(t *testing.T) {
	seen := map[*object]bool{}
	locks := map[*gil.GIL]bool{}
	for _, thread := range startSubinterpreters(Stone, 3).threads {
		thread := thread.(*gilThread)
		s := thread.space
		require.False(t, locks[thread.gil], "a lock of two interpreters")
		locks[thread.gil] = true
		for _, o := range s.made {
			if seen[o] {
				t.Fatal("an object of two interpreters")
			}
		}
		own := map[*object]bool{}
		for _, o := range s.made {
			own[o] = true
		}
		for _, o := range s.made {
			seen[o] = true
			if a := o.array.Load(); a != nil {
				for _, item := range a.items {
					if !own[item] {
						t.Fatal("an item of another interpreter")
					}
				}
			}
		}
	}
}

// c-extension: the lock is free while a long enough kernel runs, and at no other
// time.
func TestKernelReleasesTheLock(t *testing.T) {
	suitetest.Guard(t, "a kernel keeps the lock, and the other thread waits for it")
	lock := new(gil.GIL)
	thread := &gilThread{gil: lock}
	lock.Acquire(&thread.identity)
	other := func(x, _ int64) int64 {
		var t gil.Thread
		lock.Acquire(&t) // would wait forever
		lock.Release(&t)
		return x + 1
	}
	require.EqualValues(t, 2, thread.native(&kernel{other, 2048}, 1, 2048))
	switches := lock.Stats().Switches
	held := func(x, _ int64) int64 {
		require.Panics(t, func() { lock.Acquire(&thread.identity) }, "the thread holds the lock")
		return x
	}
	thread.native(&kernel{held, 2048}, 1, 2047)
	require.Equal(t, switches, lock.Stats().Switches)
	lock.Release(&thread.identity)
}

// c-extension: the lock is free in every call of a run, also in a last one that is only
// just worth a release.
func TestEveryCallReleasesTheLock(t *testing.T) {
	defer func(all [len(kernels)]kernel) { kernels = all }(kernels)
	sys := named(t, "c-extension")
	for _, p := range sys.programs {
		in := sys.start(p, 1)
		thread := in.threads[0]
		calls := 0
		for i := range kernels {
			kernels[i].run = func(x, _ int64) int64 {
				calls++
				thread.begin() // panics if the thread holds the lock
				thread.end()
				return x
			}
		}
		thread.begin()
		require.NotPanics(t, func() { thread.run(0, map[*Program]int{Loop: 1<<18 + 2048, Fib: 64 + 1}[p]) })
		thread.end()
		require.Equal(t, 2, calls)
		require.Zero(t, in.end())
	}
}

// gilectomy-buffered: a thread frees nothing. The second commit after a drop frees
// the object.
func TestBufferedCountsLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSpace()
		r := newReflog(s, 2*slack)
		a := r.newThread()
		o := a.newInt(1000)
		a.decref(o)
		require.Equal(t, kindInt, o.kind)
		a.makeRoom()    // the drop is handed over
		synctest.Wait() // until the committer has nothing to do
		require.Equal(t, kindInt, o.kind)
		require.EqualValues(t, 1, r.epoch.Load(), "no thread has asked for a second commit")
		s.release(a.drop)
		a.end()
		r.stop()
		require.Equal(t, kindFree, o.kind)
		require.Zero(t, s.live)
	})
}

// gilectomy-buffered: a thread that waits for room is woken when another one begins to wait.
// It hands over only after the committer has begun an epoch.
func TestRoomWaitsForAnEpoch(t *testing.T) {
	suitetest.Guard(t, "threads that wait for a commit keep waking each other")
	synctest.Test(t, func(t *testing.T) {
		r := &reflog{space: newSpace(), logLen: slack} // without a committer
		r.changed.L = &r.mu
		for range 3 {
			go r.newThread().makeRoom()
			synctest.Wait()
		}
		require.Empty(t, r.taken)
		require.True(t, r.wanted)
		r.mu.Lock()
		r.owed = r.members
		r.epoch.Add(1)
		r.changed.Broadcast()
		r.mu.Unlock()
		synctest.Wait()
		require.Len(t, r.taken, 3)
		require.Zero(t, r.owed)
	})
}

// gilectomy-buffered: the committer does not wait for a thread that has ended.
func TestCommitterSeesAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReflog(newSpace(), slack)
		a, b := r.newThread(), r.newThread()
		go a.makeRoom()
		synctest.Wait()
		require.Len(t, r.taken, 1, "b owes its logs")
		b.end()
		synctest.Wait()
		require.Empty(t, r.taken)
		a.end()
		r.stop()
	})
}

// gilectomy-buffered: the committer and the threads wait on one condition. The last thread that
// hands over or ends wakes the committer, although others have waited longer.
func TestCommitterIsWoken(t *testing.T) {
	for what, last := range map[string]func(*bufferedThread){"hands over": (*bufferedThread).tick, "ends": (*bufferedThread).end} {
		synctest.Test(t, func(t *testing.T) { // which fails if all goroutines wait
			r := newReflog(newSpace(), slack)
			a, b, c := r.newThread(), r.newThread(), r.newThread()
			for _, thread := range []*bufferedThread{a, b} {
				go func() {
					thread.makeRoom()
					thread.makeRoom() // waits for c
				}()
			}
			synctest.Wait()
			require.EqualValues(t, 1, r.epoch.Load(), what)
			last(c)
			synctest.Wait()
			require.Equal(t, []int64{2, 2, 2}, []int64{r.epoch.Load(), a.epoch, b.epoch}, what)
			for _, thread := range []*bufferedThread{a, b, c} {
				thread.end()
			}
			r.stop()
		})
	}
}

// Thread a takes a reference after it has handed over and gives it to thread b,
// which drops it before b hands over. So the drop is handed over first, and must not
// be counted first.
func TestDropIsNotCommittedBeforeItsTake(t *testing.T) {
	s := newSpace()
	r := newReflog(s, 2*slack)
	a, b := r.newThread(), r.newThread()
	o := a.newInt(1000)
	wantEpoch := func() {
		epoch := r.epoch.Load()
		r.mu.Lock()
		r.wanted = true
		r.changed.Broadcast()
		for r.epoch.Load() == epoch {
			r.changed.Wait()
		}
		r.mu.Unlock()
	}
	wantEpoch()
	a.tick()    // hands over
	a.incref(o) // in a's next log
	b.decref(o) // in b's log of this epoch
	b.tick()    // hands over: the epoch can be committed
	for range 2 {
		wantEpoch() // commits what is before
		a.tick()
		b.tick()
		require.Equal(t, kindInt, o.kind, "freed with a reference left")
	}
	a.decref(o)
	s.release(a.drop)
	a.end()
	b.end()
	r.stop()
	require.Equal(t, kindFree, o.kind)
	require.Zero(t, s.live)
}

// A thread that has handed over and then ends counts as one that has handed over,
// and not as two.
func TestCloseInAnEpoch(t *testing.T) {
	s := newSpace()
	r := newReflog(s, 2*slack)
	a, b := r.newThread(), r.newThread()
	owed := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.owed
	}
	r.mu.Lock()
	r.wanted = true
	r.changed.Broadcast()
	for r.epoch.Load() == 0 {
		r.changed.Wait()
	}
	r.mu.Unlock()
	require.Equal(t, 2, owed())
	a.tick()
	require.Equal(t, 1, owed())
	a.end()
	require.Equal(t, 1, owed())
	c := r.newThread()
	c.tick()
	require.Equal(t, 1, owed(), "a thread that starts in an epoch hands over in the next")
	c.end()
	require.Equal(t, 1, owed())
	s.release(b.drop)
	b.end()
	require.Equal(t, 0, owed())
	r.stop()
	require.Zero(t, s.live)
}

// A thread hands over before one of its two logs is full. After a tick there is room
// for one instruction, which may drop all that a frame holds.
func TestRoomInTheLogs(t *testing.T) {
	s := newSpace()
	r := newReflog(s, 2*slack)
	thread := r.newThread()
	for _, use := range []func(*object){thread.incref, thread.decref} {
		for range 5 * r.logLen {
			use(s.none)
			thread.tick()
			require.Equal(t, r.logLen, cap(thread.taken))
			require.Equal(t, r.logLen, cap(thread.dropped))
			require.GreaterOrEqual(t, r.logLen-max(len(thread.taken), len(thread.dropped)), 2*frameSlots)
		}
	}
	s.release(thread.drop)
	thread.end()
	r.stop()
	require.Zero(t, s.live)
}

// The logs do not grow, however long a program runs.
func TestLogsAreBounded(t *testing.T) {
	const workers = 3
	s := smallFib.build(workers)
	r := newReflog(s, 2*slack)
	threads := make([]*bufferedThread, workers)
	for i := range threads {
		threads[i] = r.newThread()
	}
	fork.Run("systems", workers, 600, func(worker, n int) {
		t := threads[worker]
		t.trace = func(*frame) {
			if max(len(t.taken), len(t.dropped)) > r.logLen {
				panic("a log has grown")
			}
		}
		t.run(worker, n)
		threads[worker].end()
	})
	t0 := r.newThread()
	s.release(t0.drop)
	t0.end()
	r.stop()
	require.Zero(t, s.live)
	require.NotEmpty(t, r.spare, "they are used again")
	require.LessOrEqual(t, len(r.spare), 6*(workers+1))
	for _, log := range r.spare {
		require.Equal(t, 2*slack, cap(log))
	}
}

// A copy takes more references under the list's lock than a log has room for, while
// another thread waits for that lock and so cannot hand over.
func TestLongCopies(t *testing.T) {
	const listing = `
def f i
	LOAD_CONST 10
	GET_ITER
next:
	FOR_ITER end
	STORE_FAST i
	LOAD_GLOBAL list
	COPY
	POP_TOP
	JUMP next
end:
	LOAD_CONST None
	RETURN_VALUE
`
	p := program(listing, func(s *space) {
		items := make([]*object, 2*defaultLogLen)
		for i := range items {
			items[i] = s.integer(int64(i))
		}
		s.setGlobal("list", s.container(kindList, nil, items...))
	})
	for _, sys := range sharing() {
		require.Zero(t, sys.together(t, p, "f", "f", "f"), sys.Name)
	}
}

// A heap reuses the most recently freed slot first, and still detects the use of a
// stale reference.
func TestHeap(t *testing.T) {
	var h heap
	a, b := h.take(kindInt), h.take(kindNone)
	kept := refer(a)
	require.Same(t, a, kept.use())
	h.give(b)
	h.give(a)
	require.Zero(t, h.live)
	require.Panics(t, func() { h.give(a) }, "freed twice")
	require.Panics(t, func() { kept.use() }, "freed")
	require.Same(t, a, h.take(kindInt))
	require.Panics(t, func() { kept.use() }, "another object")
	require.Same(t, b, h.take(kindInt))
}

// Dicts with the same names share their keys, and each may get a new name. A reader of
// the old array finds it unchanged.
func TestNewNames(t *testing.T) {
	s := newSpace()
	x, y, z := s.name("x"), s.name("y"), s.name("z")
	one, two, three := s.integer(1), s.integer(2), s.integer(3)
	old := &array{newKeys(append(make([]keyEntry, 0, 8), keyEntry{x.num, x})), append(make([]*object, 0, 8), one)}
	a, b := old.with(y, two), old.with(z, three)
	require.Same(t, two, a.value(y))
	require.Nil(t, a.value(z))
	require.Same(t, three, b.value(z))
	require.Nil(t, b.value(y))
	for _, array := range []*array{old, a, b} {
		require.Same(t, one, array.value(x))
	}

	// These names have the same hash, or the same index, which is the table's last.
	p, q, r := &object{num: 7}, &object{num: 7}, &object{num: 15}
	c := (&array{keys: newKeys(nil)}).with(p, one).with(q, two).with(r, three)
	require.Len(t, c.keys.indices, 8)
	for i, name := range []*object{p, q, r} {
		require.Equal(t, i, c.keys.find(name))
	}
	require.Equal(t, -1, c.keys.find(&object{num: 7}))

	// In a full table find would not end.
	for entries := range 40 {
		require.GreaterOrEqual(t, len(newKeys(make([]keyEntry, entries)).indices), 2*entries)
	}
}

// nogil: a deferred object that something still holds at the end counts as left.
func TestNogilSeesWhatIsStillHeld(t *testing.T) {
	s := smallFib.build(1)
	x := newNogilThread(s, nogilPieces{})
	x.adopt()
	x.hold(s.global("fib"))
	x.end()
	require.Equal(t, 1, newNogilThread(s, nogilPieces{}).finalize([]*nogilThread{x}))
}

// nogil: every transition of a count from every state.
func TestNogilStates(t *testing.T) {
	s := newSpace()
	owner, other := newNogilThread(s, nogilPieces{}), newNogilThread(s, nogilPieces{})
	set := func(local uint32, refs int64) *object {
		o := owner.take(kindInt)
		o.local, o.refs = local, refs
		if refs&stateMask == isMerged {
			o.owner.Store(nil)
		}
		return o
	}
	for _, test := range []struct {
		refs int64
		may  bool
	}{
		{isDefault, false},
		{isMerged, false},
		{freed, false},
		{isWeak, true},
		{isQueued, true},
		{unit | isDefault, true},
		{unit | isWeak, true},
		{unit | isMerged, true},
	} {
		o := set(1, test.refs)
		require.Equal(t, test.may, other.tryIncref(o), "%#x", test.refs)
		want := test.refs
		if test.may {
			want += unit
		}
		require.Equal(t, want, o.refs, "%#x", test.refs)
	}
	require.True(t, owner.tryIncref(set(1, isDefault)))

	// A drop by a thread other than the owner is queued. It frees nothing before the
	// owner's next tick.
	o := set(1, isDefault)
	other.decref(o)
	require.EqualValues(t, isQueued, o.refs)
	require.Equal(t, kindInt, o.kind)
	owner.tick()
	require.Equal(t, kindFree, o.kind)

	// While other threads have references, the owner's last drop merges the counts.
	// The last drop of the other threads frees the object.
	o = set(1, unit|isDefault)
	owner.decref(o)
	require.EqualValues(t, unit|isMerged, o.refs)
	require.Nil(t, o.owner.Load())
	require.Equal(t, kindInt, o.kind)
	other.decref(o)
	require.Equal(t, kindFree, o.kind)

	// The owner of a queued object drops its own last reference before its tick.
	o = set(2, isDefault)
	other.decref(o)
	owner.decref(o)
	require.EqualValues(t, 1, o.local)
	owner.tick()
	require.Equal(t, kindFree, o.kind)

	// The owner frees a default object without a merge, because no other thread can
	// take a reference. It merges a weak one.
	for _, test := range []struct {
		refs, after int64
		owner       *nogilThread
	}{{isDefault, isDefault, owner}, {isWeak, isMerged, nil}} {
		o = set(1, test.refs)
		owner.decref(o)
		require.Equal(t, kindFree, o.kind)
		require.Equal(t, test.after, o.refs)
		require.Same(t, test.owner, o.owner.Load())
		// The next object in the slot is the owner's, from its first reference.
		require.Same(t, o, owner.take(kindInt))
		require.EqualValues(t, isDefault, o.refs)
		require.Same(t, owner, o.owner.Load())
		require.EqualValues(t, 1, o.local)
	}

	// The owner drops its last reference and merges the counts after another thread
	// has declared the object queued, but before that thread puts it into the inbox.
	o = set(0, unit|isMerged)
	other.enqueue(o)
	require.Equal(t, kindFree, o.kind)
	o = set(0, unit|isQueued)
	o.owner.Store(nil) // the owner is about to say merged
	other.enqueue(o)
	require.EqualValues(t, isQueued, o.refs)
	require.Equal(t, kindInt, o.kind, "the owner frees it")
	require.Empty(t, owner.inbox)

	// After the owner has ended, the thread that drops merges. It then frees without the
	// owner's lock, which it needs for an item that the owner counts.
	o = set(1, isWeak)
	list := owner.take(kindList)
	list.array.Store(&array{items: []*object{o}})
	owner.end()
	waits, _ := suitetest.Locks(func() { other.decref(list) })
	require.False(t, waits)
	require.Equal(t, kindFree, list.kind)
	require.Equal(t, kindFree, o.kind)

	for _, misuse := range []func(){
		func() { other.incref(set(0, isMerged)) },
		func() { other.decref(set(0, isMerged)) },
	} {
		require.Panics(t, misuse)
	}

	// A reference is dropped once too often: queued, and dropped again. A merge
	// finds the negative sum before it says merged. It must have cleared the owner
	// by then (see TestMergedMeansNoOwner).
	for _, merge := range []func(o *object){
		func(o *object) { other.enqueue(o) }, // the owner has ended
		func(o *object) { o.local = 1; owner.decref(o) },
	} {
		o = set(1, -unit|isQueued)
		require.Panics(t, func() { merge(o) })
		require.Nil(t, o.owner.Load())
		require.EqualValues(t, -unit|isQueued, o.refs)
	}
}

// nogil: a read does not return an object that the container gave up meanwhile.
func TestOptimisticReadLooksAgain(t *testing.T) {
	s := newSpace()
	writer, reader := newNogilThread(s, nogilPieces{}), newNogilThread(s, nogilPieces{})
	list := writer.take(kindList)
	old := writer.newInt(1000)
	list.array.Store(&array{items: []*object{old}})
	declareWeak(old)
	a := list.array.Load()

	// The item changes between the read and the check.
	stale := &array{items: []*object{old}}
	next := writer.newInt(2000)
	writer.put(&a.items[0], next)
	require.Nil(t, reader.get(list, stale, 0), "an array that the list does not have any more")
	require.EqualValues(t, isWeak, old.refs, "the reference is dropped again")
	writer.decref(old)

	// A read without the lock refuses a default count. The read with the lock
	// declares it weak.
	require.Nil(t, reader.get(list, a, 0))
	require.Same(t, next, reader.getItem(list, s.small[-smallMin]))
	require.EqualValues(t, unit|isWeak, next.refs)
	require.Same(t, next, reader.get(list, a, 0))

	// Without optimistic reads, no count is weak: that would cost the owner time for nothing.
	locker := newNogilThread(s, nogilPieces{withoutOptimisticReads: true})
	dict, name, value := locker.take(kindDict), s.name("a"), locker.newInt(3000)
	dict.array.Store(&array{keys: newKeys([]keyEntry{{name.num, name}}), items: []*object{value}})
	item := locker.newInt(4000)
	list.array.Store(&array{items: []*object{item}})
	for _, o := range []*object{locker.getKey(dict, name), locker.getItem(list, s.small[-smallMin])} {
		require.Contains(t, []*object{value, item}, o)
		require.Zero(t, o.refs)
	}
}

// Objects pass from thread to thread at random and are freed exactly once, in
// whatever order the threads end. With the race detector this checks also that a
// thread touches only what it may.
func TestNogilHandsObjectsOver(t *testing.T) {
	const threads, rounds = 4, 10000
	s := newSpace()
	all := make([]*nogilThread, threads)
	for i := range all {
		all[i] = newNogilThread(s, nogilPieces{})
	}
	all[0].adopt()
	var mailbox [threads]struct {
		sync.Mutex
		objects []*object
	}
	fork.Run("systems", threads, threads*rounds, func(worker, n int) {
		t := all[worker]
		random := rand.New(rand.NewPCG(1, uint64(worker)))
		for i := range n {
			t.tick()
			o := t.newInt(int64(1000 + i))
			for range random.IntN(3) {
				t.incref(o)
				to := &mailbox[random.IntN(threads)]
				to.Lock()
				to.objects = append(to.objects, o)
				to.Unlock()
			}
			t.decref(o)
			mine := &mailbox[worker]
			mine.Lock()
			got := mine.objects
			mine.objects = nil
			mine.Unlock()
			for _, o := range got {
				if o.kind != kindInt || o.value() < 1000 {
					panic("not the object that was sent")
				}
				t.decref(o)
			}
		}
		t.end()
	})
	last := newNogilThread(s, nogilPieces{})
	for i := range mailbox {
		for _, o := range mailbox[i].objects {
			last.decref(o)
		}
	}
	require.Zero(t, last.finalize(all))
}

// One thread makes objects and another frees them: their memory goes back to the
// first.
func TestNogilMemoryComesBack(t *testing.T) {
	const rounds = 20 * chunk
	s := newSpace()
	x, y := newNogilThread(s, nogilPieces{}), newNogilThread(s, nogilPieces{})
	slots := map[*object]bool{}
	for i := range rounds {
		o := x.newInt(int64(1000 + i))
		slots[o] = true
		y.incref(o)
		x.decref(o)
		require.EqualValues(t, 1000+i, o.value())
		y.decref(o)
		require.Equal(t, kindFree, o.kind)
	}
	require.LessOrEqual(t, len(slots), 4*chunk)
	require.LessOrEqual(t, len(x.own.free), 2*chunk)
	require.LessOrEqual(t, len(y.own.free), 2*chunk)
	require.Equal(t, rounds, x.own.live)
	require.Equal(t, -rounds, y.own.live)
	// It goes back while both threads run, and after x has ended.
	to, back := make(chan *object), make(chan *object)
	var wrong int
	fork.Run("systems", 2, 2*rounds, func(worker, n int) {
		if worker == 0 {
			for i := range n {
				o := x.newInt(int64(1000 + i))
				slots[o] = true
				to <- o
				<-back
				x.decref(o)
			}
			close(to)
			return
		}
		var mine []*object
		seen := 0
		for o := range to {
			y.incref(o)
			back <- o
			mine = append(mine, o)
			if len(mine) == 100 {
				for i, o := range mine {
					if o.value() != int64(1000+seen+i) {
						wrong++
					}
					y.decref(o)
				}
				seen += len(mine)
				mine = mine[:0]
			}
		}
		for _, o := range mine {
			y.decref(o)
		}
	})
	require.Zero(t, wrong)
	require.LessOrEqual(t, len(slots), 5*chunk)
	var last []*object
	for range 3 * chunk {
		last = append(last, x.newInt(1000))
	}
	x.end()
	for _, o := range last {
		y.decref(o)
	}
	require.LessOrEqual(t, len(y.own.free), 2*chunk)
	y.end()
	require.Zero(t, x.own.live+y.own.live)

	// Another thread can take it as well.
	require.Greater(t, len(s.surplus), chunk)
	z := newNogilThread(s, nogilPieces{})
	z.newInt(1000)
	require.EqualValues(t, chunk-1, len(z.own.free))
	require.NotZero(t, len(s.surplus))
}

// A thread that reads that the counts are merged may drop the last reference and reuse
// the slot. By then the old owner must have made its last write.
func TestMergedMeansNoOwner(t *testing.T) {
	const rounds = 5000
	for _, queued := range []bool{false, true} {
		s := newSpace()
		x, y := newNogilThread(s, nogilPieces{}), newNogilThread(s, nogilPieces{})
		x.adopt()
		var objects [rounds]*object
		for i := range objects {
			objects[i] = x.newInt(1000)
			if queued {
				x.incref(objects[i]) // for y, which has both
			} else {
				y.incref(objects[i])
			}
		}
		var turn atomic.Int64
		owned := 0
		fork.Run("systems", 2, 0, func(worker, _ int) {
			for i, o := range objects {
				if worker == 0 {
					for spins := 1; turn.Load() <= int64(i); spins++ {
						if spins%100 == 0 {
							runtime.Gosched()
						}
					}
					if queued {
						x.tick()
					} else {
						x.decref(o)
					}
					continue
				}
				if queued {
					y.decref(o) // one of two
				}
				turn.Add(1)
				for spins := 1; atomic.LoadInt64(&o.refs)&stateMask != isMerged; spins++ {
					if spins%100 == 0 {
						runtime.Gosched()
					}
				}
				if o.owner.Load() != nil {
					owned++
				}
				y.decref(o)
			}
		})
		require.Zero(t, owned)
		x.end()
		y.end()
		require.Zero(t, newNogilThread(s, nogilPieces{}).finalize([]*nogilThread{x, y}))
	}
}

// A thread that ends may free a queued container and so drop its items. It must still
// be their owner then: a thread that finds the owner gone takes local over.
func TestNogilOwnerFreesWhileItCloses(t *testing.T) {
	const rounds = 200
	s := newSpace()
	x, y := newNogilThread(s, nogilPieces{}), newNogilThread(s, nogilPieces{})
	x.adopt()
	threads := []*nogilThread{y, x}
	for range rounds {
		x := newNogilThread(s, nogilPieces{})
		threads = append(threads, x)
		item := x.newInt(1000)
		listOf := func(t *nogilThread) *object {
			o := t.take(kindList)
			x.hold(item) // in local, for both
			o.array.Store(&array{items: []*object{item}})
			return o
		}
		other := listOf(y)
		var queued [20]*object // so many that end takes a while
		for i := range queued {
			queued[i] = listOf(x)
			y.decref(queued[i])
		}
		fork.Run("systems", 2, 0, func(worker, _ int) {
			if worker == 0 {
				x.decref(item)
				x.end()
			} else {
				y.decref(other)
			}
		})
		require.Equal(t, kindFree, queued[0].kind)
		require.Equal(t, kindFree, item.kind)
	}
	x.end()
	y.end()
	require.Zero(t, newNogilThread(s, nogilPieces{}).finalize(threads))
}

// A step of plain does what CPython does, and every system does what plain does.
func TestOperationCounts(t *testing.T) {
	suitetest.Once(t)
	if race.Enabled {
		t.Skip("one thread counts")
	}
	if !counting {
		countInChild(t)
		return
	}
	of := func(p *Program, sys System, n int) counts {
		counted.counts = counts{}
		sys.run(p, 1, 0)
		zero := counted.counts
		counted.counts = counts{}
		sys.run(p, 1, n)
		c := counted.counts
		return counts{
			c.ticks - zero.ticks, c.increfs - zero.increfs, c.decrefs - zero.decrefs, c.uncounted - zero.uncounted,
			c.shared - zero.shared, c.locked - zero.locked,
			c.allocations - zero.allocations, c.dictReads - zero.dictReads, c.dictWrites - zero.dictWrites,
			c.listReads - zero.listReads, c.listWrites - zero.listWrites, c.copies - zero.copies,
		}
	}
	plain, extension := named(t, "plain"), named(t, "c-extension")
	// From the 257th on, a step of Loop makes two integers. A step of Fib is long.
	const n, fibs = 300, 10
	fib15 := newFib(15)
	steady := func(p *Program, sys System) counts {
		n := n
		if p == fib15 {
			n = fibs
		}
		a, b := of(p, sys, n), of(p, sys, 2*n)
		return counts{
			b.ticks - a.ticks, b.increfs - a.increfs, b.decrefs - a.decrefs, b.uncounted - a.uncounted,
			b.shared - a.shared, b.locked - a.locked,
			b.allocations - a.allocations, b.dictReads - a.dictReads, b.dictWrites - a.dictWrites,
			b.listReads - a.listReads, b.listWrites - a.listWrites, b.copies - a.copies,
		}
	}
	require.Equal(t, counts{
		ticks: 7 * n, increfs: 4 * n, decrefs: 6 * n, allocations: 2 * n, dictReads: n, dictWrites: n,
	}, steady(Loop, plain), "Loop")
	require.Equal(t, steady(Loop, plain), steady(SharedLoop, plain), "SharedLoop")
	require.Equal(t, counts{ticks: 9 * n, increfs: 5 * n, decrefs: 6 * n, allocations: n}, steady(Countdown, plain), "Countdown")
	fib := steady(fib15, plain)
	const calls = 1973
	require.InDelta(t, 16, float64(fib.increfs+fib.decrefs)/(fibs*calls), 0.1, "references of a call")
	require.InDelta(t, 11, float64(fib.ticks)/(fibs*calls), 0.1, "instructions of a call")
	require.InDelta(t, 1, float64(fib.dictReads)/(fibs*calls), 0.01, "two look-ups for each of the calls that are no leaves")
	require.Equal(t, counts{
		ticks: 183 * n, increfs: 201 * n, decrefs: 207 * n, allocations: 6 * n,
		dictReads: 21 * n, dictWrites: 7 * n, listReads: 4 * n, listWrites: 5 * n, copies: 2 * n,
	}, steady(Stone, plain), "Stone")
	for name, p := range map[string]*Program{"Loop": Loop, "Fib": fib15, "Stone": Stone, "Countdown": Countdown} {
		want := steady(p, plain)
		want.increfs, want.decrefs = want.increfs+want.decrefs, 0
		for _, sys := range Systems {
			if sys.Name == extension.Name {
				continue // its kernels do what the program does elsewhere
			}
			got := steady(p, sys)
			got.shared, got.locked = 0, 0
			got.increfs, got.decrefs, got.uncounted = got.increfs+got.decrefs+got.uncounted, 0, 0
			require.Equal(t, want, got, "%s/%s", name, sys.Name)
		}
	}
	// Only nogil leaves references uncounted. One thread of nogil meets no object of
	// another, and reads without a lock. A row without= lacks the piece that it
	// names, and no other.
	whole := steady(fib15, named(t, "nogil"))
	require.Positive(t, whole.uncounted)
	for _, sys := range Systems {
		threads, end := sys.drive(smallFib, 1)
		var pieces nogilPieces
		nogil, ok := threads[0].(*nogilThread)
		if ok {
			pieces = nogil.nogilPieces
		}
		end()
		c := steady(fib15, sys)
		var want counts
		if ok {
			want.uncounted = whole.uncounted
		}
		if pieces.withoutImmortal || pieces.withoutDeferred {
			require.Positive(t, c.uncounted, sys.Name)
			require.Less(t, c.uncounted, whole.uncounted, sys.Name)
			want.uncounted = c.uncounted
		}
		if pieces.withoutBiased {
			want.shared = c.increfs + c.decrefs
		}
		if pieces.withoutOptimisticReads {
			want.locked = c.dictReads
		}
		require.Equal(t, want, counts{uncounted: c.uncounted, shared: c.shared, locked: c.locked}, sys.Name)
	}
	// The kernel takes the steps of Loop and makes all calls of Fib.
	require.Zero(t, steady(Loop, extension).ticks)
	require.Less(t, steady(fib15, extension).ticks, fibs*20)
}
