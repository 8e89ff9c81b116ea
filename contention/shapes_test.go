package contention_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"boundaries/contention"
	"boundaries/contention/counter"
	"boundaries/internal/race"
	"boundaries/internal/suite/suitetest"
)

// Every variant of every shape accounts for every update, and its reads see words
// that agree, on 1 to 9 goroutines.
func TestVariantsAreRight(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // no owner outlives its run
	for _, s := range shapes {
		for _, v := range slices.Concat(s.variants, s.own) {
			t.Run(s.name+"/"+v.Name, func(t *testing.T) {
				for workers := 1; workers <= 9; workers++ {
					if race.Enabled && workers%4 != 1 {
						continue // it takes ten times as long
					}
					c := s.base
					for _, c.Read = range []int{0, 50, 100} {
						try(t, v, c, workers, 0, 1, 7, 1000)
					}
					c.Read, c.Roles = 50, "split"
					try(t, v, c, workers, 1000)
					c.Skew, c.Records, c.Hold = "zipf", s.base.Records+6, 200*time.Nanosecond
					if s.check(c) == nil {
						try(t, v, c, workers, 1000)
					}
				}
				meet := s.base // long accesses to one record
				meet.Records, meet.Read, meet.Hold = 1, 50, time.Microsecond
				steps := 10_000
				if race.Enabled {
					steps /= 5
				}
				try(t, v, meet, 4, steps)
				crowd := s.base
				crowd.Goroutines, crowd.Read = 16, 50
				try(t, v, crowd, 2, steps/2)
			})
		}
	}
}

// A variant that reads nothing, or holds twice, is no variant. One worker never has to repeat
// its work.
func TestEachStepWorksOnce(t *testing.T) {
	suitetest.Guard(t, "a worker waits for itself")
	for _, s := range shapes {
		for _, v := range slices.Concat(s.variants, s.own) {
			c := s.base
			c.Read, c.Hold = 50, time.Nanosecond
			if s.check(c) != nil {
				c.Hold = 0
			}
			trial := contention.NewTrial(c, 1)
			trial.Take(v, 1000)
			require.NoError(t, trial.Err())
			require.True(t, trial.Worked(), "%s/%s", s.name, v.Name)
		}
	}
}

func try(t *testing.T, v contention.Variant, c contention.Case, procs int, sizes ...int) {
	t.Helper()
	guard := time.AfterFunc(20*time.Second, func() { panic(fmt.Sprintf("%s: %d procs, %v: the workers wait for each other", t.Name(), procs, c)) })
	defer guard.Stop()
	trial := contention.NewTrial(c, procs)
	for _, n := range sizes {
		trial.Take(v, n)
		require.NoError(t, trial.Err(), "%d procs, %d steps, %v", procs, n, c)
		require.NotEmpty(t, trial.Metrics())
	}
}

// broken are variants whose protection is removed. They run in children, because
// some have data races.
var broken = map[string]contention.Variant{
	"no lock": {Run: func(t *contention.Trial) int {
		var record contention.Record
		t.Fork(func(w *contention.Worker) {
			for w.Next() {
				if w.Update {
					w.Change(&record)
				} else {
					w.See(&record)
				}
				w.Done()
			}
		})
		return record.Updates()
	}},
	"updates under a read lock": {Run: func(t *contention.Trial) int {
		var mu sync.RWMutex
		var record contention.Record
		t.Fork(func(w *contention.Worker) {
			for w.Next() {
				mu.RLock()
				if w.Update {
					w.Change(&record)
				} else {
					w.See(&record)
				}
				mu.RUnlock()
				w.Done()
			}
		})
		return record.Updates()
	}},
	"reads without a lock": {Run: func(t *contention.Trial) int {
		var mu sync.Mutex
		var record contention.Record
		t.Fork(func(w *contention.Worker) {
			for w.Next() {
				if w.Update {
					mu.Lock()
					w.Change(&record)
					mu.Unlock()
				} else {
					w.See(&record)
				}
				w.Done()
			}
		})
		return record.Updates()
	}},
	"store without compare": {Run: func(t *contention.Trial) int {
		var record atomic.Pointer[contention.Record]
		record.Store(new(contention.Record))
		t.Fork(func(w *contention.Worker) {
			for w.Next() {
				if w.Update {
					changed := *record.Load()
					w.Change(&changed)
					record.Store(&changed)
				} else {
					w.See(record.Load())
				}
				w.Done()
			}
		})
		return record.Load().Updates()
	}},
	"sequence that is not looked at again": {Run: func(t *contention.Trial) int {
		var mu sync.Mutex
		var words [4]atomic.Uint64
		t.Fork(func(w *contention.Worker) {
			for w.Next() {
				if w.Update {
					mu.Lock()
					words[0].Add(1)
					words[1].Add(1)
					w.Hold()
					words[2].Add(1)
					words[3].Add(1)
					mu.Unlock()
				} else {
					a, b := words[0].Load(), words[1].Load()
					w.Hold()
					w.Agree(a, b, words[2].Load(), words[3].Load())
				}
				w.Done()
			}
		})
		return int(words[0].Load())
	}},
	"count that is loaded and stored": {Run: func(t *contention.Trial) int {
		var count atomic.Int64
		t.Fork(func(w *contention.Worker) {
			for w.Next() {
				if w.Update {
					before := count.Load()
					w.Hold()
					count.Store(before + 1)
				} else {
					w.Saw(count.Load())
				}
				w.Done()
			}
		})
		return int(count.Load())
	}},
}

// brokenChild names the environment variable that has a child run a broken variant.
const brokenChild = "BOUNDARIES_TEST_BROKEN"

// brokenMain does not return in a child that runs a broken variant.
func brokenMain() {
	name := os.Getenv(brokenChild)
	if name == "" {
		return
	}
	c := contention.Default
	c.Hold, c.Read = time.Microsecond, 50
	runtime.GOMAXPROCS(4)
	trial := contention.NewTrial(c, 4)
	for range 1000 {
		trial.Take(broken[name], 10_000)
		if err := trial.Err(); err != nil {
			fmt.Println("found:", err)
			os.Exit(0)
		}
	}
	fmt.Println("found nothing")
	os.Exit(0)
}

func TestMissingProtectionIsFound(t *testing.T) {
	suitetest.Once(t)
	exe, err := os.Executable()
	require.NoError(t, err)
	for name := range broken {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe)
			cmd.Env = append(os.Environ(), brokenChild+"="+name)
			// A child built with -race exits with status 66. Only what the child
			// itself has found counts.
			out, _ := cmd.Output()
			require.Contains(t, string(out), "found: ")
		})
	}
}

// A variant that does not take all its steps is found, too, and its row fails.
func TestMissingStepsAreFound(t *testing.T) {
	idle := contention.Variant{Name: "idle", Run: func(*contention.Trial) int { return 0 }}
	row, err := contention.Default.Workload("record", []contention.Variant{idle}).Benches[0].Open(2)
	require.NoError(t, err)
	row.Run(10)
	require.EqualError(t, row.Check(10), "the goroutines took 0 steps, want 10: each must call Next until it returns false")

	// A variant that does not call Done after its reads.
	c := contention.Default
	c.Read = 50
	trial, reads := contention.NewTrial(c, 1), 0
	trial.Take(contention.Variant{Run: func(t *contention.Trial) int {
		var record contention.Record
		t.Fork(func(w *contention.Worker) {
			for w.Next() {
				if w.Update {
					w.Change(&record)
					w.Done()
				} else {
					w.Agree(1, 2, 2, 2)
					reads++
				}
			}
		})
		return record.Updates()
	}}, 10_000)
	require.ErrorContains(t, trial.Err(), "timed steps have no end: each step must call Done")
	require.ErrorContains(t, trial.Err(), fmt.Sprintf("\n%d of %d reads saw words that disagree", reads, reads))
}

// patience is how many reads a starved writer must wait for.
const patience = 1000

// starve has one writer, and lets it in only after patience more reads, or when the
// readers have ended. After these reads the readers wait for the writer, so that the
// writer starves for exactly that many reads, whatever the scheduler does.
func starve(t *contention.Trial) int {
	var mu sync.RWMutex
	var record contention.Record
	var reads, readersEnded atomic.Int64
	var until atomic.Int64 // how many reads the writer waits for; 0 if it does not wait
	var writerEnded atomic.Bool
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			if w.Update {
				until.Store(reads.Load() + patience)
				for reads.Load() < until.Load() && readersEnded.Load() < int64(t.Workers()-1) {
					runtime.Gosched()
				}
				mu.Lock()
				w.Change(&record)
				mu.Unlock()
				until.Store(0)
			} else {
				for reads.Load() >= until.Load() && !writerEnded.Load() {
					runtime.Gosched()
				}
				mu.RLock()
				w.See(&record)
				mu.RUnlock()
				reads.Add(1)
			}
			w.Done()
		}
		if w.Update {
			writerEnded.Store(true)
		} else {
			readersEnded.Add(1)
		}
	})
	return record.Updates()
}

// inTurn serves goroutines in order of arrival.
func inTurn(t *contention.Trial) int {
	var record contention.Record
	var next, serving atomic.Int64
	t.Fork(func(w *contention.Worker) {
		for w.Next() {
			for ticket := next.Add(1) - 1; serving.Load() != ticket; {
				runtime.Gosched()
			}
			if w.Update {
				w.Change(&record)
			} else {
				w.See(&record)
			}
			serving.Add(1)
			w.Done()
		}
	})
	return record.Updates()
}

// A starving writer shows in its share and in its waits. The harness itself does not
// starve a goroutine that the lock serves.
func TestStarvingWriterShows(t *testing.T) {
	c := contention.Default
	c.Read, c.Roles, c.Hold = 75, "split", time.Microsecond
	measure := func(run func(*contention.Trial) int) map[string]float64 {
		trial := contention.NewTrial(c, 4)
		trial.Take(contention.Variant{Run: run}, 30_000)
		require.NoError(t, trial.Err())
		metrics := map[string]float64{}
		for _, m := range trial.Metrics() {
			metrics[m.Unit] = m.Value
		}
		return metrics
	}
	starved := measure(starve)
	require.Less(t, starved["min-share"], 0.01)
	// While the writer waits, 3 readers take 1000 reads of a microsecond.
	require.Greater(t, starved["update-p50-ns"], 1e9*1e-6*patience/4)
	require.GreaterOrEqual(t, starved["stall-ns"], starved["update-max-ns"]-1000)
	fair := measure(inTurn)
	require.Greater(t, fair["min-share"], 20*starved["min-share"])
}

// A reader who copies the example has a variant that is tested and measured.
func TestExampleCanBeCopied(t *testing.T) {
	suitetest.Once(t)
	if testing.Short() || race.Enabled {
		t.Skip("builds this package again, without the race detector")
	}
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "mine_test.go")
	text := strings.NewReplacer("spin", "mine", "Spin", "Mine").Replace(string(example))
	require.NoError(t, os.WriteFile(copied, []byte(text), 0o666))
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "mine_test.go"): copied}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o666))
	out, err := exec.CommandContext(t.Context(), "go", "test", "-overlay", file, "-run", "Right/record/mine", "-v",
		"-bench", ".", "-benchtime", "1x", "-cpu", "1", ".", "-args", "-read", "50", "-own").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestVariantsAreRight/record/mine")
	require.Contains(t, string(out), "roles=mixed/goroutines=1/sync=mine-lock")
}

// Every garbage collection empties a pool, which then gives one goroutine what
// another still holds. The variants that use a pool are right nevertheless.
func TestPoolsMayForget(t *testing.T) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for _, v := range slices.Concat(contention.Variants, counter.Variants) {
		if v.Name == "big-reader-lock" || v.Name == "striped-pool" {
			c := contention.Default
			c.Read, c.Hold, c.Goroutines = 50, time.Microsecond, 4
			try(t, v, c, 2, 20_000)
		}
	}
	close(stop)
	<-stopped
}
