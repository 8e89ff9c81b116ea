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

// runBigReaderLock guards all records with one lock per processor, as the percpu
// rw-semaphores of Linux do: a reader takes its processor's lock, and a writer
// takes all of them, in order. Go does not tell a goroutine its processor. But
// sync.Pool keeps a list for each processor, so Get mostly returns a lock that the
// same processor put back. Otherwise two processors share a lock, and reads are
// slower but not wrong.
//
// Cost: a read calls the pool's Get and Put and takes a lock whose cache line does
// not move. An update takes as many locks as there are processors.
// Progress: blocking. A waiting writer blocks new readers.
func runBigReaderLock(t *Trial) int {
	locks := make([]readerLock, t.Procs)
	var made atomic.Uint32
	pool := sync.Pool{New: func() any {
		// A garbage collection drops what was not used since the one before. Two
		// processors may then get the same lock, but there are never more locks than a
		// writer takes.
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
