package refcount

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/fork"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// A test that hangs ends by itself.
func TestMain(m *testing.M) { suitetest.Watched{M: m}.Run() }

var shares = map[string]Share{"hot": Hot, "own": Own}

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Hot.Rows())) }

func TestEveryObjectEndsRight(t *testing.T) {
	for name, share := range shares {
		t.Run(name, func(t *testing.T) {
			suitetest.Exact(t, share.Rows(), share.Want, 0, 1, 7, 1000, 3*defaultLogLen+7)
		})
	}
}

// Each row runs on its workers.
func TestWorkers(t *testing.T) { suitetest.Workers(t, Own.Rows()) }

func TestMisuseOfRun(t *testing.T) {
	for name, share := range shares {
		t.Run(name, func(t *testing.T) { suitetest.Misuse(t, "refcount", share.Rows()) })
	}
}

// mortal calls f for every variant whose objects are freed.
func mortal(t *testing.T, f func(t *testing.T, v Variant, heap Heap, freed func() []string)) {
	for _, v := range Variants {
		if v.Immortal {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			var mu sync.Mutex
			var names []string
			heap := v.New(func(name string) {
				mu.Lock()
				defer mu.Unlock()
				names = append(names, name)
			})
			f(t, v, heap, func() []string {
				mu.Lock()
				defer mu.Unlock()
				return slices.Clone(names)
			})
		})
	}
}

// settle lets every handle do what it has put off.
func settle(handles ...Handle) {
	for range 6 { // the buffered heap reuses a slot five epochs after the last drop
		for _, h := range handles {
			h.Tick()
		}
	}
}

func TestLastDropFrees(t *testing.T) {
	mortal(t, func(t *testing.T, _ Variant, heap Heap, freed func() []string) {
		h := heap.Handle()
		spam, eggs := h.New("spam"), h.New("eggs")
		require.Equal(t, "spam", spam.String())
		require.Equal(t, 2, heap.Live())
		h.Incref(spam)
		h.Decref(spam)
		h.Decref(eggs)
		settle(h)
		require.Equal(t, []string{"eggs"}, freed())
		require.Equal(t, 1, h.Count(spam))
		h.Decref(spam)
		settle(h)
		require.Equal(t, []string{"eggs", "spam"}, freed())
		require.Zero(t, heap.Live())
		h.Close()
		h.Close()
		require.Len(t, freed(), 2)
		h = heap.Handle() // after the last one has left
		h.Decref(h.New("ham"))
		settle(h)
		require.Len(t, freed(), 3)
	})
}

func TestReferencesBelongToHoldersNotToHandles(t *testing.T) {
	mortal(t, func(t *testing.T, _ Variant, heap Heap, freed func() []string) {
		a, b := heap.Handle(), heap.Handle()
		r := a.New("spam")
		b.Incref(r)
		a.Decref(r) // b's own reference is left
		settle(a, b)
		require.Empty(t, freed())
		b.Decref(r)
		settle(a, b)
		require.Equal(t, []string{"spam"}, freed())

		r = a.New("eggs")
		b.Decref(r) // a's own reference, given to b
		settle(a, b)
		require.Equal(t, []string{"spam", "eggs"}, freed())
		require.Zero(t, heap.Live())
	})
}

func TestSlotsAreUsedAgainAndRefsAreNot(t *testing.T) {
	mortal(t, func(t *testing.T, _ Variant, heap Heap, _ func() []string) {
		h := heap.Handle()
		older, old := h.New("older"), h.New("old")
		h.Decref(older)
		h.Decref(old)
		settle(h)
		young := h.New("young") // in the slot that was freed last
		require.Equal(t, fmt.Sprintf("%p", old.slot), fmt.Sprintf("%p", young.slot))
		h.Shared(young)
		require.False(t, h.TryIncref(old))
		require.False(t, heap.Handle().TryIncref(old), "a stranger finds the count of the next object")
		require.PanicsWithValue(t, `refcount: Incref of "old", which has been freed`, func() { h.Incref(old) })
		require.PanicsWithValue(t, `refcount: Decref of "old", which has been freed`, func() { h.Decref(old) })
		require.PanicsWithValue(t, `refcount: Count of "old", which has been freed`, func() { h.Count(old) })
		require.PanicsWithValue(t, `refcount: Shared of "old", which has been freed`, func() { h.Shared(old) })
		require.Equal(t, 1, h.Count(young))
	})
}

func TestTryIncref(t *testing.T) {
	mortal(t, func(t *testing.T, _ Variant, heap Heap, freed func() []string) {
		a, b := heap.Handle(), heap.Handle()
		r := a.New("spam")
		a.Shared(r)
		require.True(t, b.TryIncref(r))
		require.True(t, a.TryIncref(r))
		a.Decref(r)
		a.Decref(r)
		settle(a, b)
		require.Empty(t, freed())
		b.Decref(r)
		settle(a, b)
		require.Equal(t, []string{"spam"}, freed())
		require.False(t, a.TryIncref(r))
		require.False(t, b.TryIncref(r))
		require.Equal(t, []string{"spam"}, freed(), "freed once")
	})
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			heap := v.New(nil)
			h := heap.Handle()
			r := h.New("spam")
			require.PanicsWithValue(t, "refcount: Incref of the zero Ref", func() { h.Incref(Ref{}) })
			require.PanicsWithValue(t, "refcount: TryIncref of the zero Ref", func() { h.TryIncref(Ref{}) })
			stranger := v.New(nil).Handle()
			require.PanicsWithValue(t, `refcount: Decref of "spam", an object of another heap`, func() { stranger.Decref(r) })
			require.PanicsWithValue(t, `refcount: TryIncref of "spam", an object of another heap`, func() { stranger.TryIncref(r) })
			h.Close()
			for op, f := range map[string]func(){
				"New": func() { h.New("eggs") }, "Incref": func() { h.Incref(r) }, "Decref": func() { h.Decref(r) },
				"TryIncref": func() { h.TryIncref(r) }, "Count": func() { h.Count(r) }, "Shared": func() { h.Shared(r) },
				"Tick": h.Tick,
			} {
				require.PanicsWithValue(t, "refcount: "+op+" through a closed handle", f, op)
			}
		})
	}
}

// One drop too many, possibly before the generation shows the first.
func TestOverReleaseIsReportedByName(t *testing.T) {
	mortal(t, func(t *testing.T, _ Variant, heap Heap, _ func() []string) {
		h := heap.Handle()
		r := h.New("spam")
		h.Decref(r)
		message := func() (message any) {
			defer func() { message = recover() }()
			h.Decref(r)
			settle(h)
			return nil
		}()
		require.Contains(t, []any{
			`refcount: Decref of "spam", which has been freed`,
			`refcount: Decref of "spam", which had no references left`,
		}, message)
	})
}

func TestImmortal(t *testing.T) {
	heap := newPrivate(func(name string) { t.Error("freed", name) })
	h := heap.Handle()
	r := h.New("None")
	for range 3 {
		h.Decref(r)
	}
	require.Equal(t, immortal, h.Count(r))
	require.True(t, h.TryIncref(r))
	require.Equal(t, 1, heap.Live())
}

// Workers make objects, pass references to each other, and drop them where they end
// up. Each object is freed once, after the last use by any worker, and none is left.
func TestStress(t *testing.T) {
	type object struct {
		ref   Ref
		uses  [9]int // of each worker; plain, so that -race sees a finalizer that came too early
		freed int
	}
	for _, v := range Variants {
		if v.OneWorker || v.Immortal {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			for _, workers := range []int{1, 2, 3, 9} {
				const each = 300
				objects := make([][each]object, workers)
				heap := v.New(func(name string) {
					var worker, i int
					fmt.Sscan(name, &worker, &i)
					o := &objects[worker][i]
					o.freed++
					for w := range o.uses {
						o.uses[w] = -1
					}
				})
				if b, ok := heap.(*bufferedHeap); ok {
					b.logLen = 4 // so that logs fill up
				}
				// One mailbox for each worker, so large that a send never waits.
				boxes := make([]chan *object, workers)
				for i := range boxes {
					boxes[i] = make(chan *object, 4*each*workers)
				}
				var left sync.WaitGroup // references passed on
				left.Add(workers * each * 2)
				done := make(chan struct{})
				go func() { left.Wait(); close(done) }()
				fork.Run("refcount", workers, workers, func(worker, _ int) {
					h := heap.Handle()
					defer h.Close()
					rng := rand.New(rand.NewPCG(1, uint64(worker)))
					use := func(o *object) { // passes on a reference, or drops it
						if o.uses[worker] < 0 {
							t.Error("an object was finalized while a worker held a reference")
						}
						o.uses[worker]++
						if rng.IntN(3) > 0 {
							h.Incref(o.ref)
							h.Decref(o.ref)
						}
						if rng.IntN(3) > 0 && h.TryIncref(o.ref) {
							h.Decref(o.ref)
						}
						if o.uses[worker] < 3 {
							boxes[rng.IntN(workers)] <- o
							return
						}
						h.Decref(o.ref)
						left.Done()
					}
					for i := range each {
						o := &objects[worker][i]
						o.ref = h.New(fmt.Sprint(worker, i))
						if i%2 == 0 {
							h.Shared(o.ref)
						}
						for range 2 {
							h.Incref(o.ref)
							boxes[rng.IntN(workers)] <- o
						}
						h.Decref(o.ref)
						for {
							select {
							case o := <-boxes[worker]:
								use(o)
								continue
							default:
							}
							break
						}
						h.Tick()
					}
					for {
						select {
						case o := <-boxes[worker]:
							use(o)
						case <-done:
							return
						default: // do not sleep, because others may wait for the Tick
							runtime.Gosched()
						}
						h.Tick()
					}
				})
				require.Zero(t, heap.Live())
				for w := range objects {
					for i := range objects[w] {
						require.Equal(t, 1, objects[w][i].freed, "object %d of worker %d", i, w)
					}
				}
			}
		})
	}
}

// One goroutine makes objects and frees them, in the same slot if possible. Others
// try to take references to objects that may have been freed. They get a reference
// to the right object, or none.
func TestTryIncrefWhileObjectsAreFreed(t *testing.T) {
	mortal(t, func(t *testing.T, v Variant, heap Heap, freed func() []string) {
		if v.OneWorker {
			return
		}
		rounds := 20000
		if race.Enabled {
			rounds /= 10
		}
		var published atomic.Pointer[Ref]
		var got atomic.Int64
		var stop atomic.Bool
		var wg sync.WaitGroup
		for range 2 {
			h := heap.Handle()
			wg.Go(func() {
				defer h.Close()
				for !stop.Load() {
					if r := published.Load(); r != nil && h.TryIncref(*r) {
						got.Add(1)
						h.Incref(*r) // panics if the object is not r's
						h.Decref(*r)
						h.Decref(*r)
					}
					h.Tick()
				}
			})
		}
		h := heap.Handle()
		for range rounds {
			r := h.New("spam")
			h.Shared(r)
			published.Store(&r)
			h.Decref(r)
			h.Tick()
		}
		stop.Store(true)
		h.Close()
		wg.Wait()
		require.Zero(t, heap.Live())
		require.Len(t, freed(), rounds)
		t.Log(got.Load(), "references to", rounds, "objects")
	})
}

// A goroutine tries to take a reference while the object's finalizer runs, and the
// finalizer waits for it, as code does that upgrades a weak reference. TryIncref
// returns false at once.
func TestTryIncrefWhileTheFinalizerRuns(t *testing.T) {
	for _, v := range Variants {
		if v.OneWorker || v.Immortal {
			continue
		}
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/shared=%t", v.Name, shared), func(t *testing.T) {
				for i := 0; i < 200 && !t.Failed(); i++ {
					dying, tried := make(chan struct{}), make(chan bool, 1)
					freed := 0
					heap := v.New(func(string) {
						freed++
						close(dying)
						select {
						case got := <-tried:
							tried <- got
						case <-time.After(10 * time.Second):
							t.Error("TryIncref waits for the finalizer")
						}
					})
					h, other := heap.Handle(), heap.Handle()
					r := h.New("spam")
					if shared {
						h.Shared(r)
						require.True(t, other.TryIncref(r), "before the last drop")
						other.Decref(r)
					}
					other.Close()
					weak := heap.Handle()
					go func() {
						<-dying
						tried <- weak.TryIncref(r)
					}()
					h.Decref(r)
					h.Close()
					require.False(t, <-tried)
					weak.Close()
					require.Equal(t, 1, freed)
					require.Zero(t, heap.Live())
				}
			})
		}
	}
}

// A finalizer panics. Each other object is freed once, also if its handle frees several
// objects at a time, and the heap goes on.
func TestFinalizerThatPanics(t *testing.T) {
	for _, v := range Variants {
		if v.Immortal {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			var freed []string
			heap := v.New(func(name string) {
				if name == "spam" {
					panic("of the finalizer")
				}
				freed = append(freed, name)
			})
			owner, other := heap.Handle(), heap.Handle()
			panics := 0
			try := func(f func()) {
				defer func() {
					if v := recover(); v != nil {
						require.Equal(t, "of the finalizer", v)
						panics++
					}
				}()
				f()
			}
			drop := func(names ...string) {
				for _, name := range names {
					r := owner.New(name)
					try(func() { other.Decref(r) })
				}
				for range 6 { // as in settle
					try(owner.Tick)
					try(other.Tick)
				}
			}
			drop("eggs", "spam", "spam", "ham")
			require.Equal(t, []string{"eggs", "ham"}, freed)
			require.NotZero(t, panics)
			require.Equal(t, 2, heap.Live())
			drop("toast", "jam")
			require.Equal(t, []string{"eggs", "ham", "toast", "jam"}, freed)
			require.Equal(t, 2, heap.Live())
		})
	}
}

// A finalizer waits for a goroutine that uses the heap so much that its logs of buffered
// counts are full several times.
func TestFinalizerThatWaitsForAUser(t *testing.T) {
	for _, v := range Variants {
		if v.OneWorker || v.Immortal {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			suitetest.Guard(t, "the goroutine that the finalizer waits for waits for the finalizer's handle")
			var other Handle
			var used Ref
			use := func(h Handle) {
				for range 4 * defaultLogLen {
					h.Incref(used)
					h.Decref(used)
				}
			}
			freed := 0
			heap := v.New(func(name string) {
				freed++
				if name == "dying" {
					var user sync.WaitGroup
					user.Go(func() { use(other) })
					user.Wait()
				}
			})
			h := heap.Handle()
			other = heap.Handle()
			used = other.New("used")
			h.Decref(h.New("dying"))
			settle(other, h) // h runs the finalizer
			require.Equal(t, 1, freed)
			other.Close()

			// A handle whose Incref has run a finalizer counts on.
			h.Decref(h.New("next"))
			use(h)
			require.Equal(t, 2, freed)
			h.Decref(used)
			h.Close()
			require.Equal(t, 3, freed)
		})
	}
}
