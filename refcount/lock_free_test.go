package refcount

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
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

// TestBiasedStates tries every operation in every state of an object. Stress alone
// does not find every wrong transition: two out of five wrong ones survived it.
func TestBiasedStates(t *testing.T) {
	const (
		freed  = "freed"
		queued = "queued"
		no     = "no" // TryIncref returns false
		misuse = "misuse"
	)
	type after struct {
		local int // 0: merged, unless freed
		word  word
		what  string
	}
	// If local is 0, the object no longer has an owner.
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
		{"owner Decref", 1, word{"default", 0}, after{0, word{"default", 0}, freed}}, // without a write to the word
		{"owner Decref", 1, word{"default", 1}, after{0, word{"merged", 1}, ""}},
		{"owner Decref", 2, word{"weak", 0}, after{1, word{"weak", 0}, ""}},
		{"owner Decref", 1, word{"weak", 0}, after{0, word{"merged", 0}, freed}},
		{"owner Decref", 1, word{"weak", 1}, after{0, word{"merged", 1}, ""}},
		{"owner Decref", 2, word{"queued", 0}, after{1, word{"queued", 0}, ""}},
		{"owner Decref", 1, word{"queued", 0}, after{0, word{"merged", 0}, freed}},    // the request to merge comes too late
		{"owner Decref", 1, word{"queued", -1}, after{0, word{"queued", -1}, misuse}}, // dropped twice
		{"owner Decref", 1, word{"default", -1}, after{0, word{"default", -1}, misuse}},
		{"owner Decref", 1, word{"queued", 1}, after{0, word{"merged", 1}, ""}},
		{"owner Decref", 0, word{"merged", 2}, after{0, word{"merged", 1}, ""}},
		{"owner Decref", 0, word{"merged", 1}, after{0, word{"merged", 0}, freed}},
		{"owner Decref", 0, word{"merged", 0}, after{0, word{"merged", -1}, misuse}},

		{"other Incref", 1, word{"default", 0}, after{1, word{"default", 1}, ""}},
		{"other Incref", 1, word{"weak", 0}, after{1, word{"weak", 1}, ""}},
		{"other Incref", 2, word{"queued", -1}, after{2, word{"queued", 0}, ""}},
		{"other Incref", 1, word{"queued", 0}, after{1, word{"queued", 1}, ""}},
		{"other Incref", 0, word{"merged", 1}, after{0, word{"merged", 2}, ""}},
		{"other Incref", 0, word{"merged", 0}, after{0, word{"merged", 1}, misuse}},

		{"other Decref", 1, word{"default", 1}, after{1, word{"default", 0}, ""}},
		{"other Decref", 1, word{"default", 0}, after{1, word{"queued", -1}, queued}},
		{"other Decref", 2, word{"default", 0}, after{2, word{"queued", -1}, queued}},
		{"other Decref", 3, word{"default", -1}, after{3, word{"queued", -2}, queued}}, // before the first of two has marked the word
		{"other Decref", 1, word{"weak", 1}, after{1, word{"weak", 0}, ""}},
		{"other Decref", 1, word{"weak", 0}, after{1, word{"queued", -1}, queued}},
		{"other Decref", 2, word{"queued", 0}, after{2, word{"queued", -1}, ""}}, // once is enough
		{"other Decref", 1, word{"queued", 1}, after{1, word{"queued", 0}, ""}},
		{"other Decref", 0, word{"queued", 1}, after{0, word{"queued", 0}, ""}}, // the owner is inside mergeZero
		{"other Decref", 0, word{"merged", 2}, after{0, word{"merged", 1}, ""}},
		{"other Decref", 0, word{"merged", 1}, after{0, word{"merged", 0}, freed}},
		{"other Decref", 0, word{"merged", 0}, after{0, word{"merged", -1}, misuse}},

		{"owner TryIncref", 1, word{"default", 0}, after{2, word{"default", 0}, ""}},
		{"owner TryIncref", 1, word{"weak", 0}, after{2, word{"weak", 0}, ""}},
		{"owner TryIncref", 1, word{"queued", 0}, after{2, word{"queued", 0}, ""}},
		{"owner TryIncref", 0, word{"merged", 1}, after{0, word{"merged", 2}, ""}},
		{"owner TryIncref", 0, word{"merged", 0}, after{0, word{"merged", 0}, no}},

		{"other TryIncref", 1, word{"default", 0}, after{1, word{"default", 0}, no}}, // the owner may free it without a look at the word
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

		// The owner has merged the counts, or is about to, before it is asked to.
		{"other asks", 0, word{"merged", 2}, after{0, word{"merged", 2}, ""}},
		{"other asks", 0, word{"queued", 1}, after{0, word{"queued", 1}, ""}},
		// The slot has the next object by now.
		{"other asks", 1, word{"default", 0}, after{1, word{"default", 0}, queued}},
		// A third handle has called Shared after the drop, so the mark fails.
		{"other has dropped", 2, word{"weak", -1}, after{2, word{"weak", -1}, queued}},

		// The owner's inbox holds the object.
		{"owner Tick", 1, word{"queued", -1}, after{0, word{"merged", 0}, freed}},
		{"owner Tick", 2, word{"queued", -1}, after{0, word{"merged", 1}, ""}},
		{"owner Tick", 3, word{"queued", -2}, after{0, word{"merged", 1}, ""}},
		{"owner Tick", 2, word{"queued", -2}, after{0, word{"merged", 0}, freed}},
		{"owner Tick", 1, word{"queued", -2}, after{0, word{"queued", -2}, misuse}}, // dropped twice
		{"owner Tick", 0, word{"merged", 1}, after{0, word{"merged", 1}, ""}},       // merged by the owner's own last drop
		{"owner Tick", 0, word{"merged", 0}, after{0, word{"merged", 0}, ""}},       // and freed since then
		{"owner Tick", 2, word{"default", 1}, after{0, word{"merged", 3}, ""}},      // the slot's next object
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
				case "other asks":
					askToMerge(o)
				case "other has dropped":
					dropped(o, word{"default", -1}.encode())
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

// The owner is closed, and others still hold references that it counted.
func TestMergeOnBehalfOfAnOwnerThatHasGone(t *testing.T) {
	freed := 0
	heap := newLockFree(func(string) { freed++ })
	owner, b, c := heap.Handle(), heap.Handle(), heap.Handle()
	r := owner.New("spam")
	owner.Incref(r) // for b
	owner.Incref(r) // for c
	owner.Decref(r)
	owner.Close()
	b.Decref(r) // the word is {default, 0}; an open owner would be asked to merge
	require.Zero(t, freed)
	require.Equal(t, 1, c.Count(r), "merged, so all handles know the count")
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
	for range 2 { // before and after the object is shared
		require.PanicsWithValue(t, `refcount: Count of "spam" through a handle that is not its owner's: only the owner knows the count`,
			func() { other.Count(r) })
		owner.Shared(r)
	}
	owner.Decref(r)
	require.Equal(t, 1, other.Count(r), "merged, so all handles know the count")

	// A drop of a reference that local counts is seen before the counts are merged.
	r = owner.New("eggs")
	owner.Incref(r)
	other.Decref(r)
	require.Equal(t, 1, owner.Count(r))
}

// Objects are queued while the owner closes. Exactly one of the two goroutines merges
// the counts of each.
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

// Once the word says merged, the owner no longer writes to the object. The next drop
// may free it, and a late store would destroy the fields of the slot's next object
// (CPython gh-119999).
func TestOwnerIsGoneWhenTheWordSaysMerged(t *testing.T) {
	heap := newLockFree(nil)
	owner, other := heap.Handle().(*biasedHandle), heap.Handle().(*biasedHandle)
	rounds := 20000
	if race.Enabled {
		rounds /= 10
	}
	for range rounds {
		r := owner.New("spam")
		owner.Incref(r)
		o := r.slot.(*slot[biasedCount])
		other.Decref(r) // asks the owner to merge
		var late bool
		var ready, done sync.WaitGroup
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			for spins := 0; o.count.shared.Load()&stateMask != isMerged; spins++ {
				if spins > 1000 {
					runtime.Gosched() // let the owner run if there is one proc
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

// A step of the row is Incref and Decref without their checks. A row that counted the
// owner's references in the shared word, or handed over at every step, would have the right
// answer, too.
func TestTheRowCountsAsItsHeap(t *testing.T) {
	for file, run := range map[string]string{"lock_free.go": "runLockFree", "buffered.go": "runBuffered"} {
		path, err := filepath.Abs(file)
		require.NoError(t, err)
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, cmp.Or(suitetest.Mutant()[path], path), nil, 0)
		require.NoError(t, err)
		print := func(statements []ast.Stmt) string {
			var text strings.Builder
			require.NoError(t, printer.Fprint(&text, set, statements))
			return text.String()
		}
		check := regexp.MustCompile(`^(o := )?h\.(at|join)\(`)
		methods, row := map[string]string{}, ""
		for _, d := range tree.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case ok && f.Recv != nil:
				ast.Inspect(f, func(n ast.Node) bool {
					if block, ok := n.(*ast.BlockStmt); ok {
						block.List = slices.DeleteFunc(block.List, func(s ast.Stmt) bool { return check.MatchString(print([]ast.Stmt{s})) })
					}
					return true
				})
				methods[f.Name.Name] = print(f.Body.List)
			case ok && f.Name.Name == run:
				ast.Inspect(f, func(n ast.Node) bool {
					if loop, ok := n.(*ast.ForStmt); ok {
						row = print(loop.Body.List)
					}
					return true
				})
			}
		}
		blank := regexp.MustCompile(`\n\s*\n`)
		require.Equal(t, blank.ReplaceAllString(methods["Incref"]+"\n"+methods["Decref"], "\n"), row, file)
	}
}
