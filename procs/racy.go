package procs

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"boundaries/internal/fork"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/futex"
)

// Sums lists ways for children to add to one word of the memory that they share:
// one that is racy, and two that are not. Run takes n steps, each of which adds 1,
// and returns the sum. No benchmark measures Sums: they run only in child
// processes that tests start.
var Sums = children.Table("sum", children.Source,
	children.Variant{Name: "racy", Medium: children.OneQueue, Crew: children.Each, Serve: serveRacy, Run: addUp},
	children.Variant{Name: "global-mutex", Medium: children.OneQueue, Crew: children.Each, Serve: serveSumMutex, Run: addUp},
	children.Variant{Name: "atomic", Medium: children.OneQueue, Crew: children.Each, Serve: serveSumAtomic, Run: addUp},
)

// serveRacy is serveSumMutex without the lock, and nothing else. It loses steps:
// two children read the same sum, and each writes that sum plus one.
//
// No race detector sees this. It would have to know both accesses, but each
// process has a detector of its own, which knows the accesses of that process
// only.
func serveRacy(w *children.Worker) {
	sum(w, func(word *uint64, n uint64) {
		for range n {
			*word++
		}
	})
}

// serveSumMutex adds under the lock between processes.
//
// Cost: the lock at every step.
// Progress: blocking.
func serveSumMutex(w *children.Worker) {
	sum(w, func(word *uint64, n uint64) {
		for range n {
			w.Queue.Lock.Acquire(w.ID, 0)
			*word++
			w.Queue.Lock.Release()
		}
	})
}

// serveSumAtomic has the processor do the locking. Its locked instructions work
// between processes as between threads, because the memory is the same.
//
// Cost: one word that moves between two processors at every step.
// Progress: wait-free on amd64.
func serveSumAtomic(w *children.Worker) {
	sum(w, func(word *uint64, n uint64) {
		for range n {
			(*atomic.Uint64)(unsafe.Pointer(word)).Add(1)
		}
	})
}

// addUp has the children add n times in all and returns the sum.
//
// It works in rounds, which Sent counts. Wanted holds n, and the first slot is the
// word; both belong to the children from the ring to the last answer. The children
// meet at Claimed, so that none begins before the last is awake.
func addUp(p *children.Pool, n int) (int, error) {
	l := p.Lanes[0]
	q := l.Queue
	q.Slots[0] = 0
	q.Wanted.Store(uint64(n))
	round := q.Sent.Add(1)
	l.Sent = round * uint64(len(p.Lanes))
	q.Work.Ring()
	var began time.Time
	for !futex.Spin(p.Spinning, &q.Done, l.Sent) {
		for _, l := range p.Lanes {
			if l.Child().Dead() {
				return 0, l.Fault(-1, children.ErrEnded)
			}
		}
		if began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > p.Patience {
			return 0, l.Fault(-1, fmt.Errorf("it, or another of %d children: %w", len(p.Lanes), children.Silence(p.Patience)))
		}
		q.Answers.Sleep(p.Patience, func() bool { return q.Done.Load() >= l.Sent || children.AnyDead(p.Lanes) })
	}
	return int(q.Slots[0]), nil
}

// sum serves rounds of additions to one word.
func sum(w *children.Worker, add func(word *uint64, n uint64)) {
	q := w.Queue
	// Do not assume round 1: this process may replace a dead child. A round needs
	// every child, so Done divided by their number counts the complete rounds.
	for round := q.Done.Load()/uint64(w.Children) + 1; ; round++ {
		w.AwaitSent(round)
		n := fork.Share(w.Index, w.Children, int(q.Wanted.Load()))
		q.Claimed.Add(1)
		for q.Claimed.Load() < round*uint64(w.Children) {
			futex.Yield()
		}
		add(&q.Slots[0], uint64(n))
		q.Done.Add(1)
		q.Answers.Ring()
	}
}
