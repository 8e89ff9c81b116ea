package systems

import (
	"fmt"

	"boundaries/internal/explore"
)

// A Program, an interpreter and what else is not explored.
type Program struct{}

func (*Program) build(int) *space { return newSpace() }

type interpreter struct{ end func() int }

type thread any

func newInterpreter(*space, int, func() thread) interpreter { return interpreter{} }

var Programs = []explore.Program{
	{Name: "nogil: an item is replaced while one reads it", Start: func(r *explore.Run) { list(r, false, 1, 1) }},
	{Name: "nogil: a shared item is replaced while one reads it", Start: func(r *explore.Run) { list(r, true, 1, 1) }},
	{Name: "nogil: a shared item is replaced twice while one reads it", Start: func(r *explore.Run) { list(r, true, 2, 1) }},
}

// list makes a list with an item that another thread has read before, or not, a thread
// that replaces the item so often, with new objects in the slot of the old, and threads
// that read it.
func list(r *explore.Run, shared bool, writes, readers int) {
	s := newSpace()
	zero := s.integer(0)
	l := s.container(kindList, nil, s.none)
	w := newNogilThread(s, nogilPieces{})
	w.adopt()
	threads := []*nogilThread{w}
	set := func(n int64) {
		o := w.newInt(n)
		w.setItem(l, zero, o)
		w.decref(o)
	}
	set(1000)
	for range readers {
		t := newNogilThread(s, nogilPieces{})
		threads = append(threads, t)
		if shared {
			t.decref(t.getItem(l, zero))
		}
	}
	r.Actor("writer", func() {
		for i := range writes {
			set(int64(1001 + i))
		}
		w.tick()
		w.end()
	})
	for i, t := range threads[1:] {
		r.Actor(fmt.Sprint("reader ", i+1), func() {
			o := t.getItem(l, zero)
			if n := o.value(); o.kind != kindInt || n < 1000 || n > int64(1000+writes) {
				panic(fmt.Sprintf("the item is %v %d", o.kind, n))
			}
			t.decref(o)
			t.end()
		})
	}
	r.End(func() error {
		last := newNogilThread(s, nogilPieces{})
		last.drop(l)
		if live := last.finalize(threads); live != 0 {
			return fmt.Errorf("%d objects are left", live)
		}
		return nil
	})
}
