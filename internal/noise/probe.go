package noise

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// probe runs the fixed computation on n threads at once and returns the time of the
// slowest. If pin is set and the system allows it, each thread has a processor of its own.
func probe(n int, pin bool) time.Duration {
	if n == 1 {
		return compute()
	}
	if runtime.GOMAXPROCS(0) < n { // of a process that measures others
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	}
	took := make([]time.Duration, n)
	var ready atomic.Int32
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if pin {
				defer pinned(i)()
			}
			// All begin together, so that each has a processor to itself. The wait
			// is bounded, because there may be fewer processors than threads.
			ready.Add(1)
			for range 1000 {
				if int(ready.Load()) >= n {
					break
				}
				runtime.Gosched()
			}
			took[i] = compute()
		})
	}
	wg.Wait()
	return slices.Max(took)
}

var sink atomic.Uint64

// compute is the fixed computation. It has three parts, and its time is three times
// the median part, so that an interrupt in one part does not look like a slow
// processor.
func compute() time.Duration {
	var parts [3]time.Duration
	x := uint64(1)
	for i := range parts {
		began := time.Now()
		for range 16_000 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		parts[i] = time.Since(began)
	}
	sink.Store(x)
	slices.Sort(parts[:])
	return 3 * parts[1]
}
