package workerpool

import (
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// An inbox is a bounded ring for batches, with any number of submitters and takers. A
// goroutine claims a batch of slots by advancing its side's index, fills or empties them
// by plain loads and stores, and marks the batch as done. So if no other goroutine
// interferes, a batch costs each side at most three atomic writes, whatever its length.
//
// In DPDK's rte_ring, a thread that has filled its slots waits for the threads with
// earlier claims, so that one index tells the other side how far all of them are. If an
// earlier thread has lost its processor, the others spin until it is back. Here no
// goroutine waits: the marks may be set in any order, and the other side follows them
// as far as they go.
//
// A goroutine that stops between its claim and its mark holds up the slots behind its
// claim, and nothing else:
//
//   - Takers find the tasks before an unfilled batch, and then an empty inbox. They run
//     what the deques hold, or sleep. The submitter wakes a worker after it has set its
//     mark, and that worker finds the batches behind it too.
//   - Submitters find room until, one round later, they reach the slots of the unemptied
//     batch, and then a full inbox. They wait at the gate, which the taker opens after it
//     has set its mark.
type inbox struct {
	_       cacheline.Pad
	putting atomic.Uint64 // submitters have claimed the slots below
	_       cacheline.Pad
	taking  atomic.Uint64 // takers have claimed the slots below
	filled  marks
	emptied marks
	slots   [capacity]Task
}

// marks are the batches that one side has finished. All batches before end are
// finished. The mark of a batch is at the index of its first slot, and its value is the
// index after its last slot. A mark from an earlier round is never greater than the
// index of the slot in this round, so follow does not take it for a new one.
type marks struct {
	_   cacheline.Pad
	end atomic.Uint64 // may lag behind the marks
	_   cacheline.Pad
	at  [capacity]atomic.Uint64
}

// init makes the inbox empty, with start as its first index. Only tests pass anything
// but 0.
func (q *inbox) init(start uint64) {
	q.putting.Store(start)
	q.taking.Store(start)
	for _, m := range []*marks{&q.filled, &q.emptied} {
		m.end.Store(start)
		for i := range m.at {
			m.at[i].Store(start)
		}
	}
}

// done marks the slots in [first, end). It synchronizes before the calls of follow that
// return end or more.
func (m *marks) done(first, end uint64) { m.at[first%capacity].Store(end) }

// follow advances end over all marks that it finds and returns it.
func (m *marks) follow() uint64 {
	for {
		old := m.end.Load()
		end := old
		for next := m.at[end%capacity].Load(); int64(next-end) > 0; next = m.at[end%capacity].Load() {
			end = next
		}
		if end == old || m.end.CompareAndSwap(old, end) {
			return end
		}
	}
}

// len returns how many tasks there are to take.
func (q *inbox) len() int {
	taking := q.taking.Load() // before follow, whose result is never lower
	return int(q.filled.follow() - taking)
}

// publish adds all the tasks and returns true. If there is no room for all of them, it
// adds none and returns false. It synchronizes before the take of each task.
func (q *inbox) publish(tasks []Task) bool {
	n := uint64(len(tasks))
	for {
		first := q.putting.Load()
		full := int64(first+n-q.emptied.end.Load()) > capacity // perhaps: end may lag
		if full && int64(first+n-q.emptied.follow()) > capacity {
			return false
		}
		if q.putting.CompareAndSwap(first, first+n) {
			i := first % capacity
			copy(q.slots[:], tasks[copy(q.slots[i:], tasks):])
			q.filled.done(first, first+n)
			return true
		}
	}
}

// take moves tasks to batch and returns how many: the tasks divided by the number of
// takers, rounded up, but no more than the length of batch.
func (q *inbox) take(batch []Task, takers int) int {
	for {
		first := q.taking.Load()
		there := q.filled.follow() - first
		if there == 0 {
			return 0
		}
		n := min((there+uint64(takers)-1)/uint64(takers), uint64(len(batch)))
		if q.taking.CompareAndSwap(first, first+n) {
			i := first % capacity
			head := q.slots[i:min(i+n, capacity)]
			tail := q.slots[:n-uint64(len(head))]
			copy(batch[copy(batch, head):], tail)
			clear(head)
			clear(tail)
			q.emptied.done(first, first+n)
			return int(n)
		}
	}
}
