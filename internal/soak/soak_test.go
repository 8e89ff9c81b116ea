// Package soak runs every variant of the suite for a long time, and checks that it gives
// back what it takes: memory, goroutines, descriptors, child processes and shared memory
// are at the end what they were after the warm-up.
//
// Sizes are random, sessions are closed and opened again, children are killed in the
// middle of a run, and submissions are canceled and meet a closing pool. The variable
// SOAK says for how long, as in SOAK=2m; make soak sets it to ten minutes.
package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"boundaries/asyncio/eventloop"
	"boundaries/contention"
	"boundaries/contention/config"
	"boundaries/contention/counter"
	"boundaries/internal/suite"
	"boundaries/internal/suite/all"
	"boundaries/procs"
	"boundaries/workerpool"
)

const workers = 8

// patience is how long a run or a session's end may take before it counts as hung.
const patience = time.Minute

func TestMain(m *testing.M) {
	procs.Main() // does not return in a child
	status := m.Run()
	procs.Cleanup()
	os.Exit(status)
}

// A job runs one row until its turn ends, and returns how many runs it made and how many
// children it killed.
type job struct {
	name string
	do   func(t *testing.T, end time.Time) (runs, kills int)
}

func TestSoak(t *testing.T) {
	text := os.Getenv("SOAK")
	if text == "" {
		t.Skip("SOAK is not set, want a duration such as 2m")
	}
	total, err := time.ParseDuration(text)
	require.NoError(t, err)

	type workload struct {
		name string
		jobs []job
	}
	var workloads []workload
	rows := 0
	add := func(name string, jobs []job) {
		workloads = append(workloads, workload{name, jobs})
		rows += len(jobs)
	}
	for _, w := range all.Workloads() {
		var jobs []job
		for _, b := range w.Benches {
			jobs = append(jobs, job{b.Name, func(t *testing.T, end time.Time) (int, int) { return sessions(t, b, end) }})
		}
		add(w.Name, jobs)
	}
	add("Lab/shape=record", lab(contention.Variants, contention.Default))
	add("Lab/shape=counter", lab(counter.Variants, counter.Default))
	add("Lab/shape=map", lab(config.Variants, config.Default))
	add("WorkerPool, canceled and closed", pools())
	add("the event loop, canceled", []job{{"event-loop", loops}})

	// The runtime keeps the descriptor of every goroutine, for the next one. Let it make
	// more of them than any row has at once.
	var many sync.WaitGroup
	release := make(chan struct{})
	for range 1 << 16 {
		many.Go(func() { <-release })
	}
	close(release)
	many.Wait()
	for _, w := range workloads { // warm up
		for _, j := range w.jobs {
			guarded(t, w.name+"/"+j.name, time.Time{}, j)
		}
	}
	base := measure()
	fmt.Printf("%-32s %v\n", "after the warm-up", base)
	for _, w := range workloads {
		runs, kills := 0, 0
		for _, j := range w.jobs {
			r, k := guarded(t, w.name+"/"+j.name, time.Now().Add(total/time.Duration(rows)), j)
			runs, kills = runs+r, kills+k
		}
		now := measure()
		for wait := time.Now(); !now.flat(base) && time.Since(wait) < 10*time.Second; now = measure() {
			time.Sleep(10 * time.Millisecond) // goroutines and children may take a moment to end
		}
		fmt.Printf("%-32s %v; %d rows, %d runs, %d children killed\n", w.name, now, len(w.jobs), runs, kills)
		if !now.flat(base) {
			t.Errorf("%s: %v, want what there was after the warm-up: %v", w.name, now, base)
		}
	}
}

// guarded does a job, and ends the program with the job's name if it hangs.
func guarded(t *testing.T, name string, end time.Time, j job) (runs, kills int) {
	guard := time.AfterFunc(max(0, time.Until(end))+patience, func() { panic(name + " hangs") })
	failed := t.Failed()
	defer func() {
		guard.Stop()
		if t.Failed() && !failed {
			t.Log("in", name)
		}
	}()
	return j.do(t, end)
}

// sessions opens and closes a row, with runs of random sizes between, at least once and
// then until end.
func sessions(t *testing.T, b suite.Bench, end time.Time) (runs, kills int) {
	most := 8
	for first := true; first || time.Now().Before(end); first = false {
		s, err := b.Open(1 + rand.IntN(workers))
		if first && err == nil && s.Close != nil { // at least once with all workers
			require.NoError(t, s.Close())
		}
		if first {
			s, err = b.Open(workers)
		}
		if errors.Is(err, errors.ErrUnsupported) {
			return 0, 0
		}
		require.NoError(t, err)
		var killed []string
		for range 1 + rand.IntN(5) {
			n := rand.IntN(most + 1)
			began := time.Now()
			var killer sync.WaitGroup
			if s.Children != nil && killed == nil && rand.IntN(2) == 0 {
				pids := s.Children()
				killer.Go(func() { killed = kill(pids) })
			}
			s.Run(n)
			took := time.Since(began)
			killer.Wait()
			runs++
			right(t, s.Check(n), killed)
			if took < 5*time.Millisecond && most < 1<<20 {
				most *= 2
			} else if took > 50*time.Millisecond && most > 1 {
				most /= 2
			}
		}
		if s.Close != nil {
			right(t, s.Close(), killed)
		}
		kills += len(killed)
	}
	return runs, kills
}

// kill kills one of the children after a moment and returns how errors name it.
func kill(pids []int) []string {
	if len(pids) == 0 {
		return nil
	}
	time.Sleep(rand.N(2 * time.Millisecond))
	pid := pids[rand.IntN(len(pids))]
	child, err := os.FindProcess(pid)
	if err != nil || child.Kill() != nil {
		return nil
	}
	return []string{fmt.Sprintf("(pid %d)", pid)}
}

// right fails the test if a line of err does not name a child that the test has killed.
func right(t *testing.T, err error, killed []string) {
	t.Helper()
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		if !slices.ContainsFunc(killed, func(name string) bool { return strings.Contains(line, name) }) {
			require.NoError(t, err)
		}
	}
}

// lab returns a job for each variant of a shape.
func lab(variants []contention.Variant, c contention.Case) []job {
	var jobs []job
	for _, v := range variants {
		jobs = append(jobs, job{v.Name, func(t *testing.T, end time.Time) (runs, _ int) {
			c.Read = []int{0, 50, 95, 100}[rand.IntN(4)]
			trial := contention.NewTrial(c, workers)
			for first := true; first || time.Now().Before(end); first = false {
				trial.Take(v, rand.IntN(2000))
				require.NoError(t, trial.Err())
				runs++
			}
			return runs, 0
		}})
	}
	return jobs
}

// pools returns a job for each kind of pool. Its submitters give up at random moments, and
// the pool is closed while they submit. Every task that a pool has accepted runs, once.
func pools() []job {
	var jobs []job
	for _, v := range workerpool.Variants {
		jobs = append(jobs, job{v.Name, func(t *testing.T, end time.Time) (runs, _ int) {
			for first := true; first || time.Now().Before(end); first = false {
				var accepted, ran atomic.Int64
				p := v.New(1 + rand.IntN(workers))
				submit := func(ctx context.Context, n int) {
					for range n {
						if p.Submit(ctx, func(workerpool.Worker) { ran.Add(1) }) == nil {
							accepted.Add(1)
						}
					}
				}
				ctx, cancel := context.WithTimeout(context.Background(), rand.N(time.Millisecond))
				if v.OneWorker {
					submit(ctx, rand.IntN(1000))
				} else {
					var all sync.WaitGroup
					for range 1 + rand.IntN(workers) {
						all.Go(func() { submit(ctx, rand.IntN(1000)) })
					}
					if rand.IntN(2) == 0 {
						time.Sleep(rand.N(time.Millisecond))
						require.NoError(t, p.Close())
					}
					all.Wait()
				}
				cancel()
				require.NoError(t, p.Close())
				require.Equal(t, accepted.Load(), ran.Load())
				runs++
			}
			return runs, 0
		}})
	}
	return jobs
}

// loops runs event loops whose tasks wait, time out and are awaited, and cancels
// each loop at a random moment.
func loops(t *testing.T, end time.Time) (runs, _ int) {
	for first := true; first || time.Now().Before(end); first = false {
		ctx, cancel := context.WithTimeout(context.Background(), rand.N(2*time.Millisecond))
		err := eventloop.Run(ctx, func(task *eventloop.Task) error {
			var all []*eventloop.Future[int]
			for i := range 1 + rand.IntN(50) {
				all = append(all, eventloop.Go(task.Loop(), func(task *eventloop.Task) (int, error) {
					// Nobody resolves this future: its timeout or the loop's end does.
					err := task.Timeout(rand.N(2*time.Millisecond), func() error {
						_, err := eventloop.Await(task, eventloop.NewFuture[int](task.Loop()))
						return err
					})
					if errors.Is(err, context.DeadlineExceeded) {
						err = task.Yield()
					}
					return i, err
				}))
			}
			_, err := eventloop.Await(task, eventloop.Gather(task.Loop(), all...))
			return err
		})
		cancel()
		require.True(t, err == nil || ctx.Err() != nil, "%v", err)
		runs++
	}
	return runs, 0
}

// figures count what the program holds. A figure that the platform does not report is 0.
type figures struct{ heap, goroutines, descriptors, children, shared int }

var sharedMemory = regexp.MustCompile(`boundaries.*\(deleted\)`)

func measure() (f figures) {
	for range 3 { // a pool of package sync is empty after two collections
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap, f.goroutines = int(m.HeapAlloc), runtime.NumGoroutine()
	open, _ := os.ReadDir("/proc/self/fd")
	f.descriptors = len(open)
	threads, _ := filepath.Glob("/proc/self/task/*/children")
	for _, thread := range threads {
		pids, _ := os.ReadFile(thread)
		f.children += len(strings.Fields(string(pids)))
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	f.shared = len(sharedMemory.FindAll(maps, -1))
	return f
}

// flat reports whether the program holds no more than it did, but for 1 MiB of memory.
func (f figures) flat(before figures) bool {
	return f.heap <= before.heap+1<<20 && f.goroutines <= before.goroutines && f.descriptors <= before.descriptors &&
		f.children <= before.children && f.shared <= before.shared
}

func (f figures) String() string {
	return fmt.Sprintf("%5.1f MiB, %d goroutines, %d descriptors, %d children, %d shared memories",
		float64(f.heap)/(1<<20), f.goroutines, f.descriptors, f.children, f.shared)
}
