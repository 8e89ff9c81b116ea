package procs

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/internal/race"
	"boundaries/internal/suite"
	"boundaries/internal/suite/suitetest"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/futex"
	"boundaries/procs/internal/items"
	"boundaries/procs/spawn"
)

const patience = 10 * time.Second

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", childtest.Names(Variants)) }

func TestAnswersAreExact(t *testing.T) {
	if !race.Enabled { // else the detector watches what each child does alone
		childtest.OwnProgram(t)
	}
	eachRow(t, isOwn, func(t *testing.T, r row) {
		workers, sizes := []int{1, 2, 3, 4, 7, 9}, []int{0, 1, 7, 1000, 10007}
		if r.payload == Block {
			workers, sizes = workers[:3], []int{0, 1, 7, 20, 200}
		} else if r.Crew == children.One {
			workers, sizes = workers[:3], sizes[:4] // each item wakes both sides
		}
		if race.Enabled { // still more than is in flight at once
			workers, sizes = workers[:3], map[children.Payload][]int{Word: {0, 1, 7, 3001}, Block: {0, 1, 20}}[r.payload]
		}
		childtest.Exact(t, r.Variant, r.payload, workers, sizes...)
	})
}

func TestMisuse(t *testing.T) {
	for _, v := range Variants {
		require.PanicsWithValue(t, "procs: 0 workers, need at least one", func() { v.Start(0, Word) })
		require.PanicsWithValue(t, "procs: -1 workers, need at least one", func() { v.Start(-1, Word) })
		require.PanicsWithValue(t, "procs: payload of 0 bytes, need a multiple of 8", func() { v.Start(1, 0) })
		require.PanicsWithValue(t, "procs: payload of 12 bytes, need a multiple of 8", func() { v.Start(1, 12) })
	}
	p := start(t, named("serial"), 1, Word)
	require.PanicsWithValue(t, "procs: -1 steps, need none or more", func() { p.Run(-1) })
	p.Patience = 0
	require.PanicsWithValue(t, "procs: patience of 0s, need more than 0", func() { p.Run(1) })
}

// 100 children are killed in one run, at random moments, and 10 where an earlier row has the
// same medium. Every answer arrives, which the run checks item by item, and the caller
// is told of every child.
func TestKills(t *testing.T) {
	childtest.OwnProgram(t)
	manyKills := 100
	if race.Enabled {
		manyKills = 20 // children start ten times as slowly
	}
	// The killer may find the same item again and again.
	defer func(old int) { children.MaxTries = old }(children.MaxTries)
	children.MaxTries = manyKills
	seen := map[children.Medium]bool{}
	eachRow(t, hasChildren, func(t *testing.T, r row) {
		kills := manyKills
		if testing.Short() || seen[r.Medium] || !isOwn(r) {
			kills = max(kills/10, 4)
		}
		seen[r.Medium] = true
		p := start(t, r.Variant, 2, r.payload)
		began, first := time.Now(), 500
		if r.table == "fib" || r.payload == Block {
			first = 50 // whose items take longer
		}
		p.Run(first)
		likely := max(40*time.Millisecond, time.Duration(kills)*8*time.Millisecond)
		n := first/5 + int(float64(first)*float64(likely)/float64(time.Since(began)))
		for {
			stop := make(chan struct{})
			var killed []int
			var killer sync.WaitGroup
			killer.Go(func() {
				for len(killed) < kills {
					select {
					case <-stop:
						return
					case <-time.After(rand.N(2 * time.Millisecond)):
					}
					c := p.Lanes[rand.IntN(len(p.Lanes))].Child()
					if pid := c.Pid(); c.Ready() && !slices.Contains(killed, pid) && c.Kill() == nil {
						killed = append(killed, pid)
					}
				}
			})
			done, err := p.Run(n)
			close(stop)
			killer.Wait()
			require.Equal(t, n, done, "%v", err)
			deaths := childtest.Errors(err)
			// The next run reports the deaths that this run did not notice.
			done, err = p.Run(1)
			require.Equal(t, 1, done)
			deaths = append(deaths, childtest.Errors(err)...)
			for _, l := range p.Lanes {
				if c := l.Child(); slices.Contains(killed, c.Pid()) {
					<-c.Ended
				}
			}
			_, err = p.Run(0)
			deaths = append(deaths, childtest.Errors(err)...)
			var told []int
			items := 0
			for _, e := range deaths {
				require.Equal(t, os.Kill, e.Signal, "%v", e)
				require.Less(t, e.Item, n)
				if e.Item >= 0 {
					items++
				}
				require.Contains(t, e.Error(), strconv.Itoa(e.Pid))
				told = append(told, e.Pid)
			}
			require.ElementsMatch(t, killed, told)
			if len(killed) == kills {
				t.Logf("%d items, %d children killed, %d with an item", n, len(killed), items)
				if r.Medium != children.OneQueue && r.Name != "sharded-lock" {
					// With a lock or one queue for all, few have an item at any time.
					require.Positive(t, items)
				}
				break
			}
			n = min(n*kills/max(len(killed), 1)*5/4, 10*n) // at this pace, and some more
		}
		require.NoError(t, p.Close())
	})
}

// A child is killed with the lock, in the middle of an item.
func TestHolderIsKilled(t *testing.T) {
	for name, serve := range map[string]string{"global-mutex": "the last dies in an item", "sharded-lock": "die in an item"} {
		t.Setenv(childtest.Serve, serve)
		for _, payload := range []children.Payload{2 * Word, Block} {
			for _, workers := range []int{1, 3} {
				p := start(t, named(name), workers, payload)
				p.Patience = time.Hour // it would repair a lost wake-up
				n := 4 * workers       // item 3 of one child is the last
				done, err := childtest.Run(t, p, n)
				require.Equal(t, n, done, "%v", err)
				deaths := childtest.Errors(err)
				if name == "global-mutex" {
					require.Len(t, deaths, 1, "%v", err)
					require.Equal(t, []int{workers - 1, 3}, []int{deaths[0].Child, deaths[0].Item})
				} else {
					require.Len(t, deaths, workers, "%v", err)
					for _, e := range deaths {
						require.Equal(t, 3*workers+e.Child, e.Item)
					}
				}
				require.NoError(t, p.Close())
			}
		}
	}
}

// A child that waited for the lock sees that the one before it has left an item half changed.
func TestTornWhileAChildWaits(t *testing.T) {
	suitetest.Guard(t, "the child does not wait for the lock, or does not sleep after it")
	for _, name := range []string{"global-mutex", "sharded-lock"} {
		p := start(t, named(name), 1, Word)
		q := p.Lanes[0].Queue
		_, ok := q.Lock.Acquire(futex.Parent, p.Patience)
		require.True(t, ok)
		q.Sent.Store(1)
		q.Work.Ring()
		for !q.Lock.Waited() {
			time.Sleep(time.Millisecond)
		}
		q.Torn.Store(1)
		q.Lock.Release()
		for bell := (*atomic.Uint32)(unsafe.Pointer(&q.Work)); bell.Load()&1 == 0; { // until it sleeps
			time.Sleep(time.Millisecond)
		}
		require.Zero(t, q.Done.Load(), name)
		require.NoError(t, p.Close())
	}
}

// A child is killed in the middle of all the items that it was sent, which are more than the
// parent waits for, or of the one that it has taken. The child that replaces it gets them as
// they were, and all the patience: to start it takes longer.
func TestKilledInAnItem(t *testing.T) {
	defer func() { children.Program = childtest.Program }()
	for _, test := range []struct {
		name, serve string
		payload     children.Payload
	}{
		{"lock-free", "die in an own item", Block},
		{"lock-free", "die in an own item", 2 * Word},
		{"atomic", "die in a taken item", 2 * Word},
		{"global-mutex", "die in an item", 2 * Word},
	} {
		t.Setenv(childtest.Serve, test.serve)
		p := start(t, named(test.name), 1, test.payload)
		if test.payload != Block {
			p.Patience = 2 * time.Second
			children.Program = func(string) (string, []string, error) {
				time.Sleep(p.Patience)
				children.Program = childtest.Program
				return childtest.Program("")
			}
		}
		done, err := p.Run(20)
		require.Equal(t, 20, done, "%s: %v", test.name, err)
		require.Len(t, childtest.Errors(err), 1, "%v", err)
		require.NoError(t, p.Close())
	}
}

// The death of a lock's holder wakes a process that sleeps until the lock is free.
func TestDeathOfTheHolderIsHeard(t *testing.T) {
	t.Setenv(childtest.Serve, "keep lock")
	p := start(t, named("global-mutex"), 1, Word)
	l := &p.Lanes[0].Queue.Lock
	for l.Holder() == 0 {
		time.Sleep(time.Millisecond)
	}
	var abandoned, ok bool
	var sleeper sync.WaitGroup
	sleeper.Go(func() { abandoned, ok = l.Acquire(2, 20*time.Second) })
	for !l.Waited() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // until it sleeps, or the test shows nothing
	killed := time.Now()
	require.NoError(t, p.Lanes[0].Child().Kill())
	sleeper.Wait()
	require.True(t, ok && abandoned)
	require.Less(t, time.Since(killed), 15*time.Second)
	l.Release()
}

// A child of atomic is killed in the middle of an item, or after it has claimed an
// item and before it has taken it.
func TestClaimantIsKilled(t *testing.T) {
	for _, test := range []struct {
		serve string
		item  int
	}{{"die in a taken item", 3}, {"die with a claim", -1}} {
		t.Setenv(childtest.Serve, test.serve)
		for _, payload := range []children.Payload{2 * Word, Block} {
			for _, workers := range []int{1, 3} {
				p := start(t, named("atomic"), workers, payload)
				p.Patience = time.Hour // it would repair a lost wake-up
				done, err := childtest.Run(t, p, 100*workers)
				require.Equal(t, 100*workers, done, "%v", err)
				deaths := childtest.Errors(err)
				require.Len(t, deaths, 1, "%v", err)
				require.Equal(t, test.item, deaths[0].Item)
				if workers == 1 { // no other child has claimed what is beyond the run
					require.Zero(t, p.Lanes[0].Queue.Rescue.Load(), "all that the dead child may have claimed is answered")
				}
				require.NoError(t, p.Close())
			}
		}
	}
}

// No child adds before the last is awake: what racy loses, it loses where children overlap.
func TestSumsBeginTogether(t *testing.T) {
	p := start(t, childtest.Named(Sums, "atomic"), 2, Word)
	q := p.Lanes[0].Queue
	ask := func(l *children.Lane) error {
		_, err := l.Ask(1, p.Patience, func(int) uint64 { return 7 }, func(int, uint64) error { return nil })
		return err
	}
	first := make(chan error)
	go func() { first <- ask(p.Lanes[0]) }()
	require.Eventually(t, func() bool { return q.Claimed.Load() == 1 }, 10*time.Second, time.Millisecond)
	time.Sleep(20 * time.Millisecond) // until it would have added, or the test shows nothing
	require.Zero(t, atomic.LoadUint64(&q.Count))
	require.NoError(t, ask(p.Lanes[1]))
	require.NoError(t, <-first)
	require.EqualValues(t, 2*7, q.Count)
}

// An item is taken by no child that there is: the queue's first child is to blame.
func TestTakenByNobody(t *testing.T) {
	t.Setenv(childtest.Serve, "nothing")
	l := start(t, named("atomic"), 2, Word).Lanes[0]
	l.Sent = 1
	for _, child := range []uint64{0, 3, stateChild} {
		stateAt(l.Queue, 0).Store(stateOf(0, stateTaken) | child)
		require.ErrorContains(t, unanswered(l), "procs: child 0 ")
	}
}

// A child of global-mutex dies after it has done the last item, and before it releases the
// lock. The parent has yet to read the answers, and mends nothing.
func TestAnswersAreNotMended(t *testing.T) {
	t.Setenv(childtest.Serve, "nothing")
	p := start(t, named("global-mutex"), 1, Word)
	l := p.Lanes[0]
	q := l.Queue
	l.Sent = q.Window
	q.Done.Store(q.Window)
	q.Slot(0)[0] = 7
	q.Lock.Acquire(1, 0)
	q.Lock.Abandon(1)
	require.NoError(t, lockQueue(l, p.Lanes))
	q.Lock.Release()
	require.EqualValues(t, 7, q.Slot(0)[0])
}

// The parent sends again what the dead child had taken, and nothing else.
func TestOnlyWhatTheDeadTookIsSentAgain(t *testing.T) {
	t.Setenv(childtest.Serve, "nothing")
	p := start(t, named("atomic"), 2, Word)
	l := p.Lanes[0]
	l.Sent = 3
	for seq, state := range []uint64{stateTaken | 1, stateTaken | 2, stateAnswered} {
		stateAt(l.Queue, uint64(seq)).Store(stateOf(uint64(seq), state))
	}
	require.NoError(t, l.Child().Kill())
	<-l.Child().Ended
	_, err := redoTaken(l)
	require.NoError(t, err)
	for seq, want := range []uint64{stateSent, stateTaken | 2, stateAnswered} {
		require.Equal(t, stateOf(uint64(seq), want), stateAt(l.Queue, uint64(seq)).Load(), "item %d", seq)
	}
}

// A child dies after the parent has seen it live, and before the parent sleeps: while another
// that is dead is replaced.
func TestNobodySleepsThroughADeath(t *testing.T) {
	defer func() { children.Program = childtest.Program }()
	for _, name := range []string{"global-mutex", "atomic"} {
		t.Setenv(childtest.Serve, "nothing")
		p := start(t, named(name), 2, Word)
		kill := func(l *children.Lane) {
			require.NoError(t, l.Child().Kill())
			<-l.Child().Ended
		}
		kill(p.Lanes[1])
		children.Program = func(string) (string, []string, error) {
			children.Program = childtest.Program
			kill(p.Lanes[0])
			defer t.Setenv(childtest.Serve, "") // only the child that replaces this one works
			return childtest.Program("")
		}
		began := time.Now()
		done, err := p.Run(1)
		require.Equal(t, 1, done, "%v", err)
		require.Less(t, time.Since(began), p.Patience, name)
	}
}

// Children are killed while they wait for the next run. An empty run replaces them,
// and what they had claimed is not lost.
func TestKilledBetweenRuns(t *testing.T) {
	childtest.OwnProgram(t)
	eachRow(t, hasChildren, func(t *testing.T, r row) {
		p := start(t, r.Variant, 2, r.payload)
		p.Run(10)
		for range 2 {
			var pids []int
			for _, l := range p.Lanes {
				c := l.Child()
				require.NoError(t, c.Kill())
				<-c.Ended
				pids = append(pids, c.Pid())
			}
			_, err := p.Run(0)
			var told []int
			for _, e := range childtest.Errors(err) {
				require.Equal(t, -1, e.Item)
				told = append(told, e.Pid)
			}
			require.Equal(t, pids, told)
		}
		done, err := p.Run(10)
		require.NoError(t, err)
		require.Equal(t, 10, done)
	})
}

// Children that are killed at the first item of one run after another have not been
// killed at the same item. The first item of the second child is item 1 of the run.
func TestKilledInManyRuns(t *testing.T) {
	childtest.OwnProgram(t)
	for _, v := range []children.Variant{named("lock-free"), named("pipe"), childtest.Named(spawn.Variants, "warm-process")} {
		p := start(t, v, 2, Word)
		for range children.MaxTries + 1 {
			c := p.Lanes[1].Child()
			require.NoError(t, c.Kill())
			<-c.Ended
			require.NotContains(t, p.Pids(), c.Pid(), "it has no more processor time")
			done, err := p.Run(2)
			require.Equal(t, 2, done, "%v", err)
			deaths := childtest.Errors(err)
			require.Len(t, deaths, 1)
			require.Equal(t, 1, deaths[0].Child)
			require.Equal(t, 1, deaths[0].Item)
		}
	}
}

// Children that are killed at one item after another have not been killed at the same
// item. Each of the two answers 30 of its items, and all count in the items' numbers.
func TestKilledAtManyItems(t *testing.T) {
	defer func(old int) { children.MaxTries = old }(children.MaxTries)
	children.MaxTries = 3
	t.Setenv(childtest.Serve, "30 and no more")
	for _, v := range []children.Variant{named("pipe"), childtest.Named(spawn.Variants, "warm-process")} {
		p := start(t, v, 2, Word)
		done, err := p.Run(200)
		require.Equal(t, 200, done, "%v", err)
		var at []int
		for _, e := range childtest.Errors(err) {
			require.Equal(t, e.Child, e.Item%2)
			at = append(at, e.Item)
		}
		require.ElementsMatch(t, []int{60, 61, 120, 121, 180, 181}, at)
	}
}

// A child and those that replace it are killed at one item, which is not the first.
func TestKilledAtOneItem(t *testing.T) {
	defer func(old int) { children.MaxTries = old }(children.MaxTries)
	children.MaxTries = 3
	t.Setenv(childtest.Serve, "killed at item 5")
	p := start(t, named("pipe"), 1, Word)
	p.Patience = 2 * time.Second
	done, err := childtest.Run(t, p, 10)
	require.Equal(t, 5, done, "%v", err)
	require.ErrorContains(t, err, "3 children in a row were killed there")
	require.Len(t, childtest.Errors(err), 3+1, "%v", err)
}

// The children that replace a dead one are killed before they can greet. The pool
// gives up, also where no child has an item.
func TestKilledAtStart(t *testing.T) {
	suitetest.Once(t)
	defer func() { children.Program = childtest.Program }()
	for _, name := range []string{"lock-free", "pipe", "global-mutex", "atomic"} {
		var started atomic.Int64
		children.Program = func(folder string) (string, []string, error) {
			if started.Add(1) > 100 {
				return "", nil, errors.New("children are started without end, want 10 in a row")
			}
			return childtest.Program(folder)
		}
		p := start(t, named(name), 2, Word)
		require.NoError(t, p.Lanes[0].Child().Kill())
		<-p.Lanes[0].Child().Ended
		t.Setenv(childtest.Serve, "killed at start")
		_, err := childtest.Run(t, p, 1000)
		require.ErrorContains(t, err, "10 children in a row were killed there")
		require.Len(t, childtest.Errors(err), 10+1, "each of them, and the end of the run: %v", err)
		require.NoError(t, p.Close())
		_, err = named(name).Start(2, Word)
		require.ErrorContains(t, err, "waiting for its greeting")
		require.Equal(t, os.Kill, childtest.Errors(err)[0].Signal)
		require.Empty(t, childtest.Children(t))
		t.Setenv(childtest.Serve, "")
	}
}

// One child ends the run at the moment at which another is started to replace a
// dead one: the new one is ended as well.
func TestRunEndsWhileAChildStarts(t *testing.T) {
	t.Setenv(childtest.Serve, "nothing")
	p := start(t, named("lock-free"), 2, Word)
	t.Setenv(childtest.Serve, "")
	broken, killed := p.Lanes[0], p.Lanes[1]
	defer func() { children.Program = childtest.Program }()
	children.Program = func(string) (string, []string, error) {
		c := broken.Child()
		broken.Queue.Done.Store(1 << 40)
		broken.Queue.Answers.Ring()
		select {
		case <-c.Ended:
		case <-time.After(patience):
			t.Error("the run does not end the broken child")
		}
		time.Sleep(20 * time.Millisecond) // until all others are killed
		return childtest.Program("")
	}
	c := killed.Child()
	require.NoError(t, c.Kill())
	<-c.Ended
	done, err := p.Run(10_000)
	require.ErrorContains(t, err, "it claims 1099511627776 answers")
	require.LessOrEqual(t, done, 1024, "no more than was in flight")
	require.Len(t, childtest.Errors(err), 2, "the broken one and the killed one, not the one that the run ended: %v", err)
	require.NotErrorIs(t, err, children.ErrBroken, "the pool was not broken before")
	require.Empty(t, p.Pids())
}

// Close reports the children that were killed before it, also if the parent does not
// know it yet, and not those that it kills itself.
func TestCloseTells(t *testing.T) {
	childtest.OwnProgram(t)
	eachRow(t, hasChildren, func(t *testing.T, r row) {
		p := start(t, r.Variant, 2, r.payload)
		var pids, told []int
		for _, l := range p.Lanes {
			pids = append(pids, l.Child().Pid())
			require.NoError(t, l.Child().Kill())
		}
		for _, e := range childtest.Errors(p.Close()) {
			require.Equal(t, os.Kill, e.Signal)
			told = append(told, e.Pid)
		}
		require.Equal(t, pids, told)
	})
}

// Close reports a child that fails after its last answer.
func TestCloseTellsOfAFailure(t *testing.T) {
	t.Setenv(childtest.Serve, "fail at the end")
	p := start(t, named("pipe"), 2, Word)
	done, err := p.Run(2)
	require.NoError(t, err)
	require.Equal(t, 2, done)
	told := childtest.Errors(p.Close())
	require.Len(t, told, 2)
	for i, e := range told {
		require.Equal(t, []int{i, -1}, []int{e.Child, e.Item})
		require.ErrorContains(t, e, "it failed at its end, want status 0 (exit status 7)")
	}
}

// A row fails if one of its children was killed, although another has done all its steps.
func TestARowTellsOfADeath(t *testing.T) {
	childtest.NeedsProc(t)
	benches := Workload("Procs", Word).Benches
	s, err := benches[slices.IndexFunc(benches, func(b suite.Bench) bool { return b.Name == "lock-free" })].Open(1)
	require.NoError(t, err)
	defer s.Close()
	pid := s.Children()[0]
	child, err := os.FindProcess(pid)
	require.NoError(t, err)
	require.NoError(t, child.Kill())
	require.NoError(t, child.Release()) // or its descriptor is closed at some later time
	for lives(strconv.Itoa(pid)) {
		time.Sleep(time.Millisecond)
	}
	s.Run(10)
	require.ErrorContains(t, s.Check(10), "ended by signal: killed")
	s.Run(10)
	require.NoError(t, s.Check(10))
}

// A pool that is closed has no children to run with.
func TestClosed(t *testing.T) {
	childtest.OwnProgram(t)
	eachRow(t, everyRow, func(t *testing.T, r row) {
		p := start(t, r.Variant, 1, r.payload)
		require.NoError(t, p.Close())
		done, err := p.Run(1)
		require.ErrorIs(t, err, children.ErrBroken)
		require.Zero(t, done)
	})
}

// The error says which child failed, at which item, and how.
func TestBrokenChildren(t *testing.T) {
	suitetest.Once(t)
	// Before they fall silent, these children work, which may take a while.
	const soon, silent = time.Second, 50 * time.Millisecond
	for _, test := range []struct {
		variants, serve, want string
		patience              time.Duration
	}{
		{"lock-free gil private ping sharded-lock global-mutex atomic", "nothing", "no answer for", silent},
		{"lock-free gil private ping sharded-lock global-mutex atomic", "end", "it ended, want it to serve until its parent ends it (exit status 7)", patience},
		{"lock-free gil private ping sharded-lock global-mutex", "rubbish", "the answer is wrong", patience},
		{"lock-free gil private ping sharded-lock global-mutex", "unchanged", "the answer is wrong", patience},
		{"lock-free gil private ping sharded-lock global-mutex", "too many", "it claims 1099511627776 answers", patience},
		{"lock-free gil private sharded-lock global-mutex", "backwards", "no answer for", 4 * silent},
		{"lock-free gil private", "backwards and end", "it claims 0 answers, want", patience},
		{"sharded-lock global-mutex", "keep lock", "no answer for 1s, and it holds the lock", soon},
		{"sharded-lock global-mutex", "foreign lock", "no answer for 1s, and the lock is held by 12345, want the number of a child", soon},
		{"atomic", "take and sleep", "no answer for", silent},
		{"atomic", "state too high", "the state of its slot is 0x1267c00000, want 0x1ffc00000", patience},
		{"pipe pipe-gob", "nothing", "i/o timeout", silent},
		{"lock-free gil private ping pipe pipe-gob", "kill itself", "10 children in a row were killed there", patience},
		{"pipe pipe-gob", "end", "EOF (exit status 7)", patience},
		{"pipe", "frame wrong", "the answer is wrong", patience},
		{"pipe", "frame long", "its head says 4294967295 bytes, want 8", patience},
		{"pipe", "frame short", "its head says 0 bytes, want 8", patience},
		{"pipe-gob", "gob of none", "got 0 words and 0 bytes more, want 1 words and none", patience},
		{"pipe-gob", "gob of two", "got 2 words and 0 bytes more, want 1 words and none", patience},
		{"pipe-gob", "two gobs in a frame", "bytes more, want 1 words and none", patience},
		{"pipe-gob", "gob of text", "decoding a frame of 8 bytes: gob: ", patience},
		{"pipe-gob", "gob wrong", "the answer is wrong", patience},
		{"pipe-gob", "frame long", "its head says 4294967295 bytes, want at most 80", patience},
		{"pipe-gob", "frame short", "decoding a frame of 0 bytes: EOF", patience},
		{"pipe pipe-gob", "half a frame", "reading a frame: got 3 bytes, want 8: read |0: i/o timeout", soon},
		{"pipe pipe-gob", "half a frame and end", "reading a frame: got 3 bytes, want 8: unexpected EOF (exit status 0)", patience},
		{"pipe pipe-gob", "half a head and end", "reading the head of a frame: got 2 bytes, want 4: unexpected EOF (exit status 0)", patience},
	} {
		for name := range strings.FieldsSeq(test.variants) {
			if race.Enabled && test.serve == "kill itself" && name != "lock-free" && name != "pipe" {
				continue // ten children each, which start ten times as slowly
			}
			t.Setenv(childtest.Serve, test.serve)
			p, err := named(name).Start(1, Word)
			t.Run(name+"/"+test.serve, func(t *testing.T) {
				if test.patience == soon {
					t.Parallel() // it waits, and starts no child
				}
				if errors.Is(err, errors.ErrUnsupported) {
					t.Skip(err)
				}
				require.NoError(t, err)
				defer p.Close()
				p.Patience = test.patience
				pid := p.Lanes[0].Child().Pid() // which may have ended
				_, err := childtest.Run(t, p, 3000)
				require.ErrorContains(t, err, test.want)
				require.Equal(t, strings.HasPrefix(test.want, "EOF ("), errors.Is(err, io.EOF), "the pipe has ended: %v", err)
				require.Equal(t, pid, childtest.Errors(err)[0].Pid)
				require.Contains(t, err.Error(), strconv.Itoa(pid))
				_, err = p.Run(1)
				require.ErrorIs(t, err, children.ErrBroken)
				require.NoError(t, p.Close())
			})
		}
	}
}

// Rows without children check their answers, too. Otherwise the base of the speed-ups
// would do less than the other rows.
func TestWrongAnswerWithoutAChild(t *testing.T) {
	if !race.Enabled {
		t.Skip("answers are spoiled only with the race detector")
	}
	items.Spoil = true
	defer func() { items.Spoil = false }()
	eachRow(t, func(r row) bool { return isOwn(r) && !hasChildren(r) }, func(t *testing.T, r row) {
		done, err := start(t, r.Variant, 2, r.payload).Run(3)
		require.ErrorIs(t, err, items.ErrWrong)
		require.Zero(t, done)
	})
}

// A child fails in the second run. What it had answered before counts, of a ring at least the
// half before that of the failure. The error of a wrong answer names its item of that run.
func TestFailureInASecondRun(t *testing.T) {
	for _, serve := range []string{"21 and a wrong one", "21 and end"} {
		t.Setenv(childtest.Serve, serve)
		for _, name := range []string{"lock-free", "private", "ping", "sharded-lock", "global-mutex", "atomic"} {
			p := start(t, named(name), 1, Block)
			_, err := childtest.Run(t, p, 3)
			require.NoError(t, err, name)
			done, err := childtest.Run(t, p, 19)
			require.Error(t, err, name)
			require.LessOrEqual(t, done, 18, "%s: %v", name, err)
			require.GreaterOrEqual(t, done, 11, "%s: %v", name, err)
			if errors.Is(err, items.ErrWrong) {
				require.Equal(t, []int{18, 18}, []int{done, childtest.Errors(err)[0].Item}, name)
			}
		}
	}
}

// The parent fills the slots of a half as soon as that half is answered. In private it
// waits for all answers.
func TestHalfIsFilledAgain(t *testing.T) {
	t.Setenv(childtest.Serve, "half and wait")
	for _, name := range []string{"gil", "global-mutex", "sharded-lock", "lock-free", "private"} {
		p := start(t, named(name), 1, Word)
		n := 2 * p.Layout.Window
		if name == "private" {
			p.Patience = 100 * time.Millisecond
			_, err := childtest.Run(t, p, n)
			require.ErrorContains(t, err, "no answer for")
			continue
		}
		done, err := childtest.Run(t, p, n)
		require.NoError(t, err, name)
		require.Equal(t, n, done, name)
	}
}

// sleeper starts a goroutine that sleeps until the answers' bell rings. It returns the word
// of the bell, which says that somebody sleeps, and a channel that is closed after the ring.
func sleeper(answers *futex.Bell) (bell *atomic.Uint32, woken chan struct{}) {
	bell, woken = (*atomic.Uint32)(unsafe.Pointer(answers)), make(chan struct{})
	go func() {
		answers.Sleep(patience, func() bool { return false })
		close(woken)
	}()
	for bell.Load()&1 == 0 {
		runtime.Gosched()
	}
	return bell, woken
}

// The parent hands an item over before it rings. The other order would leave a child asleep.
// To wake many sleepers takes the parent a while, in which the first see that order.
func TestItemsComeBeforeTheRing(t *testing.T) {
	for _, name := range []string{"global-mutex", "sharded-lock", "lock-free", "private", "ping", "atomic"} {
		p := start(t, named(name), 1, Word)
		q := p.Lanes[0].Queue
		for seq := range uint64(5) {
			sent, want := &q.Sent, seq+1
			if p.Layout.States {
				sent, want = stateAt(q, seq), stateOf(seq, stateSent)
			}
			bell := (*atomic.Uint32)(unsafe.Pointer(&q.Work))
			for bell.Load()&1 == 0 { // until the child sleeps
				runtime.Gosched()
			}
			asleep := bell.Load()
			var early atomic.Bool
			var sleepers sync.WaitGroup
			for range 50 {
				sleepers.Go(func() {
					q.Work.Sleep(time.Second, func() bool { return bell.Load() != asleep })
					if bell.Load() != asleep && sent.Load() < want {
						early.Store(true)
					}
				})
			}
			time.Sleep(time.Millisecond) // until they sleep
			_, err := p.Run(1)
			require.NoError(t, err)
			sleepers.Wait()
			require.False(t, early.Load(), name)
		}
	}
}

// A child hands its answer over before it rings. The other order would leave the parent
// asleep, and only for as long as its patience.
func TestAnswersComeBeforeTheRing(t *testing.T) {
	for _, name := range []string{"gil", "global-mutex", "sharded-lock", "lock-free", "private", "ping", "atomic"} {
		p := start(t, named(name), 1, Word)
		q := p.Lanes[0].Queue
		for seq := range uint64(150) {
			// To wake a sleeper takes the child a moment, in which the other order shows.
			bell, woken := sleeper(&q.Answers)
			time.Sleep(50 * time.Microsecond) // until it sleeps
			asleep := bell.Load()
			answers, want := &q.Done, seq+1
			items.Fill(q.Slot(seq), seq)
			if p.Layout.States {
				answers, want = stateAt(q, seq), stateOf(seq, stateAnswered)
				q.Wanted.Store(seq)
				answers.Store(stateOf(seq, stateSent))
			}
			q.Sent.Store(seq + 1)
			q.Work.Ring()
			for began, i := time.Now(), 1; bell.Load() == asleep; i++ {
				if i%512 == 0 {
					require.Less(t, time.Since(began), patience, "%s does not ring", name)
					futex.Yield()
				}
			}
			require.GreaterOrEqual(t, answers.Load(), want, name)
			<-woken
		}
	}
}

// A child rings when it has answered half of the items in flight, so that the parent fills
// these slots while the child goes on. Here its next item is not whole, and it ends.
func TestAHalfIsRungFor(t *testing.T) {
	silence(t)
	for _, name := range []string{"gil", "global-mutex", "sharded-lock", "lock-free"} {
		p := start(t, named(name), 1, 2*Word)
		q, c := p.Lanes[0].Queue, p.Lanes[0].Child()
		for seq := range q.Batch {
			items.Fill(q.Slot(seq), seq)
		}
		bell, woken := sleeper(&q.Answers)
		q.Sent.Store(q.Window)
		q.Work.Ring()
		<-woken
		<-c.Ended
		require.EqualValues(t, 2, bell.Load()>>1, "%s: one ring of the child, one at its end", name)
	}
}

// silence has children that are started from now on say nothing.
func silence(t *testing.T) {
	t.Helper()
	old := os.Stderr
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	os.Stderr = null
	t.Cleanup(func() {
		os.Stderr = old
		null.Close()
	})
}

// As many items are in a pipe as may be in flight.
func TestWindowOfAPipe(t *testing.T) {
	t.Setenv(childtest.Serve, "a window at a time")
	p := start(t, named("pipe"), 1, Word)
	done, err := childtest.Run(t, p, 2*p.Layout.Window)
	require.NoError(t, err)
	require.Equal(t, 2*p.Layout.Window, done)
}

// Of two children, the second is silent with the lock or with an item. The error names it.
func TestTheSilentChildIsNamed(t *testing.T) {
	for name, serve := range map[string]string{"global-mutex": "keep lock", "atomic": "take and sleep"} {
		t.Setenv(childtest.Serve, serve)
		p := start(t, named(name), 2, Word)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.Patience = time.Second
			_, err := childtest.Run(t, p, 10)
			require.ErrorContains(t, err, "no answer for")
			require.Equal(t, 1, childtest.Errors(err)[0].Child)
			require.Zero(t, childtest.Errors(err)[0].Item, "the first that is not answered")
		})
	}
	failAfterAWindow(t, "a window and one", "no answer for", 1)
}

// An error names the first item without an answer, by its number in the run.
func TestTheItemIsNamed(t *testing.T) {
	failAfterAWindow(t, "a window and wrong ones", "the answer is wrong", 0)
	failAfterAWindow(t, "a window and too many", "it claims 1099511627776 answers", 0)
}

// failAfterAWindow has the children of each row with queues fail after as many items as may
// be in flight, and some more. It requires that the error names the next.
func failAfterAWindow(t *testing.T, serve, want string, more int) {
	t.Setenv(childtest.Serve, serve)
	for _, v := range Variants {
		noClaims := v.States && serve == "a window and too many"
		if v.Medium&(children.Queues|children.OneQueue) == 0 || noClaims || v.Name == "gil" { // whose parent is lock-free's
			continue
		}
		p := start(t, v, 2, 2*Word)
		t.Run(v.Name+"/"+serve, func(t *testing.T) {
			if more > 0 {
				t.Parallel() // it waits
				p.Patience = time.Second
			}
			_, err := childtest.Run(t, p, 3*p.Layout.Window*p.Layout.Queues)
			require.ErrorContains(t, err, want)
			for _, e := range childtest.Errors(err) {
				item := p.Layout.Window + more
				if v.Medium == children.Queues {
					item = item*len(p.Lanes) + e.Child
				}
				require.Equal(t, item, e.Item)
			}
		})
	}
}

// A block does not fit into a pipe. So the parent is still writing the first when
// its answer comes, and has not begun the second.
func TestAnswersBeforeTheBlockIsRead(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Setenv(childtest.Serve, "answer unread")
			p := start(t, named("pipe"), 1, Block)
			p.Patience = time.Second
			done, err := childtest.Run(t, p, n)
			require.ErrorIs(t, err, children.ErrUnasked)
			require.Equal(t, min(n, 2)-1, done)
			require.Equal(t, min(n, 2)-1, childtest.Errors(err)[0].Item)
		})
	}
}

// One broken child ends the run for all.
func TestOneBrokenChildEndsTheRun(t *testing.T) {
	t.Setenv(childtest.Serve, "end")
	for _, name := range []string{"lock-free", "pipe", "atomic", "global-mutex"} {
		p := start(t, named(name), 4, Word)
		_, err := p.Run(1000)
		require.ErrorContains(t, err, "exit status 7")
		require.NoError(t, p.Close())
	}
}

func TestCannotStart(t *testing.T) {
	defer func() { children.Program = childtest.Program }()
	before := childtest.Descriptors(t)

	children.Program = func(string) (string, []string, error) { return filepath.Join(t.TempDir(), "gone"), nil, nil }
	for _, r := range rows() {
		p, err := r.Start(3, Word)
		if hasChildren(r) {
			require.ErrorIs(t, err, os.ErrNotExist, r.Name)
			require.ErrorContains(t, err, "procs: starting child 0: ")
		} else if r.Name == "process" {
			_, err = p.Run(2)
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}

	// The third of three.
	launched := 0
	children.Program = func(string) (string, []string, error) {
		if launched++; launched == 3 {
			return "", nil, os.ErrPermission
		}
		return childtest.Program("")
	}
	for _, name := range []string{"lock-free", "pipe"} {
		launched = 0
		_, err := named(name).Start(3, Word)
		require.ErrorIs(t, err, os.ErrPermission)
		require.ErrorContains(t, err, "procs: starting child 2: ")
		require.Empty(t, childtest.Children(t), "what was started is ended")
	}
	require.Equal(t, before, childtest.Descriptors(t))
}

// Start makes the program of a row's children, also where only the steps start them: the
// clock is not to run meanwhile.
func TestStartMakesTheProgram(t *testing.T) {
	defer func() { children.Program = childtest.Program }()
	for _, r := range rows() {
		made := ""
		children.Program = func(folder string) (string, []string, error) {
			made = folder
			return "", nil, os.ErrPermission
		}
		p, err := r.Start(1, r.payload)
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		if err == nil {
			require.NoError(t, p.Close())
		}
		want := ""
		if r.Serve != nil {
			want = map[string]string{"procs": children.Source, "fib": children.Source, "spawn": "procs/spawn/internal/child"}[r.table]
		}
		require.Equal(t, want, made, "%s/%s", r.table, r.Name)
		require.Equal(t, want != "", errors.Is(err, os.ErrPermission), "%s/%s: %v", r.table, r.Name, err)
	}
}

// A program that does not call Main starts itself once, is told what is wrong, and
// does not start itself again.
func TestProgramWithoutMain(t *testing.T) {
	t.Setenv(testNoMain, "1")
	executable, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(executable, "-test.run=^TestAnswersAreExact$/^procs$/^lock-free$/^8$")
	cmd.Env = append(os.Environ(), children.Env+"=procs lock-free 1 1 0 false")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "procs: a child starts no children")

	// Its parent is told as well.
	children.GreetPatience = 100 * time.Millisecond
	defer func() { children.GreetPatience = patience }()
	_, err = named("lock-free").Start(2, Word)
	require.ErrorContains(t, err, "does the program call procs.Main first?")
	require.Empty(t, childtest.Children(t))
}

// A child that does not greet, or with another pid, is broken, and all children are
// ended.
func TestGreetings(t *testing.T) {
	before := childtest.Descriptors(t)
	t.Setenv(childtest.Serve, "wrong greeting")
	_, err := named("lock-free").Start(2, Word)
	require.ErrorContains(t, err, "it is 4711, want its pid")
	children.GreetPatience = 100 * time.Millisecond
	defer func() { children.GreetPatience = patience }()
	t.Setenv(childtest.Serve, "no greeting")
	_, err = named("pipe").Start(2, Word)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Positive(t, childtest.Errors(err)[0].Pid)
	require.Empty(t, childtest.Children(t))
	require.Equal(t, before, childtest.Descriptors(t))
}

// A user who sets the variable by hand gets one line and status 2.
func TestMainRefuses(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, value := range []string{"1", "procs no-such 1 1 0 false", "procs lock-free 1 1 0 false", "procs serial 1 1 0 false", "procs lock-free"} {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), children.Env+"="+value)
		out, err := cmd.CombinedOutput()
		var e *exec.ExitError
		require.ErrorAs(t, err, &e, value)
		require.Equal(t, 2, e.ExitCode(), value)
		require.Equal(t, 1, strings.Count(string(out), "\n"), "%s", out)
		require.Contains(t, string(out), children.Env)
	}
}

// A waiter spins for 20 µs if there is a processor for each child and for each
// goroutine that hands out work, within the quota.
func TestSpinning(t *testing.T) {
	for _, test := range []struct {
		name              string
		workers, runnable int
	}{
		{"ping", 3, 2},
		{"lock-free", 1, 2},
		{"lock-free", 2, 4},
		{"lock-free", runtime.NumCPU(), 2 * runtime.NumCPU()},
		{"atomic", 2, 3},
	} {
		for _, quota := range []int{1, 3, runtime.NumCPU()} {
			suite.Processors = quota
			p := start(t, named(test.name), test.workers, Word)
			require.Equal(t, test.runnable <= quota, p.Spinning, "%s with %d", test.name, test.workers)
		}
	}
	suite.Processors = runtime.NumCPU()
	var word atomic.Uint64
	for range 100 {
		began := time.Now()
		require.False(t, futex.Spin(true, &word, 1))
		require.GreaterOrEqual(t, time.Since(began), 20*time.Microsecond)
	}
	require.False(t, futex.Spin(false, &word, 1))
	word.Store(1)
	require.True(t, futex.Spin(true, &word, 1))
	require.True(t, futex.Spin(false, &word, 1))
}

// Rows without children start as many workers as they are told.
func TestWorkers(t *testing.T) {
	var own []suite.Row[error]
	for _, r := range rows() {
		if !hasChildren(r) {
			own = append(own, suite.Row[error]{Name: r.Name, Run: func(workers, n int) error {
				p, err := r.Start(workers, r.payload)
				if err == nil {
					_, err = p.Run(n)
				}
				return err
			}})
		}
	}
	suitetest.Workers(t, own)
}

// There are as many children as workers, each a process of its own.
func TestPids(t *testing.T) {
	suitetest.Once(t)
	childtest.OwnProgram(t)
	eachRow(t, hasChildren, func(t *testing.T, r row) {
		p := start(t, r.Variant, 3, r.payload)
		want := 3
		if r.Crew == children.One {
			want = 1
		}
		pids := p.Pids()
		require.Len(t, pids, want)
		slices.Sort(pids)
		require.Len(t, slices.Compact(pids), want)
		require.NotContains(t, pids, os.Getpid())
		require.ElementsMatch(t, pids, childtest.Children(t))
		require.NoError(t, p.Close())
		require.Empty(t, p.Pids())
		require.Empty(t, childtest.Children(t))
	})
}

// The parent keeps only its own ends of a child's pipes. Garbage collection would
// close the others too, but nobody knows when.
func TestOwnEndsOnly(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	pipes := func() (n int) {
		for _, open := range childtest.Descriptors(t) {
			n += strings.Count(open, " pipe:")
		}
		return n
	}
	before := pipes()
	start(t, named("lock-free"), 3, Word)
	require.LessOrEqual(t, pipes(), before+3*2)
}

// After all this, there is no child, no zombie, no descriptor, no shared memory and
// no goroutine left.
func TestNothingIsLeft(t *testing.T) {
	childtest.OwnProgram(t)
	for _, v := range []children.Variant{named("pipe"), childtest.Named(spawn.Variants, "warm-process")} {
		start(t, v, 1, Word).Close() // opens the program
	}
	before := childtest.Descriptors(t)
	goroutines := goleak.IgnoreCurrent()
	eachRow(t, everyRow, func(t *testing.T, r row) {
		p := start(t, r.Variant, 2, r.payload)
		_, err := p.Run(3)
		require.NoError(t, err)
		if c := p.Lanes; len(c) > 0 {
			c[0].Child().Kill()
		}
		if r.table == "spawn" {
			p.Run(10) // of which each starts a process
		} else {
			p.Run(100)
		}
		if c := p.Lanes; len(c) > 0 {
			c[0].Child().Kill()
		}
		p.Close()
		require.NoError(t, p.Close(), "again")
	})
	require.Empty(t, childtest.Children(t))
	require.Equal(t, before, childtest.Descriptors(t))
	maps, err := os.ReadFile("/proc/self/maps")
	if err == nil {
		require.NotContains(t, string(maps), "boundaries (deleted)")
	}
	goleak.VerifyNone(t, goroutines)
}

// A child that gets an item which is not whole says so and does not answer.
func TestRequestsAreChecked(t *testing.T) {
	eachRow(t, func(r row) bool { return isOwn(r) && hasChildren(r) }, func(t *testing.T, r row) {
		stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		require.NoError(t, err)
		defer stderr.Close()
		defer func(old *os.File) { os.Stderr = old }(os.Stderr)
		os.Stderr = stderr
		p := start(t, r.Variant, 1, r.payload+Word)
		c := p.Lanes[0].Child()
		if q := p.Lanes[0].Queue; q != nil {
			// Nobody has written the slot, which is zero.
			if r.States {
				stateAt(q, 0).Store(stateOf(0, stateSent))
			}
			q.Sent.Store(1)
			q.Work.Ring()
		} else if r.Name == "pipe-gob" {
			require.NoError(t, newGobPipe(nil, c.In, p.Words).write(make([]uint64, p.Words)))
		} else {
			require.NoError(t, frame.Write(c.In, frame.New(p.Words), make([]uint64, p.Words)))
		}
		select {
		case <-c.Ended:
		case <-time.After(patience):
			require.Fail(t, "the child goes on")
		}
		require.Equal(t, 1, c.State().ExitCode())
		text, err := os.ReadFile(stderr.Name())
		require.NoError(t, err)
		require.Equal(t, "procs: child 0: request 0 is not whole, want words that count up from its number\n", string(text))
	})
}

// A child of gil waits without its lock, as Python does.
func TestTheGILIsFreeInAWait(t *testing.T) {
	t.Setenv(childtest.Serve, "tell where gil waits")
	c := start(t, named("gil"), 1, Word).Lanes[0].Child()
	<-c.Ended
	require.Zero(t, c.State().ExitCode())
}

// A channel has room for as many items as may be in flight.
func TestWindowOfAChannel(t *testing.T) {
	p := start(t, named("channel"), 1, Word)
	p.Layout.Window = 1 << 18
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := p.Run(1)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Greater(t, after.TotalAlloc-before.TotalAlloc, 2*uint64(p.Layout.Window)*uint64(unsafe.Sizeof([]uint64{})), "of both channels")
}

// A child has one processor, whatever the parent has.
func TestOneProcessorEach(t *testing.T) {
	t.Setenv("GOMAXPROCS", "3")
	t.Setenv(childtest.Serve, "tell processors")
	p := start(t, named("pipe"), 1, Word)
	_, err := p.Run(1)
	require.ErrorContains(t, err, "(exit status 1)")
}

// A child dies after some items, and the one that replaces it does nothing.
func TestDeafAfterADeath(t *testing.T) {
	// The deadline of the greeting must not end the wait for an answer.
	patience := children.GreetPatience
	children.GreetPatience = time.Minute
	defer func() { children.GreetPatience = patience }()
	t.Setenv(childtest.Serve, "30 and no more")
	p := start(t, named("pipe"), 1, Word)
	t.Setenv(childtest.Serve, "nothing")
	p.Patience = 2 * time.Second
	done, err := childtest.Run(t, p, 1000)
	require.Equal(t, 30, done)
	deaths := childtest.Errors(err)
	require.Len(t, deaths, 2, "%v", err)
	require.Equal(t, os.Kill, deaths[0].Signal)
	require.ErrorIs(t, deaths[1], os.ErrDeadlineExceeded)
}

// A child that keeps answering is not silent, however long all answers take.
func TestPatienceIsForSilence(t *testing.T) {
	t.Setenv(childtest.Serve, "slow")
	var running sync.WaitGroup
	for _, window := range []int{2, 640} { // 2: each answer has its own deadline, as in package fib; 640: 40 answers share one
		p := start(t, named("pipe"), 1, Word)
		p.Patience = 3 * time.Second // on a busy machine, one answer has taken more than a second
		p.Layout.Window = window
		running.Go(func() {
			for _, n := range []int{2, 650} { // at least 5 ms each; a deadline of the first run would end the second
				done, err := p.Run(n)
				assert.NoError(t, err)
				assert.Equal(t, n, done)
			}
		})
	}
	running.Wait()
}

// The end of its standard input ends a child, which has failed if that is within an item.
func TestEndOfInput(t *testing.T) {
	silence(t)
	for _, test := range []struct {
		name, input string
		status      int
	}{{"lock-free", "", 0}, {"atomic", "", 0}, {"pipe", "", 0}, {"pipe-gob", "", 0}, {"pipe", "\x00", 1}, {"pipe-gob", "\x00", 1}} {
		c := start(t, named(test.name), 1, Word).Lanes[0].Child()
		_, err := c.In.WriteString(test.input)
		require.NoError(t, err)
		require.NoError(t, c.In.Close())
		select {
		case <-c.Ended:
			require.Equal(t, test.status, c.State().ExitCode(), test)
		case <-time.After(patience):
			t.Fatalf("the child of %s goes on", test.name)
		}
	}
}

// A child that does not notice the end of its standard input is killed. Close still tells
// of one that something else has killed.
func TestCloseEndsTheDeaf(t *testing.T) {
	t.Setenv(childtest.Serve, "nothing")
	p := start(t, named("pipe"), 3, Word)
	killed := p.Lanes[1].Child()
	require.NoError(t, killed.Kill())
	began := time.Now()
	told := childtest.Errors(p.Close())
	require.Len(t, told, 1)
	require.Equal(t, killed.Pid(), told[0].Pid)
	require.ErrorContains(t, told[0], "ended by signal: killed")
	require.Less(t, time.Since(began), 30*time.Second, "they would sleep for a minute")
	require.Empty(t, childtest.Children(t))
}

// When a parent is killed, its children end, also if only the end of their standard input
// tells them.
func TestParentDies(t *testing.T) {
	childtest.NeedsProc(t)
	for _, how := range []string{"lock-free", "pipe", "global-mutex", "atomic", "lock-free quietly", "pipe quietly", "global-mutex quietly", "atomic quietly", "pipe with the deaf"} {
		t.Run(how, func(t *testing.T) {
			if strings.HasSuffix(how, "deaf") {
				t.Setenv(childtest.Serve, "nothing") // so that they do not see the end of the pipe
			}
			parent, said := startParent(t, how)
			pids := strings.Fields(strings.Trim(said, "[]\n"))
			require.Len(t, pids, 3)
			for _, pid := range pids {
				require.True(t, lives(pid))
			}
			requireDieWith(t, parent, func() []string { return pids })
		})
	}
}

// A parent is killed while it starts children and ends them. None is left, not even
// one that the parent had started and did not know yet.
func TestParentDiesStarting(t *testing.T) {
	childtest.NeedsProc(t)
	for range 10 {
		mark := "PROCS_TEST_MARK=" + strconv.Itoa(rand.Int())
		parent, _ := startParent(t, "lock-free starting", mark)
		time.Sleep(rand.N(10 * time.Millisecond))
		requireDieWith(t, parent, func() []string { return marked(t, mark) })
	}
}

// startParent starts a program that is a parent (see beParent), and returns it and
// the first line that it prints.
func startParent(t *testing.T, how string, env ...string) (parent *exec.Cmd, said string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	parent = exec.Command(exe)
	parent.Env = append(append(os.Environ(), testParent+"="+how), env...)
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	text := make([]byte, 100)
	n, err := out.Read(text)
	require.NoError(t, err)
	return parent, string(text[:n])
}

// requireDieWith kills the parent and requires that its children end. That takes some
// milliseconds, and on a busy machine it has taken a second.
func requireDieWith(t *testing.T, parent *exec.Cmd, children func() []string) {
	t.Helper()
	killed := time.Now()
	require.NoError(t, parent.Process.Kill())
	parent.Wait()
	for _, pid := range children() {
		for lives(pid) {
			require.Less(t, time.Since(killed), patience/2, "child %s lives", pid)
			time.Sleep(time.Millisecond)
		}
	}
}

// A program whose file is gone, as that of go run may be, still starts children.
func TestFileIsDeleted(t *testing.T) {
	childtest.NeedsProc(t)
	exe, err := os.Executable()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "program")
	if err := os.Link(exe, link); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(link)
	cmd.Env = append(os.Environ(), testParent+"=lock-free deleted")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// marked returns the processes that have mark in their environment.
func marked(t *testing.T, mark string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	var pids []string
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), mark) {
			pids = append(pids, filepath.Base(filepath.Dir(file)))
		}
	}
	return pids
}

// lives reports whether there is such a process that is no zombie.
func lives(pid string) bool {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[0] != 'Z' && rest[0] != 'X'
}
