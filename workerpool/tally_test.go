package workerpool

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"boundaries/internal/suite/suitetest"
)

// One task runs for the whole test, while others come and go. Wait does not return
// before that task has run. There are many workers, so that a sum takes as long as
// other tasks need to come and go.
func TestWaitWhileATaskRuns(t *testing.T) {
	const workers = 200
	var tally tally
	tally.init(workers)
	require.NoError(t, tally.admit(t.Context(), 1)) // the long task
	var over, early atomic.Bool
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		_ = tally.wait()
		early.Store(!over.Load())
	}()
	for ran := 1; ran <= 100_000 && !early.Load(); ran++ {
		require.NoError(t, tally.admit(t.Context(), 1))
		for range ran % 64 {
			_ = tally.closed.Load()
		}
		tally.settle(workers-1, ran)
		if ran%16 == 0 {
			runtime.Gosched()
		}
	}
	over.Store(true)
	tally.settle(0, 1)
	<-waited
	require.False(t, early.Load(), "Wait has returned while a task ran")
}

// A waiter announces itself before it reads the counts. Otherwise the last task could
// end in between and not wake it.
func TestWaitAnnouncesItselfFirst(t *testing.T) {
	var tally tally
	tally.init(1)
	tally.mu.Lock() // so that the waiter does not get to the counts
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		_ = tally.wait()
	}()
	require.Eventually(t, func() bool { return tally.waiting.Load() == 1 }, 10*time.Second, time.Millisecond)
	tally.mu.Unlock()
	<-waited
}

// A submitter shuts the gate before it looks for room once more, or it would sleep
// beside room that a worker makes in between.
func TestHoldShutsTheGateFirst(t *testing.T) {
	p := newMutexPool(1)
	require.NoError(t, p.admit(t.Context(), 1))
	shut := false
	require.NoError(t, p.hold(t.Context(), 1, func() bool {
		shut = p.gate.shut.Load()
		return p.queue.put(outside, func(Worker) {})
	}))
	require.True(t, shut)
	require.NoError(t, p.Close())
}

// Tasks that end in a panic or in Goexit count as run, and their worker goes on.
func TestPanicAndGoexitAreCounted(t *testing.T) {
	each(t, oneGoroutine, func(t *testing.T, open func(workers int) Pool) {
		suitetest.Guard(t, "Wait waits for a task that has ended")
		p := open(1)
		for _, end := range []func(){func() { panic("spam") }, runtime.Goexit} {
			for range 3 {
				require.NoError(t, p.Submit(t.Context(), func(Worker) { end() }))
			}
			require.Error(t, p.Wait())
		}
		require.Equal(t, 6, p.(interface{ ran() int }).ran())
		require.NoError(t, p.Close())
	})
}

// The length of a queue counts what a task has submitted, while that task runs. A worker
// that is about to sleep looks at it.
func TestLenCountsATasksTask(t *testing.T) {
	each(t, passive, func(t *testing.T, open func(workers int) Pool) {
		p := open(1)
		q, ok := p.(*pool)
		if batching, is := p.(*lockFreePool); is {
			q, ok = batching.pool, true
		}
		if ok {
			require.NoError(t, p.Submit(t.Context(), func(w Worker) {
				for n := range 3 {
					assert.Equal(t, n, q.queue.len())
					assert.NoError(t, w.Submit(t.Context(), func(Worker) {}))
				}
			}))
			require.NoError(t, p.Wait())
		}
		require.NoError(t, p.Close())
	})
}

// A task is admitted and gathered under one lock. Between the two, Close would not see it.
func TestPrivateAdmitsUnderItsLock(t *testing.T) {
	p := newPrivate(1).(*privatePool)
	p.gather.Lock()
	waits, ended := suitetest.Locks(func() { assert.NoError(t, p.Submit(t.Context(), func(Worker) {})) })
	admitted := p.submitted.Load()
	p.gather.Unlock()
	<-ended
	require.True(t, waits)
	require.Zero(t, admitted)
	require.NoError(t, p.Close())
}

// A worker's task finds the room that is left in any of the deques.
func TestShardedPutFindsAllRoom(t *testing.T) {
	for worker := outside; worker < 3; worker++ {
		q := &shardedQueue{room: 2, deques: make([]lockedDeque, 3)}
		for i := range q.deques {
			q.deques[i].fifo = newFIFO(0)
		}
		for range 6 {
			require.True(t, q.put(worker, func(Worker) {}), "%d tasks fill the deques, worker %d", q.len(), worker)
		}
		require.False(t, q.put(worker, func(Worker) {}))
	}
}

// While the queue has no room for all spilled tasks, the gate stays shut. They leave
// in their order, and then the waiting submitters are let in.
func TestGateStaysShut(t *testing.T) {
	tasks, last := numbered(2)
	var g gate
	opened := g.wait()
	for _, task := range tasks {
		g.spill(task)
	}
	g.open(func(Task) bool { return false })
	require.True(t, g.shut.Load() && g.spills.Load())
	room := 1
	put := func(task Task) bool {
		room--
		if room >= 0 {
			task(nil)
		}
		return room >= 0
	}
	g.open(put)
	require.True(t, g.shut.Load() && g.spills.Load())
	require.Zero(t, *last)
	require.Len(t, g.spilled, 1)
	room = 2
	require.True(t, g.open(put), "a submitter goes on")
	require.Equal(t, 1, *last)
	require.False(t, g.shut.Load() || g.spills.Load())
	select {
	case <-opened:
	default:
		t.Error("the submitter that waited first is not let in")
	}
	g.spill(tasks[0])
	require.True(t, g.shut.Load(), "another task would overtake the spilled one")
	require.False(t, g.open(func(Task) bool { return true }), "no submitter has waited since")
}

// A worker that has let a submitter go on runs its own task before it yields.
func TestAWorkerRunsItsTaskBeforeItYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const rounds = 10
	late := 0
	for range rounds {
		p := newMutexPool(1)
		running, release := make(chan struct{}), make(chan struct{})
		var went atomic.Bool
		require.NoError(t, p.Submit(t.Context(), func(Worker) {
			close(running)
			<-release
		}))
		<-running
		require.NoError(t, p.Submit(t.Context(), func(Worker) {
			if went.Load() {
				late++
			}
		}))
		opened := p.gate.wait()
		ended := make(chan struct{})
		go func() { // the test plays a submitter
			<-opened
			went.Store(true)
			close(ended)
		}()
		runtime.Gosched()
		close(release)
		require.NoError(t, p.Close())
		<-ended
	}
	require.Less(t, late, rounds/2, "tasks that ran after the submitter") // the runtime may interrupt a worker there
}

// While tasks of tasks wait for room in the channel, later ones wait behind them, and after
// that no longer.
func TestChannelSpillsWhileItIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks, last := numbered(3)
		p := &channelPool{queue: make(chan Task, 1)}
		for _, task := range tasks {
			p.spill(task)
		}
		for i := range tasks {
			synctest.Wait()
			require.Equal(t, i < 2, p.spills.Load(), "after %d tasks", i)
			(<-p.queue)(nil)
			require.Equal(t, i, *last)
		}
	})
}

// fullOnce is a queue that is full for one put.
type fullOnce struct {
	queue
	full bool
}

func (q *fullOnce) put(worker int, task Task) bool {
	full := q.full
	q.full = false
	return !full && q.queue.put(worker, task)
}

// A worker that has spilled a task looks whether there is room by now: no other worker
// may take a task after that.
func TestSpillLooksForRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if Wait waits for the spilled task
		q := &fullOnce{queue: &mutexQueue{ring: newFIFO(0)}}
		p := newPool(1, func(int) queue { return q })
		ran := false
		require.NoError(t, p.Submit(t.Context(), func(w Worker) {
			q.full = true
			assert.NoError(t, w.Submit(t.Context(), func(Worker) { ran = true }))
		}))
		require.NoError(t, p.Wait())
		require.True(t, ran)
		require.NoError(t, p.Close())
	})
}

// A spilled task that moves to the queue wakes a worker.
func TestASpilledTaskWakesAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newMutexPool(2)
		synctest.Wait() // until both workers sleep
		ran := false
		require.NoError(t, p.admit(t.Context(), 1))
		p.gate.spill(func(Worker) { ran = true })
		(&worker{pool: p}).openGate()
		synctest.Wait()
		require.True(t, ran)
		require.NoError(t, p.Close())
	})
}

// Tasks from outside go to the deques in turn. A thief takes the newest task of another's.
func TestShardedDequesTakeTurns(t *testing.T) {
	q := &shardedQueue{room: capacity, deques: make([]lockedDeque, 3)}
	for i := range q.deques {
		q.deques[i].fifo = newFIFO(0)
	}
	for range 6 {
		require.True(t, q.put(outside, func(Worker) {}))
	}
	for i := range q.deques {
		require.Equal(t, 2, q.deques[i].fifo.len(), "deque %d", i)
	}

	q.deques[0].fifo, q.deques[1].fifo, q.deques[2].fifo = newFIFO(0), newFIFO(0), newFIFO(0)
	ran := 0
	q.put(0, func(Worker) { ran = 1 })
	q.put(0, func(Worker) { ran = 2 })
	task, _ := q.take(1)
	task(nil)
	require.Equal(t, 2, ran)
}
