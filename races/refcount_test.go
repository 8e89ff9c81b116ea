package races

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/refcount"
)

func refcountName(v refcount.Variant) string { return v.Name }

// refcountCase makes two threads call Incref of package refcount's heaps. The heap
// of serial is for one thread, and the counts of private never change.
func refcountCase() raceCase {
	c := raceCase{
		name:     "refcount",
		question: "A count is 3. Two threads take a reference at once (figure 4.1.2). Is it 5 then?",
		noun:     "meetings",
		outcomes: []outcome{
			{"counted", acceptable, "the count is 5: it has both references"},
			{"lost", interesting, "both threads read 3 and wrote 4: the object will be freed while it is used"},
			{"other", forbidden, "no order of reading and writing leads here"},
		},
		variants: []variant{{name: "racy", note: "each thread reads the count, adds 1, and writes it", racy: true, run: meetAtCount(refcount.NewRacy)}},
	}
	for _, v := range but(refcount.Variants, refcountName, "serial", "private") {
		c.variants = append(c.variants, variant{name: v.Name, run: meetAtCount(v.New)})
	}
	return c
}

func meetAtCount(newHeap func(finalize func(string)) refcount.Heap) job {
	return func(_, tries int) ([]int, error) {
		heap := newHeap(nil)
		threads := [2]refcount.Handle{heap.Handle(), heap.Handle()} // the first owns the objects
		var objects [cells]refcount.Ref
		for cell := range objects {
			objects[cell] = threads[0].New(fmt.Sprint(cell))
			threads[0].Incref(objects[cell])
			threads[0].Incref(objects[cell])
		}
		return collide(tries, 3, meeting{
			reset: func(int) {},
			actors: [2]func(cell int){
				func(cell int) { threads[0].Incref(objects[cell]) },
				func(cell int) { threads[1].Incref(objects[cell]) },
			},
			settle: func() {
				for range 4 { // buffered commits what was taken and dropped
					threads[0].Tick()
					threads[1].Tick()
				}
			},
			judge: func(cell int) int {
				count := threads[0].Count(objects[cell])
				for range count - 3 {
					threads[0].Decref(objects[cell])
				}
				switch count {
				case 5:
					return 0
				case 4:
					return 1
				}
				return 2
			},
		}), nil
	}
}

// objectCase runs the measured loops of package refcount. A try is a run, with one
// object.
func objectCase() raceCase {
	c := raceCase{
		name: "object", noun: "objects",
		outcomes: []outcome{
			{"freed", acceptable, "the object is freed once, when its last reference is dropped"},
			{"wrong", interesting, "the object is not freed when its last reference is dropped: its count is wrong"},
		},
		variants: []variant{{name: "racy", racy: true, run: onObject(refcount.Racy)}},
		demo: &demo{
			what: "%d threads take a reference to one object and drop it, again and again (figure 4.1.2)", n: 20_000_000, nRace: 100_000,
			why: "a lost take frees the object while it is used, a lost drop keeps it forever: this is what CPython's lock is for",
			sibling: sibling{
				racy: "refcount/racy.go", safe: "refcount/gil.go",
				decls: [][2]string{{"racyHeap", "gilHeap"}, {"NewRacy", "newGIL"}, {"racyHeap.Handle", "gilHeap.Handle"}, {"Racy", "runGIL"}},
				words: [][2]string{{"noLock{}", "thread"}},
			},
		},
	}
	for _, v := range refcount.Variants {
		c.variants = append(c.variants, variant{name: v.Name, run: onObject(v.Run)})
	}
	return c
}

func onObject(run func(share refcount.Share, workers, n int) refcount.Answer) job {
	return func(workers, n int) ([]int, error) {
		if run(refcount.Hot, workers, n) == refcount.Hot.Want(workers, n) {
			return []int{1, 0}, nil
		}
		return []int{0, 1}, nil
	}
}

func TestCountIsJudged(t *testing.T) {
	for _, test := range []struct {
		times int
		want  []int
	}{{0, []int{0, 2 * cells, 0}}, {1, []int{2 * cells, 0, 0}}, {2, []int{0, 0, 2 * cells}}} {
		require.Equal(t, test.want, counts(t, meetAtCount(func(finalize func(string)) refcount.Heap {
			return &oddHeap{Heap: named(refcount.Variants, refcountName, "global-mutex").New(finalize), times: test.times}
		}), 2*cells))
	}
}

func TestObjectIsJudged(t *testing.T) {
	for ended, want := range [][]int{{0, 1}, {1, 0}, {0, 1}} {
		require.Equal(t, want, counts(t, onObject(func(_ refcount.Share, _, n int) refcount.Answer { return refcount.Answer{Steps: n, Ended: ended} }), 7))
	}
}

// An oddHeap has a second handle that takes each reference so many times.
type oddHeap struct {
	refcount.Heap
	handles, times int
}

func (h *oddHeap) Handle() refcount.Handle {
	h.handles++
	if h.handles == 2 {
		return &oddHandle{h.Heap.Handle(), h.times}
	}
	return h.Heap.Handle()
}

type oddHandle struct {
	refcount.Handle
	times int
}

func (h *oddHandle) Incref(r refcount.Ref) {
	for range h.times {
		h.Handle.Incref(r)
	}
}
