package fib

import (
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/internal/fibsize"
	"boundaries/internal/gil"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
	"boundaries/procs/internal/children"
	"boundaries/procs/internal/childtest"
	"boundaries/procs/internal/frame"
	"boundaries/procs/internal/shm"
)

func TestMain(m *testing.M) {
	childtest.Main(map[string]func(*children.Worker){
		"3 batches and end": func(w *children.Worker) {
			answered := 0
			w.Answer(func(item []uint64) {
				if answered++; answered > 3 {
					os.Exit(7)
				}
				item[0] *= uint64(value)
			})
		},
		"die in a batch": func(w *children.Worker) {
			w.Answer(func(item []uint64) {
				count(w, 100)
				childtest.KillItself()
			})
		},
		"die with the lock": func(w *children.Worker) {
			w.Answer(func(item []uint64) {
				w.Queue.Lock.Acquire(w.ID, 0)
				childtest.KillItself()
			})
		},
		"count one too few":  func(w *children.Worker) { miscount(w, -1) },
		"count one too many": func(w *children.Worker) { miscount(w, +1) },
		"count too many and die": func(w *children.Worker) {
			w.Answer(func(item []uint64) {
				count(w, int64(item[0])*calls+1)
				childtest.KillItself()
			})
		},
		"two at a time": func(w *children.Worker) {
			var two [2][1]uint64
			for {
				for i := range two {
					w.ExitOn(frame.Read(os.Stdin, frame.New(1), two[i][:]))
				}
				for i := range two {
					two[i][0] *= uint64(value)
					w.ExitOn(frame.Write(os.Stdout, frame.New(1), two[i][:]))
				}
			}
		},
	}, Variants)
	status := m.Run()
	children.RemovePrograms()
	os.Exit(status)
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
			workers := []int{1, 2, 3, 4, 7, 9}
			if race.Enabled { // children start ten times as slowly
				workers = workers[:3]
			}
			childtest.Exact(t, v, children.Word, workers, 0, 1, 7, 50)
		})
	}
}

func TestGILTicks(t *testing.T) {
	var lock gil.GIL
	var thread gil.Thread
	suitetest.Ticks(t, &lock, &thread, func() { fibUnderGIL(1, &lock, &thread) })
}

// What is counted as done is what was answered, also if shares are not equal.
func TestHalfDone(t *testing.T) {
	t.Setenv(childtest.Serve, "3 batches and end")
	for _, name := range []string{"private", "atomic"} { // one counts calls, too
		p := childtest.Start(t, childtest.Named(Variants, name), 1, children.Word)
		done, err := p.Run(100) // in 9 batches, of 12, 11, 11...
		require.ErrorContains(t, err, "exit status 7")
		require.Equal(t, 34, done, name)
	}
}

// A batch is an eighth of the steps, of up to 256.
func TestBatch(t *testing.T) {
	for n, want := range map[int]int{0: 1, 7: 1, 100: 12, 1e6: int(256 * 21_891 / calls)} {
		require.Equal(t, want, batch(n), "%d steps", n)
	}
}

// A child of lock-free counts 64 calls on its own before it adds them to what others see.
func TestCallsAreFlushed(t *testing.T) {
	cell := callsCell{q: &shm.Queue{Control: &shm.Control{}}}
	for _, want := range [][2]uint64{{0, 41}, {64, 18}, {64, 59}} {
		fibLockFree(7, &cell) // 41 calls
		require.Equal(t, want, [2]uint64{cell.q.Count, cell.pending})
	}
}

// Two batches are in flight, and each has the time that its calls may take.
func TestTwoBatches(t *testing.T) {
	defer func(right int64) { calls = right }(calls)
	t.Setenv(childtest.Serve, "two at a time")
	p := childtest.Start(t, childtest.Named(Variants, "private"), 1, children.Word)
	const n = 8e6
	p.Patience, calls = 1, 1 // so a batch of a million steps has 10 s, and 1 ns more
	done, err := childtest.Run(t, p, n)
	require.NoError(t, err)
	require.EqualValues(t, n, done)
}

// Children that all contend for one lock have as much more time as there are more of them.
func TestPatience(t *testing.T) {
	const n = 8
	alone := patience(&children.Pool{Lanes: make([]*children.Lane, 1)}, n)
	require.GreaterOrEqual(t, alone, time.Duration(n*calls)*time.Microsecond)
	require.Equal(t, 3*alone, patience(&children.Pool{Lanes: make([]*children.Lane, 3)}, n))
}

// Every row checks its sum, also without children.
func TestWrongSum(t *testing.T) {
	defer func(right int64) { value = right }(value)
	value++ // so that every sum is wrong
	for _, v := range Variants {
		done, err := childtest.Start(t, v, 1, children.Word).Run(1)
		require.ErrorContains(t, err, "is 10946, want 10947", v.Name)
		require.Zero(t, done, v.Name)
	}
}

// count adds to the count of a child.
func count(w *children.Worker, n int64) { atomic.AddUint64(&w.Queue.Count, uint64(n)) }

// miscount answers rightly and counts some calls more than there were.
func miscount(w *children.Worker, more int64) {
	w.Answer(func(item []uint64) {
		count(w, int64(item[0])*calls+more)
		item[0] *= uint64(value)
	})
}

// counting returns the variants that count their calls.
func counting() []children.Variant {
	return slices.DeleteFunc(slices.Clone(Variants), func(v children.Variant) bool {
		return v.Medium&(children.Queues|children.OneQueue) == 0
	})
}

// counted returns how many calls were counted in the last run.
func counted(p *children.Pool) (sum int64) {
	for _, l := range p.Lanes[:p.Layout.Queues] {
		sum += int64(l.Queue.Count)
	}
	return sum
}

// The count is exact in run after run.
func TestCallsAreCounted(t *testing.T) {
	require.Len(t, counting(), 4)
	for _, v := range counting() {
		for _, workers := range []int{1, 3} {
			p := childtest.Start(t, v, workers, children.Word)
			for _, n := range []int{0, 1, 7, 50, 3} {
				_, err := p.Run(n)
				require.NoError(t, err)
				require.Equal(t, int64(n)*calls, counted(p), "%s, %d workers", v.Name, workers)
			}
		}
	}
}

// A child dies after it has counted some calls of a batch, or with the lock. The
// batch is done again, and the count has the calls of both.
func TestDeathInABatch(t *testing.T) {
	for _, v := range counting() {
		for serve, more := range map[string]int64{"die in a batch": 100, "die with the lock": 0} {
			t.Setenv(childtest.Serve, serve)
			p := childtest.Start(t, v, 2, children.Word)
			t.Setenv(childtest.Serve, "") // for the children that replace the dead ones
			done, err := p.Run(20)
			require.Equal(t, 20, done, "%s, %s: %v", v.Name, serve, err)
			require.Len(t, childtest.Errors(err), 2)
			require.Equal(t, 20*calls+2*more, counted(p), "%s, %s", v.Name, serve)
		}
	}
}

// A wrong count is an error, with and without a death.
func TestWrongCount(t *testing.T) {
	const n = 8 // in batches of one
	for serve, want := range map[string]string{
		"count one too few":      "175120 calls are counted, want 175128, and up to 0 more for 0 children",
		"count one too many":     "175136 calls are counted, want 175128, and up to 0 more for 0 children",
		"count too many and die": "197020 calls are counted, want 175128, and up to 21891 more for 1 children",
	} {
		for _, v := range counting() {
			t.Setenv(childtest.Serve, serve)
			p := childtest.Start(t, v, 1, children.Word)
			t.Setenv(childtest.Serve, "") // for the child that replaces a dead one
			done, err := p.Run(n)
			require.ErrorContains(t, err, want, "%s", v.Name)
			require.Zero(t, done)
		}
	}
}

// Children compute the fib of the parent's environment.
func TestSizeOfTheEnvironment(t *testing.T) {
	if os.Getenv(fibsize.Variable) == "" {
		exe, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.Command(exe, "-test.run=^Test(AnswersAreExact|CallsAreCounted|SizeOfTheEnvironment)$")
		cmd.Env = append(os.Environ(), fibsize.Variable+"=9")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	require.EqualValues(t, 109, calls)
}
