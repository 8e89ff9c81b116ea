package workerpool

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// An inbox is a bounded ring for batches, of any number of submitters and
// takers, as in DPDK's rte_ring. Each side has two indexes: a batch of slots is
// claimed by moving the first on, filled or emptied by plain loads and stores,
// and handed to the other side by moving the second on, in the order of the
// claims. So a batch costs two atomic writes a side, however long it is, and
// waits at most for another who is in the midst of copying his.
type inbox struct {
	_       cacheline.Pad
	putting atomic.Uint64 // slots below have been claimed by submitters
	_       cacheline.Pad
	put     atomic.Uint64 // slots below have been filled
	_       cacheline.Pad
	taking  atomic.Uint64 // slots below have been claimed by takers
	_       cacheline.Pad
	taken   atomic.Uint64 // slots below have been emptied
	_       cacheline.Pad
	slots   [capacity]Task
}

// init makes an empty inbox whose first index is start, of which only a test
// wants another than 0.
func (q *inbox) init(start uint64) {
	q.putting.Store(start)
	q.put.Store(start)
	q.taking.Store(start)
	q.taken.Store(start)
}

func (q *inbox) len() int {
	taking := q.taking.Load() // before put, which is never behind it
	return int(q.put.Load() - taking)
}

// publish adds all of the tasks, or none if there is no room for all. It
// synchronizes before the take of each.
func (q *inbox) publish(tasks []Task) bool {
	n := uint64(len(tasks))
	var first uint64
	for {
		first = q.putting.Load()
		if int64(first+n-q.taken.Load()) > capacity {
			return false
		}
		if q.putting.CompareAndSwap(first, first+n) {
			break
		}
	}
	for i, task := range tasks {
		q.slots[(first+uint64(i))%capacity] = task
	}
	for q.put.Load() != first { // who claimed before is still copying
		runtime.Gosched()
	}
	q.put.Store(first + n)
	return true
}

// take moves tasks to batch, and returns how many: a fair share of those there
// are if there are that many takers, but at most as many as batch has room for.
func (q *inbox) take(batch []Task, takers int) int {
	var first, n uint64
	for {
		first = q.taking.Load()
		there := int64(q.put.Load() - first)
		if there <= 0 {
			return 0
		}
		n = min((uint64(there)+uint64(takers)-1)/uint64(takers), uint64(len(batch)))
		if q.taking.CompareAndSwap(first, first+n) {
			break
		}
	}
	for i := range n {
		slot := &q.slots[(first+i)%capacity]
		batch[i], *slot = *slot, nil
	}
	for q.taken.Load() != first {
		runtime.Gosched()
	}
	q.taken.Store(first + n)
	return int(n)
}
