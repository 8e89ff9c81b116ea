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
	{Name: "an item is replaced", Start: func(r *explore.Run) { list(r, false, 1, false) }},
	{Name: "an item is replaced twice", Start: func(r *explore.Run) { list(r, false, 2, false) }},
	{Name: "a shared item is replaced", Start: func(r *explore.Run) { list(r, true, 1, false) }},
	{Name: "a shared item is replaced twice", Start: func(r *explore.Run) { list(r, true, 2, false) }},
	{Name: "a shared item is replaced, and its slot gets an object that is elsewhere", Start: func(r *explore.Run) { list(r, true, 1, true) }},
}

// list makes a list, a writer that replaces its item that many times, and a reader of it.
// If the item is shared, the reader has read it before. The writer's next object uses the
// slot of the replaced one; if elsewhere is set, that object is shared and not in the list.
func list(r *explore.Run, shared bool, writes int, elsewhere bool) {
	s := newSpace()
	zero := s.integer(0)
	l := s.container(kindList, nil, s.none)
	w := newNogilThread(s, nogilPieces{})
	w.adopt()
	reader := newNogilThread(s, nogilPieces{})
	set := func(n int64) {
		o := w.newInt(n)
		w.setItem(l, zero, o)
		w.decref(o)
	}
	set(1000)
	if shared {
		reader.decref(reader.getItem(l, zero))
	}
	r.Actor("writer", func() {
		for i := range writes {
			set(int64(1001 + i))
		}
		if elsewhere {
			o := w.newInt(500)
			declareWeak(o)
			w.decref(o)
		}
		w.tick()
		w.end()
	})
	r.Actor("reader", func() {
		o := reader.getItem(l, zero)
		if n := o.value(); o.kind != kindInt || n < 1000 || n > int64(1000+writes) {
			panic(fmt.Sprintf("the item is %v %d", o.kind, n))
		}
		reader.decref(o)
		reader.end()
	})
	r.End(func() error {
		last := newNogilThread(s, nogilPieces{})
		last.drop(l)
		if live := last.finalize([]*nogilThread{w, reader}); live != 0 {
			return fmt.Errorf("%d objects are left", live)
		}
		return nil
	})
}
