package contention

import (
	"sync"
	"sync/atomic"

	"boundaries/internal/cacheline"
)

// A readerLock is one processor's part of a big-reader lock.
type readerLock struct {
	mu sync.RWMutex
	_  cacheline.Pad // no two locks on one line
}

// runBigReaderLock guards all records with a lock a processor, as the percpu
// rw-semaphores of Linux do: a reader takes that of its processor, a writer takes
// all of them, in order. Go does not tell a goroutine its processor. But sync.Pool
// keeps a list for each, so what Get returns is mostly what the same processor
// put back. Where it is not, two processors share a lock, and reads are slower
// but not wrong.
//
// Cost: a read takes a pool's Get and Put and a lock whose line stays where it is;
// an update takes as many locks as there are processors.
// Progress: blocking. A waiting writer holds new readers back.
func runBigReaderLock(t *Trial) int {
	locks := make([]readerLock, t.Procs)
	var made atomic.Uint32
	pool := sync.Pool{New: func() any {
		// The pool forgets at every garbage collection. A lock may be given to
		// two processors, but there are never more locks than a writer takes.
		return &locks[int(made.Add(1)-1)%len(locks)]
	}}
	records := make([]slot, t.Case.Records) // guarded by all of locks, or one of them to read
	t.Fork(func(w *Worker) {
		for w.Next() {
			if w.Update {
				for i := range locks {
					locks[i].mu.Lock()
				}
				w.Change(&records[w.Record].Record)
				for i := range locks {
					locks[i].mu.Unlock()
				}
			} else {
				lock := pool.Get().(*readerLock)
				lock.mu.RLock()
				w.See(&records[w.Record].Record)
				lock.mu.RUnlock()
				pool.Put(lock)
			}
			w.Done()
		}
	})
	return total(records...)
}
