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
	{Name: "an item is replaced", Start: func(r *explore.Run) { list(r, false, 1, false, false) }},
	{Name: "an item is replaced twice", Start: func(r *explore.Run) { list(r, false, 2, false, false) }},
	{Name: "a shared item is replaced", Start: func(r *explore.Run) { list(r, true, 1, false, false) }},
	{Name: "a shared item is replaced twice", Start: func(r *explore.Run) { list(r, true, 2, false, false) }},
	{Name: "a shared item is replaced, and its slot gets an object that is elsewhere", Start: func(r *explore.Run) { list(r, true, 1, true, false) }},
	{Name: "a shared item goes with its array, and its slot gets an object that is elsewhere", Start: func(r *explore.Run) { list(r, true, 1, true, true) }},
	{Name: "a thread ticks while two queue for it", Start: func(r *explore.Run) {
		s := newSpace()
		owner := newNogilThread(s, nogilPieces{})
		r.Actor("owner", func() { owner.tick() })
		for i := range 2 {
			o, t := owner.newInt(int64(1000+i)), newNogilThread(s, nogilPieces{})
			r.Actor(fmt.Sprint("thread ", i+1), func() { t.decref(o) })
		}
		r.End(func() error {
			if queued := len(owner.inbox); queued > 0 != owner.asked.Load() {
				return fmt.Errorf("%d objects are queued, and the owner will look: %v", queued, owner.asked.Load())
			}
			owner.end()
			if live := owner.own.live; live != 0 {
				return fmt.Errorf("%d objects are left", live)
			}
			return nil
		})
	}},
	{Name: "two threads take slots that a third gave away", Start: func(r *explore.Run) {
		s := newSpace()
		s.surplus = make([]*object, chunk+1)
		for i := range s.surplus {
			s.surplus[i] = &object{refs: freed}
		}
		var made [2]*object
		for i := range made {
			t := newNogilThread(s, nogilPieces{})
			r.Actor(fmt.Sprint("thread ", i+1), func() { made[i] = t.newInt(1000) })
		}
		r.End(func() error {
			if made[0] == made[1] || len(s.surplus) != 0 {
				return fmt.Errorf("both have one slot: %v, and %d are left", made[0] == made[1], len(s.surplus))
			}
			return nil
		})
	}},
	{Name: "one declares an object weak while another takes it", Start: func(r *explore.Run) {
		s := newSpace()
		o := newNogilThread(s, nogilPieces{}).newInt(1000)
		other := newNogilThread(s, nogilPieces{})
		r.Actor("one", func() { declareWeak(o) })
		r.Actor("other", func() { other.incref(o) })
		r.End(func() error {
			if o.refs != unit|isWeak {
				return fmt.Errorf("the word is %d, want one reference of a weak object", o.refs)
			}
			return nil
		})
	}},
	{Name: "a call is requested while a thread makes another", Start: func(r *explore.Run) {
		s := newSpace()
		made := 0
		s.callSoon(func() { made++ })
		r.Actor("thread", func() { s.callPending() })
		r.Actor("requester", func() { s.callSoon(func() { made++ }) })
		r.End(func() error {
			if made == 0 || s.breaker.Load() != (s.pending != nil) {
				return fmt.Errorf("%d calls were made, one is pending: %v, and a thread will look: %v", made, s.pending != nil, s.breaker.Load())
			}
			return nil
		})
	}},
	{Name: "the lock of Python 1.4: three threads take it", Start: func(r *explore.Run) {
		l, n := newTickLock(), 0
		for i := range 3 {
			r.Actor(fmt.Sprint("thread ", i+1), func() {
				l.acquire()
				n++
				l.release()
			})
		}
	}},
}

// list makes a list, a writer that replaces its item that many times, and a reader of it.
// If the item is shared, the reader has read it before. The writer's next object uses the
// slot of the replaced one; if elsewhere is set, that object is shared and not in the list.
// If assigned is set, the writer gives the list the items of a longer one, and so a new
// array.
func list(r *explore.Run, shared bool, writes int, elsewhere, assigned bool) {
	s := newSpace()
	zero := s.integer(0)
	l, longer := s.container(kindList, nil, s.none), s.container(kindList, nil, s.none, s.none)
	w := newNogilThread(s, nogilPieces{})
	w.adopt()
	reader := newNogilThread(s, nogilPieces{})
	set := func(list *object, n int64) {
		o := w.newInt(n)
		w.setItem(list, zero, o)
		w.decref(o)
	}
	set(l, 1000)
	set(longer, 1001)
	if shared {
		reader.decref(reader.getItem(l, zero))
	}
	r.Actor("writer", func() {
		for i := range writes {
			if assigned {
				w.assign(l, longer)
			} else {
				set(l, int64(1001+i))
			}
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
		last.drop(longer)
		if live := last.finalize([]*nogilThread{w, reader}); live != 0 {
			return fmt.Errorf("%d objects are left", live)
		}
		return nil
	})
}
