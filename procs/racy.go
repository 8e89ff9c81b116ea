package procs

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"boundaries/internal/fork"
)

// Sums lists ways for children to add to one word of the memory that they share:
// racy, and what mends it. Run returns what the word says after n steps, each of
// which adds 1. It is not one of the tables that benchmarks measure: this runs
// only in child processes that tests start.
var Sums = []Variant{
	{"racy", "sum", oneQueue, each, serveRacy, addUp},
	{"global-mutex", "sum", oneQueue, each, serveSumMutex, addUp},
	{"atomic", "sum", oneQueue, each, serveSumAtomic, addUp},
}

// serveRacy is serveSumMutex without the lock, and nothing else. It loses steps:
// two children read the same sum, and both write one more.
//
// No race detector sees this. It would have to know both accesses, and each
// process has a detector of its own, which is told of that process's accesses
// alone.
func serveRacy(w *worker) {
	w.sum(func(word *uint64, n uint64) {
		for range n {
			*word++
		}
	})
}

// serveSumMutex adds under the lock between processes. It pays for the lock at
// every step. Blocking.
func serveSumMutex(w *worker) {
	w.sum(func(word *uint64, n uint64) {
		for range n {
			w.queue.lock.acquire(w.id, 0)
			*word++
			w.queue.lock.release()
		}
	})
}

// serveSumAtomic has the processor do the locking, which works between processes
// as between threads: the memory is the same. It pays for the way of one word
// between two processors at every step. Wait-free on amd64.
func serveSumAtomic(w *worker) {
	w.sum(func(word *uint64, n uint64) {
		for range n {
			(*atomic.Uint64)(unsafe.Pointer(word)).Add(1)
		}
	})
}

// addUp has the children add n times in all and returns the sum.
//
// It goes by rounds, which sent counts. In wanted is n, and the word is the first
// item; both are the children's from the ring to the last answer. The children
// meet at claimed, so that none begins before the last has woken up.
func addUp(p *Pool, n int) (int, error) {
	l := p.lanes[0]
	q := l.queue
	q.slots[0] = 0
	q.wanted.Store(uint64(n))
	round := q.sent.Add(1)
	l.sent = round * uint64(len(p.lanes))
	q.work.ring()
	var began time.Time
	for !spin(p.spinning, &q.done, l.sent) {
		for _, l := range p.lanes {
			if l.child.Load().dead.Load() {
				return 0, l.fault(-1, errors.New("it ended"))
			}
		}
		if began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > p.Patience {
			return 0, l.fault(-1, fmt.Errorf("or another of %d: no answer for %v", len(p.lanes), p.Patience))
		}
		q.answers.sleep(p.Patience, func() bool { return q.done.Load() >= l.sent || anyDead(p.lanes) })
	}
	return int(q.slots[0]), nil
}

// sum serves rounds of additions to one word.
func (w *worker) sum(add func(word *uint64, n uint64)) {
	q := w.queue
	// Not 1 in the place of a dead child. Now all rounds are over or, because none
	// is without this child, the first is not.
	for round := q.done.Load()/uint64(w.children) + 1; ; round++ {
		w.awaitSent(round)
		n := fork.Share(w.index, w.children, int(q.wanted.Load()))
		q.claimed.Add(1)
		for q.claimed.Load() < round*uint64(w.children) {
			yield()
		}
		add(&q.slots[0], uint64(n))
		q.done.Add(1)
		q.answers.ring()
	}
}
