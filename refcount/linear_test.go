package refcount

import (
	"testing"

	"boundaries/internal/linear"
)

// An object is the state of one that is declared Shared.
type object struct {
	count int
	freed bool
}

// objects models one object that starts with one reference. A try asks for another
// reference. It may succeed only before the object is freed, and it must succeed while
// the object has references. Between the last drop and the free it may do either,
// because a buffered or biased count lags.
var objects = linear.Model[object, string, bool]{Init: object{count: 1}, Step: func(o object, in string, got bool) (object, bool) {
	switch {
	case in == "free":
		return object{0, true}, o == object{}
	case in == "drop":
		return object{o.count - 1, o.freed}, o.count > 0
	case got:
		return object{o.count + 1, o.freed}, !o.freed
	}
	return o, o.count == 0
}}

func recordObject(start func(finalize func(string)) Heap) func(workers int) *linear.History[string, bool] {
	return func(workers int) *linear.History[string, bool] {
		h := new(linear.History[string, bool])
		began := linear.Now()
		// The object is freed at some moment before its finalizer is called.
		heap := start(func(string) { h.Add(workers, "free", true, began, linear.Now()) })
		handles := make([]Handle, workers)
		for i := range handles {
			handles[i] = heap.Handle()
		}
		r := handles[0].New("spam")
		handles[0].Shared(r)
		drop := func(worker int) {
			h.Do(worker, "drop", func() bool { handles[worker].Decref(r); return true })
			handles[worker].Tick()
		}
		got := make([]int, workers) // references
		got[0] = 1
		linear.Go(workers, 4, func(worker, i int) {
			if got[worker] > 0 {
				drop(worker)
				got[worker]--
			} else if h.Do(worker, "try", func() bool { return handles[worker].TryIncref(r) }) {
				got[worker]++
			}
		})
		for worker, n := range got {
			for range n {
				drop(worker)
			}
		}
		settle(handles...)
		return h
	}
}

func TestTryIncrefIsLinearizable(t *testing.T) {
	for _, v := range Variants {
		if v.OneWorker || v.Immortal {
			continue
		}
		t.Run(v.Name, func(t *testing.T) { linear.Accepts(t, objects, recordObject(v.New)) })
	}
	t.Run("a try that is refused for no reason", func(t *testing.T) {
		linear.Refuses(t, objects, recordObject(func(f func(string)) Heap { return shyHeap{newAtomic(f)} }))
	})
	t.Run("a try that revives", func(t *testing.T) {
		linear.Refuses(t, objects, recordObject(func(f func(string)) Heap { return boldHeap{newAtomic(f)} }))
	})
}

type shyHeap struct{ Heap }

func (h shyHeap) Handle() Handle { return &shy{Handle: h.Heap.Handle()} }

type shy struct {
	Handle
	tries int
}

func (h *shy) TryIncref(r Ref) bool {
	h.tries++
	return h.tries > 1 && h.Handle.TryIncref(r)
}

type boldHeap struct{ Heap }

func (h boldHeap) Handle() Handle { return bold{h.Heap.Handle()} }

type bold struct{ Handle }

func (h bold) TryIncref(r Ref) bool { h.Handle.TryIncref(r); return true }

// Decref forgives what TryIncref did not get.
func (h bold) Decref(r Ref) {
	defer func() { recover() }()
	h.Handle.Decref(r)
}
