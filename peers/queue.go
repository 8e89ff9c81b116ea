package peers

import (
	"runtime"
	"sync/atomic"

	"github.com/Workiva/go-datastructures/queue"
	"github.com/bytedance/gopkg/collection/lscq"
	"github.com/puzpuzpuz/xsync/v4"

	"boundaries/internal/fork"
	"boundaries/internal/ring"
	"boundaries/internal/suite"
)

// queues pass numbers from producers to consumers, as many of each as there are procs. A
// step is one number. A queue holds 1024 numbers, unless its comment says otherwise. A
// producer or consumer that cannot go on yields its processor. The suite has no such
// workload; its row here is the queue of WorkerPool/sync=atomic.
//
// All rows call their queue through a function value, which makes each step two or three
// nanoseconds longer.
var queues = Job{
	Ours: suite.New("Queue", "sync", "", []suite.Row[passed]{{Name: "atomic", Run: func(workers, n int) passed {
		q := ring.New[uint64](0)
		return pass(workers, n, q.Put, q.Take)
	}}}, wantPassed, nil),
	Rows: []string{"atomic"},
	Peers: suite.New("Queue", "peer", "", []suite.Row[passed]{
		{Name: "channel", Run: func(workers, n int) passed {
			q := make(chan uint64, 1024)
			return pass(workers, n,
				func(v uint64) bool { q <- v; return true },
				func() (uint64, bool) { return <-q, true })
		}},
		{Name: "xsync", Run: func(workers, n int) passed {
			q := xsync.NewMPMCQueue[uint64](1024)
			return pass(workers, n, q.TryEnqueue, q.TryDequeue)
		}},
		// Without a bound.
		{Name: "lscq", Run: func(workers, n int) passed {
			q := lscq.NewUint64()
			return pass(workers, n, q.Enqueue, q.Dequeue)
		}},
		// It allocates when it converts a number to an interface.
		{Name: "workiva", Run: func(workers, n int) passed {
			q := queue.NewRingBuffer(1024)
			return pass(workers, n,
				func(v uint64) bool {
					must(q.Put(v))
					return true
				},
				func() (uint64, bool) {
					v, err := q.Get()
					must(err)
					return v.(uint64), true
				})
		}},
	}, wantPassed, nil),
}

// A passed is the result of a run: how many numbers arrived, and their sum.
type passed struct{ Count, Sum uint64 }

func wantPassed(_, n int) passed {
	return passed{uint64(n), uint64(n) * uint64(n-1) / 2}
}

// pass passes the numbers below n through a queue.
func pass(workers, n int, put func(uint64) bool, take func() (uint64, bool)) passed {
	fork.Check("peers", workers, n)
	var count, total atomic.Uint64
	fork.Run("peers", 2*workers, 0, func(i, _ int) {
		worker, share := i%workers, fork.Share(i%workers, workers, n)
		if i < workers {
			for j := range share {
				for !put(uint64(worker + j*workers)) {
					runtime.Gosched()
				}
			}
			return
		}
		sum := uint64(0)
		for range share {
			v, ok := take()
			for ; !ok; v, ok = take() {
				runtime.Gosched()
			}
			sum += v
		}
		count.Add(uint64(share))
		total.Add(sum)
	})
	return passed{count.Load(), total.Load()}
}
