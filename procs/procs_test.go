package procs

import (
	"errors"
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

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestAnswersAreExact(t *testing.T) {
	eachRow(t, func(Variant) bool { return true }, func(t *testing.T, v Variant, payload Payload) {
		for _, workers := range []int{1, 2, 3, 4, 7, 9} {
			if workers > 3 && (payload == Block || v.crew == one) {
				break
			}
			p := start(t, v, workers, payload)
			for _, n := range []int{0, 1, 7, 1000, 10007} {
				switch {
				case n > 7 && payload == Block:
					n /= 50
				case n > 7 && v.of != "procs":
					n /= 200 // steps that are computed, or processes
				}
				done, err := p.Run(n)
				require.NoError(t, err, "%d workers, %d items", workers, n)
				require.Equal(t, n, done, "%d workers", workers)
			}
			require.NoError(t, p.Close())
		}
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
	require.PanicsWithValue(t, "procs: patience of 0s, need more", func() { p.Run(1) })
}

// An item tells whether it is whole, and what is not its answer.
func TestItems(t *testing.T) {
	for _, words := range []int{1, 2, 9} {
		item := make([]uint64, words)
		fill(item, 41)
		require.False(t, right(item, 41), "not changed")
		require.True(t, change(item))
		require.True(t, right(item, 41))
		require.False(t, right(item, 40), "another's answer")
		change(item)
		require.False(t, right(item, 41), "changed twice")
		for torn := 1; torn < words; torn++ {
			fill(item, 41)
			change(item[:torn])
			require.False(t, change(slices.Clone(item)), "%d of %d words changed", torn, words)
			require.False(t, right(item, 41), "%d of %d words changed", torn, words)
		}
	}
}

// The table in memory.go.
func TestControlIsAsDocumented(t *testing.T) {
	var c control
	for name, offset := range map[string][2]uintptr{
		"sent":    {unsafe.Offsetof(c.sent), 128},
		"done":    {unsafe.Offsetof(c.done), 256},
		"lock":    {unsafe.Offsetof(c.lock), 384},
		"torn":    {unsafe.Offsetof(c.torn), 392},
		"claimed": {unsafe.Offsetof(c.claimed), 512},
		"rescue":  {unsafe.Offsetof(c.rescue), 640},
		"wanted":  {unsafe.Offsetof(c.wanted), 768},
		"work":    {unsafe.Offsetof(c.work), 896},
		"answers": {unsafe.Offsetof(c.answers), 1024},
		"slots":   {unsafe.Sizeof(c), 1280},
	} {
		require.Equal(t, offset[1], offset[0], name)
	}
}

// No two queues overlap, and up to 1024 items a child are in flight.
func TestShapes(t *testing.T) {
	for v, payload := range rows {
		for _, children := range []int{1, 2, 3, 9} {
			if payload == Block && children == 9 {
				break
			}
			s := shapeOf(&v, payload, children)
			memory := make([]byte, s.size())
			require.LessOrEqual(t, s.queues*s.window, 1024*children)
			for i := range s.queues {
				q := s.queue(memory, i)
				for seq := range q.window {
					for j := range q.slot(seq + q.window) {
						q.slot(seq)[j]++
					}
					if s.head > 0 {
						q.state(seq).Add(1)
					}
				}
			}
			touched := 0
			for i := range s.queues {
				for _, word := range s.queue(memory, i).slots {
					if word > 1 {
						t.Fatalf("%s: a word belongs to %d", v.Name, word)
					}
					touched += int(word)
				}
			}
			require.Equal(t, s.queues*s.window*(s.words+s.head), touched)
		}
	}
}

// manyKills is how many children are killed in one run.
var manyKills = 100

// 100 children are killed in one run, at random moments. Every answer arrives,
// which the run checks item by item, and the caller is told of every child.
func TestKills(t *testing.T) {
	// The killer may find the same item again and again.
	defer func(old int) { maxTries = old }(maxTries)
	maxTries = manyKills
	eachRow(t, hasChildren, func(t *testing.T, v Variant, payload Payload) {
		kills := manyKills
		if testing.Short() || payload == Block || v.of != "procs" {
			kills /= 5
		}
		p := start(t, v, 2, payload)
		began := time.Now()
		p.Run(500)
		n := 100 + int(500*float64(100*time.Millisecond)/float64(time.Since(began)))
		for ; ; n *= 2 {
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
					c := p.lanes[rand.IntN(len(p.lanes))].child.Load()
					if pid := c.cmd.Process.Pid; c.ready.Load() && !slices.Contains(killed, pid) && c.cmd.Process.Kill() == nil {
						killed = append(killed, pid)
					}
				}
			})
			done, err := p.Run(n)
			close(stop)
			killer.Wait()
			require.Equal(t, n, done, "%v", err)
			deaths := childErrors(err)
			// Those whom nobody missed are told of by the next run.
			done, err = p.Run(1)
			require.Equal(t, 1, done)
			deaths = append(deaths, childErrors(err)...)
			for _, l := range p.lanes {
				if c := l.child.Load(); slices.Contains(killed, c.cmd.Process.Pid) {
					<-c.ended
				}
			}
			_, err = p.Run(0)
			deaths = append(deaths, childErrors(err)...)
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
				if v.medium != oneQueue && v.Name != "sharded-lock" && kills == manyKills {
					// With a lock or one queue for all, few have an item at any time.
					require.Positive(t, items)
				}
				break
			}
		}
		require.NoError(t, p.Close())
	})
}

// A child is killed with the lock, in the middle of an item.
func TestHolderIsKilled(t *testing.T) {
	t.Setenv(testServe, "die in an item")
	for _, name := range []string{"global-mutex", "sharded-lock"} {
		for _, payload := range []Payload{2 * Word, Block} {
			for _, workers := range []int{1, 3} {
				p := start(t, named(name), workers, payload)
				n := 20 * workers
				done, err := p.Run(n)
				require.Equal(t, n, done, "%v", err)
				deaths := childErrors(err)
				if name == "global-mutex" {
					require.Len(t, deaths, 1, "%v", err)
					require.Equal(t, 3, deaths[0].Item)
				} else {
					require.Len(t, deaths, workers, "%v", err)
				}
				require.NoError(t, p.Close())
			}
		}
	}
}

// Who sleeps until the lock is free is woken when its holder dies.
func TestDeathOfTheHolderIsHeard(t *testing.T) {
	t.Setenv(testServe, "keep lock")
	p := start(t, named("global-mutex"), 1, Word)
	l := &p.lanes[0].queue.lock
	for l.word.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var abandoned, ok bool
	var sleeper sync.WaitGroup
	sleeper.Go(func() { abandoned, ok = l.acquire(2, time.Minute) })
	for l.word.Load()&lockWaiters == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // it is asleep, or the test shows nothing
	killed := time.Now()
	require.NoError(t, p.lanes[0].child.Load().cmd.Process.Kill())
	sleeper.Wait()
	require.True(t, ok && abandoned)
	require.Less(t, time.Since(killed), 30*time.Second)
	l.release()
}

// A child of atomic is killed in the middle of an item, or between its claim and
// taking what it claimed.
func TestClaimantIsKilled(t *testing.T) {
	for _, test := range []struct {
		serve string
		item  int
	}{{"die in a taken item", 3}, {"die with a claim", -1}} {
		t.Setenv(testServe, test.serve)
		for _, payload := range []Payload{2 * Word, Block} {
			for _, workers := range []int{1, 3} {
				p := start(t, named("atomic"), workers, payload)
				done, err := p.Run(100 * workers)
				require.Equal(t, 100*workers, done, "%v", err)
				deaths := childErrors(err)
				require.Len(t, deaths, 1, "%v", err)
				require.Equal(t, test.item, deaths[0].Item)
				require.NoError(t, p.Close())
			}
		}
	}
}

// Children are killed while they wait for the next run, and are not missed by the
// run that puts others in their place: what they had claimed is not lost.
func TestKilledBetweenRuns(t *testing.T) {
	eachRow(t, hasChildren, func(t *testing.T, v Variant, payload Payload) {
		p := start(t, v, 2, payload)
		p.Run(10)
		for range 2 {
			var pids []int
			for _, l := range p.lanes {
				c := l.child.Load()
				require.NoError(t, c.cmd.Process.Kill())
				<-c.ended
				pids = append(pids, c.cmd.Process.Pid)
			}
			_, err := p.Run(0)
			var told []int
			for _, e := range childErrors(err) {
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

// Whoever is killed at the first item of one run after the other is not killed at
// one item again and again.
func TestKilledInManyRuns(t *testing.T) {
	for _, name := range []string{"lock-free", "pipe"} {
		p := start(t, named(name), 1, Word)
		for range maxTries + 1 {
			c := p.lanes[0].child.Load()
			require.NoError(t, c.cmd.Process.Kill())
			<-c.ended
			done, err := p.Run(1)
			require.Equal(t, 1, done, "%v", err)
			require.Len(t, childErrors(err), 1)
		}
	}
}

// Those who are put in the place of a dead child are killed before they can
// greet: there is an end to it also where nobody has an item.
func TestKilledAtStart(t *testing.T) {
	for _, name := range []string{"lock-free", "pipe", "global-mutex", "atomic"} {
		p := start(t, named(name), 2, Word)
		require.NoError(t, p.lanes[0].child.Load().cmd.Process.Kill())
		<-p.lanes[0].child.Load().ended
		t.Setenv(testServe, "killed at start")
		_, err := p.Run(1000)
		require.ErrorContains(t, err, "10 children in a row were killed there")
		require.NoError(t, p.Close())
		_, err = named(name).Start(2, Word)
		require.ErrorContains(t, err, "waiting for its greeting")
		require.Equal(t, os.Kill, childErrors(err)[0].Signal)
		require.Empty(t, children(t))
		t.Setenv(testServe, "")
	}
}

// The run is ended because of one child at the very moment at which another is
// started in the place of a dead one: that one is ended as well.
func TestRunEndsWhileAChildStarts(t *testing.T) {
	t.Setenv(testServe, "nothing")
	p := start(t, named("lock-free"), 2, Word)
	t.Setenv(testServe, "")
	broken, killed := p.lanes[0], p.lanes[1]
	defer func(old func() (string, error)) { executable = old }(executable)
	executable = func() (string, error) {
		c := broken.child.Load()
		broken.queue.done.Store(1 << 40)
		broken.queue.answers.ring()
		<-c.ended
		time.Sleep(20 * time.Millisecond) // and all others are killed
		return os.Executable()
	}
	c := killed.child.Load()
	require.NoError(t, c.cmd.Process.Kill())
	<-c.ended
	done, err := p.Run(10_000)
	require.ErrorContains(t, err, "it claims 1099511627776 answers")
	require.LessOrEqual(t, done, 1024, "what it did before it was ended was in flight")
	require.Len(t, childErrors(err), 2, "the broken one and the killed one, and not whom the run ended: %v", err)
	require.Empty(t, p.Pids())
}

// Close tells of those who were killed before it, also if nobody has heard of that
// yet, and not of those whom it kills itself.
func TestCloseTells(t *testing.T) {
	eachRow(t, hasChildren, func(t *testing.T, v Variant, payload Payload) {
		p := start(t, v, 2, payload)
		var pids, told []int
		for _, l := range p.lanes {
			pids = append(pids, l.child.Load().cmd.Process.Pid)
			require.NoError(t, l.child.Load().cmd.Process.Kill())
		}
		for _, e := range childErrors(p.Close()) {
			require.Equal(t, os.Kill, e.Signal)
			told = append(told, e.Pid)
		}
		require.Equal(t, pids, told)
	})
}

// What is counted as done is what was answered, where shares are not equal.
func TestHalfDone(t *testing.T) {
	t.Setenv(testServe, "3 batches and end")
	p := start(t, namedOf(FibVariants, "private"), 1, None)
	done, err := p.Run(100) // as 9 batches, of 12, 11, 11...
	require.ErrorContains(t, err, "exit status 7")
	require.Equal(t, 34, done)
}

// A pool that is closed has no children to run with.
func TestClosed(t *testing.T) {
	eachRow(t, func(Variant) bool { return true }, func(t *testing.T, v Variant, payload Payload) {
		p := start(t, v, 1, payload)
		require.NoError(t, p.Close())
		done, err := p.Run(1)
		require.ErrorIs(t, err, errBroken)
		require.Zero(t, done)
	})
}

// The error says which child, which item and what.
func TestBrokenChildren(t *testing.T) {
	// What the children do before they are silent may take a while.
	const soon, silent = time.Second, 50 * time.Millisecond
	for _, test := range []struct {
		variants, serve, want string
		patience              time.Duration
	}{
		{"lock-free gil private ping sharded-lock global-mutex atomic", "nothing", "no answer for", silent},
		{"lock-free gil private ping sharded-lock global-mutex atomic", "end", "it ended (exit status 7)", defaultPatience},
		{"lock-free gil private ping sharded-lock global-mutex", "rubbish", "the answer is wrong", defaultPatience},
		{"lock-free gil private ping sharded-lock global-mutex", "unchanged", "the answer is wrong", defaultPatience},
		{"lock-free gil private ping sharded-lock global-mutex", "too many", "it claims 1099511627776 answers", defaultPatience},
		{"lock-free gil private sharded-lock global-mutex", "backwards", "no answer for", 4 * silent},
		{"lock-free gil private", "backwards and end", "it claims 0 answers of", defaultPatience},
		{"sharded-lock global-mutex", "keep lock", "no answer for 1s, and it holds the lock", soon},
		{"sharded-lock global-mutex", "foreign lock", "no answer for 1s, and 12345 holds the lock, which is no child", soon},
		{"atomic", "take and sleep", "no answer for", silent},
		{"pipe", "nothing", "i/o timeout", silent},
		{"lock-free gil private ping pipe", "kill itself", "10 children in a row were killed there", defaultPatience},
		{"pipe", "end", "EOF (exit status 7)", defaultPatience},
		{"pipe", "frame wrong", "the answer is wrong", defaultPatience},
		{"pipe", "frame long", "a frame of 4294967295 bytes, not of 8", defaultPatience},
		{"pipe", "frame short", "a frame of 0 bytes, not of 8", defaultPatience},
		{"pipe", "half a frame", "reading a frame of 8 bytes, of which 3 came: read |0: i/o timeout", soon},
		{"pipe", "half a frame and end", "reading a frame of 8 bytes, of which 3 came: unexpected EOF (exit status 0)", defaultPatience},
		{"pipe", "half a head and end", "reading the head of a frame, of which 2 bytes came: unexpected EOF (exit status 0)", defaultPatience},
	} {
		for name := range strings.FieldsSeq(test.variants) {
			t.Run(name+"/"+test.serve, func(t *testing.T) {
				t.Setenv(testServe, test.serve)
				p := start(t, named(name), 1, Word)
				p.Patience = test.patience
				pid := p.lanes[0].child.Load().cmd.Process.Pid // it may have ended
				_, err := p.Run(3000)
				require.ErrorContains(t, err, test.want)
				require.Equal(t, pid, childErrors(err)[0].Pid)
				require.Contains(t, err.Error(), strconv.Itoa(pid))
				_, err = p.Run(1)
				require.ErrorIs(t, err, errBroken)
				require.NoError(t, p.Close())
			})
		}
	}
}

// A block does not fit into a pipe, so the parent is still writing the first when
// its answer comes, and has not begun the second.
func TestAnswersBeforeTheBlockIsRead(t *testing.T) {
	for _, n := range []int{1, 2} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Setenv(testServe, "answer unread")
			p := start(t, named("pipe"), 1, Block)
			p.Patience = time.Second
			done, err := p.Run(n)
			require.ErrorIs(t, err, errUnasked)
			require.Equal(t, n-1, done)
			require.Equal(t, n-1, childErrors(err)[0].Item)
		})
	}
}

// A child that has only to end and does not, or not as it should.
func TestBrokenSpawn(t *testing.T) {
	for serve, want := range map[string]string{
		"nothing":     "it had only to end, and did not for 100ms (signal: killed)",
		"end":         "it had only to end (does the program call procs.Main first?): exit status 7",
		"kill itself": "it had only to end (does the program call procs.Main first?): signal: killed",
	} {
		t.Setenv(testServe, serve)
		p := start(t, namedOf(SpawnVariants, "process"), 3, None)
		if serve == "nothing" {
			p.Patience = 100 * time.Millisecond
		}
		_, err := p.Run(2)
		var e *Error
		require.ErrorAs(t, err, &e, serve)
		require.EqualError(t, e.Err, want)
		require.Contains(t, err.Error(), strconv.Itoa(e.Pid))
		require.Less(t, e.Item, 2)
		require.Equal(t, serve != "end", e.Signal == os.Kill)
		require.Empty(t, children(t))
	}
}

// Threads end while children live that others have started: no child ends with a
// thread that is not its own.
func TestThreadsEndBesideChildren(t *testing.T) {
	process, thread := start(t, namedOf(SpawnVariants, "process"), 2, None), start(t, namedOf(SpawnVariants, "thread"), 2, None)
	stop := make(chan struct{})
	var threads sync.WaitGroup
	threads.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				thread.Run(10)
			}
		}
	})
	done, err := process.Run(100)
	var errs []error
	for range 20 {
		pipe, err := named("pipe").Start(4, Word)
		errs = append(errs, err)
		if err == nil {
			errs = append(errs, pipe.Close())
		}
	}
	close(stop)
	threads.Wait()
	require.NoError(t, err)
	require.Equal(t, 100, done)
	require.NoError(t, errors.Join(errs...))
}

// One broken child ends the run for all.
func TestOneBrokenChildEndsTheRun(t *testing.T) {
	t.Setenv(testServe, "end")
	for _, name := range []string{"lock-free", "pipe", "atomic", "global-mutex"} {
		p := start(t, named(name), 4, Word)
		_, err := p.Run(1000)
		require.ErrorContains(t, err, "exit status 7")
		require.NoError(t, p.Close())
	}
}

func TestCannotStart(t *testing.T) {
	defer func(old func() (string, error)) { executable = old }(executable)
	before := descriptors(t)

	executable = func() (string, error) { return filepath.Join(t.TempDir(), "gone"), nil }
	for v := range rows {
		p, err := v.Start(3, Word)
		if hasChildren(v) {
			require.ErrorIs(t, err, os.ErrNotExist, v.Name)
			require.ErrorContains(t, err, "procs: starting child 0: ")
		} else if v.Name == "process" {
			_, err = p.Run(2)
			require.ErrorIs(t, err, os.ErrNotExist)
		}
	}

	// The third of three.
	launched := 0
	executable = func() (string, error) {
		if launched++; launched == 3 {
			return "", os.ErrPermission
		}
		return os.Executable()
	}
	for _, name := range []string{"lock-free", "pipe"} {
		launched = 0
		_, err := named(name).Start(3, Word)
		require.ErrorIs(t, err, os.ErrPermission)
		require.ErrorContains(t, err, "procs: starting child 2: ")
		require.Empty(t, children(t), "what was started is ended")
	}
	require.Equal(t, before, descriptors(t))
}

// The program does not call Main: it runs itself once, is told why that is
// wrong, and does not do so again.
func TestProgramWithoutMain(t *testing.T) {
	t.Setenv(testNoMain, "1")
	executable, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(executable, "-test.run=^TestAnswersAreExact$/^procs$/^lock-free$/^8$")
	cmd.Env = append(os.Environ(), childEnv+"=procs lock-free 1 1 0 false")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "procs: a child does not start children")

	// And its parent.
	greetPatience = 100 * time.Millisecond
	defer func() { greetPatience = defaultPatience }()
	_, err = named("lock-free").Start(2, Word)
	require.ErrorContains(t, err, "does the program call procs.Main first?")
	require.Empty(t, children(t))
}

// A child that does not greet, or as somebody else, is broken, and all are ended.
func TestGreetings(t *testing.T) {
	before := descriptors(t)
	t.Setenv(testServe, "wrong greeting")
	_, err := named("lock-free").Start(2, Word)
	require.ErrorContains(t, err, "its greeting is 4711")
	greetPatience = 100 * time.Millisecond
	defer func() { greetPatience = defaultPatience }()
	t.Setenv(testServe, "no greeting")
	_, err = named("pipe").Start(2, Word)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Positive(t, childErrors(err)[0].Pid)
	require.Empty(t, children(t))
	require.Equal(t, before, descriptors(t))
}

// Whoever sets the variable by hand gets one line and status 2.
func TestMainRefuses(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, value := range []string{"1", "procs no-such 1 1 0 false", "procs lock-free 1 1 0 false", "procs serial 1 1 0 false", "procs lock-free"} {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), childEnv+"="+value)
		out, err := cmd.CombinedOutput()
		var e *exec.ExitError
		require.ErrorAs(t, err, &e, value)
		require.Equal(t, 2, e.ExitCode(), value)
		require.Equal(t, 1, strings.Count(string(out), "\n"), "%s", out)
		require.Contains(t, string(out), childEnv)
	}
}

// Who waits spins if there is a processor for each child and for each who feeds
// them, and for 20 µs.
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
		p := start(t, named(test.name), test.workers, Word)
		require.Equal(t, test.runnable <= runtime.NumCPU(), p.spinning, "%s with %d", test.name, test.workers)
	}
	var word atomic.Uint64
	for range 100 {
		began := time.Now()
		require.False(t, spin(true, &word, 1))
		require.GreaterOrEqual(t, time.Since(began), 20*time.Microsecond)
	}
	require.False(t, spin(false, &word, 1))
	word.Store(1)
	require.True(t, spin(true, &word, 1))
	require.True(t, spin(false, &word, 1))
}

// Children are processes of their own, as many as workers.
func TestPids(t *testing.T) {
	eachRow(t, hasChildren, func(t *testing.T, v Variant, payload Payload) {
		p := start(t, v, 3, payload)
		want := 3
		if v.crew == one {
			want = 1
		}
		pids := p.Pids()
		require.Len(t, pids, want)
		slices.Sort(pids)
		require.Len(t, slices.Compact(pids), want)
		require.NotContains(t, pids, os.Getpid())
		require.ElementsMatch(t, pids, children(t))
		require.NoError(t, p.Close())
		require.Empty(t, p.Pids())
		require.Empty(t, children(t))
	})
}

// Of a child's pipes the parent keeps its own ends and no other: the collector of
// garbage might close what is left, but when?
func TestOwnEndsOnly(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	pipes := func() (n int) {
		for _, open := range descriptors(t) {
			n += strings.Count(open, " pipe:")
		}
		return n
	}
	before := pipes()
	start(t, named("lock-free"), 3, Word)
	require.LessOrEqual(t, pipes(), before+3*2)
}

// After all that was done here: no child, no zombie, no descriptor, no shared
// memory, no goroutine.
func TestNothingIsLeft(t *testing.T) {
	before := descriptors(t)
	goroutines := goleak.IgnoreCurrent()
	eachRow(t, func(Variant) bool { return true }, func(t *testing.T, v Variant, payload Payload) {
		p := start(t, v, 2, payload)
		_, err := p.Run(3)
		require.NoError(t, err)
		if c := p.lanes; len(c) > 0 {
			c[0].child.Load().cmd.Process.Kill()
		}
		p.Run(100)
		if c := p.lanes; len(c) > 0 {
			c[0].child.Load().cmd.Process.Kill()
		}
		p.Close()
		require.NoError(t, p.Close(), "again")
	})
	require.Empty(t, children(t))
	require.Equal(t, before, descriptors(t))
	maps, err := os.ReadFile("/proc/self/maps")
	if err == nil {
		require.NotContains(t, string(maps), "boundaries (deleted)")
	}
	goleak.VerifyNone(t, goroutines)
}

// A child that is given an item which is not whole says so, and does not answer.
func TestRequestsAreChecked(t *testing.T) {
	eachRow(t, func(v Variant) bool { return v.of == "procs" && hasChildren(v) }, func(t *testing.T, v Variant, payload Payload) {
		stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		require.NoError(t, err)
		defer stderr.Close()
		defer func(old *os.File) { os.Stderr = old }(os.Stderr)
		os.Stderr = stderr
		p := start(t, v, 1, payload+Word)
		c := p.lanes[0].child.Load()
		if q := p.lanes[0].queue; q != nil {
			// Nobody has written the slot, and it is zero.
			if q.head > 0 {
				q.state(0).Store(stateOf(0, stateSent))
			}
			q.sent.Store(1)
			q.work.ring()
		} else {
			require.NoError(t, writeFrame(c.in, newFrame(p.words), make([]uint64, p.words)))
		}
		select {
		case <-c.ended:
		case <-time.After(defaultPatience):
			require.Fail(t, "it goes on")
		}
		require.Equal(t, 1, c.cmd.ProcessState.ExitCode())
		text, err := os.ReadFile(stderr.Name())
		require.NoError(t, err)
		require.Equal(t, "procs: child 0: request 0 is not whole\n", string(text))
	})
}

// A child has one processor, whatever the parent has.
func TestOneProcessorEach(t *testing.T) {
	t.Setenv("GOMAXPROCS", "3")
	t.Setenv(testServe, "tell processors")
	p := start(t, named("pipe"), 1, Word)
	_, err := p.Run(1)
	require.ErrorContains(t, err, "(exit status 1)")
}

// A child dies after some items, and the one in its place does nothing.
func TestDeafAfterADeath(t *testing.T) {
	t.Setenv(testServe, "30 and no more")
	p := start(t, named("pipe"), 1, Word)
	t.Setenv(testServe, "nothing")
	p.Patience = 2 * time.Second
	done, err := p.Run(1000)
	require.Equal(t, 30, done)
	deaths := childErrors(err)
	require.Len(t, deaths, 2, "%v", err)
	require.Equal(t, os.Kill, deaths[0].Signal)
	require.ErrorIs(t, deaths[1], os.ErrDeadlineExceeded)
}

// A child that answers again and again is not silent, however long all of it takes.
func TestPatienceIsForSilence(t *testing.T) {
	t.Setenv(testServe, "slow")
	p := start(t, named("pipe"), 1, Word)
	p.Patience = 300 * time.Millisecond
	// As in Fib, where a step takes time, with two in flight.
	done, err := p.lanes[0].exchange(100, 2,
		func(item []uint64, i int) { fill(item, uint64(i)) },
		func(item []uint64, i int) bool { return right(item, uint64(i)) })
	require.NoError(t, err)
	require.Equal(t, 100, done)
}

// A child that does not notice the end of its standard input is killed.
func TestCloseEndsTheDeaf(t *testing.T) {
	t.Setenv(testServe, "nothing")
	p := start(t, named("pipe"), 3, Word)
	began := time.Now()
	require.NoError(t, p.Close())
	require.Less(t, time.Since(began), 30*time.Second, "they would sleep for a minute")
	require.Empty(t, children(t))
}

// A parent is killed: its children are gone within a second, also where they
// have only the end of their standard input to tell them.
func TestParentDies(t *testing.T) {
	needsProc(t)
	for _, how := range []string{"lock-free", "pipe", "global-mutex", "atomic", "lock-free quietly", "pipe quietly", "global-mutex quietly", "atomic quietly", "pipe with the deaf"} {
		t.Run(how, func(t *testing.T) {
			if strings.HasSuffix(how, "deaf") {
				t.Setenv(testServe, "nothing") // and the end of the pipe is not noticed
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

// A parent is killed while it starts children and ends them: none is left that it
// had started and did not yet know.
func TestParentDiesStarting(t *testing.T) {
	needsProc(t)
	for range 10 {
		mark := "PROCS_TEST_MARK=" + strconv.Itoa(rand.Int())
		parent, _ := startParent(t, "lock-free starting", mark)
		time.Sleep(rand.N(10 * time.Millisecond))
		requireDieWith(t, parent, func() []string { return marked(t, mark) })
	}
}

// startParent starts a program that is a parent, see beParent, and returns it with
// the first that it says.
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

// requireDieWith kills the parent, and then looks for its children.
func requireDieWith(t *testing.T, parent *exec.Cmd, children func() []string) {
	t.Helper()
	killed := time.Now()
	require.NoError(t, parent.Process.Kill())
	parent.Wait()
	for _, pid := range children() {
		for lives(pid) {
			require.Less(t, time.Since(killed), time.Second, "child %s lives", pid)
			time.Sleep(time.Millisecond)
		}
	}
}

// A program whose file is gone, as that of go run may be, still starts children.
func TestFileIsDeleted(t *testing.T) {
	needsProc(t)
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

func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
}

// descriptors returns what this process has open.
func descriptors(t *testing.T) []string {
	t.Helper()
	needsProc(t)
	// With the first file that can be polled come descriptors of the runtime's.
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	require.NoError(t, null.Close())
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	var open []string
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasSuffix(target, "/fd") { // the directory itself
			open = append(open, entry.Name()+" "+target)
		}
	}
	return open
}

// children returns the processes whose parent this one is, zombies included.
func children(t *testing.T) []int {
	t.Helper()
	needsProc(t)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var pids []int
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // gone meanwhile
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// lives reports whether a process is there and no zombie.
func lives(pid string) bool {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[0] != 'Z' && rest[0] != 'X'
}
