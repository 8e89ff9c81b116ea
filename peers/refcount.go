package peers

import (
	"fmt"
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
	"boundaries/internal/fork"
	"boundaries/internal/suite"
	"boundaries/refcount"
)

// references are the peers of Refcount. No library for Go exports a reference count, so
// these are counts from two well-known programs and the standard library, written out.
var references = []Job{referencesOf("hot", refcount.Hot), referencesOf("own", refcount.Own)}

func referencesOf(name string, share refcount.Share) Job {
	row := func(name string, run func(share refcount.Share, workers, n int) refcount.Answer) suite.Row[refcount.Answer] {
		return suite.Row[refcount.Answer]{Name: name, Run: func(workers, n int) refcount.Answer { return run(share, workers, n) }}
	}
	return Job{
		Ours: suite.New("Refcount/share="+name, "sync", "", share.Rows(), share.Want, nil),
		Rows: []string{"global-mutex", "atomic", "lock-free"},
		Peers: suite.New("Refcount/share="+name, "peer", "", []suite.Row[refcount.Answer]{
			row("pebble", runPebble),
			row("gvisor", runGVisor),
			row("wait-group", runWaitGroup),
		}, share.Want, nil),
	}
}

// A counted is an object with a count of type C.
type counted[C any] struct {
	_     cacheline.Pad
	count C
	freed atomic.Int32 // how often
	early atomic.Bool  // it was freed while the run held a reference
	over  bool         // the run drops its own references; written while no worker runs
	_     cacheline.Pad
}

func (o *counted[C]) free() {
	o.freed.Add(1)
	if !o.over {
		o.early.Store(true)
	}
}

// counting runs steps, the timed loop, on objects that begin with one reference. Take and
// drop serve outside of that loop.
func counting[C any](share refcount.Share, workers, n int, take, drop func(*counted[C]), steps func(o *counted[C], n int)) refcount.Answer {
	objects := make([]*counted[C], share.Want(workers, 0).Ended)
	for i := range objects {
		objects[i] = &counted[C]{}
		take(objects[i])
	}
	answer := refcount.Answer{}
	var mu sync.Mutex
	fork.Run("peers", workers, n, func(worker, n int) {
		steps(objects[worker%len(objects)], n)
		mu.Lock()
		answer.Steps += n
		mu.Unlock()
	})
	for _, o := range objects {
		o.over = true
		drop(o)
		if o.freed.Load() == 1 && !o.early.Load() {
			answer.Ended++
		}
	}
	return answer
}

// wrong panics: an object was used after it had been freed.
//
//go:noinline
func wrong(count int64) {
	panic(fmt.Sprintf("peers: the reference count of a live object is %d", count))
}

// runPebble counts as the block cache of Pebble does: an atomic add with a check in each
// direction.
func runPebble(share refcount.Share, workers, n int) refcount.Answer {
	return counting(share, workers, n,
		func(o *counted[atomic.Int32]) { o.count.Store(1) },
		func(o *counted[atomic.Int32]) { dropPebble(o) },
		func(o *counted[atomic.Int32], n int) {
			for range n {
				if v := o.count.Add(1); v <= 1 {
					wrong(int64(v))
				}
				dropPebble(o)
			}
		})
}

func dropPebble(o *counted[atomic.Int32]) {
	if v := o.count.Add(-1); v == 0 {
		o.free()
	} else if v < 0 {
		wrong(int64(v))
	}
}

// runGVisor counts as gVisor's TryIncRef and DecRef do. A take is speculative first, in
// the upper half of the word, and becomes real if the lower half says that the object is
// alive.
func runGVisor(share refcount.Share, workers, n int) refcount.Answer {
	const speculative = 1 << 32
	return counting(share, workers, n,
		func(o *counted[atomic.Int64]) { o.count.Store(1) },
		func(o *counted[atomic.Int64]) { dropGVisor(o) },
		func(o *counted[atomic.Int64], n int) {
			for range n {
				if v := o.count.Add(speculative); int32(v) == 0 {
					o.count.Add(-speculative)
					continue
				}
				o.count.Add(-speculative + 1)
				dropGVisor(o)
			}
		})
}

func dropGVisor(o *counted[atomic.Int64]) {
	if v := o.count.Add(-1); v == 0 {
		o.free()
	} else if int32(v) < 0 {
		wrong(v)
	}
}

// runWaitGroup counts with a sync.WaitGroup, which panics below zero. Done does not tell
// its caller whether the drop was the last one, so a waiter frees the object.
func runWaitGroup(share refcount.Share, workers, n int) refcount.Answer {
	return counting(share, workers, n,
		func(o *counted[sync.WaitGroup]) { o.count.Add(1) },
		func(o *counted[sync.WaitGroup]) {
			o.count.Done()
			o.count.Wait()
			o.free()
		},
		func(o *counted[sync.WaitGroup], n int) {
			for range n {
				o.count.Add(1)
				o.count.Done()
			}
		})
}
