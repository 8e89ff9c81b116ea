package workerpool

import (
	"runtime"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// An inbox is a bounded ring for batches, with any number of submitters and takers, as
// in DPDK's rte_ring. Each side has two indexes. A goroutine claims a batch of slots by
// advancing the first index, fills or empties them by plain loads and stores, and hands
// them to the other side by advancing the second index, in the order of the claims. So
// a batch costs each side two atomic writes, whatever its length, and a goroutine waits
// at most for another that is copying its batch.
type inbox struct {
	_       cacheline.Pad
	putting atomic.Uint64 // submitters have claimed the slots below
	_       cacheline.Pad
	put     atomic.Uint64 // the slots below have been filled
	_       cacheline.Pad
	taking  atomic.Uint64 // takers have claimed the slots below
	_       cacheline.Pad
	taken   atomic.Uint64 // the slots below have been emptied
	_       cacheline.Pad
	slots   [capacity]Task
}

// init makes the inbox empty, with start as its first index. Only tests pass anything
// but 0.
func (q *inbox) init(start uint64) {
	q.putting.Store(start)
	q.put.Store(start)
	q.taking.Store(start)
	q.taken.Store(start)
}

func (q *inbox) len() int {
	taking := q.taking.Load() // before put, which is never lower
	return int(q.put.Load() - taking)
}

// publish adds all the tasks and returns true. If there is no room for all of them, it
// adds none and returns false. It synchronizes before the take of each task.
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
	for q.put.Load() != first { // an earlier batch is still being copied
		runtime.Gosched()
	}
	q.put.Store(first + n)
	return true
}

// take moves tasks to batch and returns how many: the share of one of that many takers,
// rounded up, but no more than the length of batch.
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
