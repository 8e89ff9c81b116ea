package procs

import (
	"fmt"
	"time"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/futex"
	"boundaries/procs/internal/items"
)

// askLocked has the children of lanes answer n items. The items go through the queue of
// l, which has a lock and which these children share.
//
// The lock guards Sent, Done, Torn and the slots. They are inconsistent only while
// a child changes the item Done. So a process that takes the lock and learns that
// its holder died knows which item may be half changed. A child cannot mend the
// item: it sets Torn, after which the children leave the queue alone. The parent
// writes the item again.
//
// The steps of global-mutex and sharded-lock are slow enough to share this loop.
func askLocked(l *children.Lane, lanes []*children.Lane, n int) (int, error) {
	q := l.Queue
	got, end := l.First, l.First+uint64(n)
	for got < end {
		if err := lockQueue(l, lanes); err != nil {
			return int(got - l.First), err
		}
		done := q.Done.Load()
		if done < got || done > l.Sent {
			q.Lock.Release()
			return int(got - l.First), l.Fault(l.Item(got), children.Claims(done, got, l.Sent))
		}
		for ; got < done; got++ {
			if !items.Right(q.Slot(got), got) {
				q.Lock.Release()
				return int(got - l.First), l.Fault(l.Item(got), items.ErrWrong)
			}
		}
		for ; l.Sent < end && l.Sent < got+q.Window; l.Sent++ {
			items.Fill(q.Slot(l.Sent), l.Sent)
		}
		q.Sent.Store(l.Sent)
		q.Lock.Release()
		q.Work.Ring()
		// The children ring at multiples of the batch, and when all is done.
		target := min(got/q.Batch*q.Batch+q.Batch, l.Sent)
		if err := awaitLocked(l, lanes, target); err != nil {
			return int(got - l.First), err
		}
	}
	return n, nil
}

// lockQueue takes the lock of a queue and mends what a dead holder has left.
func lockQueue(l *children.Lane, lanes []*children.Lane) error {
	q := l.Queue
	abandoned, ok := q.Lock.Acquire(futex.Parent, l.Pool.Patience)
	if !ok {
		return silent(l, lanes)
	}
	if abandoned || q.Torn.Load() != 0 {
		if done := q.Done.Load(); done < l.Sent {
			items.Fill(q.Slot(done), done)
		}
		q.Torn.Store(0)
	}
	return nil
}

// awaitLocked returns when the children have done all items before target, or left
// something to mend. It replaces children that are killed.
func awaitLocked(l *children.Lane, lanes []*children.Lane, target uint64) error {
	q := l.Queue
	var began time.Time
	for !futex.Spin(l.Pool.Spinning, &q.Done, target) && q.Torn.Load() == 0 {
		revived, err := children.ReviveDead(lanes, (*children.Lane).DiedHolding)
		if err != nil {
			return err
		}
		if revived || began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > l.Pool.Patience {
			return silent(l, lanes)
		}
		q.Answers.Sleep(l.Pool.Patience, func() bool {
			return q.Done.Load() >= target || q.Torn.Load() != 0 || children.AnyDead(lanes)
		})
	}
	return nil
}

// silent returns the error for children that do not answer in time. It blames the
// child that holds the lock, if there is one.
func silent(l *children.Lane, lanes []*children.Lane) error {
	item, err := l.Item(l.Queue.Done.Load()), children.Silence(l.Pool.Patience)
	holder := l.Queue.Lock.Holder()
	if holder == 0 {
		return l.Fault(item, err)
	}
	for _, other := range lanes {
		if uint32(other.Index+1) == holder {
			return other.Fault(item, fmt.Errorf("%w, and it holds the lock", err))
		}
	}
	return l.Fault(item, fmt.Errorf("%w, and the lock is held by %d, want the number of a child", err, holder))
}

// serveLocked changes items of a queue with a lock, one each time that it takes
// the lock.
func serveLocked(w *children.Worker) {
	q := w.Queue
	ready := func() bool { return q.Torn.Load() == 0 && q.Done.Load() < q.Sent.Load() }
	for {
		for !ready() {
			if !futex.Spin(w.Spinning, &q.Sent, q.Done.Load()+1) || !ready() {
				q.Work.Sleep(0, ready)
			}
		}
		if abandoned, _ := q.Lock.Acquire(w.ID, 0); abandoned {
			q.Torn.Store(1)
		}
		done, sent := q.Done.Load(), q.Sent.Load()
		torn := q.Torn.Load() != 0
		if torn || done == sent {
			q.Lock.Release()
			if torn {
				q.Answers.Ring()
			}
			continue
		}
		if !items.Change(q.Slot(done)) {
			w.ExitTorn(done)
		}
		done++
		q.Done.Store(done)
		q.Lock.Release()
		if done%q.Batch == 0 || done == sent {
			q.Answers.Ring()
		}
	}
}
