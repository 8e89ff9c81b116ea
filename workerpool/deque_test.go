package workerpool

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// numbered returns n tasks. The i-th stores i in last.
func numbered(n int) (tasks []Task, last *int) {
	last = new(int)
	for i := range n {
		tasks = append(tasks, func(Worker) { *last = i })
	}
	return tasks, last
}

var starts = []uint64{0, math.MaxUint64 - 3, math.MaxUint64/2 - 3, math.MaxInt64 - 100}

// A deque behaves as a slice does: pushes of many tasks, pops of the newest, steals of the
// oldest.
func TestDequeMatchesASlice(t *testing.T) {
	tasks, last := numbered(5000)
	number := func(task Task) int {
		if task == nil {
			return -1
		}
		task(nil)
		return *last
	}
	for seed, start := range starts {
		rng := rand.New(rand.NewPCG(1, uint64(seed)))
		var d deque
		d.init(start, 4)
		var want []int
		for next := 0; next < len(tasks); {
			switch rng.IntN(5) {
			case 0, 1:
				n := min(rng.IntN(20), len(tasks)-next)
				d.push(tasks[next : next+n]...)
				for range n {
					want = append(want, next)
					next++
				}
			case 2, 3:
				expect := -1
				if n := len(want); n > 0 {
					expect, want = want[n-1], want[:n-1]
				}
				require.Equal(t, expect, number(d.pop()))
			case 4:
				for range rng.IntN(10) {
					expect := -1
					if len(want) > 0 {
						expect, want = want[0], want[1:]
					}
					task, again := d.steal()
					require.False(t, again)
					require.Equal(t, expect, number(task))
				}
			}
			require.Equal(t, len(want), d.len())
		}
	}
}

// An owner pushes and pops while thieves steal. Each task is taken once. The deque is
// small and often nearly empty, so that owner and thieves meet.
func TestDequeUnderThieves(t *testing.T) {
	suitetest.Guard(t, "a thief does not learn that there is no task")
	n := 200_000
	if testing.Short() || race.Enabled {
		n = 20_000
	}
	for _, start := range starts[:2] {
		var d deque
		d.init(start, 2)
		had := make([]atomic.Int32, n)
		var stop atomic.Bool
		var thieves sync.WaitGroup
		for range 3 {
			thieves.Go(func() {
				for {
					over := stop.Load() // before the last look
					task, again := d.steal()
					switch {
					case task != nil:
						task(nil)
					case again:
					case over:
						return
					default:
						runtime.Gosched()
					}
				}
			})
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for next := 0; next < n; {
			var batch []Task
			for range 1 + rng.IntN(4) {
				if next < n {
					i := next
					batch = append(batch, func(Worker) { had[i].Add(1) })
					next++
				}
			}
			d.push(batch...)
			for range rng.IntN(5) {
				if task := d.pop(); task != nil {
					task(nil)
				}
			}
			if rng.IntN(50) == 0 {
				runtime.Gosched()
			}
		}
		for task := d.pop(); task != nil; task = d.pop() {
			task(nil)
		}
		stop.Store(true)
		thieves.Wait()
		for i := range had {
			if n := had[i].Load(); n != 1 {
				t.Fatalf("task %d was taken %d times", i, n)
			}
		}
		require.Equal(t, d.top.Load(), d.read.Load())
	}
}

// While a thief has claimed a slot and not yet read it, the owner does not write to the
// slot, even if other thieves have claimed and read in the meantime.
func TestDequeWaitsForASlowThief(t *testing.T) {
	tasks, last := numbered(100)
	var d deque
	d.init(0, 4)
	d.push(tasks[:4]...)
	ring := *d.tasks.Load()
	require.True(t, d.top.CompareAndSwap(0, 1)) // the slow thief claims
	for range 3 {
		task, _ := d.steal()
		require.NotNil(t, task)
	}
	for _, task := range tasks[4:11] { // the ring grows once: the thief reads from the old one
		d.push(task)
	}
	ring[0](nil) // it reads
	require.Zero(t, *last)
	require.Len(t, *d.tasks.Load(), 8)
	d.read.Add(1)
	for range 100 { // now there is room
		d.push(tasks[8])
		d.steal()
	}
	require.Len(t, *d.tasks.Load(), 8)
}

// A task that has been taken can be collected while the deque or the inbox is in use.
func TestQueuesDoNotKeepTasksAlive(t *testing.T) {
	var d deque
	d.init(0, 8)
	tasks, _ := numbered(5)
	d.push(tasks...)
	for range 4 {
		d.pop()
	}
	for i, task := range *d.tasks.Load() {
		require.Equal(t, i == 0, task != nil, "slot %d", i)
	}
	for _, start := range []uint64{0, capacity - 2} { // the second batch goes round the ring
		var q inbox
		q.init(start)
		require.True(t, q.publish(tasks))
		require.Equal(t, 5, q.take(make([]Task, 9), 1))
		for i := range q.slots {
			require.Nil(t, q.slots[i])
		}
	}
}

func TestInboxIsBoundedAndFair(t *testing.T) {
	tasks, last := numbered(capacity)
	for _, start := range starts {
		q := new(inbox)
		q.init(start)
		require.True(t, q.publish(tasks[:capacity-3]))
		require.False(t, q.publish(tasks[:4]), "there is no room for all, so none is added")
		require.Equal(t, capacity-3, q.len())
		require.True(t, q.publish(tasks[capacity-3:]))
		require.False(t, q.publish(tasks[:1]))
		batch := make([]Task, 100)
		next := 0
		for _, want := range []int{100, 100, 100, 100, 100, 100, 85, 68, 55, 44, 35, 28} { // a fifth of the tasks, at most 100
			require.Equal(t, want, q.take(batch, 5))
			for _, task := range batch[:want] {
				task(nil)
				require.Equal(t, next, *last)
				next++
			}
		}
		for q.len() > 0 {
			require.Positive(t, q.take(batch, 5))
		}
		require.Zero(t, q.take(batch, 5))
	}
}

// Several goroutines publish and several take. Each task is taken once. A single taker
// gets the tasks of a publisher in the order of publication.
func TestInboxOfManyGoroutines(t *testing.T) {
	suitetest.Guard(t, "a goroutine waits for a task or for room")
	n := 100_000
	if testing.Short() || race.Enabled {
		n = 10_000
	}
	for _, takers := range []int{1, 3} {
		const publishers = 3
		var q inbox
		q.init(math.MaxUint64 - 500)
		had := make([]atomic.Int32, publishers*n)
		seen := make([]int, publishers) // by the single taker
		var left atomic.Int64
		left.Store(int64(publishers * n))
		var hands sync.WaitGroup
		for p := range publishers {
			hands.Go(func() {
				rng := rand.New(rand.NewPCG(1, uint64(p)))
				for next := 0; next < n; {
					var batch []Task
					for range 1 + rng.IntN(batchLen) {
						if next < n {
							i := next
							batch = append(batch, func(Worker) {
								had[p*n+i].Add(1)
								if takers == 1 {
									if seen[p] != i {
										t.Errorf("publisher %d: task %d after %d", p, i, seen[p])
									}
									seen[p]++
								}
							})
							next++
						}
					}
					for !q.publish(batch) {
						runtime.Gosched()
					}
				}
			})
		}
		for range takers {
			hands.Go(func() {
				var batch [batchLen]Task
				for left.Load() > 0 {
					got := q.take(batch[:], takers)
					for _, task := range batch[:got] {
						task(nil)
					}
					left.Add(-int64(got))
					if got == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		hands.Wait()
		for i := range had {
			require.EqualValues(t, 1, had[i].Load())
		}
	}
}

// Owner and thief both try to take the only task, many times. Exactly one gets it.
func TestDequeLastTask(t *testing.T) {
	n := 2_000_000
	if testing.Short() || race.Enabled {
		n = 200_000
	}
	var d deque
	d.init(math.MaxUint64-1000, 2)
	task := Task(func(Worker) {})
	var stop atomic.Bool
	stolen := make(chan int)
	go func() {
		had := 0
		for !stop.Load() {
			if task, _ := d.steal(); task != nil {
				had++
			}
		}
		stolen <- had
	}()
	popped := 0
	for range n {
		d.push(task)
		if d.pop() != nil {
			popped++
		}
	}
	for d.len() > 0 {
		runtime.Gosched()
	}
	stop.Store(true)
	had := <-stolen
	require.Equal(t, n, popped+had)
	t.Log(had, "stolen")
}

// The test plays a submitter and a taker that have claimed a batch and stop before they
// mark it. Others go on: they find what lies before the claim, and then nothing.
func TestInboxWithAStoppedClaimant(t *testing.T) {
	suitetest.Guard(t, "a goroutine waits for the one that has stopped")
	tasks, last := numbered(capacity + 3)
	for _, start := range starts {
		q := new(inbox)
		q.init(start)
		batch := make([]Task, 2)
		next := func(want ...int) {
			require.Equal(t, len(want), q.take(batch, 1))
			for i, want := range want {
				batch[i](nil)
				require.Equal(t, want, *last)
			}
		}
		require.True(t, q.publish(tasks[:1]))
		require.True(t, q.putting.CompareAndSwap(start+1, start+3)) // the submitter claims
		require.True(t, q.publish(tasks[3:5]))
		require.True(t, q.publish(tasks[5:6]))
		require.Equal(t, 1, q.len())
		next(0)
		require.Zero(t, q.len(), "slot 1 has not been filled")
		next()
		require.True(t, q.publish(tasks[6:capacity]))
		require.True(t, q.publish(tasks[capacity:capacity+1]), "slot 0 has been emptied")
		require.False(t, q.publish(tasks[capacity+1:]), "slot 1 has not been filled")
		q.slots[(start+1)%capacity], q.slots[(start+2)%capacity] = tasks[1], tasks[2]
		q.filled.done(start+1, start+3)
		require.Equal(t, capacity, q.len())

		require.True(t, q.taking.CompareAndSwap(start+1, start+3)) // the taker claims
		next(3, 4)
		next(5, 6)
		require.Equal(t, capacity-6, q.len())
		require.False(t, q.publish(tasks[capacity+1:]), "slot 1 has not been emptied")
		q.slots[(start+1)%capacity](nil)
		require.Equal(t, 1, *last)
		q.slots[(start+1)%capacity], q.slots[(start+2)%capacity] = nil, nil
		q.emptied.done(start+1, start+3)
		require.True(t, q.publish(tasks[capacity+1:]))
		for want := 7; want <= capacity; want += 2 {
			next(want, want+1)
		}
	}
}
