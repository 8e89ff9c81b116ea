package procs

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"boundaries/procs/internal/children"
	"boundaries/procs/internal/futex"
	"boundaries/procs/internal/items"
	"boundaries/procs/internal/shm"
)

// runAtomic has one queue for all children. A child claims an item by adding one
// to a shared word (fetch-and-add, LOCK XADD on amd64). The next free child takes
// the next item, so a slow child delays no other.
//
// Each slot has a state, a word before the item. It only grows, except after a
// death:
//
//	bits 24-63  the sequence number of the item
//	bits 22-23  1 sent: the item is for the child that claims or finds it
//	            2 taken: the item belongs to the child in bits 0-21
//	            3 answered: the item belongs to the parent
//
// The parent stores sent. A child changes sent to taken with a compare-and-swap,
// and then stores answered.
//
// If no child died, the addition alone would be enough. But a child may be killed
// after its addition and before it marks the item as taken. Then nobody knows
// which number it claimed. So after a death the parent does two things. It sets
// the items that the dead child had taken back to sent. And it stores in Rescue
// how many numbers had been claimed. Before a child sleeps, it looks for sent
// items with a number below Rescue, because the dead child may have claimed them.
// A slow child that is alive may be about to take such an item, too. The
// compare-and-swap lets only one of them have it.
//
// Cost: the cache line of the shared word, which moves from child to child, and four
// locked instructions an item: the parent sends every item by itself, and a child
// claims, takes and answers it.
// Progress: wait-free on amd64 while there are items, and blocking when there are
// none: the waiter spins, then sleeps.
func runAtomic(p *children.Pool, n int) (int, error) {
	l := p.Lanes[0]
	l.First = l.Sent
	q := l.Queue
	got, end := l.First, l.First+uint64(n)
	for got < end {
		for ; l.Sent < end && l.Sent < got+q.Window; l.Sent++ {
			items.Fill(q.Slot(l.Sent), l.Sent)
			stateAt(q, l.Sent).Store(stateOf(l.Sent, stateSent))
		}
		q.Work.Ring()
		// Wait for half of the items in flight. If the last item of that half is
		// answered already, wait for the first item that may be missing.
		target := min(got+q.Batch, l.Sent) - 1
		if stateAt(q, target).Load() >= stateOf(target, stateAnswered) {
			target = got
		}
		if err := awaitAnswered(l, target); err != nil {
			return int(got - l.First), err
		}
		for ; got < l.Sent && stateAt(q, got).Load() == stateOf(got, stateAnswered); got++ {
			if !items.Right(q.Slot(got), got) {
				return int(got - l.First), l.Fault(l.Item(got), items.ErrWrong)
			}
		}
		if rescue := q.Rescue.Load(); rescue != 0 && rescue <= got {
			q.Rescue.Store(0)
		}
	}
	return n, nil
}

const (
	stateSent     = 1 << 22
	stateTaken    = 2 << 22
	stateAnswered = 3 << 22
	stateChild    = 1<<22 - 1
	statePhase    = 3 << 22
	stateSeq      = 24 // the lowest bit of the sequence number
)

func stateOf(seq, phase uint64) uint64 { return seq<<stateSeq | phase }

// stateAt returns the state of the slot with that sequence number.
func stateAt(q *shm.Queue, seq uint64) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&q.Slots[int(seq%q.Window)*q.Stride]))
}

// awaitAnswered returns when the item with that sequence number is answered.
func awaitAnswered(l *children.Lane, target uint64) error {
	q := l.Queue
	state, answered := stateAt(q, target), stateOf(target, stateAnswered)
	var began time.Time
	for !futex.Spin(l.Pool.Spinning, state, answered) {
		revived, err := redoTaken(l)
		if err != nil {
			return err
		}
		if revived || began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > l.Pool.Patience {
			return unanswered(l)
		}
		q.Wanted.Store(target)
		q.Answers.Sleep(l.Pool.Patience, func() bool {
			return state.Load() >= answered || children.AnyDead(l.Pool.Lanes)
		})
	}
	if got := state.Load(); got != answered {
		return l.Fault(l.Item(target), fmt.Errorf("the state of its slot is %#x, want %#x", got, answered))
	}
	return nil
}

// redoTaken replaces the dead children, and sends the items that they had taken to
// all children again. Lane.Revive sets Rescue, for the items that they may have
// claimed.
func redoTaken(l *children.Lane) (revived bool, err error) {
	q := l.Queue
	return children.ReviveDead(l.Pool.Lanes, func(dead *children.Lane) int {
		item := -1
		for slot := range q.Window {
			s := stateAt(q, slot).Load()
			seq := s >> stateSeq
			if s&(1<<stateSeq-1) == stateTaken|uint64(dead.Index+1) {
				item = l.Item(seq)
				items.Fill(q.Slot(seq), seq)
				stateAt(q, seq).Store(stateOf(seq, stateSent))
			}
		}
		return item
	})
}

// unanswered returns the error for the first item that is not answered in time. It blames
// the child that has taken the item, if there is one.
func unanswered(l *children.Lane) error {
	q := l.Queue
	seq := max(l.First+q.Window, l.Sent) - q.Window // from this one on, the slots hold the items of this run
	for stateAt(q, seq).Load() == stateOf(seq, stateAnswered) {
		seq++
	}
	item := l.Item(seq)
	if s := stateAt(q, seq).Load(); s&statePhase == stateTaken && s&stateChild-1 < uint64(len(l.Pool.Lanes)) {
		l = l.Pool.Lanes[s&stateChild-1]
	}
	return l.Fault(item, children.Silence(l.Pool.Patience))
}

func serveAtomic(w *children.Worker) {
	q := w.Queue
	for {
		seq := q.Claimed.Add(1) - 1
		state, sent := stateAt(q, seq), stateOf(seq, stateSent)
		for !futex.Spin(w.Spinning, state, sent) {
			q.Work.Sleep(0, func() bool { return state.Load() >= sent || rescue(w) })
		}
		if state.CompareAndSwap(sent, stateOf(seq, stateTaken)|uint64(w.ID)) {
			answerTaken(w, seq)
		}
	}
}

// answerTaken changes the item that the child has taken.
func answerTaken(w *children.Worker, seq uint64) {
	q := w.Queue
	if !items.Change(q.Slot(seq)) {
		w.ExitTorn(seq)
	}
	stateAt(q, seq).Store(stateOf(seq, stateAnswered))
	// The parent stores Wanted, and then sets its bell, before it looks at the
	// state a last time. If this load misses Wanted, the parent sees the answer.
	if q.Wanted.Load() == seq {
		q.Answers.Ring()
	}
}

// rescue changes the items that a dead child may have claimed, and reports whether
// there were any.
func rescue(w *children.Worker) bool {
	q := w.Queue
	claimed := q.Rescue.Load()
	if claimed == 0 {
		return false
	}
	found := false
	for slot := range q.Window {
		s := stateAt(q, slot).Load()
		seq := s >> stateSeq
		if s&statePhase == stateSent && seq < claimed &&
			stateAt(q, slot).CompareAndSwap(s, stateOf(seq, stateTaken)|uint64(w.ID)) {
			answerTaken(w, seq)
			found = true
		}
	}
	return found
}
