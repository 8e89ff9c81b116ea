package peers

import (
	"math/bits"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/alitto/pond/v2"
	"github.com/bytedance/gopkg/util/gopool"
	"github.com/gammazero/workerpool"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc/pool"

	"boundaries/internal/fork"
	"boundaries/internal/suite"
	ours "boundaries/workerpool"
)

// pools are the peers of WorkerPool. A run makes the pool, submits every task from one
// goroutine, and waits for all of them, with the pool's own means where it has any.
var pools = []Job{
	poolsFor("empty", ours.Empty),
	poolsFor("1us", ours.Microsecond),
	poolsFor("io", ours.IO),
}

func poolsFor(name string, kind ours.Kind) Job {
	row := func(name string, run func(workers int, t *tasks)) suite.Row[int] {
		return suite.Row[int]{Name: name, Run: func(workers, n int) int {
			fork.Check("peers", workers, n)
			t := newTasks(kind, workers, n)
			run(workers, t)
			return t.ran()
		}}
	}
	return Job{
		Ours: suite.New("WorkerPool/task="+name, "sync", "", kind.Rows(), ours.Want, nil),
		Rows: []string{"global-mutex", "sharded-lock", "atomic", "lock-free", "channel", "errgroup", "goroutine"},
		Peers: suite.New("WorkerPool/task="+name, "peer", "", []suite.Row[int]{
			row("gopool", runGopool),
			row("pond", runPond),
			row("ants", runAnts),
			row("conc", runConc),
			row("gammazero", runGammazero),
			row("channel-of-batches", runBatches),
		}, ours.Want, nil),
	}
}

// compute is the task of WorkerPool/task=1us.
func compute() {
	x := uint64(1)
	for range 1000 {
		x = x*6364136223846793005 + 1442695040888963407
	}
	if x == 0 { // never true, but the compiler does not know
		panic("peers: the generator has no such state")
	}
}

// A tasks is what one run submits: the same task n times.
type tasks struct {
	n      int
	task   func() // counts its runs
	bare   func() // the task without counting its runs
	cells  []cell
	shift  int
	flying chan struct{} // of tasks that sleep, at most as many as workers; nil for others
}

func newTasks(kind ours.Kind, workers, n int) *tasks {
	t := &tasks{n: n, cells: make([]cell, 1<<bits.Len(uint(16*workers-1)))}
	t.shift = 64 - bits.TrailingZeros(uint(len(t.cells)))
	switch kind {
	case ours.Empty:
		t.task, t.bare = t.count, func() {}
	case ours.Microsecond:
		t.task, t.bare = func() { compute(); t.count() }, compute
	case ours.IO:
		t.flying = make(chan struct{}, workers)
		t.bare = func() {
			time.Sleep(time.Millisecond)
			<-t.flying
		}
		t.task = func() { // counts itself at its end, because wait waits for the counts
			time.Sleep(time.Millisecond)
			t.count()
			<-t.flying
		}
	}
	return t
}

// count counts a run, as cheaply as is possible for a task that does not know its worker:
// in a cell chosen by a hash of the address of the goroutine's stack.
func (t *tasks) count() {
	var here byte
	t.cells[uint64(uintptr(unsafe.Pointer(&here))>>11)*0x9E3779B97F4A7C15>>t.shift].Add(1)
}

// begin is called before each submission. If tasks sleep, it waits until fewer of them
// are in flight than there are workers.
func (t *tasks) begin() {
	if t.flying != nil {
		t.flying <- struct{}{}
	}
}

func (t *tasks) ran() int { return int(sum(t.cells)) }

// wait returns when all tasks have run. It is for pools that have no such function. Their
// users take a sync.WaitGroup, but that would add a write of a shared word to every task.
func (t *tasks) wait() {
	for try := 0; t.ran() < t.n; try++ {
		if try < 1000 {
			runtime.Gosched()
		} else {
			time.Sleep(20 * time.Microsecond)
		}
	}
}

func must(err error) {
	if err != nil {
		panic("peers: " + err.Error())
	}
}

// runGopool uses a pool of bytedance. Its queue has no bound: a submitter never waits.
// Its workers end when they find no task.
func runGopool(workers int, t *tasks) {
	p := gopool.NewPool("peers", int32(workers), gopool.NewConfig())
	for range t.n {
		t.begin()
		p.Go(t.task)
	}
	t.wait()
}

// runPond uses a pool of pond. Its queue has no bound.
func runPond(workers int, t *tasks) {
	p := pond.NewPool(workers)
	for range t.n {
		t.begin()
		must(p.Go(t.task))
	}
	p.StopAndWait()
}

// runAnts uses a pool of ants, with its workers allocated beforehand and without the purge
// of idle ones. It has no queue: a submitter waits for an idle worker.
func runAnts(workers int, t *tasks) {
	p, err := ants.NewPool(workers, ants.WithPreAlloc(true), ants.WithDisablePurge(true))
	must(err)
	for range t.n {
		t.begin()
		must(p.Submit(t.task))
	}
	t.wait()
	p.Release()
}

// runConc uses a pool of conc, which has had no release since 2023. It has no queue.
func runConc(workers int, t *tasks) {
	p := pool.New().WithMaxGoroutines(workers)
	for range t.n {
		t.begin()
		p.Go(t.task)
	}
	p.Wait()
}

// runGammazero uses a pool of gammazero. Its queue has no bound, and one more goroutine
// hands the tasks out.
func runGammazero(workers int, t *tasks) {
	p := workerpool.New(workers)
	for range t.n {
		t.begin()
		p.Submit(t.task)
	}
	p.StopWait()
}

// runBatches sends the tasks through a channel in batches of 64. A batch waits until it
// is full. Each worker counts its tasks itself. Tasks that sleep are sent singly, because
// with fewer than 64 in flight no batch would become full.
func runBatches(workers int, t *tasks) {
	size := 64
	if t.flying != nil {
		size = 1
	}
	queue := make(chan []func(), 1024/64)
	free := make(chan []func(), cap(queue)+workers+1) // batches to be used again
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			ran := 0
			for batch := range queue {
				for _, task := range batch {
					task()
					ran++
				}
				free <- batch[:0]
			}
			t.cells[worker].Add(int64(ran))
		})
	}
	for range cap(free) {
		free <- make([]func(), 0, size)
	}
	batch := <-free
	for range t.n {
		t.begin()
		if batch = append(batch, t.bare); len(batch) == size {
			queue <- batch
			batch = <-free
		}
	}
	queue <- batch
	close(queue)
	running.Wait()
}
