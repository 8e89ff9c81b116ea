package systems

import (
	"cmp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// merge clears the owner before it writes the word. A drop too many makes it panic in
// between. After the word says merged, the slot may have another object.
func TestOwnerIsClearedBeforeTheWord(t *testing.T) {
	o := &object{local: 1, refs: -unit | isQueued}
	o.owner.Store(new(nogilThread))
	require.Panics(t, func() { merge(o, -1) })
	require.Nil(t, o.owner.Load())
}

// A thread that ends has not gone while it frees what was queued for it. Here what it
// frees holds an object of another thread, for whose inbox it waits.
func TestNogilHasNotGoneWhileItFrees(t *testing.T) {
	s := newSpace()
	x, y := newNogilThread(s, nogilPieces{}), newNogilThread(s, nogilPieces{})
	list := x.take(kindList)
	list.array.Store(&array{items: []*object{y.newInt(1000)}})
	y.decref(list)
	gone := true
	y.mu.Lock()
	require.True(t, waits(t, func() {
		for taken := false; !taken; runtime.Gosched() {
			x.mu.Lock()
			taken, gone = len(x.inbox) == 0, x.gone
			x.mu.Unlock()
		}
		y.mu.Unlock()
	}, x.end))
	require.False(t, gone)
	require.True(t, x.gone)
	require.Equal(t, kindFree, list.kind)
}

// A call that was requested once is made once, also if two threads have seen the request.
func TestPendingCallIsMadeOnce(t *testing.T) {
	s := newSpace()
	calls := 0
	s.callSoon(func() { calls++ })
	s.callPending()
	s.callPending()
	require.Equal(t, 1, calls)
}

// Integers compare as the numbers that they are, whatever their signs and how many digits
// they have.
func TestCompareInts(t *testing.T) {
	ascending := []int64{1 - 1<<60, -1 << 30, 1 - 1<<30, -2, -1, 0, 1, 2, 1<<30 - 1, 1 << 30, 1<<60 - 1}
	for i, n := range ascending {
		for j, m := range ascending {
			var a, b object
			a.setInt(n)
			b.setInt(m)
			require.Equal(t, cmp.Compare(i, j), cmp.Compare(compareInts(&a, &b), 0), "%d and %d", n, m)
		}
	}
}

// An integer that has more than two digits is refused.
func TestIntegerOfTwoDigits(t *testing.T) {
	for n, size := range map[int64]int64{1<<60 - 1: 2, 1 - 1<<60: -2, 1 << 30: 2, 1<<30 - 1: 1} {
		var o object
		o.setInt(n)
		require.Equal(t, size, o.size, "%d", n)
	}
	for _, n := range []int64{1 << 60, -1 << 60} {
		require.Panics(t, func() { new(object).setInt(n) }, "%d", n)
	}
}

// The program's small integers are the same objects each time, and the others are not.
func TestSmallIntegers(t *testing.T) {
	s := newSpace()
	for n, same := range map[int64]bool{smallMin - 1: false, smallMin: true, 0: true, smallMax: true, smallMax + 1: false} {
		first, second := s.integer(n), s.integer(n)
		require.Equal(t, same, first == second, "%d", n)
		require.Equal(t, n, second.value())
	}
}

// A thread may be as many calls deep as the limit says, and a call that is refused does not
// count. A comparison is a call.
func TestRecursionLimit(t *testing.T) {
	m := &machine{}
	for range recursionLimit {
		require.True(t, m.enter())
	}
	require.False(t, m.enter())
	m.leave()
	require.True(t, m.enter())

	for _, sys := range Systems {
		threads, end := sys.drive(program("def f\n\tLOAD_CONST 1000\n\tLOAD_CONST 1000\n\tCOMPARE_LESS\n\tRETURN_VALUE\n", nil), 1)
		m := threads[0].core()
		m.depth = recursionLimit - 1
		require.Nil(t, threads[0].eval(m.global("f")), sys.Name)
		require.EqualError(t, m.err, "systems: maximum recursion depth exceeded, in f, instruction 2", sys.Name)
		require.Equal(t, recursionLimit-1, m.depth, sys.Name)
		require.Zero(t, end(), sys.Name)
	}
}

// Each row nogil/without= lacks the piece of its name, and no other.
func TestNogilPieces(t *testing.T) {
	for name, want := range map[string]nogilPieces{
		"nogil":                          {},
		"nogil/without=immortal":         {withoutImmortal: true},
		"nogil/without=deferred":         {withoutDeferred: true},
		"nogil/without=biased":           {withoutBiased: true},
		"nogil/without=optimistic-reads": {withoutOptimisticReads: true},
	} {
		threads, end := named(t, name).drive(smallFib, 2)
		for _, thread := range threads {
			require.Equal(t, want, thread.(*nogilThread).nogilPieces, name)
		}
		require.Zero(t, end())
	}
}

// The committer does not free an object a second time.
func TestCommitterSeesADropTooMany(t *testing.T) {
	require.PanicsWithValue(t, "systems: the committer dropped a reference of an object that had none left",
		func() { new(reflog).dropOne(new(object), nil) })
}
