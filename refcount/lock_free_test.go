package refcount

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// word is a shared word as {state, count}.
type word struct {
	state string
	count int
}

var stateNames = []string{"default", "weak", "queued", "merged"}

func (w word) encode() int64 {
	for state, name := range stateNames {
		if name == w.state {
			return int64(w.count)*unit | int64(state)
		}
	}
	panic(w.state)
}

func decode(shared int64) word { return word{stateNames[shared&stateMask], int(shared >> 2)} }

// TestBiasedStates is every operation in every state that an object can be in.
// Stress alone does not find a transition that is wrong: two of five broken
// ones survived it.
func TestBiasedStates(t *testing.T) {
	const (
		freed  = "freed"
		queued = "queued"
		no     = "no" // TryIncref refuses
		misuse = "misuse"
	)
	type after struct {
		local int // 0: merged, unless freed
		word  word
		what  string
	}
	// local 0 stands for an object that has no owner any more.
	for _, test := range []struct {
		op    string
		local int
		word  word
		want  after
	}{
		{"owner Incref", 1, word{"default", 0}, after{2, word{"default", 0}, ""}},
		{"owner Incref", 1, word{"default", 1}, after{2, word{"default", 1}, ""}},
		{"owner Incref", 1, word{"weak", 0}, after{2, word{"weak", 0}, ""}},
		{"owner Incref", 2, word{"queued", -1}, after{3, word{"queued", -1}, ""}},
		{"owner Incref", 0, word{"merged", 1}, after{0, word{"merged", 2}, ""}},
		{"owner Incref", 0, word{"merged", 0}, after{0, word{"merged", 1}, misuse}},

		{"owner Decref", 2, word{"default", 0}, after{1, word{"default", 0}, ""}},
		{"owner Decref", 1, word{"default", 0}, after{0, word{"default", 0}, freed}}, // without an atomic write to the word
		{"owner Decref", 1, word{"default", 1}, after{0, word{"merged", 1}, ""}},
		{"owner Decref", 2, word{"weak", 0}, after{1, word{"weak", 0}, ""}},
		{"owner Decref", 1, word{"weak", 0}, after{0, word{"merged", 0}, freed}},
		{"owner Decref", 1, word{"weak", 1}, after{0, word{"merged", 1}, ""}},
		{"owner Decref", 2, word{"queued", 0}, after{1, word{"queued", 0}, ""}},
		{"owner Decref", 1, word{"queued", 0}, after{0, word{"queued", 0}, misuse}}, // it was the last, and has been queued
		{"owner Decref", 1, word{"queued", 1}, after{0, word{"merged", 1}, ""}},     // the queued reference is in the word now
		{"owner Decref", 0, word{"merged", 2}, after{0, word{"merged", 1}, ""}},
		{"owner Decref", 0, word{"merged", 1}, after{0, word{"merged", 0}, freed}},
		{"owner Decref", 0, word{"merged", 0}, after{0, word{"merged", 0}, misuse}},

		{"other Incref", 1, word{"default", 0}, after{1, word{"default", 1}, ""}},
		{"other Incref", 1, word{"weak", 0}, after{1, word{"weak", 1}, ""}},
		{"other Incref", 2, word{"queued", -1}, after{2, word{"queued", 0}, ""}},
		{"other Incref", 1, word{"queued", 0}, after{1, word{"queued", 1}, ""}},
		{"other Incref", 0, word{"merged", 1}, after{0, word{"merged", 2}, ""}},
		{"other Incref", 0, word{"merged", 0}, after{0, word{"merged", 1}, misuse}},

		{"other Decref", 1, word{"default", 1}, after{1, word{"default", 0}, ""}},
		{"other Decref", 1, word{"default", 0}, after{1, word{"queued", 0}, queued}}, // not subtracted
		{"other Decref", 2, word{"default", 0}, after{2, word{"queued", 0}, queued}},
		{"other Decref", 1, word{"weak", 1}, after{1, word{"weak", 0}, ""}},
		{"other Decref", 1, word{"weak", 0}, after{1, word{"queued", 0}, queued}},
		{"other Decref", 2, word{"queued", 0}, after{2, word{"queued", -1}, ""}}, // queued once only
		{"other Decref", 1, word{"queued", 1}, after{1, word{"queued", 0}, ""}},
		{"other Decref", 0, word{"queued", 1}, after{0, word{"queued", 0}, ""}}, // the owner is between its two steps
		{"other Decref", 0, word{"merged", 2}, after{0, word{"merged", 1}, ""}},
		{"other Decref", 0, word{"merged", 1}, after{0, word{"merged", 0}, freed}},
		{"other Decref", 0, word{"merged", 0}, after{0, word{"merged", 0}, misuse}},

		{"owner TryIncref", 1, word{"default", 0}, after{2, word{"default", 0}, ""}},
		{"owner TryIncref", 1, word{"weak", 0}, after{2, word{"weak", 0}, ""}},
		{"owner TryIncref", 1, word{"queued", 0}, after{2, word{"queued", 0}, ""}},
		{"owner TryIncref", 0, word{"merged", 1}, after{0, word{"merged", 2}, ""}},
		{"owner TryIncref", 0, word{"merged", 0}, after{0, word{"merged", 0}, no}},

		{"other TryIncref", 1, word{"default", 0}, after{1, word{"default", 0}, no}}, // may be freed without a look at the word
		{"other TryIncref", 1, word{"default", 1}, after{1, word{"default", 2}, ""}},
		{"other TryIncref", 1, word{"weak", 0}, after{1, word{"weak", 1}, ""}},
		{"other TryIncref", 1, word{"queued", 0}, after{1, word{"queued", 1}, ""}},
		{"other TryIncref", 2, word{"queued", -1}, after{2, word{"queued", 0}, ""}},
		{"other TryIncref", 0, word{"merged", 1}, after{0, word{"merged", 2}, ""}},
		{"other TryIncref", 0, word{"merged", 0}, after{0, word{"merged", 0}, no}}, // never from zero

		{"other Shared", 1, word{"default", 0}, after{1, word{"weak", 0}, ""}},
		{"other Shared", 1, word{"default", 1}, after{1, word{"weak", 1}, ""}},
		{"other Shared", 1, word{"weak", 1}, after{1, word{"weak", 1}, ""}},
		{"other Shared", 1, word{"queued", 1}, after{1, word{"queued", 1}, ""}}, // a state never falls
		{"other Shared", 0, word{"merged", 1}, after{0, word{"merged", 1}, ""}},

		// The reference was to be queued, and the owner has merged meanwhile.
		{"other enqueue", 0, word{"merged", 2}, after{0, word{"merged", 1}, ""}},
		{"other enqueue", 0, word{"merged", 1}, after{0, word{"merged", 0}, freed}},
		{"other enqueue", 0, word{"queued", 1}, after{0, word{"queued", 0}, ""}}, // the owner will free

		// The owner drops the reference that the inbox holds.
		{"owner Tick", 1, word{"queued", 0}, after{0, word{"merged", 0}, freed}},
		{"owner Tick", 2, word{"queued", 0}, after{0, word{"merged", 1}, ""}},
		{"owner Tick", 3, word{"queued", -1}, after{0, word{"merged", 1}, ""}},
		{"owner Tick", 2, word{"queued", -1}, after{0, word{"merged", 0}, freed}},
		{"owner Tick", 1, word{"queued", -1}, after{0, word{"queued", -1}, misuse}}, // dropped twice
		{"owner Tick", 0, word{"merged", 1}, after{0, word{"merged", 0}, freed}},    // merged since by the owner's own last drop
		{"owner Tick", 0, word{"merged", 2}, after{0, word{"merged", 1}, ""}},
	} {
		t.Run(fmt.Sprintf("%s local=%d %v", test.op, test.local, test.word), func(t *testing.T) {
			what := ""
			heap := newLockFree(func(string) { what = freed }).(*biasedHeap)
			owner, other := heap.Handle().(*biasedHandle), heap.Handle().(*biasedHandle)
			r := owner.New("spam")
			o := r.slot.(*slot[biasedCount])
			o.count.local = test.local
			if test.local == 0 {
				o.count.owner.Store(nil)
			}
			o.count.shared.Store(test.word.encode())
			func() {
				defer func() {
					if recover() != nil {
						what = misuse
					}
				}()
				switch test.op {
				case "owner Incref":
					owner.Incref(r)
				case "owner Decref":
					owner.Decref(r)
				case "other Incref":
					other.Incref(r)
				case "other Decref":
					other.Decref(r)
				case "owner TryIncref":
					if !owner.TryIncref(r) {
						what = no
					}
				case "other TryIncref":
					if !other.TryIncref(r) {
						what = no
					}
				case "other Shared":
					other.Shared(r)
				case "other enqueue":
					other.enqueue(o)
				case "owner Tick":
					owner.inbox = []*slot[biasedCount]{o}
					owner.asked.Store(true)
					owner.Tick()
				}
			}()
			if test.op != "owner Tick" && len(owner.inbox) > 0 {
				require.Equal(t, []*slot[biasedCount]{o}, owner.inbox)
				require.True(t, owner.asked.Load())
				what = queued
			}
			require.Equal(t, test.want, after{o.count.local, decode(o.count.shared.Load()), what})
			if what != misuse {
				require.Equal(t, o.count.local == 0, o.count.owner.Load() == nil)
			}
		})
	}
}

// The owner has gone, and others still hold references that it counted.
func TestMergeOnBehalfOfAnOwnerThatHasGone(t *testing.T) {
	freed := 0
	heap := newLockFree(func(string) { freed++ })
	owner, b, c := heap.Handle(), heap.Handle(), heap.Handle()
	r := owner.New("spam")
	owner.Incref(r) // for b
	owner.Incref(r) // for c
	owner.Decref(r)
	owner.Close()
	b.Decref(r) // {default, 0}: would have been queued
	require.Zero(t, freed)
	require.Equal(t, 1, c.Count(r), "merged: everybody can tell")
	c.Decref(r)
	require.Equal(t, 1, freed)
	require.Zero(t, heap.Live())
}

func TestCountThroughAForeignHandle(t *testing.T) {
	heap := newLockFree(nil)
	owner, other := heap.Handle(), heap.Handle()
	r := owner.New("spam")
	other.Incref(r)
	require.Equal(t, 2, owner.Count(r))
	require.PanicsWithValue(t, `refcount: Count of "spam" through a foreign handle: only its owner knows`,
		func() { other.Count(r) })
	owner.Decref(r)
	require.Equal(t, 1, other.Count(r), "merged: everybody can tell")

	// A drop that is queued has happened: the owner looks into its inbox first.
	r = owner.New("eggs")
	owner.Incref(r)
	other.Decref(r)
	require.Equal(t, 1, owner.Count(r))
}

// References are queued while the owner closes: each is dropped by one of the
// two, and by one only.
func TestQueuedWhileTheOwnerCloses(t *testing.T) {
	for range 500 {
		var freed atomic.Int64
		heap := newLockFree(func(string) { freed.Add(1) })
		owner, other := heap.Handle().(*biasedHandle), heap.Handle()
		refs := make([]Ref, 100)
		for i := range refs {
			refs[i] = owner.New("spam")
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, r := range refs {
				other.Decref(r)
			}
		})
		for !owner.asked.Load() {
			runtime.Gosched()
		}
		owner.Close()
		wg.Wait()
		require.EqualValues(t, len(refs), freed.Load())
		require.Zero(t, heap.Live())
	}
}

// When the word says merged, the owner has written its last to the object: the
// drop that comes next may free it and give the slot to a new owner, whose fields
// a late store would destroy (CPython gh-119999).
func TestOwnerIsGoneWhenTheWordSaysMerged(t *testing.T) {
	heap := newLockFree(nil)
	owner, other := heap.Handle().(*biasedHandle), heap.Handle().(*biasedHandle)
	for range 20000 {
		r := owner.New("spam")
		owner.Incref(r)
		o := r.slot.(*slot[biasedCount])
		other.Decref(r) // into the inbox
		var late bool
		var ready, done sync.WaitGroup
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			for spins := 0; o.count.shared.Load()&stateMask != isMerged; spins++ {
				if spins > 1000 {
					runtime.Gosched() // one processor
				}
			}
			late = o.count.owner.Load() != nil
		})
		ready.Wait()
		owner.Tick()
		done.Wait()
		require.False(t, late)
		other.Decref(r)
	}
	require.Zero(t, heap.Live())
}
