package workerpool

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/park"
	"boundaries/internal/race"
)

// A thief has seen the only task and not claimed it yet. Once the owner has taken it,
// the claim fails.
func TestPopOfTheLastTaskIsAClaim(t *testing.T) {
	var d deque
	d.init(0, 2)
	d.push(func(Worker) {})
	top := d.top.Load()
	require.NotNil(t, d.pop())
	require.False(t, d.top.CompareAndSwap(top, top+1))
}

// A thief steals while the owner pushes many tasks at once. It finds only those that
// are there already.
func TestStealWhileManyArePushed(t *testing.T) {
	rounds, batch := 300, 8192
	if race.Enabled {
		rounds = 20
	}
	var d deque
	d.init(0, 2)
	ran := 0
	tasks := make([]Task, batch)
	for i := range tasks {
		tasks[i] = func(Worker) {}
	}
	var pushed atomic.Bool
	stolen := make(chan int)
	go func() {
		had := 0
		for !pushed.Load() {
			if task, _ := d.steal(); task != nil {
				had++
			}
		}
		stolen <- had
	}()
	for range rounds {
		d.push(tasks...)
		for d.len() > 0 {
			if d.pop() != nil {
				ran++
			}
		}
		runtime.Gosched()
	}
	pushed.Store(true)
	require.Equal(t, rounds*batch, ran+<-stolen)
}

// A fifo does not keep a task alive that has left it.
func TestFIFODoesNotKeepTasksAlive(t *testing.T) {
	f := newFIFO(0)
	for range 3 {
		f.put(func(Worker) {})
	}
	require.NotNil(t, f.take())
	require.NotNil(t, f.takeNewest())
	kept := 0
	for _, slot := range f.slots {
		if slot != nil {
			kept++
		}
	}
	require.Equal(t, 1, kept)
}

// Every olderIn-th task that a task submits is followed by the oldest of the inbox and
// the oldest of the deque, which the batch does not keep.
func TestOlderTasksRunInTime(t *testing.T) {
	tasks, last := numbered(olderIn + 1)
	q := &lockFreeQueue{lot: park.New(1), workers: make([]stealer, 1)}
	s := &q.workers[0]
	s.init(0, 2*batchLen)
	require.True(t, q.put(outside, tasks[olderIn]))
	for _, task := range tasks[:olderIn] {
		require.True(t, q.put(0, task))
	}
	require.Equal(t, [batchLen]Task{}, s.batch)
	for _, want := range []int{olderIn, 0, olderIn - 1} {
		task, _ := q.take(0)
		task(nil)
		require.Equal(t, want, *last)
	}
}

// A worker's task blocks while there are tasks in its deque. They run, oldest first, although
// another worker always has newer tasks: those of a task that submits itself, or those that
// come from outside.
func TestTasksBesideABlockedWorkerRunInTime(t *testing.T) {
	sharded := &shardedQueue{room: capacity, deques: make([]lockedDeque, 3)}
	for i := range sharded.deques {
		sharded.deques[i].fifo = newFIFO(0)
	}
	lockFree := &lockFreeQueue{lot: park.New(3), workers: make([]stealer, 3)}
	for i := range lockFree.workers {
		lockFree.workers[i].init(0, 2*batchLen)
	}
	for _, q := range []queue{sharded, lockFree} {
		for _, from := range []int{0, outside} {
			tasks, last := numbered(10)
			for _, task := range tasks {
				require.True(t, q.put(2, task))
			}
			*last = -1
			for takes, want := 0, 0; want < len(tasks); takes++ {
				require.Less(t, takes, len(tasks)*3*4*olderIn, "%T, tasks of %d: %d older ones have run", q, from, want)
				q.put(from, func(Worker) {})
				task, _ := q.take(0)
				if task(nil); *last == want {
					want++
				}
				require.Equal(t, want-1, *last)
			}
			for task, _ := q.take(0); task != nil; {
				task, _ = q.take(0)
			}
		}
	}
}

// The tasks of a batch run in their order, and the batch does not keep them.
func TestABatchRunsInOrder(t *testing.T) {
	tasks, last := numbered(5)
	q := &lockFreeQueue{lot: park.New(1), workers: make([]stealer, 1)}
	s := &q.workers[0]
	s.init(0, 2*batchLen)
	require.True(t, q.inbox.publish(tasks))
	for want := range tasks {
		task, _ := q.take(0)
		task(nil)
		require.Equal(t, want, *last)
		require.Equal(t, [batchLen]Task{}, s.batch)
	}
}
