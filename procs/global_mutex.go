package procs

import (
	"fmt"
	"time"
)

// runGlobalMutex has one queue for all, under one lock between processes that a
// child holds while it does an item, one item at a time, and the parent while it
// reads the answers and fills the free slots. It pays for the lock at every
// item, and for all parallelism: no two children work at once. Blocking, but the
// lock survives its holder: see lock.go and seeTo.
func runGlobalMutex(p *Pool, n int) (int, error) {
	p.lanes[0].first = p.lanes[0].sent
	return p.lanes[0].seeTo(p.lanes, n)
}

func serveGlobalMutex(w *worker) { w.serveLocked() }

// seeTo has n items done that go through a queue with a lock, which the children
// of lanes share.
//
// What the lock guards is sent, done, torn and the slots. The only time at which
// they do not fit together is while a child rewrites the item done. So whoever
// takes the lock and learns that its holder died knows what may be half
// rewritten; a child cannot mend that and sets torn, with which the children
// leave the queue alone; the parent writes the item again.
//
// This step is dear enough for one loop to serve two rows.
func (l *lane) seeTo(lanes []*lane, n int) (int, error) {
	q := l.queue
	got, end := l.first, l.first+uint64(n)
	for got < end {
		if err := l.lock(lanes); err != nil {
			return int(got - l.first), err
		}
		done := q.done.Load()
		if done < got || done > l.sent {
			q.lock.release()
			return int(got - l.first), l.fault(l.item(got), fmt.Errorf("it claims %d answers of %d to %d", done, got, l.sent))
		}
		for ; got < done; got++ {
			if !right(q.slot(got), got) {
				q.lock.release()
				return int(got - l.first), l.fault(l.item(got), errWrong)
			}
		}
		for ; l.sent < end && l.sent < got+q.window; l.sent++ {
			fill(q.slot(l.sent), l.sent)
		}
		q.sent.Store(l.sent)
		q.lock.release()
		q.work.ring()
		// The children ring at multiples of batch, and when all is done.
		target := min(got/q.batch*q.batch+q.batch, l.sent)
		if err := l.awaitLocked(lanes, target); err != nil {
			return int(got - l.first), err
		}
	}
	return n, nil
}

// lock takes the queue's lock and mends what a dead holder has left.
func (l *lane) lock(lanes []*lane) error {
	q := l.queue
	abandoned, ok := q.lock.acquire(parentID, l.pool.Patience)
	if !ok {
		return l.silent(lanes)
	}
	if abandoned || q.torn.Load() != 0 {
		if done := q.done.Load(); done < l.sent {
			fill(q.slot(done), done)
		}
		q.torn.Store(0)
	}
	return nil
}

// awaitLocked returns when the children have done what is before target, or left
// something to mend. It puts others in the place of those who were killed.
func (l *lane) awaitLocked(lanes []*lane, target uint64) error {
	q := l.queue
	var began time.Time
	for !spin(l.pool.spinning, &q.done, target) && q.torn.Load() == 0 {
		revived, err := reviveDead(lanes, (*lane).held)
		if err != nil {
			return err
		}
		if revived || began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > l.pool.Patience {
			return l.silent(lanes)
		}
		q.answers.sleep(l.pool.Patience, func() bool {
			return q.done.Load() >= target || q.torn.Load() != 0 || anyDead(lanes)
		})
	}
	return nil
}

// silent returns the error for children that do not answer in time. If one holds
// the lock it is to blame.
func (l *lane) silent(lanes []*lane) error {
	q := l.queue
	item, err := l.item(q.done.Load()), fmt.Errorf("no answer for %v", l.pool.Patience)
	holder := q.lock.word.Load() & lockHolder
	if holder == 0 {
		return l.fault(item, err)
	}
	for _, other := range lanes {
		if uint32(other.index+1) == holder {
			return other.fault(item, fmt.Errorf("%w, and it holds the lock", err))
		}
	}
	return l.fault(item, fmt.Errorf("%w, and %d holds the lock, which is no child", err, holder))
}

// held returns the item at which the lane's child died with the lock, or -1 if it
// died without.
func (l *lane) held() int {
	held := l.child.Load().held.Load()
	if l.pool.shape.queues < len(l.pool.lanes) {
		l = l.pool.lanes[0] // which counts for all
	}
	if held == 0 || held > l.sent {
		return -1
	}
	return l.item(held - 1)
}

func anyDead(lanes []*lane) bool {
	for _, l := range lanes {
		if l.child.Load().dead.Load() {
			return true
		}
	}
	return false
}

// reviveDead puts others in the place of the children that were killed, at the
// item that at tells.
func reviveDead(lanes []*lane, at func(dead *lane) int) (revived bool, err error) {
	for _, l := range lanes {
		if l.child.Load().dead.Load() {
			if err := l.revive(at(l), func() {}); err != nil {
				return true, err
			}
			revived = true
		}
	}
	return revived, nil
}

// serveLocked does items of a queue with a lock, one for each time that it takes
// the lock.
func (w *worker) serveLocked() {
	q := w.queue
	ready := func() bool { return q.torn.Load() == 0 && q.done.Load() < q.sent.Load() }
	for {
		for !ready() {
			if !spin(w.spinning, &q.sent, q.done.Load()+1) || !ready() {
				q.work.sleep(0, ready)
			}
		}
		if abandoned, _ := q.lock.acquire(w.id, 0); abandoned {
			q.torn.Store(1)
		}
		done, sent := q.done.Load(), q.sent.Load()
		torn := q.torn.Load() != 0
		if torn || done == sent {
			q.lock.release()
			if torn {
				q.answers.ring()
			}
			continue
		}
		if !change(q.slot(done)) {
			w.torn(done)
		}
		done++
		q.done.Store(done)
		q.lock.release()
		if done%q.batch == 0 || done == sent {
			q.answers.ring()
		}
	}
}
