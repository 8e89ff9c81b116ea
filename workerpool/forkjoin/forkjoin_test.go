package forkjoin

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/cputime"
	"boundaries/internal/gil"
	"boundaries/internal/park"
	"boundaries/internal/race"
	"boundaries/internal/suite"
	"boundaries/internal/suite/suitetest"
)

// No goroutine is left after the Close of any test's pools.
func TestMain(m *testing.M) { goleak.VerifyTestMain(suitetest.Watched{M: m}) }

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", suitetest.Names(Variants)) }

func TestAnswerIsExact(t *testing.T) {
	require.Equal(t, fibPlain(N), Forks+1)
	suitetest.Exact(t, Variants, Want, 0, 1, 3)
}

// The time per fork does not depend on the number of steps.
func TestMetricsAreOfOneFork(t *testing.T) {
	for _, n := range []int{1, 3} {
		require.Equal(t, []suite.Metric{{Unit: "ns/fork", Value: 7}}, Metrics(time.Duration(7*n*Forks), n), "%d steps", n)
	}
}

// The end of a crew waits for its workers.
func TestEndWaits(t *testing.T) {
	var c crew
	var ended atomic.Bool
	c.init(2, func(int) {
		for !c.stop.Load() {
			runtime.Gosched()
		}
		time.Sleep(10 * time.Millisecond)
		ended.Store(true)
	})
	c.end()
	require.True(t, ended.Load())
}

func fibPlain(n int) int {
	if n < 2 {
		return 1
	}
	return fibPlain(n-1) + fibPlain(n-2)
}

// Each row runs on its workers.
func TestWorkers(t *testing.T) { suitetest.Workers(t, Variants) }

func TestMisuseOfRun(t *testing.T) {
	suitetest.Misuse(t, "forkjoin", Variants)
	require.PanicsWithValue(t, "forkjoin: -1 workers, need at least one", func() { New(-1) })
}

// A tree has nodes with 2 to 4 children, depending on a node's number. Some nodes yield,
// so that tasks are stolen at every depth.
type tree struct {
	visits []atomic.Int32
	pause  int // nodes whose number is a multiple of pause yield
}

func (tr *tree) walk(w *Worker, node int) int {
	tr.visits[node].Add(1)
	if tr.pause > 0 && node%tr.pause == 0 {
		runtime.Gosched()
	}
	children := 2 + node%3
	var tasks []*Task
	for i := range children {
		if child := node*4 + 1 + i; child < len(tr.visits) {
			tasks = append(tasks, w.Fork(tr.walk, child))
		}
	}
	sum := 1
	for i := len(tasks) - 1; i >= 0; i-- {
		sum += w.Join(tasks[i])
	}
	return sum
}

// count returns how many nodes walk visits.
func (tr *tree) count(node int) int {
	sum := 1
	for i := range 2 + node%3 {
		if child := node*4 + 1 + i; child < len(tr.visits) {
			sum += tr.count(child)
		}
	}
	return sum
}

func TestEveryTaskRunsOnce(t *testing.T) {
	for workers := 1; workers <= 9; workers++ {
		if race.Enabled && workers != 1 && workers != 3 && workers != 9 {
			continue
		}
		p := New(workers)
		for _, pause := range []int{0, 1, 3, 7} {
			tr := &tree{visits: make([]atomic.Int32, 30_000), pause: pause}
			want := tr.count(0)
			before := p.Forks()
			require.Equal(t, want, p.Run(tr.walk, 0))
			require.Equal(t, want-1, p.Forks()-before)
			visited := 0
			for i := range tr.visits {
				n := tr.visits[i].Load()
				if n > 1 {
					t.Fatalf("node %d was visited %d times", i, n)
				}
				visited += int(n)
			}
			require.Equal(t, want, visited)
		}
		p.Close()
	}
}

// A worker forks far more tasks at once than it can hold: the other forks become calls.
func TestWideForks(t *testing.T) {
	for _, workers := range []int{1, 3} {
		p := New(workers)
		leaf := func(_ *Worker, i int) int { return i }
		const n = 10 * depth
		wide := func(w *Worker, n int) (sum int) {
			tasks := make([]*Task, n)
			for i := range tasks {
				tasks[i] = w.Fork(leaf, i)
			}
			for i := n - 1; i >= 0; i-- {
				sum += w.Join(tasks[i])
			}
			return sum
		}
		for range 20 {
			require.Equal(t, n*(n-1)/2, p.Run(wide, n))
		}
		p.Close()
	}
}

// A sleeping thief is woken and finds a task. The two tasks of each pair wait for each
// other, so this test hangs if it does not.
func TestThievesAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(2)
		const pairs = 200
		arrived := make([]sync.WaitGroup, pairs)
		meet := func(_ *Worker, i int) int {
			arrived[i].Done()
			arrived[i].Wait()
			return 1
		}
		require.Equal(t, 2*pairs, p.Run(func(w *Worker, _ int) (sum int) {
			for i := range pairs {
				if i%20 == 0 {
					synctest.Wait() // until the other sleeps
				}
				arrived[i].Add(2)
				t := w.Fork(meet, i)
				sum += meet(w, i) // returns only if the other worker has stolen t
				sum += w.Join(t)
			}
			return sum
		}, 0))
		p.Close()
	})
}

// whole has the variants that do not steal.
var whole = []string{"serial", "private", "goroutine"}

// thieves has the other variants. Each builds that many workers without goroutines. fork
// makes worker 0 fork a public task and returns what joins it; help makes another worker
// steal. The owner and each thief may be on goroutines of their own.
var thieves = map[string]func(c *crew, workers int) (fork func(f func(int), i int) (join func()), help func(thief int) bool){
	"global-mutex": func(c *crew, workers int) (func(func(int), int) func(), func(int) bool) {
		var lock sync.Mutex
		return lockedThieves(c, workers, func() *sync.Mutex { return &lock })
	},
	"sharded-lock": func(c *crew, workers int) (func(func(int), int) func(), func(int) bool) {
		return lockedThieves(c, workers, func() *sync.Mutex { return new(sync.Mutex) })
	},
	"atomic": func(c *crew, workers int) (func(func(int), int) func(), func(int) bool) {
		all := make([]atomicWorker, workers)
		for id := range all {
			all[id].crew, all[id].all, all[id].id = c, all, id
		}
		return func(f func(int), i int) func() {
			t := all[0].fork(func(_ *atomicWorker, i int) int { f(i); return i }, i)
			return func() { all[0].join(t) }
		}, func(id int) bool { return all[id].help() }
	},
	"lock-free": func(c *crew, workers int) (func(func(int), int) func(), func(int) bool) {
		p := &Pool{workers: make([]Worker, workers)}
		p.lot = c.lot
		for id := range p.workers {
			p.workers[id].init(p, id)
		}
		w := &p.workers[0]
		return func(f func(int), i int) func() {
			t := w.Fork(func(_ *Worker, i int) int { f(i); return i }, i)
			for s := w.public.Load(); w.split < w.head; s = w.public.Load() { // publish leaves it private
				w.floor.Store(w.head)
				if w.public.CompareAndSwap(s, s&(1<<32-1)|uint64(w.head)<<32) {
					w.split = w.head
				}
			}
			return func() { w.Join(t) }
		}, func(id int) bool { return p.workers[id].help() }
	},
	"gil": func(c *crew, workers int) (func(func(int), int) func(), func(int) bool) {
		all := make([]gilWorker, workers)
		var lock gil.GIL
		for id := range all {
			all[id].lock, all[id].crew, all[id].all, all[id].id = &lock, c, all, id
		}
		hold := func(w *gilWorker) (release func()) {
			lock.Acquire(&w.thread)
			return func() { lock.Release(&w.thread) }
		}
		return func(f func(int), i int) func() {
			defer hold(&all[0])()
			t := all[0].fork(func(_ *gilWorker, i int) int { f(i); return i }, i)
			return func() { defer hold(&all[0])(); all[0].join(t) }
		}, func(id int) bool { defer hold(&all[id])(); return all[id].help() }
	},
}

func lockedThieves(c *crew, workers int, lock func() *sync.Mutex) (func(func(int), int) func(), func(int) bool) {
	all := make([]lockedWorker, workers)
	for id := range all {
		all[id].lock, all[id].crew, all[id].all, all[id].id = lock(), c, all, id
	}
	return func(f func(int), i int) func() {
		t := all[0].fork(func(_ *lockedWorker, i int) int { f(i); return i }, i)
		return func() { all[0].join(t) }
	}, func(id int) bool { return all[id].help() }
}

// The tests of thieves have every variant that steals.
func TestThievesAreAll(t *testing.T) {
	require.ElementsMatch(t, suitetest.Names(Variants), slices.AppendSeq(slices.Clone(whole), maps.Keys(thieves)),
		"a new variant whose workers steal belongs into thieves, and another one into whole")
}

// In each row whose workers steal, the workers help until they stop. No answer would tell:
// a caller that nobody helps computes everything itself.
func TestHelpersHelp(t *testing.T) {
	crews := regexp.MustCompile(`\b([cp])\.init\(workers, func\(worker int\) \{\n([^}]*\n(?:\t\t.*\n)*)\t\}\)`)
	help := regexp.MustCompile(`^\t\t[cp]\.await\(worker, &(all|p\.workers)\[worker\], &[cp]\.stop\)\n$|\n\t\tfor !c\.stop\.Load\(\) \{\n\t\t\tif !w\.help\(\) \{\n`)
	files := map[string]bool{}
	for _, file := range []string{"gil.go", "locked.go", "atomic.go", "lock_free.go"} {
		path, err := filepath.Abs(file)
		require.NoError(t, err)
		code, err := os.ReadFile(cmp.Or(suitetest.Mutant()[path], path))
		require.NoError(t, err)
		for _, crew := range crews.FindAllStringSubmatch(string(code), -1) {
			files[file] = true
			require.Regexp(t, help, crew[2], file)
		}
	}
	require.Len(t, files, 4)
}

// In each variant that steals, each task runs once while two workers steal beside the owner.
// With -race, a field that one of them uses without its lock is found.
func TestThievesBesideTheOwner(t *testing.T) {
	for name, build := range thieves {
		t.Run(name, func(t *testing.T) {
			suitetest.Guard(t, "the owner waits for a task that no thief runs")
			c := crew{lot: park.New(3)}
			fork, help := build(&c, 3)
			const n = 2000
			var ran [n]int // plain: the join of a task comes after its run
			var over atomic.Bool
			var stole atomic.Int32
			var running sync.WaitGroup
			for id := 1; id < 3; id++ {
				running.Go(func() {
					for !over.Load() {
						if help(id) {
							stole.Add(1)
						}
						runtime.Gosched()
					}
				})
			}
			for i := 0; i < n; i += 2 {
				before := stole.Load() // before the forks: thieves may take both at once
				a := fork(func(i int) { ran[i]++ }, i)
				b := fork(func(i int) { ran[i]++ }, i+1)
				for i%100 == 0 && stole.Load() == before { // until one is stolen
					runtime.Gosched()
				}
				b()
				a()
			}
			over.Store(true)
			running.Wait()
			for i := range ran {
				require.Equal(t, 1, ran[i], "runs of task %d", i)
			}
		})
	}
}

// In each variant that steals, a fork wakes a sleeping worker, and a thief wakes the owner
// that waits for the stolen task. Under the GIL, an owner that waits does not sleep.
func TestForksAndTheftsWake(t *testing.T) {
	for name, build := range thieves {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := crew{lot: park.New(2)}
				fork, help := build(&c, 2)
				var woken [2]atomic.Bool
				for id := range woken {
					go func() {
						c.lot.Park(id, func() bool { return false })
						woken[id].Store(true)
					}()
					synctest.Wait()
				}
				c.lot.WakeWorker(0)
				synctest.Wait()
				woken[0].Store(false)
				fork(func(int) {}, 0)
				synctest.Wait()
				require.True(t, woken[1].Load())
				if name == "gil" {
					return
				}
				go func() {
					c.lot.Park(0, func() bool { return false })
					woken[0].Store(true)
				}()
				synctest.Wait()
				require.False(t, woken[0].Load())
				require.True(t, help(1))
				synctest.Wait()
				require.True(t, woken[0].Load())
			})
		})
	}
}

// A worker that is woken for a task, but need not wait anymore, wakes another.
func TestWakeIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Pool{workers: make([]Worker, 3)}
		p.lot = park.New(3)
		var over [3]atomic.Bool
		for id := range p.workers {
			p.workers[id].init(p, id)
			if id > 0 {
				go p.await(id, &p.workers[id], &over[id])
			}
		}
		synctest.Wait()
		over[1].Store(true)
		p.workers[0].Fork(func(*Worker, int) int { over[2].Store(true); return 0 }, 0)
		synctest.Wait()
		require.True(t, over[2].Load())
	})
}

// After a thief has taken the last public task, the next fork publishes.
func TestForkAfterTheftOfTheLast(t *testing.T) {
	p := New(2)
	p.Close() // the test plays the workers
	w := &p.workers[0]
	w.Fork(fibLockFree, 1)
	w.Fork(fibLockFree, 1) // private
	require.True(t, p.workers[1].help())
	require.False(t, p.workers[1].help())
	w.Fork(fibLockFree, 1)
	require.True(t, p.workers[1].help())
}

// In each variant that steals, a thief that leaves tasks wakes another thief.
func TestThiefWakesThief(t *testing.T) {
	for name, build := range thieves {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := crew{lot: park.New(3)}
				fork, help := build(&c, 3)
				fork(func(int) {}, 0)
				fork(func(int) {}, 1)
				woken := false
				go func() {
					c.lot.Park(2, func() bool { return false })
					woken = true
				}()
				synctest.Wait()
				require.True(t, help(1))
				synctest.Wait()
				require.True(t, woken)
			})
		})
	}
}

// players returns a pool whose workers the test plays.
func players(workers int) *Pool {
	p := &Pool{workers: make([]Worker, workers)}
	p.lot = park.New(workers)
	for id := range p.workers {
		p.workers[id].init(p, id)
	}
	return p
}

// A thief finds the task of any other worker, whichever it stole from last.
func TestThiefLooksAtAll(t *testing.T) {
	for i := range 3 * 3 * 3 {
		thief, owner, last := i%3, i/3%3, i/9
		p := players(3)
		p.workers[thief].victim = last
		p.workers[owner].Fork(func(*Worker, int) int { return 0 }, 0)
		stolen := p.workers[thief].help()
		require.Equal(t, thief != owner, stolen, "thief %d, owner %d, last %d", thief, owner, last)
		if stolen {
			require.Equal(t, owner, p.workers[thief].victim, "where it looks first from now on")
		}
	}
}

// A worker that is about to sleep sees the task of any other, and the end of the run where
// that is its own reason to wake.
func TestFoundLooksAtAll(t *testing.T) {
	var lock gil.GIL
	var mu sync.Mutex
	for owner := range 3 {
		c := crew{lot: park.New(3)}
		gils, locked, atomics, p := make([]gilWorker, 3), make([]lockedWorker, 3), make([]atomicWorker, 3), players(3)
		for id := range 3 {
			gils[id].lock, gils[id].crew, gils[id].all, gils[id].id = &lock, &c, gils, id
			locked[id].lock, locked[id].crew, locked[id].all, locked[id].id = &mu, &c, locked, id
			atomics[id].crew, atomics[id].all, atomics[id].id = &c, atomics, id
		}
		looker := (owner + 1) % 3
		all := []func() bool{gils[looker].found, locked[looker].found, atomics[looker].found, p.workers[looker].found}
		for i, found := range all {
			require.False(t, found(), "%d", i)
		}
		lock.Acquire(&gils[owner].thread)
		gils[owner].fork(fibGIL, 0)
		lock.Release(&gils[owner].thread)
		locked[owner].fork(fibLocked, 0)
		atomics[owner].fork(fibAtomic, 0)
		p.workers[owner].Fork(fibLockFree, 0)
		for i, found := range all {
			require.True(t, found(), "%d of owner %d", i, owner)
		}
	}
	c := crew{lot: park.New(1)}
	w := &gilWorker{lock: &lock, crew: &c}
	require.False(t, w.found())
	c.stop.Store(true)
	require.True(t, w.found())
}

// In each variant that steals, a fork is a call where there is no room for one more task.
func TestForksBeyondTheRoom(t *testing.T) {
	for name, build := range thieves {
		c := crew{lot: park.New(1)}
		fork, _ := build(&c, 1)
		var ran [depth + 2]int
		var joins []func()
		for i := range ran {
			joins = append(joins, fork(func(i int) { ran[i]++ }, i))
		}
		require.Equal(t, [2]int{1, 1}, [2]int(ran[depth:]), name)
		for _, join := range slices.Backward(joins) {
			join()
		}
		for i := range ran {
			require.Equal(t, 1, ran[i], "%s: runs of task %d", name, i)
		}
	}
	p := New(1)
	p.Run(func(w *Worker, _ int) int {
		var tasks []*Task
		for range depth + 2 {
			tasks = append(tasks, w.Fork(func(*Worker, int) int { return 0 }, 0))
		}
		for _, task := range slices.Backward(tasks) {
			w.Join(task)
		}
		return 0
	}, 0)
	p.Close()
	require.Equal(t, depth+2, p.Forks(), "those that are calls count once")
}

// A stolen task is done when its result is there, and not before.
func TestDoneAfterTheResult(t *testing.T) {
	p := players(2)
	owner, thief := &p.workers[0], &p.workers[1]
	var task *Task
	task = owner.Fork(func(*Worker, int) int {
		assert.False(t, task.done.Load(), "while it runs")
		return 7
	}, 0)
	require.True(t, thief.help())
	require.True(t, task.done.Load())
	require.Equal(t, 7, task.result)
}

// A place whose stolen task has been joined is ready for the next fork.
func TestJoinOfAStolenTaskResetsIt(t *testing.T) {
	var mu sync.Mutex
	c := crew{lot: park.New(2)}
	locked, atomics := make([]lockedWorker, 2), make([]atomicWorker, 2)
	for id := range 2 {
		locked[id].lock, locked[id].crew, locked[id].all, locked[id].id = &mu, &c, locked, id
		atomics[id].crew, atomics[id].all, atomics[id].id = &c, atomics, id
	}
	l, a := locked[0].fork(fibLocked, 1), atomics[0].fork(fibAtomic, 1)
	require.True(t, locked[1].help() && atomics[1].help())
	require.Equal(t, 1, locked[0].join(l))
	require.Equal(t, 1, atomics[0].join(a))
	require.False(t, l.done.Load() || a.done.Load())
}

func TestGILTicks(t *testing.T) {
	var lock gil.GIL
	c := crew{lot: park.New(1)}
	w := &gilWorker{lock: &lock, crew: &c}
	suitetest.Ticks(t, &lock, &w.thread, func() { w.fork(fibGIL, 0) })
}

// Under the GIL, an owner that waits for a thief releases the lock.
func TestJoinReleasesTheGIL(t *testing.T) {
	suitetest.Guard(t, "the owner keeps the lock that the thief needs")
	all := make([]gilWorker, 2)
	var lock gil.GIL
	c := crew{lot: park.New(2)}
	for id := range all {
		all[id].lock, all[id].crew, all[id].all, all[id].id = &lock, &c, all, id
	}
	begun, joining := make(chan struct{}), make(chan struct{})
	go func() {
		w := &all[1]
		lock.Acquire(&w.thread)
		for !w.help() {
			lock.Blocking(&w.thread, runtime.Gosched)
		}
		lock.Release(&w.thread)
	}()
	w := &all[0]
	lock.Acquire(&w.thread)
	task := w.fork(func(w *gilWorker, _ int) int {
		close(begun)
		lock.Blocking(&w.thread, func() { <-joining }) // and then take the lock again
		return 7
	}, 0)
	lock.Blocking(&w.thread, func() { <-begun })
	close(joining)
	require.Equal(t, 7, w.join(task))
	require.False(t, task.done, "the next fork uses the task again")
	lock.Release(&w.thread)
}

// The public part, step by step. The test plays the thief.
func TestPublicPart(t *testing.T) {
	p := New(1)
	leaf := func(_ *Worker, i int) int { return i }
	require.Equal(t, 15*16/2, p.Run(func(w *Worker, _ int) (sum int) {
		public := func(top, split uint64) {
			assert.Equal(t, top|split<<32, w.public.Load())
			assert.EqualValues(t, split, w.split)
		}
		steal := func(i int) {
			assert.EqualValues(t, i, uint32(w.public.Add(1))-1)
			if s := w.public.Load(); uint32(s) == uint32(s>>32) {
				w.floor.Store(wanted)
			}
			w.tasks[i].result = i
			w.tasks[i].done.Store(true)
		}
		public(0, 0)
		var tasks []*Task
		for i := range 16 {
			tasks = append(tasks, w.Fork(leaf, i))
			public(0, 1) // no task is stolen, so no fork publishes more
		}
		joinDownTo := func(first int) {
			for last := len(tasks) - 1; last >= first; last-- {
				assert.Equal(t, last, w.Join(tasks[last]))
				tasks = tasks[:last]
				sum += last
			}
		}
		join := func() { joinDownTo(len(tasks) - 1) }
		join() // 15
		public(0, 1)
		steal(0)
		join() // 14, and publishes half of 1 to 13
		public(1, 8)
		steal(1)
		joinDownTo(8) // the last of the private
		public(2, 8)
		join() // 7: takes back half of the six that are left, rounded up, and this one
		public(2, 4)
		joinDownTo(4)
		public(2, 4)
		join() // 3: takes back half of the two that are left
		public(2, 2)
		join() // 2 is private now
		public(2, 2)
		join() // 1 has been stolen
		public(1, 1)
		join() // 0
		public(0, 0)
		return sum
	}, 0))
	p.Close()
}

// Owner and thief both try to take the only task, many times. Exactly one gets it.
func TestLastTask(t *testing.T) {
	n := 1_000_000
	if testing.Short() || race.Enabled {
		n = 100_000
	}
	p := New(2)
	var ran [2]int
	leaf := func(w *Worker, _ int) int { ran[w.id]++; return 1 }
	require.Equal(t, n, p.Run(func(w *Worker, n int) (sum int) {
		for range n {
			sum += w.Join(w.Fork(leaf, 0))
		}
		return sum
	}, n))
	p.Close()
	require.Equal(t, n, ran[0]+ran[1])
	t.Log(ran[1], "stolen")
}

func TestRunsTakeTurns(t *testing.T) {
	p := New(3)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				if got := p.Run(fibLockFree, 12); got != fibPlain(12) {
					t.Error(got)
				}
			}
		})
	}
	all.Wait()
	p.Close()
	p.Close()
	require.PanicsWithValue(t, "forkjoin: Run of a closed pool", func() { p.Run(fibLockFree, 1) })
}

// Close waits for a Run in progress, whose tasks need the workers.
func TestCloseWaitsForRun(t *testing.T) {
	p := New(2)
	running, release, result := make(chan struct{}), make(chan struct{}), make(chan int, 1)
	go func() {
		result <- p.Run(func(w *Worker, _ int) int {
			close(running)
			<-release
			return fibLockFree(w, 12)
		}, 0)
	}()
	<-running
	closed := make(chan struct{})
	go func() { p.Close(); close(closed) }()
	time.Sleep(10 * time.Millisecond) // Close waits by now, or will soon
	require.False(t, p.stop.Load())
	close(release)
	require.Equal(t, fibPlain(12), <-result)
	<-closed
}

// lastLook is a helper that finds no task. Its wait is over between its last look for
// work and its sleep, when there is no sleeper yet to wake.
type lastLook struct {
	crew  *crew
	over  atomic.Bool
	looks int
}

func (h *lastLook) help() bool {
	if h.looks++; h.looks == spins {
		h.over.Store(true)
		h.crew.lot.WakeWorker(0) // which does not sleep yet
	}
	return false
}

func (h *lastLook) found() bool { return false }

func TestWaitThatIsOverBeforeTheSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crew{lot: park.New(1)}
		h := &lastLook{crew: &c}
		c.await(0, h, &h.over)
		require.Equal(t, spins, h.looks)
	})
}

var errSpam = errors.New("spam")

// faulty panics in one of its leaves.
func faulty(w *Worker, n int) int {
	if n == 1 {
		panic(errSpam)
	}
	if n < 1 {
		runtime.Gosched()
		return 1
	}
	a, b := w.Fork(faulty, n-1), w.Fork(faulty, -n)
	return w.Join(b) + w.Join(a)
}

func TestPanicComesBackFromRun(t *testing.T) {
	suitetest.Guard(t, "the owner waits for a task that has panicked")
	for workers := 1; workers <= 9; workers++ {
		for range 20 {
			p := New(workers)
			err := panicOf(t, func() { p.Run(faulty, 10) })
			require.Equal(t, errSpam, err.Value)
			require.ErrorIs(t, err, errSpam)
			require.Contains(t, string(err.Stack), "faulty")
			require.PanicsWithValue(t, "forkjoin: Run of a pool in which a task has panicked", func() { p.Run(faulty, 0) })
			p.Close()
		}
	}
}

// The first panic is the one that Run reports. A worker that abandons its tasks has none.
func TestFirstPanicIsKept(t *testing.T) {
	p := players(2)
	p.workers[0].caught(abandoned{})
	require.False(t, p.failed.Load())
	p.workers[1].caught("first")
	p.workers[0].caught("second")
	require.Equal(t, "first", p.failure.Value)
}

// A stolen task ends while its owner waits for it.
func TestPanicOfAThief(t *testing.T) {
	suitetest.Guard(t, "the owner waits for a task that has ended")
	p := New(2)
	joined := false
	err := panicOf(t, func() {
		p.Run(func(w *Worker, _ int) int {
			var begun sync.WaitGroup
			begun.Add(1)
			task := w.Fork(func(*Worker, int) int {
				begun.Done()
				runtime.Goexit()
				return 0
			}, 0)
			begun.Wait()
			w.Join(task)
			joined = true
			return 0
		}, 0)
	})
	require.False(t, joined, "Join must not return without a result")
	require.Nil(t, err.Value)
	require.ErrorContains(t, err, "called runtime.Goexit")
	p.Close()
}

func panicOf(t *testing.T, f func()) (err *PanicError) {
	t.Helper()
	defer func() {
		v := recover()
		var ok bool
		if err, ok = v.(*PanicError); !ok {
			t.Fatalf("panicked with %v", v)
		}
	}()
	f()
	t.Fatal("no panic")
	return nil
}

func TestMisuseOfForkAndJoin(t *testing.T) {
	leaf := func(*Worker, int) int { return 1 }
	for message, fn := range map[string]Func{
		"forkjoin: Join of a task that is not the worker's newest": func(w *Worker, _ int) int {
			a, b := w.Fork(leaf, 1), w.Fork(leaf, 2)
			return w.Join(a) + w.Join(b)
		},
		"forkjoin: a function returned with 2 tasks forked and not joined, want none": func(w *Worker, _ int) int {
			w.Fork(leaf, 1)
			w.Fork(leaf, 2)
			return 0
		},
	} {
		p := New(1)
		require.Equal(t, message, panicOf(t, func() { p.Run(fn, 0) }).Value)
		p.Close()
	}
	p := New(1)
	require.Equal(t, "forkjoin: Join of a task that is not the worker's newest", panicOf(t, func() {
		p.Run(func(w *Worker, _ int) int {
			task := w.Fork(leaf, 1)
			return w.Join(task) + w.Join(task)
		}, 0)
	}).Value, "twice")
	p.Close()

	p = players(2)
	p.workers[0].Fork(func(w *Worker, _ int) int { w.Fork(leaf, 1); return 0 }, 0)
	p.workers[1].Fork(leaf, 1) // by the function that waits while its worker helps
	require.True(t, p.workers[1].help())
	require.True(t, p.failed.Load())
	require.Contains(t, p.failure.Value, "1 tasks forked and not joined", "of a stolen task")
}

// Eight workers sleep between two runs and use less than 0.5 % of a processor, or 2 % with
// the race detector, whose own work counts, too.
func TestIdlePoolSleeps(t *testing.T) {
	if _, err := cputime.Used(); err != nil {
		t.Skip(err)
	}
	p := New(8)
	require.Equal(t, Forks+1, p.Run(fibLockFree, N))
	// Go's scavenger may return the memory of earlier tests for many seconds, at up to 1 %
	// of the processors. This process may do other work, too, but not in every second.
	debug.FreeOSMemory()
	most, least := 5*time.Millisecond, time.Hour
	if race.Enabled {
		most = 20 * time.Millisecond
	}
	for try := 0; try < 5 && least >= most; try++ {
		before, err := cputime.Used()
		require.NoError(t, err)
		time.Sleep(time.Second)
		after, err := cputime.Used()
		require.NoError(t, err)
		least = min(least, after-before)
	}
	t.Logf("%v of processor time in a second", least)
	require.Less(t, least, most)
	require.Equal(t, Forks+1, p.Run(fibLockFree, N), "the workers are woken")
	p.Close()
}

func TestForkAllocatesNothing(t *testing.T) {
	p := New(1)
	require.Zero(t, testing.AllocsPerRun(10, func() { p.Run(fibLockFree, 12) }))
	p.Close()
}

// sum adds the squares of [lo, lo+n) by halves, where span is lo<<16 | n.
func sum(w *Worker, span int) int {
	lo, n := span>>16, span&0xffff
	if n == 1 {
		return lo * lo
	}
	left := w.Fork(sum, lo<<16|n/2)
	right := sum(w, (lo+n/2)<<16|n/2)
	return w.Join(left) + right
}

func Example() {
	pool := New(4)
	defer pool.Close()
	fmt.Println(pool.Run(sum, 0<<16|1024))
	// Output: 357389824
}
