package procs

import (
	"fmt"
	"sync/atomic"
	"time"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/futex"
)

// Sums lists ways for children to add to one word of the memory that they share:
// one that is racy, and two that are not. Run takes n steps, each of which adds 1,
// and returns the sum. No benchmark measures Sums: they run only in child
// processes that tests start.
var Sums = children.Table("sum", children.Source,
	children.Variant{Name: "racy", Medium: children.Pipes | children.OneQueue, Crew: children.Each, Serve: serveRacy, Run: addUp},
	children.Variant{Name: "global-mutex", Medium: children.Pipes | children.OneQueue, Crew: children.Each, Serve: serveSumMutex, Run: addUp},
	children.Variant{Name: "atomic", Medium: children.Pipes | children.OneQueue, Crew: children.Each, Serve: serveSumAtomic, Run: addUp},
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
// Cost: one locked add per step, on a word that moves from processor to processor.
// Progress: wait-free on amd64.
func serveSumAtomic(w *children.Worker) {
	sum(w, func(word *uint64, n uint64) {
		for range n {
			atomic.AddUint64(word, 1)
		}
	})
}

// addUp makes the children add n times in all to Count, and returns it. The parent
// tells each child its share. The children meet at Claimed, so that none begins
// before the last is awake. If a child is killed, the one that replaces it adds the
// whole share, so the sum may be too high.
func addUp(p *children.Pool, n int) (int, error) {
	q := p.Lanes[0].Queue
	q.Count = 0
	q.Claimed.Store(0)
	_, err := p.EachLane(n, func(l *children.Lane, n int) (int, error) {
		return l.Ask(1, p.Patience,
			func(int) uint64 { return uint64(n) },
			func(_ int, added uint64) error {
				if added != uint64(n) {
					return fmt.Errorf("it added %d, want %d", added, n)
				}
				return nil
			})
	})
	return int(q.Count), err
}

// sum calls add for each share of steps that the parent asks for.
func sum(w *children.Worker, add func(word *uint64, n uint64)) {
	q := w.Queue
	w.Answer(func(item []uint64) {
		q.Claimed.Add(1)
		began := time.Now() // wait, but not forever: the parent and other children may be gone
		for q.Claimed.Load() < uint64(w.Children) && time.Since(began) < 10*time.Second {
			futex.Yield()
		}
		add(&q.Count, item[0])
	})
}
