package procs

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"
)

// runAtomic has one queue for all, from which children claim items by adding one
// to a shared word (fetch-and-add, LOCK XADD on amd64): whoever is free takes
// the next, and a slow child holds nobody up. It pays for that word's way from
// one child to the next and for two locked stores at every item, each claimed
// and answered by itself. Wait-free on amd64 while there are items, and blocking
// when there are none: spin, then sleep.
//
// A slot has a state, the word before the item, which only grows while nobody
// dies:
//
//	bits 24-63  the sequence number of the item
//	bits 22-23  1 sent: the item is for whoever has or finds its number
//	            2 taken: it is the child's in bits 0-21
//	            3 answered: it is the parent's
//
// The parent stores sent, a child changes sent to taken with a compare-and-swap
// and then stores answered. The add alone would do, if it were not for death: a
// child can be killed between its add and anything that tells which number it
// got. So after a death the parent makes sent again what the dead had taken, and
// stores in rescue how many numbers had been claimed. Before a child sleeps it
// looks for items below rescue that are sent, which are items that the dead
// might have claimed; they may also be about to be taken by a living child that
// is slow, and the compare-and-swap decides.
func runAtomic(p *Pool, n int) (int, error) {
	l := p.lanes[0]
	l.first = l.sent
	q := l.queue
	got, end := l.first, l.first+uint64(n)
	for got < end {
		for ; l.sent < end && l.sent < got+q.window; l.sent++ {
			fill(q.slot(l.sent), l.sent)
			q.state(l.sent).Store(stateOf(l.sent, stateSent))
		}
		q.work.ring()
		// Sleep for half of what is in flight, or if that is there already
		// for the item that is missing before it.
		target := min(got+q.batch, l.sent) - 1
		if q.state(target).Load() >= stateOf(target, stateAnswered) {
			target = got
		}
		if err := l.awaitAnswered(target); err != nil {
			return int(got - l.first), err
		}
		for ; got < l.sent && q.state(got).Load() == stateOf(got, stateAnswered); got++ {
			if !right(q.slot(got), got) {
				return int(got - l.first), l.fault(l.item(got), errWrong)
			}
		}
		if rescue := q.rescue.Load(); rescue != 0 && rescue <= got {
			q.rescue.Store(0)
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
	stateSeq      = 24 // its lowest bit
)

func stateOf(seq, phase uint64) uint64 { return seq<<stateSeq | phase }

// state returns the state of the slot with that sequence number.
func (q *queue) state(seq uint64) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&q.slots[int(seq%q.window)*q.stride]))
}

// awaitAnswered returns when the item with that sequence number is answered.
func (l *lane) awaitAnswered(target uint64) error {
	q := l.queue
	state, answered := q.state(target), stateOf(target, stateAnswered)
	var began time.Time
	for !spin(l.pool.spinning, state, answered) {
		revived, err := l.redoTaken()
		if err != nil {
			return err
		}
		if revived || began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > l.pool.Patience {
			return l.unanswered(target)
		}
		q.wanted.Store(target)
		q.answers.sleep(l.pool.Patience, func() bool {
			return state.Load() >= answered || anyDead(l.pool.lanes)
		})
	}
	return nil
}

// redoTaken puts others in the place of the dead, and makes the items that they
// had taken items for everybody. What they may have claimed is revive's.
func (l *lane) redoTaken() (revived bool, err error) {
	q := l.queue
	return reviveDead(l.pool.lanes, func(dead *lane) int {
		item := -1
		for slot := range q.window {
			s := q.state(slot).Load()
			seq := s >> stateSeq
			if s&(1<<stateSeq-1) == stateTaken|uint64(dead.index+1) {
				item = l.item(seq)
				fill(q.slot(seq), seq)
				q.state(seq).Store(stateOf(seq, stateSent))
			}
		}
		return item
	})
}

// unanswered returns the error for an item that is not answered in time.
func (l *lane) unanswered(seq uint64) error {
	err := fmt.Errorf("no answer for %v", l.pool.Patience)
	if s := l.queue.state(seq).Load(); s&statePhase == stateTaken && s&stateChild-1 < uint64(len(l.pool.lanes)) {
		l = l.pool.lanes[s&stateChild-1]
	}
	return l.fault(int(seq-l.pool.lanes[0].first), err)
}

func serveAtomic(w *worker) {
	q := w.queue
	for {
		seq := q.claimed.Add(1) - 1
		state, sent := q.state(seq), stateOf(seq, stateSent)
		for !spin(w.spinning, state, sent) {
			q.work.sleep(0, func() bool { return state.Load() >= sent || w.rescue() })
		}
		if state.CompareAndSwap(sent, stateOf(seq, stateTaken)|uint64(w.id)) {
			w.answerTaken(seq)
		}
	}
}

// answerTaken does the item that the child has taken.
func (w *worker) answerTaken(seq uint64) {
	q := w.queue
	if !change(q.slot(seq)) {
		w.torn(seq)
	}
	q.state(seq).Store(stateOf(seq, stateAnswered))
	// The parent stores wanted, and then its bell, before it looks at the
	// state a last time: if this load misses it, the parent sees the answer.
	if q.wanted.Load() == seq {
		q.answers.ring()
	}
}

// rescue does what a dead child may have claimed, and reports whether there was
// anything.
func (w *worker) rescue() bool {
	q := w.queue
	claimed := q.rescue.Load()
	if claimed == 0 {
		return false
	}
	found := false
	for slot := range q.window {
		s := q.state(slot).Load()
		seq := s >> stateSeq
		if s&statePhase == stateSent && seq < claimed &&
			q.state(slot).CompareAndSwap(s, stateOf(seq, stateTaken)|uint64(w.id)) {
			w.answerTaken(seq)
			found = true
		}
	}
	return found
}
