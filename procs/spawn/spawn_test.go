package spawn

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
	"boundaries/procs/internal/items"
)

func TestMain(m *testing.M) {
	childtest.Main(misbehavior, Variants)
	status := m.Run()
	children.RemovePrograms()
	os.Exit(status)
}

// misbehavior is what children can do wrong in place of their work.
var misbehavior = map[string]func(w *children.Worker){
	"unchanged": func(w *children.Worker) { three(w, func() { /* the request comes back */ }) },
	"three":     func(w *children.Worker) { three(w, childtest.KillItself) },
}

// three answers three items rightly, and then does something else at each.
func three(w *children.Worker, then func()) {
	answered := 0
	w.Answer(func(item []uint64) {
		if answered++; answered > 3 {
			then()
			return
		}
		items.Change(item)
	})
}

func TestWired(t *testing.T) { suitetest.Wired(t, Variants) }

func TestFiles(t *testing.T) { suitetest.Files(t, ".", childtest.Names(Variants)) }

func TestAnswersAreExact(t *testing.T) {
	suitetest.Once(t)
	if !race.Enabled { // else the detector watches what each child does alone
		childtest.OwnProgram(t)
	}
	for _, v := range Variants {
		t.Run(v.Name, func(t *testing.T) {
			workers, most := []int{1, 2, 3, 4, 7, 9}, 50
			if race.Enabled { // children start ten times as slowly
				workers, most = workers[:3], 20
			}
			childtest.Exact(t, v, children.Word, workers, 0, 1, 7, most)
		})
	}
}

// A child whose only task is to end does not end, or ends in another way. Its worker starts
// no other, and the error names its item by the number in the run.
func TestBrokenSpawn(t *testing.T) {
	suitetest.Once(t)
	defer func() { children.Program = childtest.Program }()
	for serve, want := range map[string]string{
		"nothing":     "its only task was to end, and it did not for 100ms (signal: killed)",
		"end":         "its only task was to end with status 86 (does the program call procs.Main first?): exit status 7",
		"kill itself": "its only task was to end with status 86 (does the program call procs.Main first?): signal: killed",
	} {
		p := childtest.Start(t, childtest.Named(Variants, "process"), 3, children.Word)
		right := 3 // children that end rightly: the first of each worker
		if serve == "nothing" {
			p.Patience, right = 100*time.Millisecond, 0 // it may be too short for them
		}
		var started atomic.Int32
		var first sync.WaitGroup
		first.Add(right)
		children.Program = func(folder string) (string, []string, error) {
			path, env, err := childtest.Program(folder)
			if int(started.Add(1)) <= right {
				first.Done()
				first.Wait()
			} else {
				env = append(env, childtest.Serve+"="+serve)
			}
			return path, env, err
		}
		done, err := childtest.Run(t, p, 30)
		require.Equal(t, right, done)
		require.EqualValues(t, right+3, started.Load())
		var e *children.Error
		require.ErrorAs(t, err, &e, serve)
		require.EqualError(t, e.Err, want)
		require.Contains(t, err.Error(), strconv.Itoa(e.Pid))
		require.Equal(t, right+e.Child, e.Item, "the first item of each that did not end rightly")
		require.Equal(t, serve != "end", e.Signal == os.Kill)
		require.Empty(t, childtest.Children(t))
	}
}

// The deadline of the greeting does not stand in for that of an answer.
func TestSilentWarmProcess(t *testing.T) {
	t.Setenv(childtest.Serve, "nothing")
	p := childtest.Start(t, childtest.Named(Variants, "warm-process"), 1, children.Word)
	p.Patience = 100 * time.Millisecond
	_, err := childtest.Run(t, p, 1)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

// A warm process that is killed is replaced, and its item is done by the next.
func TestKilledWarmProcess(t *testing.T) {
	t.Setenv(childtest.Serve, "three")
	p := childtest.Start(t, childtest.Named(Variants, "warm-process"), 1, children.Word)
	done, err := childtest.Run(t, p, 10)
	require.Equal(t, 10, done, "%v", err)
	require.Len(t, childtest.Errors(err), 3, "%v", err)
}

// What was answered before a failure counts, and a wrong answer is no step.
func TestWrongAnswer(t *testing.T) {
	defer func(old int) { children.MaxTries = old }(children.MaxTries)
	children.MaxTries = 1
	for serve, want := range map[string]string{"unchanged": items.ErrWrong.Error(), "three": "1 children in a row were killed there"} {
		t.Setenv(childtest.Serve, serve)
		p := childtest.Start(t, childtest.Named(Variants, "warm-process"), 1, children.Word)
		require.Nil(t, p.Lanes[0].Queue, "pipes are enough")
		done, err := childtest.Run(t, p, 5)
		require.Equal(t, 3, done)
		require.ErrorContains(t, err, want)
	}
}

// Threads end beside children that other threads have started, and no child ends
// with a thread that is not its own.
func TestThreadsEndBesideChildren(t *testing.T) {
	childtest.OwnProgram(t)
	thread := childtest.Start(t, childtest.Named(Variants, "thread"), 2, children.Word)
	process := childtest.Start(t, childtest.Named(Variants, "process"), 2, children.Word)
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
		warm, err := childtest.Named(Variants, "warm-process").Start(4, children.Word)
		errs = append(errs, err)
		if err == nil {
			errs = append(errs, warm.Close())
		}
	}
	close(stop)
	threads.Wait()
	require.NoError(t, err)
	require.Equal(t, 100, done)
	require.NoError(t, errors.Join(errs...))
}
